export { loadJsModule } from "./load.ts";
export type { JsModuleOptions, LoadJs } from "./load.ts";
export { guestGlobals } from "./loaded/guest-globals.ts";
export { LoadedModule, type LoadedProgram, type ModulePackage } from "./loaded/loaded-module.ts";
export { fullName, partOf, withAllBelow, type Part } from "./parts.ts";
export type { FunctionShape, ModuleShape } from "./shapes.ts";
export type { SandboxKind } from "./sandbox.ts";
export { prepareSandbox } from "./ses-sandbox.ts";
