// Goal: whatever is missing of a server's directory that held data, the server does not start and nothing is touched;
// a start that was cut short anywhere is finished by the next.
// Method: every subset of the files removed, with a database registered and without; a disk that stops at every operation.
import { faultyFileSystem, manualClock, memoryFileSystem } from "@lightcone/commitlog/testing";
import type { MemoryFileSystem } from "@lightcone/commitlog/testing";
import type { FileSystem } from "@lightcone/base";
import { describe, expect, test } from "vitest";
import { identityOf } from "./auth/identity.ts";
import { openDataDirectory } from "./data-directory.ts";
import { makeServerLimits } from "./limits.ts";
import { makeServerLog } from "./log.ts";

const directory = "/data";
const parts = ["founded", "registry.json", "registry", "id_ecdsa", "id_ecdsa.pub", "databases"] as const;
const limits = makeServerLimits();

async function open(files: FileSystem): ReturnType<typeof openDataDirectory> {
  const opened = await openDataDirectory({
    files,
    clock: manualClock(),
    dataDirectory: directory,
    limits,
    log: makeServerLog("silent"),
  });
  await opened.registry.close();
  return opened;
}

/** The files under a path, with their content. */
async function contentOf(fileSystem: MemoryFileSystem, path = directory): Promise<Map<string, string>> {
  const names = await fileSystem.list(path).catch(() => undefined);
  if (names === undefined) return new Map([[path, Buffer.from(fileSystem.disk.peek(path)).toString("latin1")]]);
  const inner = await Promise.all(names.map((name) => contentOf(fileSystem, `${path}/${name}`)));
  return new Map(inner.flatMap((each) => [...each]));
}

async function removeTree(fileSystem: FileSystem, path: string): Promise<void> {
  const names = await fileSystem.list(path).catch(() => undefined);
  if (names === undefined) return fileSystem.remove(path);
  for (const name of names) await removeTree(fileSystem, `${path}/${name}`);
  return fileSystem.removeDirectory(path);
}

/** A directory as a server leaves it that has made a database, or none. */
async function founded(hasDatabase: boolean): Promise<MemoryFileSystem> {
  const fileSystem = memoryFileSystem();
  await fileSystem.makeDirectory(directory);
  const clock = manualClock();
  const options = { files: fileSystem, clock, dataDirectory: directory, limits, log: makeServerLog("silent") };
  const { registry } = await openDataDirectory(options);
  if (hasDatabase) {
    const identity = identityOf("localhost", "owner");
    const { hex } = identity;
    await fileSystem.makeDirectory(`${directory}/databases/${hex}/1`);
    fileSystem.disk.poke(`${directory}/databases/${hex}/1/founded`, new Uint8Array(1));
    const database = {
      identity,
      owner: identity,
      hostType: "js",
      initialProgram: "00".repeat(32),
      directory: `databases/${hex}/1`,
      coOwners: [],
      locked: false,
    } as const;
    expect(await registry.change(() => ({ record: [{ kind: "database", database }] }))).toBeUndefined();
  }
  await registry.close();
  return fileSystem;
}

describe.each([true, false])("row 3: a server's directory (with a database: %s)", (hasDatabase) => {
  const present = parts.filter((part) => hasDatabase || part !== "databases");
  const subsets = Array.from({ length: 2 ** present.length - 1 }, (_, index) =>
    present.filter((_part, bit) => ((index + 1) & (1 << bit)) !== 0),
  );
  test.each(subsets.map((missing) => ({ why: missing.join(", "), missing })))("without $why", async ({ missing }) => {
    const fileSystem = await founded(hasDatabase);
    for (const part of missing) await removeTree(fileSystem, `${directory}/${part}`);
    const before = await contentOf(fileSystem);
    const opened = await open(fileSystem).catch((error: unknown) => error);
    const has = (part: (typeof parts)[number]): boolean => present.includes(part) && !missing.includes(part);
    // `registry.json` says no more than that there is a registry.
    const isLost = present.some((part) => part !== "founded" && part !== "registry.json" && !has(part));
    const hasWitness =
      has("founded") ||
      has("databases") ||
      (hasDatabase && has("registry")) ||
      (has("registry.json") && !has("registry"));
    // Keys alone are brought along to a new server; a public one alone is half of what was to be.
    const isHalf = has("id_ecdsa.pub") && !has("id_ecdsa");
    if (isLost && hasWitness) {
      expect(opened).toMatchObject({ code: expect.stringMatching(/^(Corrupt|SigningKeys)$/) });
      for (const [path, content] of before)
        if (!path.startsWith(`${directory}/registry/`)) expect((await contentOf(fileSystem)).get(path)).toBe(content);
      for (const part of missing.filter((each) => each !== "registry.json"))
        expect(await fileSystem.exists(`${directory}/${part}`), part).toBe(false);
      return;
    }
    if (isHalf) {
      expect(opened).toMatchObject({ code: "SigningKeys" });
      return;
    }
    if (opened instanceof Error) throw opened;
    const after = await contentOf(fileSystem);
    for (const name of ["id_ecdsa", "id_ecdsa.pub"] as const)
      if (has(name)) expect(after.get(`${directory}/${name}`)).toBe(before.get(`${directory}/${name}`));
    expect(opened).toMatchObject({
      registry: { state: { databases: { size: hasDatabase && has("registry") ? 1 : 0 } } },
    });
  });
});

test("row 3: a start that was cut short anywhere is finished by the next", async () => {
  const dry = faultyFileSystem(1);
  await dry.makeDirectory(directory);
  await open(dry);
  expect(dry.operationCount).toBeGreaterThan(15);
  for (let crashAt = 1; crashAt <= dry.operationCount; crashAt += 1) {
    const fileSystem = faultyFileSystem(crashAt);
    await fileSystem.makeDirectory(directory);
    fileSystem.crashAt = crashAt;
    await open(fileSystem).catch(() => undefined);
    fileSystem.restart();
    await fileSystem.makeDirectory(directory);
    await open(fileSystem);
    await open(fileSystem);
  }
});
