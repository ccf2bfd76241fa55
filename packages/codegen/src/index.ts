export { generateTypeScript } from "./generate-typescript.ts";
export type { TypeScriptOptions } from "./generate-typescript.ts";
export type { BindingOptions } from "./bindings.ts";
export { generatedMark } from "./dialect.ts";
export { planFiles } from "./plan-files.ts";
export type { FilePlan } from "./plan-files.ts";
export { generateRust } from "./generate-rust.ts";
export type { RustOptions } from "./rust/rust-bindings.ts";
