import { abiMajor, type HostFunctionName, hostFunctions } from "./abi.ts";
import { byteFunctions } from "./byte-functions.ts";
import { consoleFunctions } from "./console-functions.ts";
import { dataFunctions } from "./data-functions.ts";
import { wasm } from "./engine.ts";
import type { Guest } from "./guest.ts";
import { procedureFunctions, waitingFunctions } from "./procedure-functions.ts";

// Parameters differ from function to function; the engine calls each by the type that the ABI's table fixes.
export type HostClosure = (...args: never[]) => unknown;

/**
 * Hears of each host call before it runs, may read the guest's memory, and may hear of the result after.
 * For tests and for finding out what a module does; costs nothing when there is none.
 */
export type HostCallWatcher = (
  name: HostFunctionName,
  args: readonly (number | bigint)[],
  read: (at: number, length: number) => Uint8Array,
) => ((result: unknown) => void) | undefined;

/** The host's functions for one guest, under their namespaces. */
export function hostImports(
  guest: Guest,
  watch: HostCallWatcher | undefined,
): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
  const closures: Readonly<Record<HostFunctionName, HostClosure>> = {
    ...dataFunctions(guest),
    ...byteFunctions(guest),
    ...consoleFunctions(guest),
    ...procedureFunctions(guest),
  };
  const imports: Record<string, Record<string, unknown>> = {};
  for (const [name, { minor }] of Object.entries(hostFunctions)) {
    const namespace = `spacetime_${abiMajor}.${minor}`;
    imports[namespace] ??= {};
    const known = name as HostFunctionName; // `entries` widens the keys
    const closure = watch === undefined ? closures[known] : watched(known, closures[known], guest, watch);
    imports[namespace][known] = waitingFunctions.has(known) ? new wasm.Suspending(closure) : closure;
  }
  return imports;
}

function watched(name: HostFunctionName, closure: HostClosure, guest: Guest, watch: HostCallWatcher): HostClosure {
  return (...args: (number | bigint)[]) => {
    guest.memory.sync();
    const tell = watch(name, args, (at, length) => guest.memory.copy(at >>> 0, length >>> 0));
    const result = closure(...(args as never[])); // see `HostClosure`
    tell?.(result);
    return result;
  };
}
