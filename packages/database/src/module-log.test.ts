// Goal: rows 16 and 20: the newest lines are always there, in order, whichever files they are in, and a follower gets
// each line once; what a full disk or a killed process does to a log is bounded and said.
// Method: the log and its readers over files in memory, against a list of what was written; random steps with a seed.
import { manualClock, memoryFileSystem } from "@lightcone/commitlog/testing";
import type { FileSystem } from "@lightcone/base";
import { LogLevel } from "@lightcone/host";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defaultDatabaseLimits, type DatabaseLimits } from "./limits.ts";
import { listLogFiles, LogReader } from "./log-files.ts";
import { ModuleLog } from "./module-log.ts";

const directory = "/log";
const dayMs = 24 * 60 * 60 * 1000;

function openLog(fileSystem: FileSystem = memoryFileSystem(), limits: Partial<DatabaseLimits> = {}) {
  const clock = manualClock();
  const open = () => new ModuleLog({ fileSystem, directory, clock, limits: { ...defaultDatabaseLimits, ...limits } });
  return { fileSystem, clock, open, log: open() };
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
    const { fileSystem, clock, log } = openLog();
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
    const { fileSystem, clock, log } = openLog();
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
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const limits = { logLineBytesMax: 100_000, logFileBytesMax: 150_000 };
      const { fileSystem, clock, open } = openLog(memoryFileSystem(), limits);
      let log = open();
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
          log = open();
        } else if (each.kind === "follow") followed.push(...(await rest(follower)));
        else expect(await last(fileSystem, each.count)).toEqual(each.count === 0 ? [] : said.slice(-each.count));
      }
      followed.push(...(await rest(follower)));
      await log.close();
      expect(followed).toEqual(said);
      expect(follower.hasMissed).toBe(false);
    }),
    { numRuns: Number(process.env["LIGHTCONE_CASES"] ?? 100) / 10 },
  );
});

describe("row 16: what goes wrong", () => {
  test("a line that a killed process left unfinished is cut off, and no line is lost or glued to it", async () => {
    const { fileSystem, open, log } = openLog();
    say(log, "whole");
    await log.flush();
    const [name = ""] = await listLogFiles(fileSystem, directory);
    const handle = await fileSystem.open(`${directory}/${name}`, "read-write");
    await handle.write(new TextEncoder().encode('{"level":"Info","mess'), await handle.size());
    await handle.close();
    expect(await last(fileSystem, 5)).toEqual(["whole"]);
    const next = open();
    say(next, "after");
    await next.flush();
    expect(await last(fileSystem, 5)).toEqual(["whole", "after"]);
  });

  test("lines that the disk does not take are counted when it does again", async () => {
    const files = memoryFileSystem();
    let isFull = false;
    const fileSystem: FileSystem = {
      ...files,
      open: async (path, mode) => {
        const handle = await files.open(path, mode);
        return {
          ...handle,
          writeMany: async (sources, at) => {
            if (isFull) throw Object.assign(new Error("no space"), { code: "ENOSPC" });
            await handle.writeMany(sources, at);
          },
        };
      },
    };
    const { log } = openLog(fileSystem);
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

  test("a follower that is overtaken by the bound on all files is told", async () => {
    const { fileSystem, log } = openLog(memoryFileSystem(), { logFileBytesMax: 1000, logBytesMax: 3000 });
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
