// Goal: a program is taken in whole or not at all, and the one that ran goes on wherever the next is not taken.
// Method: publish and plan jobs on a real loop and store; programs are names of modules of the test, whose tables and
// reducers are values and functions: none is loaded. Tables are looked at, not only replies.
import { LightconeError } from "@lightcone/base";
import { tableDef } from "@lightcone/engine/testing";
import type { CallOutcome } from "@lightcone/host";
import { product, t } from "@lightcone/sats";
import { beforeEach, describe, expect, test } from "vitest";
import { CommitKind } from "@lightcone/engine";
import { Call, noConnection } from "../core/call.ts";
import { ok } from "../core/commit-pipeline.ts";
import { isWhole } from "../core/context.ts";
import type { Job } from "../core/job-loop.ts";
import type { Module, Program } from "../core/module.ts";
import type { Reply } from "../link/link.ts";
import { noWorkId } from "../link/work.ts";
import { openParts, TestModule, type TestModuleSketch, type TestParts } from "../testing/index.ts";
import { storedProgram } from "./module-row.ts";
import { planJob, publishJob, type Publication, type PublishSite } from "./publish.ts";

const one = { ...tableDef({ name: "one", columns: { id: t.u32 } }), typeRef: 0 };
const two = { ...tableDef({ name: "two", columns: { id: t.u32 } }), typeRef: 0 };
const encoder = new TextEncoder();

let parts: TestParts;
let site: PublishSite;
/** Programs by name. */
let programs: Record<string, TestModuleSketch | (() => never)>;
/** What was done besides. */
let done: string[];
let init: () => CallOutcome | undefined;

async function begin(limits = {}): Promise<void> {
  parts = await openParts(undefined, limits);
  const { context, scheduler, store } = parts;
  done = [];
  site = {
    context,
    installation: {
      load: ({ program }: Program): Module => {
        const name = new TextDecoder().decode(program);
        const sketch = programs[name];
        if (typeof sketch === "function") return sketch();
        return new TestModule({ ...sketch, name });
      },
      install: (module) => {
        context.module = module;
        scheduler.bind(store.tables());
        if (module?.hash.startsWith("10") === true)
          throw new LightconeError("SqlRefused", { text: "no such table: `nowhere`", category: "name" });
      },
      installAgain: (module) => {
        context.module = module;
        scheduler.bind(store.tables());
      },
      clearEnds: () => done.push("cleared"),
    },
    sessions: {
      programChanged: (disconnects) => done.push(disconnects ? "disconnected" : "access changed"),
    },
  };
}

beforeEach(async () => {
  init = () => undefined;
  programs = {
    "0a": { tables: [one], reducers: { begin: { lifecycle: "init", run: () => init() } } },
    "0b": { tables: [one, two], reducers: { begin: { lifecycle: "init", run: () => init() } } },
    "0c": { tables: [] },
    "0d": () => {
      throw new LightconeError("ModuleInvalid", { reason: "it is no module" });
    },
    "0e": () => {
      throw new TypeError("a bug of ours");
    },
    "0f": () => {
      for (;;);
    },
  };
  await begin();
});

async function publish(name: string, more: Partial<Publication> = {}): Promise<Reply> {
  const replies: Reply[] = [];
  const publication: Publication = { hostType: "js", program: encoder.encode(name), breakClients: false, ...more };
  parts.context.loop.push(publishJob(site, publication, noWorkId, (reply) => replies.push(reply)));
  await parts.settle();
  expect(replies.length).toBe(1);
  return replies[0] ?? { status: 0, headers: {}, body: new Uint8Array(0) };
}

async function plan(name: string): Promise<{ readonly status: number; readonly text: string }> {
  const replies: Reply[] = [];
  const program = { hostType: "js", program: encoder.encode(name), style: "plain" } as const;
  parts.context.loop.push(planJob(site, program, noWorkId, (reply) => replies.push(reply)));
  await parts.settle();
  const [reply] = replies;
  return { status: reply?.status ?? 0, text: new TextDecoder().decode(reply?.body) };
}

const tables = (): readonly string[] =>
  parts.store
    .tables()
    .filter(({ def }) => def.kind === "user")
    .map(({ name }) => name);
/** The program that runs, and the one that the tables say. */
const running = (): readonly (string | undefined)[] => [
  parts.context.module?.hash.slice(0, 2),
  new TextDecoder().decode(storedProgram(parts.store)?.program),
];
const codeOf = ({ status, headers }: Reply): string => `${status} ${headers["lightcone-error"] ?? ""}`.trim();

describe("the first program", () => {
  test("makes its tables and runs its init reducer, all in one commit", async () => {
    const { offset } = parts.context.pipeline;
    let isThere = false;
    init = () => {
      isThere = parts.store.tableByName("one") !== undefined;
      return undefined;
    };
    expect(codeOf(await publish("0a"))).toBe("200");
    expect([isThere, tables(), running()]).toEqual([true, ["one"], ["0a", "0a"]]);
    expect(parts.context.pipeline.offset).toBe(offset + 1);
    expect(done).toEqual(["cleared"]);
  });

  test.each([
    ["is refused", (): CallOutcome => ({ kind: "error", message: "no" }), "500 ReducerFailed"],
    ["breaks", (): CallOutcome => ({ kind: "panic", message: "oh", fatal: true }), "500 ReducerCrashed"],
  ])("is not taken when its init reducer %s", async (_, ends, code) => {
    init = ends;
    expect(codeOf(await publish("0a"))).toBe(code);
    expect([tables(), running()]).toEqual([[], [undefined, ""]]);
    init = () => undefined;
    expect(codeOf(await publish("0a"))).toBe("200");
  });

  test("nor when that does not end", async () => {
    await begin({ reducerTimeoutMs: 300 });
    init = () => {
      for (;;);
    };
    expect(codeOf(await publish("0a"))).toBe("400 ReducerTimedOut");
    expect([tables(), running(), isWhole(parts.context)]).toEqual([[], [undefined, ""], true]);
  });

  test("nothing to plan against: there is no database", async () => {
    expect((await plan("0a")).status).toBe(404);
  });
});

describe("a program after another", () => {
  beforeEach(async () => {
    await publish("0a");
    done.length = 0;
  });

  test("carries out what differs and goes on", async () => {
    expect(codeOf(await publish("0b"))).toBe("200");
    expect([tables(), running()]).toEqual([
      ["one", "two"],
      ["0b", "0b"],
    ]);
    expect(done).toEqual(["access changed", "cleared"]);
  });

  test("the same again does nothing", async () => {
    const { offset } = parts.context.pipeline;
    expect(codeOf(await publish("0a"))).toBe("200");
    expect(parts.context.pipeline.offset).toBe(offset);
  });

  test.each([
    ["is none", "0d", "400 ModuleInvalid"],
    ["cannot be read for a bug of ours", "0e", "400 ModuleInvalid"],
    ["would lose a table of clients", "0c", "400 ClientsWouldBreak"],
  ])("that %s leaves the one before as it was", async (_, name, code) => {
    expect(codeOf(await publish(name))).toBe(code);
    expect([tables(), running(), done]).toEqual([["one"], ["0a", "0a"], []]);
  });

  test("that does not start to an end leaves the one before as it was", async () => {
    await begin({ reducerTimeoutMs: 300 });
    await publish("0a");
    expect(codeOf(await publish("0f"))).toBe("400 ReducerTimedOut");
    expect(running()).toEqual(["0a", "0a"]);
    expect(codeOf(await publish("0b"))).toBe("200");
  });

  test("that cannot be installed, as for a rule that is wrong, leaves the one before as it was", async () => {
    programs["10"] = programs["0b"] ?? {};
    expect((await publish("10")).status).toBe(400);
    expect([tables(), running(), done]).toEqual([["one"], ["0a", "0a"], []]);
  });

  test("a full disk takes no program", async () => {
    Object.defineProperty(parts.context.pipeline, "refusal", {
      value: new LightconeError("DiskFull", { path: "/data/log" }),
    });
    const { status } = await publish("0b");
    expect(status).toBe(507);
    expect(running()).toEqual(["0a", "0a"]);
  });

  test("a plan says what would be done, and does nothing", async () => {
    const { offset } = parts.context.pipeline;
    const { status, text } = await plan("0b");
    expect([status, text]).toEqual([200, expect.stringContaining("two")]);
    expect([tables(), running(), parts.context.pipeline.offset]).toEqual([["one"], ["0a", "0a"], offset]);
  });
});

describe("row migrations: rows made anew", () => {
  const wide = { ...tableDef({ name: "one", columns: { id: t.u64 } }), typeRef: 0 };
  const rowCount = 5500;
  const rows = (): readonly number[] => {
    const { store } = parts;
    const cursor = store.tableByName("one")?.openCursor();
    cursor?.seek();
    const found: number[] = [];
    for (let row = cursor?.next() ?? -1; row !== -1; row = cursor?.next() ?? -1) {
      store.resolve(row);
      found.push(store.row.view.getUint32(store.row.at, true));
    }
    return found;
  };
  const all = Array.from({ length: rowCount }, (_, n) => n);
  let token = "";
  beforeEach(async () => {
    programs["0b"] = { tables: [wide] };
    await publish("0a");
    const { context, store } = parts;
    const id = store.tableByName("one")?.id;
    const call = new Call(CommitKind.internal, { identity: context.owner, connectionId: noConnection });
    context.pipeline.transact(call, () => {
      for (const n of all) if (id !== undefined) store.tx.insert(id, Uint8Array.of(n & 255, n >> 8, 0, 0), 0, 4);
      return ok;
    });
    ({ token } = (JSON.parse((await plan("0b")).text) as { AutoMigrate: { token: string } }).AutoMigrate);
  });

  /** Publishes while others read and write; says what each saw. */
  async function publishAmong(): Promise<{ readonly code: string; readonly seen: readonly string[] }> {
    const { context, store } = parts;
    const seen: string[] = [];
    const look = (name: string, owner: object, isRead: boolean): Job => ({
      owner,
      readsOnly: () => isRead,
      run: () =>
        seen.push(
          `${name}: ${store.tableByName("one")?.def.columns[0]?.type.kind} ${rows().length} ${store.catalog.isRemaking}`,
        ),
      timedOut: () => seen.push("timed out"),
    });
    const reply = publish("0b", { breakClients: true, migrationToken: token });
    const [ann, bea] = [{}, {}];
    context.loop.push(look("ann reads", ann, true));
    context.loop.push(look("bea writes", bea, false));
    context.loop.push(look("bea reads", bea, true));
    context.loop.push(look("ann reads", ann, true));
    return { code: codeOf(await reply), seen };
  }

  test("what reads goes on over the old rows, what writes waits for the new", async () => {
    const { code, seen } = await publishAmong();
    expect([code, seen]).toEqual([
      "200",
      [
        ...["ann reads: U32 5500 true", "ann reads: U32 5500 true"],
        ...["bea writes: U64 5500 false", "bea reads: U64 5500 false"],
      ],
    ]);
    expect(rows()).toEqual(all);
  });

  test("a type that they do not fit in refuses the program, and nothing of it stays", async () => {
    const { memoryBytes } = parts.store;
    programs["0b"] = {
      tables: [{ ...wide, columns: wide.columns.map((column) => ({ ...column, type: t.string })) }],
    };
    expect(codeOf(await publish("0b"))).toBe("400 MigrationRefused");
    expect([parts.store.memoryBytes, rows().length, running()]).toEqual([memoryBytes, rowCount, ["0a", "0a"]]);
  });
});

describe("a program that breaks clients", () => {
  beforeEach(async () => {
    programs["0a"] = { tables: [one], reducers: { pay: { run: () => undefined } } };
    programs["0b"] = { tables: [one], reducers: { pay: { params: product([t.u32]), run: () => undefined } } };
    await publish("0a");
    done.length = 0;
  });

  test("asks first, and disconnects them once it is agreed to", async () => {
    expect(codeOf(await publish("0b"))).toMatch(/ClientsWouldBreak/);
    expect(running()).toEqual(["0a", "0a"]);
    const { text } = await plan("0b");
    const { AutoMigrate } = JSON.parse(text) as { AutoMigrate: { break_clients: boolean; token: string } };
    expect(AutoMigrate.break_clients).toBe(true);
    expect(codeOf(await publish("0b", { breakClients: true, migrationToken: "another plan's" }))).toBe("400");
    expect(codeOf(await publish("0b", { breakClients: true, migrationToken: AutoMigrate.token }))).toBe("200");
    expect([running(), done]).toEqual([
      ["0b", "0b"],
      ["disconnected", "cleared"],
    ]);
  });
});
