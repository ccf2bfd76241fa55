// Goal: row 21: a growing file on a full disk has whole sources and nothing of the one that found no room.
// Method: a disk of 16 KiB (a `tmpfs`), which takes a part of what is too much for it.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { realFileSystem } from "./real-file-system.ts";

const disk = mkdtempSync(join(tmpdir(), "lightcone-growing-"));
const canMount = spawnSync("mount", ["-t", "tmpfs", "-o", "size=16k", "tmpfs", disk]).status === 0;
afterAll(() => {
  if (canMount) spawnSync("umount", [disk]);
  rmSync(disk, { recursive: true });
});

describe.skipIf(!canMount)("row 21: a full disk (`mount -t tmpfs`)", () => {
  test("takes sources as a whole or not at all", async () => {
    const path = join(disk, "lines");
    const file = realFileSystem.openGrowing(path);
    file.addNow(new Uint8Array(3000).fill(1));
    expect(() => file.addNow(new Uint8Array(20_000).fill(2))).toThrow(expect.objectContaining({ code: "ENOSPC" }));
    expect(readFileSync(path)).toEqual(Buffer.alloc(3000, 1));
    const added = await file.add(Array.from({ length: 20 }, () => new Uint8Array(1000).fill(3)));
    expect(added).toBe(13);
    expect(readFileSync(path)).toEqual(Buffer.concat([Buffer.alloc(3000, 1), Buffer.alloc(13_000, 3)]));
    // What is smaller has room still, behind what is there.
    file.addNow(new Uint8Array(300).fill(4));
    expect(readFileSync(path).subarray(16_000)).toEqual(Buffer.alloc(300, 4));
    await file.close();
  });
});
