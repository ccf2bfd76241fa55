/** `lightcone/live`: live queries, shared by what shows them, for adapters of any framework. */
export * from "@lightcone/live";
