/** `lightcone/module`: what authors of TypeScript modules import. */
export * from "@lightcone/module";
