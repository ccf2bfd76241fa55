/** Data whose hashes are right and whose content makes no sense to this release. */
import { isLightconeError, LightconeError } from "@lightcone/base";

/** The error to throw for what was met at byte `at` of a file of the database: what does not decode there is damage. */
export function unreadable(error: unknown, file: string, at: number): unknown {
  if (!isLightconeError(error, "Malformed") && !isLightconeError(error, "TooDeep")) return error;
  return new LightconeError("Corrupt", { file, at, reason: error.message }, { cause: error });
}
