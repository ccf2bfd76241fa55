/** `lightcone/testing`: a module's tests, each on a database of its own, in the process of the test. */
export * from "@lightcone/testing";
