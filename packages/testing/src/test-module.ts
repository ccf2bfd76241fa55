/** `testModule`: a database of a test's own, with the module that the test has imported. */
import { inspectorUrl } from "./debugger.ts";
import { LightconeError } from "@lightcone/base";
import { TimeoutWatchdog } from "@lightcone/base/node";
import { defaultDatabaseLimits, openInMemory } from "@lightcone/database";
import { guestGlobals } from "@lightcone/host-js";
import type { World } from "./api.ts";
import { momentMicros, type Moment } from "./duration.ts";
import { StubbedHttp } from "./http-stubs.ts";
import { advice, whenEnded, type KeepOptions } from "./keep.ts";
import { checkOptions } from "./helpful.ts";
import { loadedModuleOf } from "./loaded-module-of.ts";
import { TestClock } from "./test-clock.ts";
import type { ModuleExports } from "./types.ts";
import { databaseIdentity, ownerIdentity, TestWorld } from "./world.ts";

/** What `testModule` may be told besides the module: the time, another chance, limits. */
export interface TestOptions {
  /** When it is, until the test moves the clock: 2026-01-01T00:00:00Z if left out. */
  readonly now?: Moment;
  /**
   * Another chance: `ctx.random` and UUIDs are made of a call's time and caller. Moves the clock's beginning by so many
   * microseconds.
   */
  readonly seed?: number;
  /** Limits of the database, as `docs/limits.md` names them. A call may take a second if nothing else is said. */
  readonly limits?: Readonly<Record<string, number>>;
  /** Keeps the database of a test that fails, for `lightcone start --data-dir` to open. */
  readonly keep?: KeepOptions;
}

const majorMin = 24;

/** @throws {Error} that says how tests have a Node that is new enough */
export function checkNode(version: string): void {
  if (Number.parseInt(version, 10) >= majorMin) return;
  throw new Error(
    `lightcone/testing needs Node ${majorMin} or newer, and this is ${version}: lightcone brings one along for npm, so run tests by an npm script ("test": "vitest run"), or by npx`,
  );
}

// Kept: a test may put others in their place.
const { stderr } = process;
const writeLine = (text: string): void => void stderr.write(`${text}\n`);

const startMicros = Date.UTC(2026, 0, 1) * 1000;
const callMsMax = 1000;
/** As long as a call may take while somebody looks at it in a debugger. */
const debuggedMs = 24 * 3600 * 1000;

/** Puts the globals back that a call was ended under. */
class RealmWatchdog extends TimeoutWatchdog {
  /** Whether code of the module may run; without any, no timer is started. */
  isGuarding = true;

  override run(work: () => void, budgetMs: number): boolean {
    if (!this.isGuarding) {
      this.critical.reset();
      work();
      return true;
    }
    const isDone = super.run(work, inspectorUrl() === undefined ? budgetMs : debuggedMs);
    if (!isDone) guestGlobals.ended();
    return isDone;
  }
}

/**
 * Makes a database in this process and publishes a module to it: one of its own for each test, in memory, on a clock that stands.
 * The module's functions run where the test runs, so that break points and coverage work; the realm is not locked down.
 *
 * @param exports of the module's entry file: `import * as arena from "../module/src/index.ts"`
 * @throws {LightconeError} `ModuleInvalid`, `SchemaInvalid`, or what the module's `init` throws
 *
 * @example
 * const world = await testModule(arena);
 * await world.as("ann").join({ name: "Ann" });
 * expect(world.db.player.count()).toBe(1n);
 */
export async function testModule<M extends ModuleExports>(exports: M, options: TestOptions = {}): Promise<World<M>> {
  checkNode(process.versions.node);
  checkOptions("testModule", options, { now: true, seed: true, limits: true, keep: true });
  const { seed = 0, limits, keep } = options;
  if (keep !== undefined) checkOptions("`keep` of testModule", keep, { test: true, entry: true, folder: true });
  if (!Number.isSafeInteger(seed) || seed < 0) throw new TypeError("a seed is a whole number from 0 on");
  for (const name of Object.keys(limits ?? {}))
    if (!(name in defaultDatabaseLimits))
      throw new TypeError(`there is no limit \`${name}\`: docs/limits.md has them all`);
  const module = loadedModuleOf(exports);
  const program = module.program();
  const clock = new TestClock((options.now === undefined ? startMicros : momentMicros(options.now)) + seed);
  const failures: Error[] = [];
  const http = new StubbedHttp((error) => failures.push(error));
  const lines: Uint8Array[] = [];

  const watchdog = new RealmWatchdog();
  watchdog.isGuarding = module.shape.reducers.some(({ lifecycle }) => lifecycle === "init");
  const memory = await openInMemory({
    identity: { database: databaseIdentity.toUint8Array(), owner: ownerIdentity.toUint8Array() },
    clock,
    random: zeros,
    watchdog,
    loadJs: () => program,
    http,
    limits: { reducerTimeoutMs: callMsMax, ...limits },
    line: (line) => lines.push(line.slice()),
  });
  const published = await memory.database.request({
    kind: "publish",
    program: new TextEncoder().encode("// loaded in the process of a test"),
    hostType: "js",
    breakClients: false,
  });
  watchdog.isGuarding = true;
  if (published.status !== 200) {
    program.release();
    throw new LightconeError("ModuleInvalid", { reason: new TextDecoder().decode(published.body) });
  }
  const world = new TestWorld({
    module,
    program,
    memory,
    clock,
    http,
    failures,
    lines,
    owner: ownerIdentity,
    identity: databaseIdentity,
    isKept: keep !== undefined,
  });
  if (keep !== undefined) {
    const name = whenEnded(keep.test, async (isFailed) => {
      // Runners do not show what goes wrong behind a test that has failed.
      const said = !isFailed
        ? ""
        : await world.keep(name, keep).then(
            (dataDirectory) => advice(name, dataDirectory),
            (error: unknown) => `"${name}" failed, and its database could not be kept: ${String(error)}`,
          );
      if (said !== "") writeLine(said);
      world.letGo();
    });
  }
  return world as unknown as World<M>; // what it has by name is of the module's own shape
}

/** Where keys hash to is not seen. */
const zeros = { fill: <T extends Uint8Array>(target: T): T => target };
