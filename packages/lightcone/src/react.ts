/** `lightcone/react`: hooks for React. */
export * from "@lightcone/react";
