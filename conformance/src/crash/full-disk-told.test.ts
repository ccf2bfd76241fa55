// Goal: the operator reads in the server's log which database's disk is full, once, and once that it has room again;
// whatever is asked of a full disk is refused with `DiskFull`, and a client is told nothing of the machine.
// Method: a real server whose data is on a small disk (a `tmpfs`) filled by another file, or by as many as it can have.
import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { Served } from "../served.ts";

const disk = mkdtempSync(join(tmpdir(), "lightcone-told-"));
const mount = (options: string): boolean =>
  spawnSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", disk]).status === 0;
const canMount = mount("size=1m") && spawnSync("umount", [disk]).status === 0;
afterAll(() => rmSync(disk, { recursive: true }));

/** Uses up what a disk of bytes has, or one of few files. */
const shortages = {
  bytes: {
    options: "size=48m",
    use: (): void => {
      const ballast = openSync(join(disk, "ballast"), "a");
      const bytes = new Uint8Array(65_536);
      try {
        for (;;) writeSync(ballast, bytes);
      } catch {
        closeSync(ballast);
      }
    },
    free: (): void => rmSync(join(disk, "ballast")),
  },
  files: {
    options: "size=256m,nr_inodes=300",
    use: (): void => {
      mkdirSync(join(disk, "many"));
      try {
        for (let number = 0; ; number += 1) writeFileSync(join(disk, "many", String(number)), "");
      } catch {
        // As many as there can be.
      }
    },
    free: (): void => rmSync(join(disk, "many"), { recursive: true }),
  },
} as const;

describe.skipIf(!canMount).each(["bytes", "files"] as const)("row 30: a disk without %s left", (kind) => {
  let served: Served;
  beforeEach(async () => {
    expect(mount(shortages[kind].options)).toBe(true);
    served = await Served.open({ under: disk, logLevel: "info" });
    await served.publishTypeScript("ledger", "ledger");
  });
  afterEach(async () => {
    await served.stop();
    spawnSync("umount", [disk]);
  });

  async function expectFull(response: Response): Promise<void> {
    const told = await response.text();
    expect([response.status, response.headers.get("lightcone-error")]).toEqual([507, "DiskFull"]);
    expect(response.headers.get("lightcone-hint")).toMatch(/Free space/);
    expect(told).not.toContain(disk);
  }

  const said = (pattern: RegExp): readonly object[] =>
    served.log.map((line) => JSON.parse(line)).filter(({ msg }) => pattern.test(msg));

  test("is told of, once, and so is its room; every refusal has its code", async () => {
    const stored: number[] = [];
    const record = async (number: number): Promise<Response> => {
      const response = await served.call("ledger", "record", `[1, ${number}]`);
      if (response.status === 200) stored.push(number);
      return response;
    };
    shortages[kind].use();
    const program = "export default 1";
    const publish = (name: string): Promise<Response> =>
      served.request("PUT", `/v1/database/${name}?host_type=Js`, program);
    await expectFull(await publish("stranger"));
    await expectFull(await publish("stranger"));
    let number = 0;
    let last = await record(number);
    while (last.status === 200) last = await record((number += 1));
    await expectFull(last);
    const ledger = /^no room to write ahead in .*\/log; writes are refused, reads go on\. Free space/;
    await expect.poll(() => said(ledger)).toMatchObject([{ level: "warn", database: expect.any(String) }]);
    // What strangers ask of it is told as well, and not each time.
    expect(said(/^no room to write ahead/).filter((line) => !("database" in line)).length).toBeLessThanOrEqual(2);
    expect(said(/request failed|did not start/)).toEqual([]);
    expect((await served.sql("ledger", "SELECT number FROM entry")).length).toBe(stored.length);

    shortages[kind].free();
    const again = /^the disk has room again: writes go on/;
    await expect.poll(() => said(again)).toMatchObject([{ level: "info", database: expect.any(String) }]);
    await expect.poll(async () => (await record((number += 1))).status).toBe(200);
    await served.publishTypeScript("other", "ledger");
    expect((await served.call("other", "record", "[1, 1]")).status).toBe(200);
    await served.killFront();
    await served.start();
    const rows = await served.sql("ledger", "SELECT number FROM entry");
    expect(rows.map(([each]) => Number(each)).toSorted((a, b) => a - b)).toEqual(stored);
    expect(await served.sql("other", "SELECT number FROM entry")).toEqual([[1]]);
  });
});
