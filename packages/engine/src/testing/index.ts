/** What tests and benches of other packages need besides the engine itself. */
export * from "../index.ts";
export * from "./defs.ts";
