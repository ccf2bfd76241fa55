export { execute, variableValue, writes, type Stats } from "./execute.ts";
export { EpochScan, isSliced } from "./epoch-scan.ts";
export { checkRowLimit, visitedRows } from "./estimate.ts";
export { evaluate, type EmitRows } from "./evaluate.ts";
export { LiveQueries, type DeltaCallback, type LiveOptions } from "./live-queries.ts";
export type { LiveQuery } from "./live-query.ts";
export type { LiveCounters } from "./live-template.ts";
export { prepare, type Prepared } from "./prepared.ts";
export { count, select, type EmitBytes } from "./select.ts";
