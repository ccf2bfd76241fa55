import type { HostPort, ModuleInstance, ModuleLimits, ModuleProgram } from "@lightcone/host";
import { readHistory } from "@lightcone/schema";
import { checkBinary } from "./check.ts";
import { wasm } from "./engine.ts";
import type { HostCallWatcher } from "./host-imports.ts";
import { WasmInstance } from "./instance.ts";
import { invalid } from "./invalid.ts";
import { readWasmBinary, withMemoryMax } from "./wasm-binary.ts";

/**
 * Checks and compiles a WebAssembly module. Keep the program and open instances of it as needed.
 *
 * Compiling runs none of the module's code; `open` does, so call it where a time-out can end it.
 *
 * @param watch hears of every host call, for tests and diagnosis
 * @throws {LightconeError} `ModuleInvalid` with what is wrong and how to mend it
 */
export function loadWasmModule(bytes: Uint8Array, limits: ModuleLimits, watch?: HostCallWatcher): ModuleProgram {
  const binary = readWasmBinary(bytes);
  checkBinary(binary, limits);
  const module = compile(withMemoryMax(bytes, binary, limits.memoryPagesMax));
  const [...sections] = wasm.Module.customSections(module, historySection);
  const decoder = new TextDecoder();
  const history =
    sections.length === 0 ? undefined : readHistory(sections.map((each) => decoder.decode(each)).join("\n"));
  return { open: (port: HostPort): ModuleInstance => new WasmInstance(module, port, watch, history) };
}

/** Where a module says what its tables and columns were called: see `readHistory`. */
const historySection = "lightcone";

function compile(bytes: Uint8Array<ArrayBuffer>): object {
  try {
    return new wasm.Module(bytes);
  } catch (error) {
    if (error instanceof wasm.CompileError) throw invalid(`it does not compile: ${error.message}`, error);
    throw error;
  }
}
