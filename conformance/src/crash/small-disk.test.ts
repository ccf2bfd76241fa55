// Goal: a small disk is full when little of it is left and not before, goes on soon after room was made, and loses
// nothing; a database with little in it takes little.
// Method: a real server whose data is on a disk of 48 MiB (a `tmpfs`), filled by a file beside it; rows are looked at.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync, statfsSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defaultDatabaseLimits } from "@lightcone/database";
import { Served } from "../served.ts";

const mebibyte = 1024 ** 2;
const disk = mkdtempSync(join(tmpdir(), "lightcone-disk-"));
const canMount = spawnSync("mount", ["-t", "tmpfs", "-o", "size=48m", "tmpfs", disk]).status === 0;

/** Bytes that the files under a directory take of the disk. */
function takenBy(directory: string): number {
  let byteCount = 0;
  for (const path of readdirSync(directory, { recursive: true, encoding: "utf8" }))
    byteCount += statSync(join(directory, path)).blocks * 512;
  return byteCount;
}

function freeBytes(): number {
  const { bavail, bsize } = statfsSync(disk);
  return bavail * bsize;
}

describe.skipIf(!canMount)("row 30: a small disk (`mount -t tmpfs`)", () => {
  let served: Served;
  const ballast = join(disk, "ballast");
  const stored: number[] = [];
  beforeAll(async () => {
    served = await Served.open({ under: disk });
    await served.publishTypeScript("ledger", "ledger");
  });
  afterAll(async () => {
    await served.stop();
    spawnSync("umount", [disk]);
    rmSync(disk, { recursive: true });
  });

  async function record(number: number): Promise<number> {
    const { status } = await served.call("ledger", "record", `[1, ${number}]`);
    if (status === 200) stored.push(number);
    return status;
  }

  async function expectRows(): Promise<void> {
    const rows = await served.sql("ledger", "SELECT number FROM entry");
    expect(rows.map(([number]) => Number(number)).toSorted((a, b) => a - b)).toEqual(stored);
  }

  test("row 17: a database with little in it takes well under a megabyte", async () => {
    for (let number = 0; number < 20; number += 1) expect(await record(number)).toBe(200);
    expect(takenBy(join(served.dataDirectory, "databases"))).toBeLessThan(0.75 * mebibyte);
    // Stopped, it has a snapshot as well.
    await served.stopFront();
    expect(takenBy(join(served.dataDirectory, "databases"))).toBeLessThan(mebibyte);
    await served.start();
  });

  test(
    "with 12 MB free writes go on; full, reads go on; soon after 8 MB were freed, writes do",
    { timeout: 120_000 },
    async () => {
      writeFileSync(ballast, new Uint8Array(freeBytes() - 12 * mebibyte));
      const before = stored.length;
      let number = 1000;
      let status = 200;
      while (status === 200) {
        status = await record(number);
        number += 1;
      }
      expect(status).toBe(507);
      // A call over HTTP takes three blocks of the log: 8 MiB above what is left free are some 680.
      expect(stored.length - before).toBeGreaterThan(600);
      expect(freeBytes()).toBeGreaterThan(defaultDatabaseLimits.diskReserveBytes - mebibyte / 4);
      await expectRows();
      truncateSync(ballast, statSync(ballast).size - 8 * mebibyte);
      for (let tries = 0; tries < 60 && status !== 200; tries += 1) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        status = await record(number);
        number += 1;
      }
      expect(status).toBe(200);
      await expectRows();
      await served.killFront();
      await served.start();
      await expectRows();
    },
  );
});
