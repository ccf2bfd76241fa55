// Goal: whatever is damaged or missing of a database, each way that a repair offers leads to a database that opens with
// exactly the rows that were promised, a prefix of what was acknowledged; the first keeps most; looking changes nothing.
// Method: a database with two snapshots and a log of two segments on a simulated disk, killed; random blocks are damaged
// and files removed, one to three at a time; every way is taken on a copy, opened, written to and opened again.
import { runCount } from "@lightcone/base/testing";
import { repairTo, surveyRepair } from "@lightcone/commitlog";
import { manualClock, memoryFileSystem, seededNumbers, type SimulatedDisk } from "@lightcone/commitlog/testing";
import { databaseStates } from "@lightcone/database";
import { expect, test } from "vitest";
import { call, openLocal, publish, sql } from "./local.ts";

const ledger = "../../../modules/typescript/ledger/src/index.ts";
const root = "/data";
const entryCount = 90;
const runs = runCount(40);

async function ninetyEntries(): Promise<SimulatedDisk> {
  const fileSystem = memoryFileSystem();
  const database = await openLocal({ fileSystem });
  expect((await publish(database, ledger)).status).toBe(200);
  for (let number = 0; number < entryCount; number += 1) {
    expect((await call(database, "record", `[1, ${number}]`)).status).toBe(200);
    if (number === 9 || number === 19) await database.snapshot();
  }
  fileSystem.endProcess();
  return fileSystem.disk;
}

const optionsOf = (disk: SimulatedDisk) => ({
  fileSystem: disk.fileSystem,
  clock: manualClock(),
  directory: root,
  states: databaseStates,
});

async function namesUnder(disk: SimulatedDisk): Promise<string[]> {
  const names: string[] = [];
  for (const directory of ["log", "snapshots"])
    for (const name of await disk.fileSystem.list(`${root}/${directory}`)) names.push(`${root}/${directory}/${name}`);
  return names;
}

async function numbersOf(disk: SimulatedDisk): Promise<number[]> {
  const database = await openLocal({ fileSystem: disk.fileSystem, mustExist: true });
  const rows = await sql(database, "SELECT number FROM entry");
  expect((await call(database, "record", "[2, 7]")).status).toBe(200);
  await database.stop(1000);
  return rows.map(([number]) => Number(number));
}

test("row 10: each way leads where it says", async () => {
  const sound = await ninetyEntries();
  const paths = await namesUnder(sound);
  expect(paths.filter((path) => path.endsWith(".segment")).length).toBeGreaterThanOrEqual(2);
  let wayCount = 0;
  let repaired = 0;
  for (let seed = 1; seed <= runs; seed += 1) {
    const next = seededNumbers(seed);
    const pick = <T>(values: readonly T[]): T => values[Math.floor(next() * values.length)] as T;
    const disk = sound.copy();
    const harm: string[] = [];
    for (let left = 1 + Math.floor(next() * 3); left > 0; left -= 1) {
      const path = pick(paths);
      if (!(await disk.fileSystem.exists(path))) continue;
      if (next() < 0.3) {
        await disk.fileSystem.remove(path);
        harm.push(`without ${path}`);
        continue;
      }
      const bytes = disk.peek(path);
      const at = Math.floor(next() * bytes.length);
      bytes.fill(next() < 0.5 ? 0 : 0xff, at, at + 1 + Math.floor(next() * 5000));
      disk.poke(path, bytes);
      harm.push(`${path} harmed at ${at}`);
    }
    const what = `seed ${seed}: ${harm.join(", ")}`;
    const before = await namesUnder(disk);
    const survey = await surveyRepair(optionsOf(disk));
    expect(await namesUnder(disk), what).toEqual(before);
    if (survey.damage !== undefined) repaired += 1;
    const counts = survey.ways.map(({ facts }) => facts.rowCount);
    expect(counts, what).toEqual(counts.toSorted((a, b) => b - a));
    for (const { offset, facts } of survey.ways) {
      wayCount += 1;
      const copy = disk.copy();
      await repairTo(optionsOf(copy), survey.ways, offset);
      const after = await surveyRepair(optionsOf(copy));
      expect([after.damage, after.ways[0]?.offset, after.ways[0]?.facts], what).toEqual([undefined, offset, facts]);
      // Before the publish there is no module that could be asked.
      if (facts.tableCount === 0) continue;
      const numbers = await numbersOf(copy);
      expect(numbers, what).toEqual(Array.from({ length: numbers.length }, (_, number) => number));
      expect(numbers.length + (numbers.length > 0 ? 1 : 0), what).toBe(facts.rowCount);
      expect((await numbersOf(copy)).length, what).toBe(numbers.length + 1);
    }
    // What is sound of two snapshots and a log is never nothing, unless all three were hit.
    if (harm.length < 3) expect(survey.ways.length, what).toBeGreaterThan(0);
  }
  expect(wayCount).toBeGreaterThan(runs);
  expect(repaired).toBeGreaterThan(runs / 4);
});
