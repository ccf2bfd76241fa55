/** What is whole by its hashes, and yet nothing that this release can make sense of. */
import { isLightconeError, LightconeError } from "@lightcone/base";

/** The error to throw for what was met at byte `at` of a file of the database: what does not decode there is damage. */
export function unreadable(error: unknown, file: string, at: number): unknown {
  if (!isLightconeError(error, "Malformed") && !isLightconeError(error, "TooDeep")) return error;
  return new LightconeError("Corrupt", { file, at, reason: error.message }, { cause: error });
}
