import { abiMajor, type HostFunctionName, hostFunctions } from "./abi.ts";
import { byteFunctions } from "./byte-functions.ts";
import { consoleFunctions } from "./console-functions.ts";
import { dataFunctions } from "./data-functions.ts";
import type { Guest } from "./guest.ts";
import { procedureFunctions } from "./procedure-functions.ts";

// Parameters differ from function to function; the engine calls each by the type that the ABI's table fixes.
export type HostClosure = (...args: never[]) => unknown;

/** The host's functions for one guest, under their namespaces. */
export function hostImports(guest: Guest): Readonly<Record<string, Readonly<Record<string, HostClosure>>>> {
  const closures: Readonly<Record<HostFunctionName, HostClosure>> = {
    ...dataFunctions(guest),
    ...byteFunctions(guest),
    ...consoleFunctions(guest),
    ...procedureFunctions(guest),
  };
  const imports: Record<string, Record<string, HostClosure>> = {};
  for (const [name, { minor }] of Object.entries(hostFunctions)) {
    const namespace = `spacetime_${abiMajor}.${minor}`;
    imports[namespace] ??= {};
    imports[namespace][name] = closures[name as HostFunctionName]; // `entries` widens the keys
  }
  return imports;
}
