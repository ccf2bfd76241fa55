export * from "./assert.ts";
export * from "./cut-text.ts";
export * from "./errors.ts";
export { isDamage, isLightconeError, LightconeError, toldText } from "./lightcone-error.ts";
export * from "./ids.ts";
export * from "./runtime.ts";
export * from "./real-code-dump.ts";
export * from "./real-runtime.ts";
export * from "./whole-file.ts";
