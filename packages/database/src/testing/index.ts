/** For suites of the parts of a database. */
export * from "./test-module.ts";
export * from "./test-parts.ts";
