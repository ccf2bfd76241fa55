export { loadJsModule } from "./load.ts";
export type { JsModuleOptions } from "./load.ts";
export type { SandboxKind } from "./sandbox.ts";
export { prepareSandbox } from "./ses-sandbox.ts";
