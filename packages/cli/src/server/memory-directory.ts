/**
 * The data of `--in-memory`: a directory where files cost no disk, gone with its server. One that a killed server left is
 * removed by the next that starts: memory that nobody can reach would stay taken until the machine ends.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { realClock } from "@lightcone/base";
import { lockDirectory } from "@lightcone/base/node";

const prefix = "lightcone-memory-";

/** Where files cost no disk, if the system has such a place. */
function above(): string {
  return process.platform === "linux" ? "/dev/shm" : tmpdir();
}

export function makeMemoryDirectory(): string {
  return mkdtempSync(join(above(), prefix));
}

export async function removeAbandoned(): Promise<void> {
  for (const name of readdirSync(above())) {
    const path = join(above(), name);
    // With keys it has been locked before, so whoever locks it now has outlived its server.
    if (!name.startsWith(prefix) || !existsSync(join(path, "id_ecdsa"))) continue;
    const lock = await lockDirectory(path, { clock: realClock, waitMs: 0 }).catch(() => undefined);
    if (lock === undefined) continue;
    try {
      rmSync(path, { recursive: true, force: true });
    } finally {
      await lock.release();
    }
  }
}
