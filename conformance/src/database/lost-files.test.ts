// Goal: whatever is missing of a database's files, it opens with every acknowledged row or is refused with the name of
// what is missing; it never opens empty or short, and a refusal changes nothing. A crash while it is made leaves
// something that opens.
// Method: a database with snapshots and log on a simulated disk, stopped or killed; every subset of its files is
// removed, with the directories that become empty and without. Then one is made on a disk that stops at every operation.
import { hash } from "node:crypto";
import { isLightconeError } from "@lightcone/base";
import { faultyFileSystem, memoryFileSystem, type SimulatedDisk } from "@lightcone/commitlog/testing";
import { describe, expect, test } from "vitest";
import type { Reply } from "@lightcone/database";
import { call, openLocal, publish, sql } from "./local.ts";

const ledger = "../../../modules/typescript/ledger/src/index.ts";
const root = "/data";
const numbersOf = "SELECT number FROM entry";

/** Every file under a directory with its content, and every directory. */
async function treeOf(disk: SimulatedDisk, directory = root): Promise<Map<string, string>> {
  const tree = new Map<string, string>([[directory, "directory"]]);
  for (const name of await disk.fileSystem.list(directory)) {
    const path = `${directory}/${name}`;
    const isDirectory = await disk.fileSystem.list(path).then(
      () => true,
      () => false,
    );
    if (isDirectory) for (const [inner, content] of await treeOf(disk, path)) tree.set(inner, content);
    else tree.set(path, hash("sha256", disk.peek(path)));
  }
  return tree;
}

const filesOf = (tree: ReadonlyMap<string, string>): string[] =>
  [...tree].filter(([, content]) => content !== "directory").map(([path]) => path);

async function removeEmptyDirectories(disk: SimulatedDisk): Promise<void> {
  const directories = [...(await treeOf(disk))].filter(([, content]) => content === "directory");
  for (const [path] of directories.toReversed())
    if ((await disk.fileSystem.list(path)).length === 0) await disk.fileSystem.removeDirectory(path);
}

/** A database of which 90 calls were acknowledged: a snapshot after 10, one after 20, and a log of two segments. */
async function ninetyEntries(end: "stopped" | "killed"): Promise<{ disk: SimulatedDisk; numbers: number[] }> {
  const fileSystem = memoryFileSystem();
  const database = await openLocal({ fileSystem });
  expect((await publish(database, ledger)).status).toBe(200);
  for (let number = 0; number < 90; number += 1) {
    expect((await call(database, "record", `[1, ${number}]`)).status).toBe(200);
    if (number === 9 || number === 19) await database.snapshot();
  }
  const numbers = (await sql(database, numbersOf)).map(([number]) => Number(number));
  if (end === "stopped") await database.stop(1000);
  else fileSystem.endProcess();
  return { disk: fileSystem.disk, numbers };
}

describe.each(["stopped", "killed"] as const)("row 3: a database that was %s and lost files", (end) => {
  test("opens whole or is refused, whichever are missing", async () => {
    const { disk, numbers } = await ninetyEntries(end);
    expect(numbers).toHaveLength(90);
    const files = filesOf(await treeOf(disk));
    expect(files).toEqual(
      expect.arrayContaining([
        `${root}/founded`,
        `${root}/log/mark`,
        `${root}/log/0000000000000001.segment`,
        `${root}/log/0000000000000002.segment`,
      ]),
    );
    expect(files.filter((path) => path.endsWith(".snapshot")).length).toBeGreaterThanOrEqual(2);
    const outcomes = { whole: 0, refused: 0 };
    for (let removed = 1; removed < 2 ** files.length; removed += 1) {
      const missing = files.filter((_, index) => (removed & (1 << index)) !== 0);
      for (const [withDirectories, mustExist] of [
        [false, false],
        [true, false],
        [true, true],
      ] as const) {
        // Of a directory that holds nothing, only its owner can know that it held something.
        if (missing.length === files.length && !mustExist) continue;
        const copy = disk.copy();
        for (const path of missing) await copy.fileSystem.remove(path);
        if (withDirectories) await removeEmptyDirectories(copy);
        const before = await treeOf(copy).catch(() => new Map());
        const what = `without ${missing.join(", ")}`;
        const opened = await openLocal({ fileSystem: copy.fileSystem, mustExist }).catch((error: unknown) => error);
        if (isLightconeError(opened)) {
          expect(opened.code, what).toBe("Corrupt");
          expect(opened.message, what).toContain(root);
          expect(await treeOf(copy).catch(() => new Map()), what).toEqual(before);
          outcomes.refused += 1;
          continue;
        }
        if (opened instanceof Error) throw opened;
        const database = opened as Awaited<ReturnType<typeof openLocal>>;
        expect(
          (await sql(database, numbersOf)).map(([number]) => Number(number)),
          what,
        ).toEqual(numbers);
        await database.stop(0);
        outcomes.whole += 1;
      }
    }
    expect(outcomes.whole).toBeGreaterThan(10);
    expect(outcomes.refused).toBeGreaterThan(50);
  });

  test("says what is missing", async () => {
    const { disk } = await ninetyEntries(end);
    const refusal = async (under: string): Promise<string> => {
      const copy = disk.copy();
      for (const path of filesOf(await treeOf(copy)).filter((each) => each.startsWith(`${root}${under}`)))
        await copy.fileSystem.remove(path);
      await removeEmptyDirectories(copy);
      const error = await openLocal({ fileSystem: copy.fileSystem, mustExist: true }).catch((cause: unknown) => cause);
      return error instanceof Error ? error.message : "it opened";
    };
    expect(await refusal("")).toBe("/data: the directory of a database is missing");
    expect(await refusal("/log")).toMatch(/^\/data\/log: it is missing, though snapshots up to offset \d+ are there$/);
    expect(await refusal("/log/mark")).toBe("/data/log/mark: it is missing, though there are segments");
    // After a stop the newest snapshot has all that is in it.
    expect(await refusal("/log/0000000000000001")).toMatch(
      end === "stopped"
        ? /^it opened$/
        : /^\/data\/log: the log begins at offset \d+, and the newest snapshot ends at offset \d+: a segment or a snapshot/,
    );
    expect(await refusal("/log/0000000000000002")).toMatch(
      /^\/data\/log\/0000000000000002.segment: it is missing, and offset \d+ was acknowledged \(good up to offset \d+\)$/,
    );
    expect(await refusal("/log/000000000000000")).toMatch(/^\/data\/log\/0000000000000001.segment: it is missing/);
  });
});

test("row 3: a database of another identity is refused", async () => {
  const { disk } = await ninetyEntries("stopped");
  disk.poke(`${root}/founded`, new TextEncoder().encode(`lightcone 1 ${"ab".repeat(32)}\n`));
  const before = await treeOf(disk);
  await expect(openLocal({ fileSystem: disk.fileSystem })).rejects.toMatchObject({ code: "Corrupt" });
  expect(await treeOf(disk)).toEqual(before);
});

test("row 3: a crash at any moment of making a database leaves one that opens", async () => {
  const make = async (fileSystem: ReturnType<typeof faultyFileSystem>): Promise<number> => {
    const database = await openLocal({ fileSystem });
    // A database whose log failed answers nothing more; its link's owner asks the next one.
    const isDone = (reply: Promise<Reply>): Promise<boolean> =>
      Promise.race([reply.then(({ status }) => status === 200), database.failed.then(() => false)]);
    if (!(await isDone(publish(database, ledger)))) return 0;
    for (let number = 0; number < 3; number += 1)
      if (!(await isDone(call(database, "record", `[1, ${number}]`)))) return number;
    await database.stop(1000);
    return 3;
  };
  const dry = faultyFileSystem(1);
  expect(await make(dry)).toBe(3);
  expect(dry.operationCount).toBeGreaterThan(20);
  let foundedCount = 0;
  for (let crashAt = 1; crashAt <= dry.operationCount; crashAt += 1) {
    const fileSystem = faultyFileSystem(crashAt);
    fileSystem.crashAt = crashAt;
    const acknowledged = await make(fileSystem).catch((error: unknown) => {
      if (!fileSystem.isDown) throw error;
      return 0;
    });
    fileSystem.restart();
    const wasFounded = await fileSystem.exists(`${root}/founded`);
    if (wasFounded) foundedCount += 1;
    else expect(acknowledged, `crash at operation ${crashAt}`).toBe(0);
    const database = await openLocal({ fileSystem, mustExist: wasFounded });
    const rows = acknowledged === 0 ? [] : await sql(database, numbersOf);
    expect(rows.length, `crash at operation ${crashAt}`).toBeGreaterThanOrEqual(acknowledged);
    expect((await publish(database, ledger)).status).toBe(200);
    expect((await call(database, "record", "[1, 7]")).status).toBe(200);
    await database.stop(1000);
  }
  expect(foundedCount).toBeGreaterThan(10);
});
