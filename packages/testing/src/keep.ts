/**
 * Keeps the database of a test as a data directory that a server opens. Two pieces of work are done by a process of the
 * command's (`cli/src/keep/keep-main.ts`): the module is bundled, and the directory is written.
 */
import { LightconeError } from "@lightcone/base";
import type { InMemory } from "@lightcone/database";
import type { Identity } from "@lightcone/sats";
import { freshFolder, pathOf, runKeeper } from "./real-keeper.ts";

/** What runners hand to a test: vitest's context (`({ task, … }) =>`), or that of `node:test` (`(t) =>`). */
export type TestContext =
  | {
      readonly task: { readonly name: string; readonly result?: { readonly state: string } | undefined };
      onTestFinished(run: () => Promise<void>): void;
    }
  // Node's own types lack `passed`.
  | { readonly name: string; readonly passed?: boolean; after(run: () => Promise<void>): void };

/** Of which test a database is kept when the test fails, and where. */
export interface KeepOptions {
  /** The test's context: the database is kept if the test fails. */
  readonly test: TestContext;
  /** The module's entry file, for the server to run: `import.meta.resolve("../src/index.ts")`. */
  readonly entry: string | URL;
  /** Below which folder. `.lightcone/failed-tests` in that where the tests run, if left out. */
  readonly folder?: string;
}

export interface KeptWorld {
  readonly memory: InMemory;
  /** What the module that the test imported says of itself. */
  readonly description: Uint8Array;
  readonly owner: Identity;
  readonly identity: Identity;
}

const folderName = ".lightcone/failed-tests";
const database = "test";

/** Calls `ended` when the runner knows how the test ended. */
export function whenEnded(test: TestContext, ended: (isFailed: boolean) => Promise<void>): string {
  if ("task" in test) {
    test.onTestFinished(() => ended(test.task.result?.state === "fail"));
    return test.task.name;
  }
  test.after(() => ended(test.passed === false));
  return test.name;
}

/** @returns the data directory */
export async function keepDatabase(world: KeptWorld, name: string, options: KeepOptions): Promise<string> {
  const { memory, owner, identity } = world;
  const entry = pathOf(options.entry);
  const { code, description } = await runKeeper<{ code: string; description: string }>("bundle", { entry });
  if (!Buffer.from(description, "base64").equals(world.description))
    throw new TypeError(`${entry} is another module than the one that the test has imported: its database is not kept`);
  // The server goes on with a program, and so far it was none.
  const program = new TextEncoder().encode(code);
  const reply = await memory.database.request({ kind: "publish", program, hostType: "js", breakClients: false });
  if (reply.status !== 200) throw new LightconeError("ModuleInvalid", { reason: new TextDecoder().decode(reply.body) });
  const dataDirectory = freshFolder(options.folder ?? folderName, name);
  await runKeeper("write", {
    dataDirectory,
    name: database,
    identity: identity.toHexString(),
    owner: owner.toHexString(),
    program: Buffer.from(program).toString("base64"),
    records: memory.log.records.map((record) => Buffer.from(record).toString("base64")),
  });
  return dataDirectory;
}

/** How to look at what was kept. */
export const advice = (name: string, dataDirectory: string): string =>
  `"${name}" failed, and its database is kept. Start a server with it, and ask it what you like; as its owner, for private tables:
  npx lightcone start --data-dir ${dataDirectory}
  npx lightcone owner ${database} --data-dir ${dataDirectory} --yes
  npx lightcone sql ${database} "SELECT …"`;
