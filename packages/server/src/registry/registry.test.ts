/**
 * Goal: the registry is what its log says, whatever is torn, lost or cut short, and a change costs the same however
 *   large it is.
 * Method: on a disk in memory that stops at every operation and loses what may be lost, a script of changes through
 *   `Databases`; after each restart the registry is the one before or after the change under way, and the directories
 *   are those of its databases. Beside it: what is missing, what an earlier release left, bytes written a change.
 */
import { describe, expect, test } from "vitest";
import type { FileSystem } from "@lightcone/base";
import { faultyFileSystem, manualClock, memoryFileSystem, seededNumbers } from "@lightcone/commitlog/testing";
import type { FaultyFileSystem } from "@lightcone/commitlog/testing";
import { identityOf, programHash } from "../auth/identity.ts";
import type { Identity } from "../auth/identity.ts";
import { makeServerLimits } from "../limits.ts";
import { FakeDatabase } from "../testing/fake-database.ts";
import { Databases } from "./databases.ts";
import {
  addCoOwner,
  addName,
  createDatabase,
  giveDatabase,
  giveName,
  removeCoOwner,
  removeDatabase,
  replaceNames,
} from "./decisions.ts";
import { Registry } from "./registry.ts";
import type { DatabaseRecord, RegistryState } from "./state.ts";

const clock = manualClock();
const owners = ["ann", "ben", "cat"].map((name) => identityOf("localhost", name));
const ann = identityOf("localhost", "ann");
const ben = identityOf("localhost", "ben");
const small = {
  segmentBytes: 65_536,
  segmentBytesFirst: 32_768,
  batchBytesMax: 8192,
  reserveBytes: 0,
  headroomBytes: 16_384,
  snapshotAfterBytes: 20_000,
};
const limits = makeServerLimits({ registryNamesMax: 10, releasedNamesMax: 3 });

/** Collects what is said. */
class Lines {
  readonly said: string[] = [];
  debug = (): void => undefined;
  info = (): void => undefined;
  error = (fields: object, message: string): void => void this.said.push(`${message} ${JSON.stringify(fields)}`);
  warn = this.error;
}

function open(files: FileSystem, sizes = small, log = new Lines()): Promise<Registry> {
  return Registry.open({ files, clock, dataDirectory: "/data", limits, log, sizes });
}

function makeRecord(index: number, owner = ann): DatabaseRecord {
  const identity = identityOf("localhost", `database ${index}`);
  const directory = `databases/${identity.hex}/${index}`;
  const initialProgram = programHash(new Uint8Array([index]));
  return { identity, owner, hostType: "js", initialProgram, directory, coOwners: [], locked: false };
}

/** All that a client could learn. */
function facts(state: RegistryState): string {
  const databases = [...state.databases.values()].map((record) => {
    const { identity, owner, coOwners, hostType, initialProgram, locked } = record;
    const names = state.namesOf(identity.hex);
    return { identity: identity.hex, owner: owner.hex, coOwners, hostType, initialProgram, locked, names };
  });
  const owned = owners.map(({ hex }) => state.ownedBy(hex).map(({ identity }) => identity.hex));
  // In no order that is kept.
  const coOwned = owners.map(({ hex }) =>
    state
      .coOwnedBy(hex)
      .map(({ identity }) => identity.hex)
      .toSorted(),
  );
  const released = [...state.released].map((name) => [name, state.names.get(name)]);
  return JSON.stringify({ databases, owned, coOwned, released, count: state.names.size }, undefined, 1);
}

/** A server's databases over a disk; a database that opens has one file. */
async function serve(files: FileSystem, log = new Lines()): Promise<{ registry: Registry; databases: Databases }> {
  const registry = await open(files, small, log);
  // `openDataDirectory` sees to it.
  await files.makeDirectory("/data/databases");
  const openDatabase = async (_record: DatabaseRecord, directory: string): Promise<FakeDatabase> => {
    const handle = await files.open(`${directory}/rows`, "create");
    await handle.close();
    await files.makeDirectory(`${directory}/log`);
    await files.syncDirectory(directory);
    return new FakeDatabase();
  };
  const disconnect = (): void => undefined;
  return {
    registry,
    databases: new Databases({ registry, files, dataDirectory: "/data", clock, log, openDatabase, disconnect }),
  };
}

async function list(files: FileSystem, path: string): Promise<readonly string[]> {
  return (await files.exists(path)) ? files.list(path) : [];
}

/** The directories of databases on the disk. */
async function directories(files: FileSystem): Promise<readonly string[]> {
  const found: string[] = [];
  for (const identity of await list(files, "/data/databases")) {
    const numbers = await list(files, `/data/databases/${identity}`);
    found.push(...numbers.map((number) => `databases/${identity}/${number}`));
    if (numbers.length === 0) found.push(`databases/${identity}`);
  }
  return found.toSorted();
}

/** Changes of all kinds, the same for every crash point. Calls `done` after each. */
async function script(files: FileSystem, seed: number, done: (registry: Registry) => void): Promise<void> {
  const next = seededNumbers(seed);
  const pick = <T>(from: readonly T[]): T | undefined => from[Math.floor(next() * from.length)];
  const program = (text: string) => ({ bytes: new TextEncoder().encode(text), hostType: "js" as const });
  let { registry, databases } = await serve(files);
  done(registry);
  for (let step = 0; step < 24; step += 1) {
    const record = pick([...registry.state.databases.values()]);
    const owner = pick(owners) ?? ann;
    const name = `n${Math.floor(next() * 9)}`;
    const kind = next();
    if (record === undefined || kind < 0.3) {
      const text = next() < 0.3 ? "bad" : `program ${step}`;
      await databases.create(identityOf("localhost", `${step}`), owner, name, program(text));
    } else if (kind < 0.45) await databases.reset(record, program(next() < 0.3 ? "bad" : `program ${step}`));
    else if (kind < 0.65) await databases.delete(record);
    else if (kind < 0.7) await databases.give(record, owner);
    else if (kind < 0.73) await registry.change(addCoOwner(record.identity.hex, owner));
    else if (kind < 0.75) await databases.removeCoOwner(record, owner.hex);
    else if (kind < 0.85) await registry.change(replaceNames(record.identity.hex, record.owner, [name, `${name}x`]));
    else if (kind < 0.95) await registry.change(addName(record.identity.hex, record.owner, name));
    else {
      await databases.stop(0);
      await registry.close();
      ({ registry, databases } = await serve(files));
    }
    done(registry);
  }
  await databases.stop(0);
  await registry.close();
}

async function crashOnce(control: FaultyFileSystem, seed: number, crashAt: number, after: readonly string[]) {
  let doneCount = 0;
  control.crashAt = crashAt;
  try {
    await script(control, seed, () => void (doneCount += 1));
  } catch (error) {
    if (!control.isDown) throw error;
  }
  const next = seededNumbers(seed * 7919 + crashAt);
  control.restart();
  if (next() < 0.4) {
    // It stops again while it starts.
    control.crashAt = control.operationCount + 1 + Math.floor(next() * 20);
    try {
      const { databases, registry } = await serve(control);
      databases.tidyUp();
      await databases.stop(0);
      await registry.close();
    } catch (error) {
      if (!control.isDown) throw error;
    }
    control.restart();
  }
  const { registry, databases } = await serve(control);
  expect([after[doneCount - 1] ?? facts(registry.state), after[doneCount]]).toContain(facts(registry.state));
  databases.tidyUp();
  await databases.tidied();
  expect([...registry.state.doomed]).toEqual([]);
  const expected = [...registry.state.databases.values()].map(({ directory }) => directory);
  expect(await directories(control)).toEqual(expected.toSorted());
  for (const directory of expected) expect(await control.exists(`/data/${directory}/rows`), directory).toBe(true);
  // It goes on.
  const { identity } = makeRecord(77);
  await databases.create(identity, ann, undefined, { bytes: new Uint8Array(3), hostType: "js" });
  expect(registry.get(identity.hex)).toBeDefined();
  await databases.stop(0);
  await registry.close();
}

describe("row 16, row 17: a stop at every operation", () => {
  test.each([1, 2, 3])(
    "leaves the registry whole and no directory behind, seed %i",
    { timeout: 300_000 },
    async (seed) => {
      const after: string[] = [];
      const dry = faultyFileSystem(seed);
      await script(dry, seed, (registry) => void after.push(facts(registry.state)));
      expect(new Set(after).size).toBeGreaterThan(10);
      expect((await dry.list("/data/registry/snapshots")).length).toBeGreaterThan(0);
      // Every third operation, another third for each seed.
      for (let crashAt = 1 + (seed % 3); crashAt <= dry.operationCount; crashAt += 3) {
        try {
          await crashOnce(faultyFileSystem(seed * 1_000_003 + crashAt), seed, crashAt, after);
        } catch (error) {
          throw new Error(`seed ${seed}, stopped at operation ${crashAt} of ${dry.operationCount}`, { cause: error });
        }
      }
    },
  );

  test("a write that fails is decided by what the disk holds, and the registry goes on", async () => {
    for (let operation = 1; operation < 12; operation += 1) {
      const files = faultyFileSystem(operation);
      const { registry, databases } = await serve(files);
      const create = (index: number) =>
        databases.create(makeRecord(index).identity, ann, `n${index}`, { bytes: new Uint8Array(3), hostType: "js" });
      await create(1);
      files.fault = { operation, code: "EIO" };
      const outcome = await create(2).catch((error: unknown) => error);
      await create(3);
      const isThere = registry.named("n2") !== undefined;
      if (!(outcome instanceof Error)) expect(isThere).toBe(true);
      const before = facts(registry.state);
      await databases.stop(0);
      await registry.close();
      const again = await serve(files);
      expect(facts(again.registry.state)).toBe(before);
      again.databases.tidyUp();
      await again.databases.tidied();
      expect(await directories(files)).toHaveLength(isThere ? 3 : 2);
      await again.registry.close();
    }
  });
});

describe("row 17: a change costs the same however many databases there are", () => {
  test("one block a change, and snapshots that amount to no more than the log", async () => {
    const files = memoryFileSystem();
    let written = 0;
    const counting: FileSystem = {
      ...files,
      open: async (path, mode) => {
        const handle = await files.open(path, mode);
        return {
          ...handle,
          write: (source, position) => ((written += source.length), handle.write(source, position)),
        };
      },
    };
    const registry = await Registry.open({
      files: counting,
      clock,
      dataDirectory: "/data",
      limits: makeServerLimits(),
      log: new Lines(),
    });
    const cost: number[] = [];
    for (let index = 0; index < 10_000; index += 1) {
      const before = written;
      expect(await registry.change(createDatabase(makeRecord(index), `name-${index}`))).toBeUndefined();
      cost.push(written - before);
    }
    const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length / 2] ?? 0;
    expect(median(cost.slice(0, 100))).toBeLessThanOrEqual(8192);
    expect(median(cost.slice(-100))).toBeLessThanOrEqual(8192);
    expect(written / 10_000).toBeLessThan(3 * 8192);
    const facts10k = facts(registry.state);
    await registry.close();
    const again = await open(files);
    expect(facts(again.state)).toBe(facts10k);
    await again.close();
    // The disk holds a few times what the registry is, not its history.
    expect(files.disk.usedBytes).toBeLessThan(24 << 20);
  });
});

describe("row 3: absence is never newness", () => {
  async function filled(): Promise<ReturnType<typeof memoryFileSystem>> {
    const files = memoryFileSystem();
    const { registry, databases } = await serve(files);
    for (let index = 0; index < 20; index += 1)
      await databases.create(makeRecord(index).identity, ann, undefined, { bytes: new Uint8Array(3), hostType: "js" });
    await databases.stop(0);
    await registry.close();
    expect(await files.list("/data/registry/snapshots")).not.toEqual([]);
    return files;
  }

  async function removeAll(files: FileSystem, path: string): Promise<void> {
    for (const name of await files.list(path)) {
      await files.remove(`${path}/${name}`).catch(() => removeAll(files, `${path}/${name}`));
    }
    await files.removeDirectory(path);
  }

  test.each([
    { lost: ["/data/registry/log"], reason: "registry.json says that it was there" },
    { lost: ["/data/registry"], reason: "registry.json says that it was there" },
    { lost: ["/data/registry/log", "/data/registry.json"], reason: "its snapshots are there" },
    { lost: ["/data/registry", "/data/registry.json"], reason: "databases/ is not empty" },
    { lost: ["/data/registry/snapshots"], reason: "no snapshot stands for what was before" },
  ])("$lost is missed, and nothing is touched", async ({ lost, reason }) => {
    const files = await filled();
    for (const path of lost) {
      if (path.endsWith(".json")) await files.remove(path);
      else await removeAll(files, path);
    }
    const before = await directories(files);
    await expect(open(files)).rejects.toMatchObject({ code: "Corrupt", message: expect.stringContaining(reason) });
    await expect(open(files)).rejects.toMatchObject({ code: "Corrupt" });
    expect(await directories(files)).toEqual(before);
  });

  test("`registry.json` alone is written again, and a directory without anything is new", async () => {
    const files = await filled();
    await files.remove("/data/registry.json");
    const registry = await open(files);
    expect(registry.state.databases.size).toBe(20);
    expect(await files.exists("/data/registry.json")).toBe(true);
    await registry.close();
    const empty = await open(memoryFileSystem());
    expect(empty.state.databases.size).toBe(0);
    await empty.close();
  });

  test("a directory that no record names is reported and left alone", async () => {
    const files = await filled();
    await files.makeDirectory(`/data/databases/${"ab".repeat(32)}/5`);
    await files.makeDirectory(`/data/databases/${makeRecord(3).identity.hex}/5`);
    const lines = new Lines();
    const { registry, databases } = await serve(files, lines);
    const before = await directories(files);
    databases.tidyUp();
    await databases.tidied();
    expect(await directories(files)).toEqual(before);
    expect(lines.said).toEqual([expect.stringContaining("left alone")]);
    expect(lines.said[0]).toContain(`databases/${"ab".repeat(32)}/5`);
    expect(lines.said[0]).toContain(`"count":2`);
    await registry.close();
  });
});

describe("row 17: the registry of an earlier release", () => {
  const record = makeRecord(1);
  const earlier = {
    format: 1,
    databases: [
      {
        identity: record.identity.hex,
        owner: ann.hex,
        host_type: "js",
        initial_program: record.initialProgram,
        directory: record.directory,
        locked: true,
      },
    ],
    names: [
      { name: "shop", owner: ann.hex, database: record.identity.hex },
      { name: "given-up", owner: ben.hex, database: null },
      { name: "never-was", owner: ben.hex, database: makeRecord(2).identity.hex },
    ],
  };

  test("is taken over once, whenever it stops on the way", async () => {
    for (let crashAt = 1; ; crashAt += 1) {
      const control = faultyFileSystem(crashAt);
      await control.makeDirectory("/data");
      control.disk.poke("/data/registry.json", new TextEncoder().encode(JSON.stringify(earlier)));
      await control.makeDirectory(`/data/${record.directory}`);
      control.crashAt = control.operationCount + crashAt;
      const first = await open(control).catch((error: unknown) => error);
      if (first instanceof Error && !control.isDown) throw first;
      const isOver = !control.isDown;
      // What is written ahead may have stopped it after it was open.
      if (first instanceof Registry) await first.close().catch(() => undefined);
      control.restart();
      const registry = await open(control);
      expect(registry.named("shop")).toEqual({ ...record, locked: true });
      expect([...registry.state.released]).toEqual(["given-up", "never-was"]);
      expect(registry.state.ownedBy(ann.hex)).toHaveLength(1);
      await registry.close();
      const marker: unknown = JSON.parse(new TextDecoder().decode(control.disk.peek("/data/registry.json")));
      expect(marker).toEqual({ format: 2, registry: "registry/" });
      if (isOver) break;
    }
  });

  test.each([
    { what: "cut short", text: "{", code: "Corrupt" },
    { what: "newer", text: '{"format":3}', code: "NewerFormat" },
    { what: "a database of no kind", text: '{"format":1,"databases":[{}],"names":[]}', code: "Corrupt" },
    { what: "a name that is a number", text: '{"format":1,"databases":[],"names":[{"name":1}]}', code: "Corrupt" },
    {
      what: "a directory that is somebody else's",
      text: JSON.stringify({ ...earlier, databases: [{ ...earlier.databases[0], directory: "../../home" }] }),
      code: "Corrupt",
    },
  ])("is refused when it is $what", async ({ text, code }) => {
    const files = memoryFileSystem();
    await files.makeDirectory("/data");
    files.disk.poke("/data/registry.json", new TextEncoder().encode(text));
    await expect(open(files)).rejects.toMatchObject({ code });
    expect(new TextDecoder().decode(files.disk.peek("/data/registry.json"))).toBe(text);
  });

  test("is refused beside a registry that went on", async () => {
    const files = memoryFileSystem();
    const registry = await open(files);
    for (const index of [5, 6]) await registry.change(createDatabase(makeRecord(index), undefined));
    await registry.close();
    files.disk.poke("/data/registry.json", new TextEncoder().encode(JSON.stringify(earlier)));
    await expect(open(files)).rejects.toMatchObject({ code: "Corrupt", message: expect.stringContaining("put one") });
  });
});

describe("row 16: what the registry keeps of names has a bound", () => {
  async function opened(): Promise<Registry> {
    return open(memoryFileSystem());
  }
  const create = (registry: Registry, index: number, owner: Identity, name: string) =>
    registry.change(createDatabase(makeRecord(index, owner), name));

  test("an owner keeps `releasedNamesMax` names of databases that are gone, the latest", async () => {
    const registry = await opened();
    for (let index = 0; index < 5; index += 1) {
      await create(registry, index, ann, `n${index}`);
      await registry.change(removeDatabase(makeRecord(index).identity.hex));
    }
    expect([...registry.state.released]).toEqual(["n2", "n3", "n4"]);
    expect(await create(registry, 11, ben, "n2")).toEqual({ kind: "name-of-another", name: "n2" });
    expect(await create(registry, 12, ben, "n1")).toBeUndefined();
    expect(await create(registry, 13, ann, "n2")).toBeUndefined();
    const { identity } = makeRecord(13);
    expect(await registry.change(replaceNames(identity.hex, ann, ["a", "b"]))).toBeUndefined();
    expect(await registry.change(replaceNames(identity.hex, ann, ["c", "n2"]))).toBeUndefined();
    expect([...registry.state.released].length).toBeLessThanOrEqual(3);
    expect(registry.state.namesOf(identity.hex)).toEqual(["c", "n2"]);
    await registry.close();
  });

  test("with `registryNamesMax` names the longest released goes; when all are in use, a new one is refused", async () => {
    const registry = await opened();
    for (let index = 0; index < 8; index += 1) await create(registry, index, ben, `n${index}`);
    for (const index of [3, 1]) await registry.change(removeDatabase(makeRecord(index).identity.hex));
    for (const index of [20, 21, 22]) expect(await create(registry, index, ann, `m${index}`)).toBeUndefined();
    expect([...registry.state.released]).toEqual(["n1"]);
    expect(await create(registry, 23, ann, "m23")).toBeUndefined();
    await expect(create(registry, 24, ann, "m24")).rejects.toMatchObject({
      code: "LimitExceeded",
      detail: { limit: "registryNamesMax" },
    });
    // A database without a name is none more.
    expect(await registry.change(createDatabase(makeRecord(24), undefined))).toBeUndefined();
    await registry.close();
  });

  test("`coOwnersMax` refuses one more, and not one who is one already; a new owner is no co-owner", async () => {
    const files = memoryFileSystem();
    const few = makeServerLimits({ coOwnersMax: 2 });
    const registry = await Registry.open({ files, clock, dataDirectory: "/data", limits: few, log: new Lines() });
    const { identity } = makeRecord(1);
    await registry.change(createDatabase(makeRecord(1), "shared"));
    const eve = identityOf("localhost", "eve");
    const ida = identityOf("localhost", "ida");
    for (const each of [ben, eve, ben]) expect(await registry.change(addCoOwner(identity.hex, each))).toBeUndefined();
    await expect(registry.change(addCoOwner(identity.hex, ida))).rejects.toMatchObject({
      detail: { limit: "coOwnersMax" },
    });
    expect(registry.get(identity.hex)?.coOwners).toEqual([ben.hex, eve.hex]);
    expect(registry.state.coOwnedBy(ben.hex)).toHaveLength(1);
    await registry.change(giveDatabase(identity.hex, ben));
    expect(registry.get(identity.hex)?.coOwners).toEqual([eve.hex]);
    expect(registry.state.coOwnedBy(ben.hex)).toEqual([]);
    expect(await registry.change(removeCoOwner(identity.hex, ben.hex))).toEqual({ kind: "not-owner" });
    await registry.change(removeDatabase(identity.hex));
    expect(registry.state.coOwnedBy(eve.hex)).toEqual([]);
    await registry.close();
  });

  test("`databasesMax` and `doomedDirectoriesMax` refuse one more", async () => {
    const files = memoryFileSystem();
    const few = makeServerLimits({ databasesMax: 2, doomedDirectoriesMax: 1 });
    const registry = await Registry.open({ files, clock, dataDirectory: "/data", limits: few, log: new Lines() });
    await files.makeDirectory("/data/databases");
    for (const index of [1, 2]) await registry.change(createDatabase(makeRecord(index), undefined));
    await expect(registry.change(createDatabase(makeRecord(3), undefined))).rejects.toMatchObject({
      detail: { limit: "databasesMax" },
    });
    await registry.change(removeDatabase(makeRecord(1).identity.hex));
    const databases = new Databases({
      registry,
      files,
      dataDirectory: "/data",
      clock,
      log: new Lines(),
      openDatabase: () => Promise.reject(new Error("never asked")),
      disconnect: () => undefined,
    });
    const program = { bytes: new Uint8Array(3), hostType: "js" as const };
    await expect(databases.create(makeRecord(5).identity, ann, undefined, program)).rejects.toMatchObject({
      detail: { limit: "doomedDirectoriesMax" },
    });
    // The way on: what was doomed is removed at a start.
    databases.tidyUp();
    await databases.tidied();
    await expect(databases.create(makeRecord(5).identity, ann, undefined, program)).rejects.toThrow("never asked");
    await registry.close();
  });
});

describe("row 16: a full disk", () => {
  test("refuses what would take room, and lets a database be deleted", async () => {
    const files = memoryFileSystem();
    const { registry, databases } = await serve(files);
    const program = { bytes: new Uint8Array(3), hostType: "js" as const };
    const create = (index: number) => databases.create(makeRecord(index).identity, ann, undefined, program);
    await create(0);
    // Its rows are what will make room.
    const handle = await files.open(
      `/data/${registry.get(makeRecord(0).identity.hex)?.directory ?? ""}/rows`,
      "create",
    );
    await handle.write(new Uint8Array(500_000), 0);
    await handle.datasync();
    await handle.close();
    files.disk.capacityBytes = files.disk.usedBytes;
    let index = 1;
    const full = await (async (): Promise<unknown> => {
      for (; ; index += 1) {
        const outcome = await create(index).catch((error: unknown) => error);
        if (outcome instanceof Error) return outcome;
      }
    })();
    expect(full).toMatchObject({ code: "DiskFull" });
    expect(index).toBeGreaterThan(1);
    await expect(create(index)).rejects.toMatchObject({ code: "DiskFull" });
    const record = registry.get(makeRecord(0).identity.hex);
    expect(record && (await databases.delete(record))).toBeUndefined();
    expect(registry.state.databases.size).toBe(index - 1);
    // The log looks for room again by and by.
    clock.advance(1000);
    await expect
      .poll(async () => create(index).catch((error: unknown) => (clock.advance(1000), error)))
      .toHaveProperty("reply");
    await databases.stop(0);
    await registry.close();
    const again = await open(files);
    expect(again.state.databases.size).toBe(index);
    await again.close();
  });
});

describe("row 7, row 14: owners", () => {
  test("a database goes to its new owner with its names; a released name goes alone", async () => {
    const registry = await open(memoryFileSystem());
    const { identity } = makeRecord(1);
    await registry.change(createDatabase(makeRecord(1), "shop"));
    expect(await registry.change(giveName("shop", ben))).toEqual({ kind: "name-in-use", name: "shop" });
    await registry.change(giveDatabase(identity.hex, ben));
    expect(registry.nameRecord("shop")?.owner).toBe(ben.hex);
    expect(registry.state.ownedBy(ann.hex)).toEqual([]);
    expect(await registry.change(addName(identity.hex, ann, "other"))).toEqual({ kind: "not-owner" });
    await registry.change(removeDatabase(identity.hex));
    expect(await registry.change(createDatabase(makeRecord(2), "shop"))).toEqual({
      kind: "name-of-another",
      name: "shop",
    });
    await registry.change(giveName("shop", ann));
    expect(await registry.change(createDatabase(makeRecord(2), "shop"))).toBeUndefined();
    expect(await registry.change(giveName("none", ann))).toEqual({ kind: "no-database" });
    await registry.close();
  });
});
