export type { HostCallWatcher } from "./host-imports.ts";
export { loadWasmModule } from "./load.ts";
