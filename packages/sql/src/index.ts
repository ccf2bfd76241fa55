export type { Caller, Catalog } from "./catalog.ts";
export * from "./compile.ts";
export * from "./describe.ts";
export * from "./plan.ts";
export type { RefusalCategory } from "./refuse.ts";
export * from "./node.ts";
export { ruleTermsMax, restrict, type Rule } from "./rules.ts";
