export * from "./module-def.ts";
