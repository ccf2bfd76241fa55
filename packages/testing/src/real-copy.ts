/** A copy of a database's log and snapshots, for as long as they are looked at. */
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export function copyLog(directory: string): string {
  const copy = mkdtempSync(join(tmpdir(), "lightcone-replay-"));
  for (const part of ["log", "snapshots"])
    if (existsSync(join(directory, part))) cpSync(join(directory, part), join(copy, part), { recursive: true });
  return copy;
}

export function removeCopy(copy: string): void {
  rmSync(copy, { recursive: true, force: true });
}
