/**
 * What the system says of a file, as a failure that names the file and what to do. The other errors of the system, and
 * all that is no error of a file, are given back as they are.
 */
import { isLightconeError, LightconeError } from "./lightcone-error.ts";

/** What cannot be what was written there. */
const misplaced: Readonly<Record<string, string>> = {
  EISDIR: "a directory stands where a file was",
  ENOTDIR: "a file stands where a directory was",
  ELOOP: "a symbolic link in a circle stands there",
  ESPIPE: "no ordinary file stands there",
  ENXIO: "no ordinary file stands there",
  ENOENT: "it is missing, or a symbolic link that leads nowhere",
};

/** What may be all right and cannot be got at. */
const unusable: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "the operation is not permitted",
  EROFS: "the file system can only be read",
  EIO: "the disk failed",
};

export function fileFailure(error: unknown): unknown {
  if (!(error instanceof Error) || isLightconeError(error)) return error;
  const { code = "", path, syscall = "" } = error as NodeJS.ErrnoException;
  // A process that does not start has a path as well.
  if (path === undefined || syscall.startsWith("spawn")) return error;
  const options = { cause: error };
  if (code === "ENOSPC" || code === "EDQUOT") return new LightconeError("DiskFull", { path }, options);
  const [damage, refusal] = [misplaced[code], unusable[code]];
  if (damage !== undefined) return new LightconeError("Corrupt", { file: path, reason: damage }, options);
  if (refusal === undefined) return error;
  return new LightconeError("FileUnusable", { file: path, reason: refusal }, options);
}
