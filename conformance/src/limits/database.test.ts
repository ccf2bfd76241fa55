// Goal: limits of a database that depend on a slow disk or a slow reader: commits that wait, followers that are behind.
// Method: a database in this process, whose disk syncs when the test says so and whose follower reads when it does.
import { manualClock, memoryFileSystem } from "@lightcone/commitlog/testing";
import type { FileSystem } from "@lightcone/base";
import { ByteWriter } from "@lightcone/sats";
import { expect, test } from "vitest";
import { logFilesMax } from "../../../packages/database/src/module-log.ts";
import { call, LocalClient, makeCaller, openLocal, publish } from "../database/local.ts";

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

test("logFilesMax: of so many days the lines are kept", async () => {
  const [fileSystem, clock] = [memoryFileSystem(), manualClock()];
  const database = await openLocal({ fileSystem, clock });
  expect((await publish(database, "../limits/modules/talker.ts")).status).toBe(200);
  for (let day = 0; day < logFilesMax + 2; day += 1) {
    clock.advance(day === 0 ? 0 : 24 * 60 * 60 * 1000);
    await call(database, "say", `["day ${day}"]`);
    await settled();
  }
  const names = (await fileSystem.list("/data/module-log")).toSorted();
  expect(names).toHaveLength(logFilesMax);
  expect(names.at(-1)).toBe(`${new Date(clock.nowMicros() / 1000).toISOString().slice(0, 10)}.ndjson`);
  await database.stop(1000);
});

test("logFollowLinesMax: a follower that is behind loses lines, and is told how many", async () => {
  const database = await openLocal({ limits: { logFollowLinesMax: 3 } });
  expect((await publish(database, "../limits/modules/talker.ts")).status).toBe(200);
  const lines = database.logs({ lineCount: 0, follow: true })[Symbol.asyncIterator]();
  const textOf = (line: IteratorResult<Uint8Array>): string => new TextDecoder().decode(line.value);
  const first = lines.next();
  await settled();
  expect((await call(database, "say", `["first"]`)).status).toBe(200);
  expect(textOf(await first)).toContain("first");
  for (let number = 1; number <= 5; number += 1) await call(database, "say", `["number ${number}"]`);
  const read: string[] = [];
  while (read.length < 4) read.push(textOf(await lines.next()));
  const messages = read.map((line): string => JSON.parse(line).message).sort();
  expect(messages).toEqual(["2 lines were dropped: read faster", "number 1", "number 2", "number 3"]);
  await call(database, "say", `["and on"]`);
  expect(textOf(await lines.next())).toContain("and on");
  await database.stop(1000);
});
