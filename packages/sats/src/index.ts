export * from "./algebraic-type.ts";
