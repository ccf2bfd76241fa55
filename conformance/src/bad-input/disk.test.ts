// Goal: a full disk refuses writes with a code while reads go on, and writes go on when there is room; a sync that
// fails stops the database, its callers hear that the outcome is unknown, and it opens again with what was durable.
// Method: a database in this process on a simulated disk of a set size, or one whose sync fails once.
import { faultyFileSystem, manualClock, memoryFileSystem, SimulatedDisk } from "@lightcone/commitlog/testing";
import { defaultDatabaseLimits, type DatabaseLink, type Reply } from "@lightcone/database";
import { ByteWriter } from "@lightcone/sats";
import { expect, test } from "vitest";
import { Hosts } from "../database/hosts.ts";
import { call, LocalClient, makeCaller, openLocal, publish, sql, textOf } from "../database/local.ts";

const hostile = "../bad-input/modules/hostile.ts";
const mebibyte = 1024 ** 2;

// What is tripped here, with their defaults: the log leaves `diskReserveBytes` free, refuses with less than
// `diskHeadroomBytes` of what it wrote ahead, looks again each `diskProbeMs`, and has what was executed wait for no
// longer than `diskGraceMs`.
const { diskProbeMs, diskGraceMs } = defaultDatabaseLimits;

const add = (link: DatabaseLink, name: string) => call(link, "add", JSON.stringify([name]));

function addArgs(name: string): Uint8Array {
  const out = new ByteWriter();
  out.string(name);
  return out.toBytes();
}

test(
  "a full disk: writes are refused with a code, reads and clients go on, writes resume",
  { timeout: 300_000 },
  async () => {
    const disk = new SimulatedDisk();
    const fileSystem = faultyFileSystem(1, disk);
    const clock = manualClock();
    const database = await openLocal({ fileSystem, clock });
    expect((await publish(database, hostile)).status).toBe(200);
    const client = new LocalClient(database, makeCaller(2));
    expect((await client.next()).kind).toBe("IdentityToken");
    client.say({ kind: "SubscribeMulti", queries: ["SELECT * FROM item"], requestId: 1, queryId: 1 });
    expect((await client.next()).kind).toBe("SubscribeMultiApplied");

    disk.capacityBytes = disk.usedBytes + 5 * mebibyte;
    const stored: string[] = [];
    let refused: Awaited<ReturnType<typeof add>> | undefined;
    for (let round = 0; round < 1000 && refused === undefined; round += 1) {
      const name = `${round} ${"x".repeat(60_000)}`;
      const reply = await add(database, name);
      if (reply.status === 200) {
        stored.push(name);
        expect(await client.next()).toMatchObject({ kind: "TransactionUpdateLight" });
      } else refused = reply;
    }
    expect(refused?.status).toBe(507);
    expect(refused?.headers["lightcone-error"]).toBe("DiskFull");
    expect(refused?.headers["lightcone-hint"]).toMatch(/Free space/);

    client.call("add", addArgs("over WebSocket"), 7);
    expect(await client.next()).toMatchObject({ kind: "TransactionUpdate", status: { kind: "Failed" }, requestId: 7 });
    client.say({ kind: "OneOffQuery", messageId: Uint8Array.of(1), query: "SELECT * FROM item WHERE id = 1" });
    expect(await client.next()).toMatchObject({ kind: "OneOffQueryResponse", error: undefined });
    expect((await sql(database, "SELECT id FROM item")).length).toBe(stored.length);
    const insert = await database.request({
      kind: "sql",
      caller: makeCaller(1, true),
      text: "DELETE FROM item",
      confirmed: true,
    });
    expect(insert.status).toBe(507);
    expect((await publish(database, "../../../modules/typescript/ledger/src/index.ts")).status).toBe(507);

    const late = new LocalClient(database, makeCaller(3));
    await late.until(({ closed }) => closed !== undefined);
    expect(late.closed).toMatchObject({ code: 1013, reason: expect.stringContaining("no room") });

    disk.capacityBytes = Infinity;
    let again = await add(database, "there is room again");
    for (let round = 0; round < 50 && again.status !== 200; round += 1) {
      clock.advance(diskProbeMs);
      await new Promise((resolve) => setTimeout(resolve, 10));
      again = await add(database, "there is room again");
    }
    expect(textOf(again)).toBe("");
    expect((await sql(database, "SELECT id FROM item")).length).toBe(stored.length + 1);
    await database.stop(1000);
  },
);

test("a full disk: what is scheduled waits, also over a restart, and runs once there is room", async () => {
  const start = 1_700_000_000_000_000;
  const disk = new SimulatedDisk();
  const fileSystem = faultyFileSystem(3, disk);
  const clock = manualClock(start);
  const limits = { queryRowsMax: 10_000 };
  let database = await openLocal({ fileSystem, clock, limits });
  expect((await publish(database, "../database/modules/clockwork.ts")).status).toBe(200);
  const in5Seconds = JSON.stringify({ __timestamp_micros_since_unix_epoch__: start + 5_000_000 });
  expect((await call(database, "once", `["bell", ${in5Seconds}]`)).status).toBe(200);

  disk.capacityBytes = disk.usedBytes + 5 * mebibyte;
  const fill = async (): Promise<number> => {
    const never = JSON.stringify({ __timestamp_micros_since_unix_epoch__: start + 3_600_000_000 });
    for (;;) {
      const { status } = await call(database, "once", `["${"x".repeat(60_000)}", ${never}]`);
      if (status !== 200) return status;
    }
  };
  expect(await fill()).toBe(507);
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 500) {
      clock.advance(500);
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const jobs = async (): Promise<number> => (await sql(database, "SELECT id FROM job WHERE name = 'bell'")).length;
  const ran = async (): Promise<number> => (await sql(database, "SELECT id FROM ran")).length;
  await pass(10_000);
  expect([await jobs(), await ran()]).toEqual([1, 0]);

  await database.stop(0);
  database = await openLocal({ fileSystem, clock, limits });
  expect(await fill()).toBe(507);
  await pass(10_000);
  expect([await jobs(), await ran()]).toEqual([1, 0]);

  disk.capacityBytes = Infinity;
  await pass(10_000);
  expect([await jobs(), await ran()]).toEqual([0, 1]);
  await database.stop(1000);
});

test(
  "row 30: a snapshot that fails is tried again when as much log has come, not at every turn",
  { timeout: 300_000 },
  async () => {
    const fileSystem = memoryFileSystem();
    const database = await openLocal({ fileSystem });
    expect((await publish(database, hostile)).status).toBe(200);
    const tries: string[] = [];
    fileSystem.disk.intercept = (kind, path, apply) => {
      if (path.endsWith(".snapshot.new") && kind === "create") tries.push(path);
      if (path.endsWith(".snapshot.new") && kind === "write")
        throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
      apply();
    };
    const text = "x".repeat(400_000);
    let count = 0;
    while (tries.length === 0) {
      expect((await add(database, `${count} ${text}`)).status).toBe(200);
      expect((count += 1)).toBeLessThan(400);
    }
    // The log has passed 64 MiB; the next try comes with the next 64.
    for (let more = 0; more < 60; more += 1) expect((await add(database, `${count + more} ${text}`)).status).toBe(200);
    expect(tries).toHaveLength(1);
    fileSystem.disk.intercept = undefined;
    await database.stop(1000);
  },
);

test("a sync that fails: outcomes are unknown, the database stops, and recovery has what was told", async () => {
  const disk = new SimulatedDisk();
  const fileSystem = faultyFileSystem(2, disk);
  const database = await openLocal({ fileSystem });
  expect((await publish(database, hostile)).status).toBe(200);
  expect((await add(database, "durable")).status).toBe(200);
  const client = new LocalClient(database, makeCaller(2));
  expect((await client.next()).kind).toBe("IdentityToken");

  fileSystem.fault = { operation: 1, code: "EIO", kinds: ["datasync"] };
  const reply = await add(database, "perhaps");
  expect(reply.status).toBe(503);
  expect(reply.headers["lightcone-error"]).toBe("CallUnknown");
  expect(await database.failed).toBeInstanceOf(Error);
  client.call("add", addArgs("too late"), 1);
  // A job waits for the event loop to go round at most twice.
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(client.messages).toEqual([]);

  fileSystem.fault = undefined;
  fileSystem.restart();
  const reopened = await openLocal({ fileSystem });
  const names = (await sql(reopened, "SELECT name FROM item")).map(([name]) => name);
  expect(names[0]).toBe("durable");
  expect(names).not.toContain("too late");
  expect((await add(reopened, "goes on")).status).toBe(200);
  await reopened.stop(1000);
});

test("row 30: somebody else takes the room of what was executed: its host ends, and the next one reads and refuses", async () => {
  const clock = manualClock();
  const hosts = new Hosts();
  const { disk } = hosts.fileSystem;
  const link = await hosts.open({ clock });
  expect((await publish(link, hostile)).status).toBe(200);
  expect((await add(link, "durable")).status).toBe(200);
  // The segment that the log makes for what was executed finds a disk that has nothing left.
  disk.intercept = (kind, path) => {
    if (kind === "create" && path.includes("/log/")) disk.capacityBytes = disk.usedBytes;
  };
  const replies: Reply[] = [];
  void add(link, `long ${"x".repeat(1_500_000)}`).then((it) => replies.push(it));
  for (let waitedMs = 0; replies.length === 0 && waitedMs <= 4 * diskGraceMs; waitedMs += diskProbeMs) {
    clock.advance(diskProbeMs);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  // Part of what was written with it may be there.
  expect(replies[0]?.headers["lightcone-error"]).toBe("CallUnknown");
  expect((await add(link, `long ${"x".repeat(1_500_000)}`)).status).toBe(507);
  expect(hosts.count).toBe(2);
  expect(await sql(link, "SELECT name FROM item")).toEqual([["durable"]]);
  disk.intercept = undefined;
  disk.capacityBytes = Infinity;
  clock.advance(diskProbeMs);
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect((await add(link, `long ${"x".repeat(1_500_000)}`)).status).toBe(200);
  await link.stop(100);
});

test("row 28: who asks is told that the server failed, and the server's log how", async () => {
  const hosts = new Hosts();
  const link = await hosts.open();
  hosts.fileSystem.disk.intercept = (_, path) => {
    if (path.includes("snapshots")) throw Object.assign(new Error(`EIO: i/o error, write '${path}'`), { code: "EIO" });
  };
  const program = await publish(link, hostile);
  expect(program.status).toBe(200);
  const reply = await link.request({ kind: "snapshot" });
  expect({ status: reply.status, text: textOf(reply) }).toEqual({
    status: 500,
    text: "the server failed; its log says why",
  });
  expect(hosts.notes).toEqual([expect.stringMatching(/^a request failed: Error: EIO: .*snapshots/)]);
  expect(hosts.count).toBe(1);
  await link.stop(100);
});
