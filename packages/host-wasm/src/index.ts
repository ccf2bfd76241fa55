export { loadWasmModule } from "./load.ts";
