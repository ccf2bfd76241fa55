import { LightconeError } from "@lightcone/base";

/** The error for a program that cannot run here, with the reason and, where there is one, the fix. */
export function invalid(reason: string, cause?: unknown): LightconeError<"ModuleInvalid"> {
  return new LightconeError("ModuleInvalid", { reason }, cause === undefined ? undefined : { cause });
}
