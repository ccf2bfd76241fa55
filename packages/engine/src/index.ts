/** The in-memory store: rows, indexes, transactions and commits. Start reading at `api.ts`. */
export type * from "./api.ts";
export * from "./commit.ts";
