// Goal: rows 16, 20 and 21: the newest lines are always there, in order, whichever files they are in, and a follower gets
// each line once; what a full disk or a killed process does to a log is bounded and said.
// Method: the log and its readers over files in memory, against a list of what was written; random steps with a seed.
import { assertProperty, caseCount } from "@lightcone/base/testing";
import { manualClock, memoryFileSystem, type MemoryFileSystem } from "@lightcone/commitlog/testing";
import type { FileSystem, GrowingFile } from "@lightcone/base";
import { LogLevel } from "@lightcone/host";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defaultDatabaseLimits, type DatabaseLimits } from "../link/limits.ts";
import { listLogFiles, LogReader } from "./log-files.ts";
import { ModuleLog } from "./module-log.ts";

const directory = "/log";
const dayMs = 24 * 60 * 60 * 1000;

async function openLog(
  fileSystem: FileSystem = memoryFileSystem(),
  limits: Partial<DatabaseLimits> = {},
  clock = manualClock(),
) {
  const open = () => ModuleLog.open({ fileSystem, directory, clock, limits: { ...defaultDatabaseLimits, ...limits } });
  return { fileSystem, clock, open, log: await open() };
}

/** Files of which those that grow are as a test wants them. */
function growingAs(files: MemoryFileSystem, change: (file: GrowingFile) => GrowingFile): MemoryFileSystem {
  return { ...files, openGrowing: (path) => change(files.openGrowing(path)) };
}

const say = (log: ModuleLog, message: string): void => log.write({ level: LogLevel.info, message }, "f");

/** The texts of all lines that a reader has now. */
async function rest(reader: LogReader): Promise<readonly string[]> {
  let text = "";
  for (let lines = await reader.next(); lines !== undefined; lines = await reader.next())
    text += new TextDecoder().decode(lines);
  return text
    .split("\n")
    .slice(0, -1)
    .map((line): string => JSON.parse(line).message);
}

async function last(fileSystem: FileSystem, lineCount: number | undefined): Promise<readonly string[]> {
  const reader = await LogReader.open(fileSystem, directory, { lineCount, follow: false });
  const lines = await rest(reader);
  await reader.close();
  return lines;
}

describe("row 20: the last lines", () => {
  test("are there whatever the day", async () => {
    const { fileSystem, clock, log } = await openLog();
    const said: string[] = [];
    for (let day = 0; day < 3; day += 1) {
      for (let line = 0; line < 2; line += 1) {
        said.push(`day ${day}, line ${line}`);
        say(log, said.at(-1) ?? "");
      }
      await log.flush();
      clock.advance(dayMs);
    }
    expect(await listLogFiles(fileSystem, directory)).toHaveLength(3);
    for (let count = 0; count < 8; count += 1) expect(await last(fileSystem, count)).toEqual(said.slice(-count || 6));
    expect(await last(fileSystem, undefined)).toEqual(said);
  });

  test("there are none of a log that nobody wrote", async () => {
    expect(await last(memoryFileSystem(), 5)).toEqual([]);
    expect(await last(memoryFileSystem(), undefined)).toEqual([]);
  });

  test("a clock that is set back takes no line back", async () => {
    const { fileSystem, clock, log } = await openLog();
    say(log, "today");
    await log.flush();
    clock.advance(-3 * dayMs);
    say(log, "three days ago");
    await log.flush();
    expect(await last(fileSystem, 1)).toEqual(["three days ago"]);
    expect(await last(fileSystem, 2)).toEqual(["today", "three days ago"]);
  });
});

type Step =
  | { readonly kind: "say"; readonly length: number }
  | { readonly kind: "day" }
  | { readonly kind: "reopen" }
  | { readonly kind: "follow" }
  | { readonly kind: "tail"; readonly count: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("say" as const), length: fc.nat(90_000) }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: "day" }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: "reopen" }) },
  { weight: 3, arbitrary: fc.constant<Step>({ kind: "follow" }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("tail" as const), count: fc.nat(30) }) },
);

test("whatever happens, tails are the last lines and a follower gets every line once", async () => {
  await assertProperty(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const limits = { logLineBytesMax: 100_000, logFileBytesMax: 150_000 };
      const { fileSystem, clock, open } = await openLog(memoryFileSystem(), limits);
      let log = await open();
      const said: string[] = [];
      const followed: string[] = [];
      const follower = await LogReader.open(fileSystem, directory, { lineCount: 0, follow: true });
      for (const each of steps) {
        if (each.kind === "say") {
          said.push(`${said.length} ${"x".repeat(each.length)}`);
          say(log, said.at(-1) ?? "");
          await log.flush();
        } else if (each.kind === "day") clock.advance(dayMs / 8);
        else if (each.kind === "reopen") {
          await log.close();
          log = await open();
        } else if (each.kind === "follow") followed.push(...(await rest(follower)));
        else expect(await last(fileSystem, each.count)).toEqual(each.count === 0 ? [] : said.slice(-each.count));
      }
      followed.push(...(await rest(follower)));
      await log.close();
      expect(followed).toEqual(said);
      expect(follower.hasMissed).toBe(false);
    }),
    caseCount(100) / 10,
  );
});

/** The texts that stand in the newest file now, whatever is still to be done. */
function textsNow(fileSystem: MemoryFileSystem, name: string): readonly string[] {
  return new TextDecoder()
    .decode(fileSystem.disk.peek(`${directory}/${name}`))
    .split("\n")
    .slice(0, -1)
    .map((line): string => JSON.parse(line).message);
}

describe("row 21: a line is in the file before the module goes on", () => {
  test("the first of all, the first of a day, the first of a file", async () => {
    const files = memoryFileSystem();
    const { clock, log } = await openLog(files, { logFileBytesMax: 300 });
    const [day, next] = ["2023-11-14", "2023-11-15"];
    say(log, "first");
    expect(textsNow(files, `${day}.ndjson`)).toEqual(["first"]);
    say(log, "x".repeat(300));
    expect(textsNow(files, `${day}.ndjson`)).toHaveLength(2);
    say(log, "in another file");
    expect(textsNow(files, `${day}_000001.ndjson`)).toEqual(["in another file"]);
    clock.advance(dayMs);
    say(log, "on another day");
    expect(textsNow(files, `${next}.ndjson`)).toEqual(["on another day"]);
    log.note(LogLevel.error, "the end of a call");
    expect(textsNow(files, `${next}.ndjson`)).toEqual(["on another day", "the end of a call"]);
  });

  test("unless writing takes more than a hundredth of the time: then they are written together, in order", async () => {
    const files = memoryFileSystem();
    const clock = manualClock();
    let addCount = 0;
    const slow = growingAs(files, (file) => ({
      ...file,
      addNow(source) {
        clock.advance(20);
        file.addNow(source);
      },
      add(sources) {
        addCount += 1;
        return file.add(sources);
      },
    }));
    const { log } = await openLog(slow, {}, clock);
    const name = "2023-11-14.ndjson";
    const said = Array.from({ length: 20 }, (_, number) => `number ${number}`);
    for (const text of said) say(log, text);
    expect(textsNow(files, name)).toEqual(said.slice(0, 5));
    await log.flush();
    expect(textsNow(files, name)).toEqual(said);
    expect(addCount).toBe(1);
    // Two seconds make up for one of these.
    clock.advance(2000);
    say(log, "at once again");
    expect(textsNow(files, name).at(-1)).toBe("at once again");
    await log.close();
  });

  test("a directory that somebody removes is made again", async () => {
    const files = memoryFileSystem();
    const { clock, log } = await openLog(files);
    say(log, "before");
    await files.remove(`${directory}/2023-11-14.ndjson`);
    await files.removeDirectory(directory);
    clock.advance(dayMs);
    say(log, "lost");
    await log.flush();
    say(log, "after");
    expect(textsNow(files, "2023-11-15.ndjson")).toEqual([
      "1 lines are missing here: the disk had no room for them, or failed",
      "after",
    ]);
  });
});

describe("row 16: what goes wrong", () => {
  test("a line that a killed process left unfinished is cut off, and no line is lost or glued to it", async () => {
    const { fileSystem, open, log } = await openLog();
    say(log, "whole");
    await log.flush();
    const [name = ""] = await listLogFiles(fileSystem, directory);
    const handle = await fileSystem.open(`${directory}/${name}`, "read-write");
    await handle.write(new TextEncoder().encode('{"level":"Info","mess'), await handle.size());
    await handle.close();
    expect(await last(fileSystem, 5)).toEqual(["whole"]);
    const next = await open();
    say(next, "after");
    await next.flush();
    expect(await last(fileSystem, 5)).toEqual(["whole", "after"]);
  });

  test("lines that the disk does not take are counted when it does again", async () => {
    let isFull = false;
    const fileSystem = growingAs(memoryFileSystem(), (file) => ({
      ...file,
      addNow(source) {
        if (isFull) throw Object.assign(new Error("no space"), { code: "ENOSPC" });
        file.addNow(source);
      },
    }));
    const { log } = await openLog(fileSystem);
    say(log, "before");
    await log.flush();
    isFull = true;
    for (const message of ["lost", "lost too"]) {
      say(log, message);
      await log.flush();
    }
    isFull = false;
    say(log, "after");
    await log.flush();
    expect(await last(fileSystem, undefined)).toEqual([
      "before",
      "2 lines are missing here: the disk had no room for them, or failed",
      "after",
    ]);
  });

  test("lines of a turn that the disk took a part of: the rest is counted", async () => {
    const clock = manualClock();
    let lineCountMax = Infinity;
    const fileSystem = growingAs(memoryFileSystem(), (file) => ({
      ...file,
      addNow(source) {
        clock.advance(1e6); // all further lines are gathered
        file.addNow(source);
      },
      add: (sources) => file.add(sources.slice(0, lineCountMax)),
    }));
    const { log } = await openLog(fileSystem, {}, clock);
    const texts = (what: string, count: number): readonly string[] =>
      Array.from({ length: count }, (_, number) => `${what} ${number}`);
    lineCountMax = 4;
    for (const text of texts("first", 10)) say(log, text);
    await log.flush();
    lineCountMax = 0;
    for (const text of texts("second", 10)) say(log, text);
    await log.flush();
    lineCountMax = 3;
    for (const text of texts("third", 5)) say(log, text);
    await log.flush();
    lineCountMax = Infinity;
    for (const text of texts("fourth", 2)) say(log, text);
    await log.flush();
    const missing = (count: number) => `${count} lines are missing here: the disk had no room for them, or failed`;
    expect(await last(fileSystem, undefined)).toEqual([
      ...texts("first", 5),
      missing(15),
      ...texts("third", 2),
      missing(3),
      ...texts("fourth", 2),
    ]);
  });

  test("while the disk takes nothing, no more waits than may, and what is left out is counted together", async () => {
    const clock = manualClock();
    const gate = Promise.withResolvers<void>();
    const fileSystem = growingAs(memoryFileSystem(), (file) => ({
      ...file,
      addNow(source) {
        clock.advance(1e6);
        file.addNow(source);
      },
      async add(sources) {
        await gate.promise;
        return file.add(sources);
      },
    }));
    const { log } = await openLog(fileSystem, { logWaitingBytesMax: 10_000 }, clock);
    for (let turn = 0; turn < 100; turn += 1) {
      for (let number = 0; number < 100; number += 1) say(log, `turn ${turn}, number ${number}`);
      log.note(LogLevel.error, `the end of turn ${turn}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    gate.resolve();
    await log.flush();
    const lines = await last(fileSystem, undefined);
    const left = lines.map((line) => Number(/^(\d+) lines were left out/.exec(line)?.[1] ?? 0));
    const leftCount = left.reduce((sum, count) => sum + count, 0);
    expect(lines.length + leftCount - left.filter((count) => count > 0).length).toBe(100 * 101);
    expect(JSON.stringify(lines).length).toBeLessThan(40_000);
  });

  test("a follower that is overtaken by the bound on all files is told", async () => {
    const { fileSystem, log } = await openLog(memoryFileSystem(), { logFileBytesMax: 1000, logBytesMax: 3000 });
    say(log, "first");
    await log.flush();
    const follower = await LogReader.open(fileSystem, directory, { lineCount: undefined, follow: true });
    expect(await rest(follower)).toEqual(["first"]);
    for (let number = 0; number < 50; number += 1) {
      say(log, `number ${number}`);
      await log.flush();
    }
    const got = await rest(follower);
    expect(got.at(-1)).toBe("number 49");
    expect(got.length).toBeLessThan(50);
    expect(follower.hasMissed).toBe(true);
  });
});
