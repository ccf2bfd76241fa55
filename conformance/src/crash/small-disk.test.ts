// Goal: a small disk is full when little of it is left and not before, goes on soon after room was made, and loses
// nothing; a database with little in it takes little.
// Method: a real server whose data is on a small disk (a `tmpfs`), filled by rows of every length and by a file beside
// them; every answer is timed, and rows are looked at.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync, statfsSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleModule } from "../../../packages/cli/src/build/bundle.ts";
import { defaultDatabaseLimits } from "@lightcone/database";
import { Served } from "../served.ts";

const mebibyte = 1024 ** 2;
const disk = mkdtempSync(join(tmpdir(), "lightcone-disk-"));
const mount = (mebibytes: number): boolean =>
  spawnSync("mount", ["-t", "tmpfs", "-o", `size=${mebibytes}m`, "tmpfs", disk]).status === 0;
const canMount = mount(1) && spawnSync("umount", [disk]).status === 0;
afterAll(() => rmSync(disk, { recursive: true }));

/** "At once", and "within a second", on a machine that is busy with other things. What waits for room waits 5 s (`diskGraceMs`). */
const atOnceMsMax = 4000;
const againMsMax = 8000;

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
    mount(48);
    served = await Served.open({ under: disk });
    await served.publishTypeScript("ledger", "ledger");
  });
  afterAll(async () => {
    await served.stop();
    spawnSync("umount", [disk]);
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
    for (let number = 0; number < 15; number += 1) expect(await record(number)).toBe(200);
    expect(takenBy(join(served.dataDirectory, "databases"))).toBeLessThan(0.75 * mebibyte);
    // Stopped, it has a snapshot as well.
    await served.stopFront();
    expect(takenBy(join(served.dataDirectory, "databases"))).toBeLessThan(mebibyte);
    await served.start();
  });

  test(
    "with 12 MB free writes go on; full, reads go on; soon after 8 MB were freed, writes do",
    { timeout: 300_000 },
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
      for (let tries = 0; tries < 200 && status !== 200; tries += 1) {
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

interface Case {
  /** In MiB: of the whole disk, and of what the database gets of it. */
  readonly disk: number;
  readonly free: number;
  readonly rowBytes: number;
  /** Calls that are sent at once. */
  readonly together: number;
}

describe.skipIf(!canMount)("row 30: a full disk, whatever its size and the rows'", () => {
  test.each<Case>([
    { disk: 40, free: 40, rowBytes: 4_000_000, together: 1 },
    { disk: 40, free: 14, rowBytes: 4_000_000, together: 1 },
    { disk: 96, free: 96, rowBytes: 4_000_000, together: 1 },
    { disk: 96, free: 96, rowBytes: 4_000_000, together: 6 },
    { disk: 24, free: 24, rowBytes: 1_000_000, together: 1 },
    { disk: 40, free: 40, rowBytes: 1_000_000, together: 8 },
    { disk: 64, free: 64, rowBytes: 600_000, together: 1 },
    { disk: 24, free: 24, rowBytes: 200_000, together: 1 },
    { disk: 24, free: 12, rowBytes: 10_000, together: 1 },
    { disk: 24, free: 10, rowBytes: 100, together: 1 },
    { disk: 24, free: 14, rowBytes: 10_000, together: 50 },
  ])(
    "refuses at once, reads, and goes on within a second: $disk MiB, $free of them free, $together rows of $rowBytes bytes",
    { timeout: 300_000 },
    async ({ disk: mebibytes, free, rowBytes, together }) => {
      expect(mount(mebibytes)).toBe(true);
      const served = await Served.open({ under: disk });
      try {
        const entry = fileURLToPath(new URL("./modules/chest.ts", import.meta.url));
        await served.publish("chest", (await bundleModule(entry)).code, "Js");
        const ballast = join(disk, "ballast");
        writeFileSync(ballast, new Uint8Array(Math.max(0, freeBytes() - free * mebibyte)));
        const stored = new Set<number>();
        let number = 0;

        /** What a call is answered, and after how long. */
        const timed = async (reducer: string, args: string): Promise<[status: number, ms: number]> => {
          const from = performance.now();
          const headers = { authorization: `Bearer ${served.token}`, "content-type": "application/json" };
          const url = `${served.url}/v1/database/chest/call/${reducer}`;
          // One that hangs fails the test at once, and with its number.
          const signal = AbortSignal.timeout(20_000);
          const { status } = await fetch(url, { method: "POST", headers, body: args, signal });
          return [status, performance.now() - from];
        };
        const put = async (): Promise<[status: number, ms: number]> => {
          const id = ++number;
          const answer = await timed("put", `[${id}, ${rowBytes}]`);
          if (answer[0] === 200) stored.add(id);
          return answer;
        };
        const expectRows = async (): Promise<void> => {
          const rows = await served.sql("chest", "SELECT id FROM thing");
          expect(new Set(rows.map(([id]) => Number(id)))).toEqual(stored);
        };

        let [status, ms] = [200, 0];
        while (status === 200) {
          const answers = await Promise.all(Array.from({ length: together }, put));
          [status, ms] = answers.find((answer) => answer[0] !== 200) ?? [200, 0];
        }
        expect([status, ms < atOnceMsMax]).toEqual([507, true]);
        // What it has not taken is what it leaves free, and no more than a row and what segments round up.
        const left = freeBytes() - defaultDatabaseLimits.diskReserveBytes;
        expect(left).toBeLessThan((1 + together) * rowBytes + 2 * mebibyte);
        expect(stored.size).toBeGreaterThan(0);
        await expectRows();

        // Others are refused as quickly or taken, in any order; nothing waits for room.
        for (let round = 0; round < 3; round += 1) {
          expect((await put())[1]).toBeLessThan(atOnceMsMax);
          const [first = 0] = stored;
          const [dropped, droppedMs] = await timed("drop", `[${first}]`);
          expect([200, 507]).toContain(dropped);
          expect(droppedMs).toBeLessThan(atOnceMsMax);
          if (dropped === 200) stored.delete(first);
          await expectRows();
        }
        const logs = await served.request("GET", "/v1/database/chest/logs?num_lines=1000");
        expect(await logs.text()).toMatch(/no room.*Free space/);

        // An operator makes room: of the ballast, or by a bigger disk where there is none.
        if (statSync(ballast).size > 12 * mebibyte) truncateSync(ballast, statSync(ballast).size - 12 * mebibyte);
        else expect(spawnSync("mount", ["-o", `remount,size=${mebibytes + 12}m`, disk]).status).toBe(0);
        const freedAt = performance.now();
        while (status !== 200 && performance.now() - freedAt < 10_000) {
          await new Promise((resolve) => setTimeout(resolve, 50));
          [status] = await put();
        }
        expect([status, performance.now() - freedAt < againMsMax]).toEqual([200, true]);
        const [last = 0] = [...stored].slice(-1);
        expect((await timed("drop", `[${last}]`))[0]).toBe(200);
        stored.delete(last);
        await expectRows();
        await served.killFront();
        await served.start();
        await expectRows();
      } finally {
        await served.stop();
        spawnSync("umount", [disk]);
      }
    },
  );
});
