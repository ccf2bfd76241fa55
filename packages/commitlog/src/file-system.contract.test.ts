// Goal: the file systems of tests behave as the machine's, so that what is tested on them holds on it.
// Method: one suite of what the packages rely on, run on each.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { afterAll, describe, expect, test } from "vitest";
import type { FileHandle, FileSystem } from "@lightcone/base";
import { readWholeFile, replaceWholeFile } from "@lightcone/base";
import { realFileSystem } from "@lightcone/base/node";
import { faultyFileSystem, memoryFileSystem } from "./testing/index.ts";

const made: string[] = [];
afterAll(async () => {
  for (const path of made) await rm(path, { recursive: true });
});

const systems: readonly { name: string; make: () => Promise<{ fileSystem: FileSystem; root: string }> }[] = [
  { name: "memory", make: async () => ({ fileSystem: memoryFileSystem(), root: "/root" }) },
  { name: "faulty, without a fault", make: async () => ({ fileSystem: faultyFileSystem(1), root: "/root" }) },
  {
    name: "machine",
    make: async () => {
      const path = await mkdtemp(`${tmpdir()}/lightcone-files-`);
      made.push(path);
      return { fileSystem: realFileSystem, root: `${path}/root` };
    },
  },
];

async function contentOf(handle: FileHandle): Promise<number[]> {
  const bytes = new Uint8Array(await handle.size());
  const count = await handle.read(bytes, 0, bytes.length, 0);
  return [...bytes.subarray(0, count)];
}

describe.each(systems)("$name", ({ make }) => {
  test("writes land where they are told, gaps read as zeros", async () => {
    const { fileSystem, root } = await make();
    for (const path of [root, `${root}/a`, `${root}/a/b`, `${root}/a/b`]) await fileSystem.makeDirectory(path);
    const handle = await fileSystem.open(`${root}/a/b/file`, "create-new");
    await handle.write(Uint8Array.of(1, 2, 3), 2);
    await handle.writeMany([Uint8Array.of(7), new Uint8Array(0), Uint8Array.of(8, 9)], 4);
    await handle.writeMany([], 0);
    await handle.datasync();
    expect(await contentOf(handle)).toEqual([0, 0, 1, 2, 7, 8, 9]);
    const some = new Uint8Array(4);
    expect([await handle.read(some, 1, 2, 5), await handle.read(some, 0, 4, 7), [...some]]).toEqual([
      2,
      0,
      [0, 8, 9, 0],
    ]);
    await handle.truncate(3);
    await handle.write(Uint8Array.of(5), 4);
    expect(await contentOf(handle)).toEqual([0, 0, 1, 0, 5]);
    await handle.close();
    await fileSystem.syncDirectory(`${root}/a/b`);
  });

  test("many buffers in one write arrive whole", async () => {
    const { fileSystem, root } = await make();
    await fileSystem.makeDirectory(root);
    const handle = await fileSystem.open(`${root}/file`, "create");
    const buffers = Array.from({ length: 2500 }, (_, index) => new Uint8Array(index % 7).fill(index & 0xff));
    await handle.writeMany(buffers, 0);
    expect(await contentOf(handle)).toEqual(buffers.flatMap((buffer) => [...buffer]));
    await handle.close();
  });

  test("what is written to a durable file is there", async () => {
    const { fileSystem, root } = await make();
    await fileSystem.makeDirectory(root);
    await expect(fileSystem.open(`${root}/file`, "durable")).rejects.toMatchObject({ code: "ENOENT" });
    await (await fileSystem.open(`${root}/file`, "create")).close();
    const handle = await fileSystem.open(`${root}/file`, "durable");
    await handle.write(Uint8Array.of(1, 2), 0);
    await handle.writeMany([Uint8Array.of(3), Uint8Array.of(4)], 2);
    expect(await contentOf(handle)).toEqual([1, 2, 3, 4]);
    await handle.close();
  });

  test("a growing file has at once what is added, and is gone on with when it is opened again", async () => {
    const { fileSystem, root } = await make();
    await fileSystem.makeDirectory(root);
    expect(() => fileSystem.openGrowing(`${root}/no/where`)).toThrow(expect.objectContaining({ code: "ENOENT" }));
    const first = fileSystem.openGrowing(`${root}/file`);
    first.addNow(Uint8Array.of(1, 2));
    first.addNow(new Uint8Array(0));
    expect([...(await readWholeFile(fileSystem, `${root}/file`))]).toEqual([1, 2]);
    expect(await first.add([new Uint8Array(0), Uint8Array.of(3), new Uint8Array(0)])).toBe(3);
    expect(await first.add([])).toBe(0);
    first.addNow(Uint8Array.of(4));
    await first.close();
    const second = fileSystem.openGrowing(`${root}/file`);
    second.addNow(Uint8Array.of(5));
    // Somebody has cut it: the end is where it is now.
    const handle = await fileSystem.open(`${root}/file`, "read-write");
    await handle.truncate(3);
    await handle.close();
    expect(await second.add([Uint8Array.of(6)])).toBe(1);
    second.addNow(new Uint8Array(100_000).fill(7));
    const content = await readWholeFile(fileSystem, `${root}/file`);
    expect([[...content.subarray(0, 6)], content.length]).toEqual([[1, 2, 3, 6, 7, 7], 100_004]);
    const many = Array.from({ length: 2500 }, (_, index) => new Uint8Array(index % 7).fill(index & 0xff));
    expect(await second.add(many)).toBe(2500);
    const whole = await readWholeFile(fileSystem, `${root}/file`);
    expect([...whole.subarray(100_004)]).toEqual(many.flatMap((source) => [...source]));
    await second.close();
  });

  test("entries come, go and move; a rename replaces", async () => {
    const { fileSystem, root } = await make();
    await fileSystem.makeDirectory(root);
    await replaceWholeFile(fileSystem, `${root}/one`, Uint8Array.of(1));
    await replaceWholeFile(fileSystem, `${root}/two`, Uint8Array.of(2));
    await fileSystem.rename(`${root}/one`, `${root}/two`);
    expect([...(await fileSystem.list(root))]).toEqual(["two"]);
    expect([...(await readWholeFile(fileSystem, `${root}/two`))]).toEqual([1]);
    await replaceWholeFile(fileSystem, `${root}/two`, Uint8Array.of(3));
    expect([...(await readWholeFile(fileSystem, `${root}/two`))]).toEqual([3]);
    expect([
      await fileSystem.exists(`${root}/one`),
      await fileSystem.exists(`${root}/two`),
      await fileSystem.exists(root),
    ]).toEqual([false, true, true]);
    await expect(fileSystem.removeDirectory(root)).rejects.toMatchObject({ code: "ENOTEMPTY" });
    await fileSystem.remove(`${root}/two`);
    await fileSystem.removeDirectory(root);
    expect(await fileSystem.exists(root)).toBe(false);
  });

  test("what cannot be is refused with the system's code", async () => {
    const { fileSystem, root } = await make();
    await fileSystem.makeDirectory(root);
    await expect(fileSystem.open(`${root}/none`, "read")).rejects.toMatchObject({ code: "ENOENT" });
    await expect(fileSystem.open(`${root}/none`, "read-write")).rejects.toMatchObject({ code: "ENOENT" });
    await expect(fileSystem.open(`${root}/no/where`, "create")).rejects.toMatchObject({ code: "ENOENT" });
    await expect(fileSystem.remove(`${root}/none`)).rejects.toMatchObject({ code: "ENOENT" });
    await expect(fileSystem.rename(`${root}/none`, `${root}/other`)).rejects.toMatchObject({ code: "ENOENT" });
    await expect(fileSystem.list(`${root}/none`)).rejects.toMatchObject({ code: "ENOENT" });
    await (await fileSystem.open(`${root}/file`, "create-new")).close();
    await expect(fileSystem.open(`${root}/file`, "create-new")).rejects.toMatchObject({ code: "EEXIST" });
    const reader = await fileSystem.open(`${root}/file`, "read");
    await expect(reader.write(Uint8Array.of(1), 0)).rejects.toMatchObject({ code: "EBADF" });
    await reader.close();
    await expect(readWholeFile(fileSystem, `${root}/file`, 0)).resolves.toHaveLength(0);
  });
});
