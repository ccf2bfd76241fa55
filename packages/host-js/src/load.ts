/**
 * The way in: a bundle's text becomes a program, a program opens instances. Bundles of `lightcone/module` are scripts, those of
 * the official package are ES modules.
 */
import type { HostPort, ModuleInstance, ModuleLimits, ModuleProgram } from "@lightcone/host";
import { BundleSource } from "./bundle-source.ts";
import { JsInstance } from "./instance.ts";
import type { SandboxKind } from "./sandbox.ts";
import { debuggersMap, splitSourceMap, wrapScript } from "./script-text.ts";
import { openSesSandbox } from "./ses-sandbox.ts";
import { StackMapper } from "./stack-trace.ts";
import { mayBeEsModule } from "./sys/es-module.ts";
import { SysInstance } from "./sys/instance.ts";
import type { ThreadLimits } from "./sys/procedure-thread.ts";
import { readSysProgram } from "./sys/program.ts";
import { ThreadPool } from "./sys/thread-pool.ts";
import { openVmSandbox } from "./vm-sandbox.ts";

export interface JsModuleOptions {
  /** `ses` (the default) locks down the whole process at the first `open`; tests in a process of others use `vm`. */
  readonly sandbox?: SandboxKind | undefined;
}

/** Makes a program of a bundle's text, in a place of its choice. */
export type LoadJs = (bundle: string, limits: ModuleLimits) => ModuleProgram;

/**
 * Makes a program of a bundle's text, as `lightcone publish` sends it. Nothing of it runs before `open`.
 *
 * Time is the caller's to limit: arm it around `open` and every call. Memory is the process's.
 */
export function loadJsModule(bundle: string, limits?: ModuleLimits, options: JsModuleOptions = {}): ModuleProgram {
  const { code, map } = splitSourceMap(bundle);
  const stacks = new StackMapper(map);
  const openSandbox = options.sandbox === "vm" ? openVmSandbox : openSesSandbox;
  const sys = mayBeEsModule(code) ? readSysProgram(code) : undefined;
  if (sys !== undefined) {
    const program = { sys, map, sandbox: options.sandbox ?? "ses" };
    const bounds = threadLimits(limits);
    const threads = new ThreadPool(program, bounds);
    const site = { program, stacks, openSandbox, limits: bounds, threads };
    let description: Uint8Array | undefined;
    return {
      open(port: HostPort): ModuleInstance {
        const instance = new SysInstance(site, port, description);
        description = instance.description;
        return instance;
      },
      rest: () => threads.rest(),
    };
  }
  const isDebugged = map !== undefined && process.env["LIGHTCONE_INSPECT"] === "1";
  const script = wrapScript(code) + (isDebugged ? debuggersMap(map) : "");
  return {
    open: (port: HostPort): ModuleInstance => new JsInstance(new BundleSource(script, openSandbox(), stacks), port),
  };
}

const pageBytes = 65_536;

function threadLimits(limits: ModuleLimits | undefined): ThreadLimits {
  return {
    threadsMax: limits?.procedureThreadsMax ?? 8,
    stepMs: limits?.callMsMax ?? 10_000,
    memoryBytesMax: (limits?.memoryPagesMax ?? 4096) * pageBytes,
  };
}
