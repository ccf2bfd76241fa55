// Goal: a procedure in TypeScript runs in steps that are its own: what it awaits, leaves, throws and keeps concerns nobody else, and
// whoever called it is told once.
// Method: a bundled module on a database in this process, on a clock that stands; each way is a procedure of it. Rows and the log are read.
import { manualClock, memoryFileSystem, type ManualClock } from "@lightcone/commitlog/testing";
import type { Database, DatabaseLimits, Reply } from "@lightcone/database";
import { LogReader } from "@lightcone/database/front";
import { ByteReader } from "@lightcone/sats";
import { beforeEach, describe, expect, test } from "vitest";
import { call, LocalClient, makeCaller, openLocal, publish, sql, textOf } from "../database/local.ts";

let clock: ManualClock;
let files: ReturnType<typeof memoryFileSystem>;
let database: Database;

beforeEach(() => open());

async function open(limits: Partial<DatabaseLimits> = {}): Promise<void> {
  clock = manualClock();
  files = memoryFileSystem();
  database = await openLocal({ clock, fileSystem: files, limits });
  const reply = await publish(database, "./modules/errands.ts");
  if (reply.status !== 200) throw new Error(textOf(reply));
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
};

/** Asks, lets a little time pass, and gives what was answered. */
async function odd(what: string, ms = 100): Promise<string> {
  const answers: Reply[] = [];
  void call(database, "odd", JSON.stringify([what])).then((reply) => answers.push(reply));
  for (let left = ms; left > 0 && answers.length === 0; left -= 1) {
    await settle();
    clock.advance(1);
  }
  await settle();
  const [reply] = answers;
  return reply === undefined ? "no answer" : `${reply.status} ${textOf(reply)}`;
}

/** The texts of the module's log that are about its functions. */
async function lines(): Promise<readonly string[]> {
  await database.flushLog();
  const reader = await LogReader.open(files, "/data/module-log", { lineCount: undefined, follow: false });
  let text = "";
  for (let read = await reader.next(); read !== undefined; read = await reader.next())
    text += new TextDecoder().decode(read);
  await reader.close();
  return text
    .split("\n")
    .slice(0, -1)
    .map((line): { readonly message: string; readonly function?: string } => JSON.parse(line))
    .filter((line) => line.function !== undefined)
    .map(({ message }) => message);
}

const done = async (): Promise<readonly unknown[]> =>
  (await sql(database, "SELECT what FROM done")).map(([what]) => what);
const crash = "500 The module instance encountered a fatal error: The instance encountered a fatal error.";

describe("row 9: a procedure in TypeScript", () => {
  test.each([
    ["deep", '200 "deep"'],
    ["together", '200 "30"'],
    ["races", '200 "first"'],
    ["who", '200 "true false false"'],
    ["caught", '200 "went on"'],
    ["refuses", "530 not today"],
    ["refuses in a transaction", "530 not in here"],
  ])("%s", async (what, answer) => {
    expect(await odd(what)).toBe(answer);
    expect(await done()).toEqual(what === "caught" ? ["caught"] : []);
    expect(await odd("next")).toBe('200 "next"');
  });

  test.each([
    ["rejects behind its back", /RangeError: nobody listens[^]*errands\.ts:\d+/],
    ["never", /procedure odd waits for a promise, made at errands\.ts:\d+:\d+, that nothing will settle/],
    ["sleeps in a transaction", /WouldBlockTransaction: nothing waits within a transaction/],
    ["within within", /WouldBlockTransaction: a transaction is open already/],
    ["async in a transaction", /the function of withTx returned a promise/],
    ["kept", /NotInTransaction/],
    ["wrong", /procedure odd returned what is not of its type/],
  ])("%s: it fails, nothing of that stays, and the log says why", async (what, line) => {
    expect(await odd(what)).toBe(crash);
    expect(await done()).toEqual([]);
    expect((await lines()).at(-1)).toMatch(line);
    expect(await odd("next")).toBe('200 "next"');
  });

  test("what another left open does not wake in a later call", async () => {
    expect(await odd("races")).toBe('200 "first"');
    clock.advance(120_000);
    await settle();
    expect(await odd("together")).toBe('200 "30"');
    expect(await lines()).toEqual([]);
  });

  test("many at a time, each with its own", async () => {
    const asked = Array.from({ length: 20 }, (_, at) =>
      call(database, "nap_and_note", JSON.stringify([`n${at}`, 5 + (at % 7)])),
    );
    for (let left = 20; left > 0; left--) {
      await settle();
      clock.advance(1);
    }
    const replies = await Promise.all(asked);
    expect(replies.map(textOf)).toEqual(Array.from({ length: 20 }, (_, at) => `"n${at}"`));
    expect((await done()).toSorted()).toEqual(Array.from({ length: 20 }, (_, at) => `n${at}`).toSorted());
  });

  test("one that does not come back from a step is ended alone", async () => {
    await open({ reducerTimeoutMs: 300 });
    const beside = call(database, "nap_and_note", JSON.stringify(["beside", 30]));
    await settle();
    await call(database, "plan_in", JSON.stringify(["spin", 0, 0, ""]));
    for (let left = 40; left > 0; left--) {
      await settle();
      clock.advance(1);
    }
    expect(textOf(await beside)).toBe('"beside"');
    expect((await done()).toSorted()).toEqual(["beside", "spin begins"]);
  });

  test("over a connection its result is a value of its type", async () => {
    const client = new LocalClient(database, makeCaller(5));
    await client.next();
    const args = Uint8Array.of(7, 0, 0, 0, 255, 255, 255, 255);
    client.say({ kind: "CallProcedure", procedure: "sum", args, argsText: undefined, requestId: 3 });
    const told = await client.next();
    if (told.kind !== "ProcedureResult" || told.status.kind !== "Returned") throw new Error(told.kind);
    expect([told.requestId, new ByteReader(told.status.value).u64()]).toEqual([3, 4294967302n]);
  });
});
