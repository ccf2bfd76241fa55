export { createHooks } from "./hooks.ts";
export type { CallState, Hooks, LiveRow } from "./hooks.ts";
export { dehydrate, hydrate, preload } from "@lightcone/live";
export type { LiveConnection, LiveOptions, LiveRows, Source } from "@lightcone/live";
