// Goal: limits of a database that depend on its disk: commits that wait for it, and what a module's log may take of it.
// Method: a database in this process, over files in memory that sync when the test says so.
import { manualClock, memoryFileSystem } from "@lightcone/commitlog/testing";
import type { FileSystem } from "@lightcone/base";
import type { Database } from "@lightcone/database";
import { ByteWriter } from "@lightcone/sats";
import { LogReader, type DatabaseLimits } from "@lightcone/database/front";
import { describe, expect, test } from "vitest";
import { errorTextBytesMax } from "../../../packages/database/src/link/limits.ts";
import { logDaysMax } from "../../../packages/database/src/module-log/log-writer.ts";
import { call, LocalClient, makeCaller, openLocal, publish, textOf } from "../database/local.ts";

const hostile = "../bad-input/modules/hostile.ts";

/** Files whose syncs wait while the gate is shut. */
function gatedFileSystem() {
  let opened = Promise.withResolvers<void>();
  opened.resolve();
  const files = memoryFileSystem();
  const fileSystem: FileSystem = {
    ...files,
    async open(path, mode) {
      const handle = await files.open(path, mode);
      return {
        ...handle,
        // In this mode a write is on the disk when it returns.
        async write(bytes, at) {
          if (mode === "durable") await opened.promise;
          await handle.write(bytes, at);
        },
        async datasync() {
          await opened.promise;
          await handle.datasync();
        },
      };
    },
  };
  return { fileSystem, shut: () => void (opened = Promise.withResolvers()), open: () => opened.resolve() };
}

const settled = async (): Promise<void> => {
  for (let round = 0; round < 50; round += 1) await new Promise((resolve) => setImmediate(resolve));
};

function addArgs(name: string): Uint8Array {
  const out = new ByteWriter();
  out.string(name);
  return out.toBytes();
}

test.each([
  { pendingCommitBytesMax: 1, answeredMeanwhile: 1 },
  { pendingCommitBytesMax: 64 * 1024 ** 2, answeredMeanwhile: 5 },
])(
  "pendingCommitBytesMax of $pendingCommitBytesMax: $answeredMeanwhile of 5 calls run before the disk has synced",
  async ({ pendingCommitBytesMax, answeredMeanwhile }) => {
    const gate = gatedFileSystem();
    const database = await openLocal({ fileSystem: gate.fileSystem, limits: { pendingCommitBytesMax } });
    expect((await publish(database, hostile)).status).toBe(200);
    // Does not wait for what is durable: an answer says that the call has run.
    const client = new LocalClient(database, makeCaller(2), { confirmed: false });
    expect((await client.next()).kind).toBe("IdentityToken");
    await settled();
    gate.shut();
    for (let number = 1; number <= 5; number += 1) client.call("add", addArgs(`call ${number}`), number);
    await settled();
    expect(client.messages).toHaveLength(answeredMeanwhile);
    gate.open();
    await client.until(({ messages }) => messages.length === 5);
    await database.stop(1000);
  },
);

test("logDaysMax: of so many days the lines are kept", async () => {
  const [fileSystem, clock] = [memoryFileSystem(), manualClock()];
  const database = await openLocal({ fileSystem, clock });
  expect((await publish(database, "../limits/modules/talker.ts")).status).toBe(200);
  for (let day = 0; day < logDaysMax + 2; day += 1) {
    clock.advance(day === 0 ? 0 : 24 * 60 * 60 * 1000);
    await call(database, "say", `["day ${day}"]`);
    await settled();
  }
  const names = (await fileSystem.list("/data/module-log")).toSorted();
  expect(names).toHaveLength(logDaysMax);
  expect(names.at(-1)).toBe(`${new Date(clock.nowMicros() / 1000).toISOString().slice(0, 10)}.ndjson`);
  await database.stop(1000);
});

/** The lines of a database's module log, of all its files. */
async function linesOf(
  fileSystem: FileSystem,
): Promise<readonly { readonly level: string; readonly message: string }[]> {
  const reader = await LogReader.open(fileSystem, "/data/module-log", { lineCount: undefined, follow: false });
  let text = "";
  for (let lines = await reader.next(); lines !== undefined; lines = await reader.next())
    text += new TextDecoder().decode(lines);
  await reader.close();
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

async function bytesOf(fileSystem: FileSystem, name: string): Promise<number> {
  const handle = await fileSystem.open(`/data/module-log/${name}`, "read");
  const size = await handle.size();
  await handle.close();
  return size;
}

/** What a client of `v1.json` is told of its one message. */
async function saidInJson(database: Database, message: object): Promise<string> {
  const told = Promise.withResolvers<string>();
  let text = "";
  const handle = database.connect(
    { caller: makeCaller(3), token: "", protocol: "v1.json", compression: "none", light: false, confirmed: true },
    {
      queuedBytes: 0,
      send: (bytes, at, length, last) => {
        text += new TextDecoder().decode(bytes.subarray(at, at + length));
        if (last && !text.includes("IdentityToken")) told.resolve(text);
        if (last) text = "";
      },
      answered: () => undefined,
      note: () => undefined,
      close: (_, reason) => told.reject(new Error(reason)),
    },
  );
  const bytes = new TextEncoder().encode(JSON.stringify(message));
  handle.receive(bytes, 0, bytes.length, true);
  return told.promise;
}

async function openTalker(limits: Partial<DatabaseLimits>) {
  const [fileSystem, clock] = [memoryFileSystem(), manualClock()];
  const database = await openLocal({ fileSystem, clock, limits });
  expect((await publish(database, "../limits/modules/talker.ts")).status).toBe(200);
  return { fileSystem, clock, database };
}

describe("row 16: a module's log", () => {
  test("logLineBytesMax: a line is cut, and says so", async () => {
    const { fileSystem, database } = await openTalker({ logLineBytesMax: 1000 });
    expect((await call(database, "say", JSON.stringify(["é".repeat(10_000)]))).status).toBe(200);
    expect((await call(database, "panic", JSON.stringify(["é".repeat(10_000)]))).status).toBe(530);
    await database.flushLog();
    const [said, panic] = (await linesOf(fileSystem)).slice(-2);
    expect(said?.message).toBe(`${"é".repeat(486)}… (cut; 10000 characters)`);
    expect(panic?.level).toBe("Panic");
    expect(panic?.message).toMatch(/^Error: é+… \(cut; 10\d{3} characters\)$/);
    await database.stop(1000);
  });

  test("logWaitingBytesMax: what one call writes is bounded, and how it ended is told", async () => {
    const { fileSystem, database } = await openTalker({ logWaitingBytesMax: 20_000 });
    // 157 MB, as once seen of one call, are ten thousand lines here.
    expect((await call(database, "flood", "[10000]")).status).toBe(530);
    await database.flushLog();
    const lines = (await linesOf(fileSystem)).filter(({ message }) => !/program|updated/i.test(message));
    const said = lines.filter(({ message }) => message.startsWith("line "));
    expect(said.map(({ message }) => message)).toEqual(said.map((_, index) => `line ${index}`));
    expect(said.length).toBeGreaterThan(100);
    expect(JSON.stringify(lines).length).toBeLessThan(30_000);
    expect(lines.slice(said.length)).toMatchObject([
      {
        message: `${10_000 - said.length} lines were left out here: over 20000 bytes at once (logWaitingBytesMax)`,
      },
      { level: "Panic", message: expect.stringMatching(/^Error: after the flood/) },
    ]);
    await database.stop(1000);
  });

  test("logFileBytesMax and logBytesMax: files are begun and go, and the newest lines are there", async () => {
    const { fileSystem, database } = await openTalker({ logFileBytesMax: 2000, logBytesMax: 10_000 });
    for (let number = 0; number < 200; number += 1) {
      await call(database, "say", `["number ${number} ${"x".repeat(number)}"]`);
      await database.flushLog();
      const names = await fileSystem.list("/data/module-log");
      const sizes = await Promise.all(names.map((name) => bytesOf(fileSystem, name)));
      for (const size of sizes) expect(size).toBeLessThan(2000 + 500);
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(10_000 + 500);
    }
    expect((await fileSystem.list("/data/module-log")).length).toBeGreaterThan(3);
    const numbers = (await linesOf(fileSystem)).map(({ message }) => Number(message.split(" ")[1]));
    expect(numbers.length).toBeGreaterThan(15);
    expect(numbers).toEqual(numbers.map((_, index) => 200 - numbers.length + index));
    await database.stop(1000);
  });

  test.each([
    {
      logRefusalsPerMinuteMax: 2,
      refusals: 2,
      more: "3 more refusals in the same minute left no line (logRefusalsPerMinuteMax: 2)",
    },
    { logRefusalsPerMinuteMax: 0, refusals: 0, more: undefined },
  ])(
    "logRefusalsPerMinuteMax of $logRefusalsPerMinuteMax: refusals are INFO, and no flood",
    async ({ logRefusalsPerMinuteMax, refusals, more }) => {
      const { fileSystem, clock, database } = await openTalker({ logRefusalsPerMinuteMax });
      for (let number = 0; number < 5; number += 1) {
        const reply = await call(database, "refuse", `["no ${number}"]`);
        expect({ status: reply.status, text: textOf(reply) }).toEqual({ status: 530, text: `no ${number}` });
      }
      clock.advance(60_000);
      await call(database, "refuse", `["later"]`);
      await database.flushLog();
      const wanted = [
        ...Array.from({ length: refusals }, (_, number) => ({ level: "Info", message: `refused: no ${number}` })),
        ...(more === undefined ? [] : [{ level: "Info", message: more }]),
        ...(refusals === 0 ? [] : [{ level: "Info", message: "refused: later" }]),
      ];
      const lines = await linesOf(fileSystem);
      expect(lines.map(({ level, message }) => ({ level, message })).slice(lines.length - wanted.length)).toEqual(
        wanted,
      );
      expect(lines.filter(({ message }) => message.startsWith("refused"))).toHaveLength(
        refusals === 0 ? 0 : refusals + 1,
      );
      await database.stop(1000);
    },
  );

  test("errorTextBytesMax: the text that a client is told is cut", async () => {
    const { database } = await openTalker({});
    const client = new LocalClient(database, makeCaller(2));
    expect((await client.next()).kind).toBe("IdentityToken");
    const text = "x".repeat(1_000_000);
    const args = new ByteWriter();
    args.string(text);
    client.say({
      kind: "CallReducer",
      reducer: "refuse",
      args: args.toBytes(),
      argsText: undefined,
      requestId: 1,
      notify: true,
    });
    const wanted = `${"x".repeat(errorTextBytesMax - 29)}… (cut; 1000000 characters)`;
    expect(await client.next()).toMatchObject({
      kind: "TransactionUpdate",
      status: { kind: "Failed", message: wanted },
    });
    expect(textOf(await call(database, "refuse", JSON.stringify([text])))).toBe(wanted);
    // What a client is told of its own mistake is bounded too.
    const mistaken = textOf(await call(database, "refuse", JSON.stringify({ [text]: 1 })));
    expect(mistaken).toMatch(/^invalid arguments for reducer refuse: .*x… \(cut; 100\d{4} characters\)$/);
    const sql = await database.request({
      kind: "sql",
      caller: makeCaller(1, true),
      text: `SELECT * FROM ${"y".repeat(49_000)}`,
      confirmed: true,
    });
    expect(sql.body.length).toBeLessThanOrEqual(errorTextBytesMax);
    // And over either protocol what is said of a query of any length.
    const query = `SELECT * FROM ${"z".repeat(1_000_000)}`;
    client.say({ kind: "SubscribeSingle", query, requestId: 2, queryId: 1 });
    client.say({ kind: "OneOffQuery", messageId: Uint8Array.of(1), query });
    const errors = [await client.next(), await client.next()];
    expect(errors).toMatchObject([
      {
        kind: "SubscriptionError",
        message: expect.stringMatching(/executing: `SELECT \* FROM z+… \(cut; 100\d{4} char/),
      },
      { kind: "OneOffQueryResponse", error: expect.any(String) },
    ]);
    const inJson = await saidInJson(database, { SubscribeSingle: { query, request_id: 2, query_id: { id: 1 } } });
    expect(inJson).toMatch(/executing: `SELECT \* FROM z+… \(cut; 100\d{4} char/);
    expect(inJson.length).toBeLessThan(errorTextBytesMax + 1000);
    await database.stop(1000);
  });
});
