export { ConnectionWatch } from "./connection.ts";
export type { LiveConnection } from "./connection.ts";
export { dehydrate, hydrate } from "./hand-over.ts";
export { LiveQueries, liveQueries, preload } from "./live-queries.ts";
export type { AnyClient, LiveOptions } from "./live-queries.ts";
export type { LiveQuery } from "./live-query.ts";
export { noRows } from "./source.ts";
export type { LiveRows, Source } from "./source.ts";
