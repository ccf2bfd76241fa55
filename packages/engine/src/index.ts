/** The in-memory store: rows, indexes, transactions and commits. Start reading at `api.ts`. */
export type * from "./api.ts";
export type * from "./api-tables.ts";
export type { RowView, RowScan, ScanBound } from "@lightcone/schema";
export { derivedRefMin } from "./storage/memory.ts";
export { RefList } from "./table/ref-list.ts";
export { checkStore } from "./check-store.ts";
export * from "./commit.ts";
export { timestampOf } from "./log/commit-record.ts";
export { rowsOfRecord, type RecordRows } from "./log/record-rows.ts";
export { openStore, restoreStore } from "./open-store.ts";
export type { RestoreOptions } from "./open-store.ts";
export { defaultBytesMax, defaultScanRowsMax } from "./store.ts";
// What the evaluators of `query` generate their own code with.
export {
  equalBytes,
  makeFixedKey,
  makeHashSeed,
  makeKeyHash,
  type FixedKey,
  type HashSeed,
  type KeyHash,
} from "./indexes/key-code.ts";
export { locateParts, type Helpers, type Part, type Shape } from "./indexes/key-shape.ts";
