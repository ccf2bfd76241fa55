/** `lightcone/client`: a live, typed copy of a database's rows, for pages and Node. */
export * from "@lightcone/client";
