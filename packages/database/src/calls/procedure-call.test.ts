// Goal: a procedure has a call and an instance of its own, and may end later: others run meanwhile, and its caller is told
// once, in order, however it ends.
// Method: procedures that are functions of the test, which end at once, or wait for a request that the test answers or for
// the clock; real store, log and loop.
import { LightconeError } from "@lightcone/base";
import { CommitKind } from "@lightcone/engine";
import { tableDef } from "@lightcone/engine/testing";
import type { GoOn, HttpAnswer, HttpRequest, ProcedureOutcome } from "@lightcone/host";
import { ByteWriter, t } from "@lightcone/sats";
import { beforeEach, describe, expect, test } from "vitest";
import { Call, noBytes } from "../core/call.ts";
import { endProcedures } from "../core/running-procedures.ts";
import { EphemeralConnectionJob } from "../http/ephemeral-connection.ts";
import { FunctionCall } from "../http/function-call.ts";
import type { DatabaseLimits } from "../link/limits.ts";
import type { Reply } from "../link/link.ts";
import { openParts, testCaller, TestModule, type TestParts } from "../testing/index.ts";
import { callProcedure, type ProcedureResult } from "./procedure-call.ts";
import { CallTransactions, CallWaits } from "./procedure-port.ts";
import { callReducer } from "./reducer-call.ts";

const note = tableDef({ name: "note", columns: { id: t.u32 } });
const caller = testCaller(3);

function text(value: string): ProcedureOutcome {
  const out = new ByteWriter();
  out.string(value);
  return { kind: "ok", value: out.toBytes() };
}

let parts: TestParts;
let module: TestModule;
let waits: CallWaits;
let transactions: CallTransactions;
let ended: ProcedureResult[];
/** What the procedure `asks` requests, all at once. */
let toAsk: readonly Partial<HttpRequest>[];

const asked = { method: "GET", uri: "http://there/", headers: [], body: noBytes, timeoutMs: undefined };
const answer = (body: string): HttpAnswer => ({
  kind: "answered",
  status: 200,
  version: "1.1",
  uri: "http://there/",
  headers: [],
  body: new TextEncoder().encode(body),
});
const told = (given: HttpAnswer): string => (given.kind === "answered" ? new TextDecoder().decode(given.body) : "");

function request(goOn: GoOn<HttpAnswer>): undefined {
  waits.request(asked, goOn);
}

function sleepUntil(micros: number, goOn: GoOn<number>): undefined {
  waits.sleepUntil(micros, goOn);
}

beforeEach(async () => begin());

async function begin(limits: Partial<DatabaseLimits> = {}): Promise<void> {
  ended = [];
  parts = await openParts(
    {
      tables: [note],
      reducers: { touch: { run: () => insert(9) } },
      procedures: {
        now: { run: () => text("now") },
        waits: { run: () => request((given) => text(told(given))) },
        refusedLater: {
          run: () =>
            request(() => {
              throw new LightconeError("DiskFull", { path: "/data/log" });
            }),
        },
        bugLater: {
          run: () =>
            request(() => {
              throw new TypeError("a bug");
            }),
        },
        loopsLater: {
          run: () =>
            request(() => {
              for (;;);
            }),
        },
        writesLater: {
          run: () => request(() => (transactions.begin(), insert(2), transactions.commit(), text("written"))),
        },
        asks: {
          run: () => {
            for (const request of toAsk) waits.request({ ...asked, ...request }, () => undefined);
            return undefined;
          },
        },
        sleeps: {
          run: ({ timestampMicros }) =>
            sleepUntil(timestampMicros + 2000e3, (nowMicros) => text(String((nowMicros - timestampMicros) / 1000))),
        },
        writes: { run: () => (transactions.begin(), insert(1), transactions.commit(), text("written")) },
        wrong: { run: () => ({ kind: "ok", value: Uint8Array.of(9, 9) }) },
        breaks: { run: () => ({ kind: "panic", message: "oh", fatal: true }) },
        shrugs: { run: () => ({ kind: "panic", message: "hm", fatal: false }) },
      },
    },
    limits,
  );
  if (parts.context.module instanceof TestModule) module = parts.context.module;
  transactions = new CallTransactions(parts.context);
  waits = new CallWaits(parts.context);
}

function insert(id: number): undefined {
  const row = new Uint8Array(4);
  new DataView(row.buffer).setUint32(0, id, true);
  parts.store.tx.insert(parts.store.tableByName("note")?.id ?? (0 as never), row, 0, 4);
}

const call = (name: string): void =>
  callProcedure(
    parts.context,
    { caller, number: 5, name, args: noBytes, argsText: undefined, waits: () => undefined },
    (result) => ended.push(result),
  );
const kinds = (): readonly string[] => ended.map((each) => (each.kind === "returned" ? "returned" : each.code));

describe("a procedure that ends at once", () => {
  test("has ended when the call returns, and its instance serves the next", () => {
    const openedCount = module.openedCount;
    call("now");
    call("now");
    expect(kinds()).toEqual(["returned", "returned"]);
    expect([module.openedCount - openedCount, module.lent.size]).toEqual([1, 0]);
  });

  test("what it commits is noted with its caller's message", () => {
    const metas: Partial<Call>[] = [];
    const { pipeline } = parts.context;
    const finish = pipeline.finish.bind(pipeline);
    pipeline.finish = (made) => {
      const { kind, functionName, sender, requestSequence } = made;
      metas.push({ kind, functionName, sender, requestSequence });
      return finish(made);
    };
    call("writes");
    expect(metas).toEqual([
      { kind: CommitKind.procedure, functionName: "writes", sender: caller.identity, requestSequence: 5 },
    ]);
    expect(parts.store.tableByName("note")?.rowCount).toBe(1);
  });

  test.each([
    ["breaks", 1],
    ["shrugs", 0],
  ])("one that %s fails, and a lost instance is not lent again", async (name, lostCount) => {
    call(name);
    expect(kinds()).toEqual(["ReducerCrashed"]);
    expect(module.lent.size).toBe(lostCount);
    expect((await parts.lines()).length).toBe(1);
  });

  test("a value that is not of its type, and a name that nothing has, are failures", () => {
    call("wrong");
    call("nowhere");
    expect(kinds()).toEqual(["ReducerCrashed", "NoSuchProcedure"]);
  });
});

const values = (): readonly string[] =>
  ended.map((each) => (each.kind === "returned" ? new TextDecoder().decode(each.value.slice(4)) : each.code));
const runningCount = (): number => parts.context.procedures.count;

describe("a procedure that waits", () => {
  test("lets reducers and procedures run, each with a call and an instance of its own", async () => {
    call("waits");
    call("waits");
    await parts.settle();
    expect([ended.length, module.lent.size, parts.context.running, runningCount()]).toEqual([0, 2, undefined, 2]);
    const reducer = module.reducer("touch");
    if (reducer === undefined) throw new Error("the module has no reducer touch");
    const own = new Call(CommitKind.reducer, caller).of(reducer, parts.context.pipeline.nowMicros());
    expect(callReducer(parts.context, own, reducer)).toEqual({ kind: "committed", changed: true });
    call("now");
    expect(kinds()).toEqual(["returned"]);
    parts.requests[1]?.answered(answer("second"));
    await parts.settle();
    parts.requests[0]?.answered(answer("first"));
    await parts.settle();
    expect(values()).toEqual(["now", "second", "first"]);
    expect([module.lent.size, runningCount(), parts.context.procedures.requestCount]).toEqual([0, 0, 0]);
  });

  test("goes on in a job, behind those that came before", async () => {
    const order: string[] = [];
    call("waits");
    await parts.settle();
    parts.context.loop.push({ run: () => order.push(`a job, ${ended.length} ended`), timedOut: () => undefined });
    parts.requests[0]?.answered(answer("late"));
    await parts.settle();
    expect([order, kinds()]).toEqual([["a job, 0 ended"], ["returned"]]);
  });

  test("for the clock goes on when it says so, and not before", async () => {
    call("sleeps");
    parts.clock.advance(1999);
    await parts.settle();
    expect(values()).toEqual([]);
    parts.clock.advance(1);
    await parts.settle();
    expect([values(), runningCount()]).toEqual([["2000"], 0]);
  });

  test("sends nothing before the log has it that it has begun, and that is durable", async () => {
    const offset = parts.context.pipeline.offset;
    call("waits");
    expect([parts.context.pipeline.offset, parts.requests.length]).toEqual([offset + 1, 0]);
    await parts.settle();
    expect([parts.log.durableOffset, parts.requests.length]).toEqual([offset + 1, 1]);
  });

  test("that is refused something fails with that, and leaves a line", async () => {
    call("refusedLater");
    await parts.settle();
    parts.requests[0]?.answered(answer(""));
    await parts.settle();
    expect([kinds(), runningCount()]).toEqual([["DiskFull"], 0]);
    expect([(await parts.lines()).length, parts.broken]).toEqual([1, undefined]);
  });

  test("that does not come back from a step is ended, and its caller told", async () => {
    await begin({ reducerTimeoutMs: 300 });
    call("loopsLater");
    await parts.settle();
    parts.requests[0]?.answered(answer(""));
    await parts.settle();
    expect([kinds(), runningCount(), parts.broken]).toEqual([["ReducerTimedOut"], 0, undefined]);
    expect((await parts.lines())[0]).toMatch(/procedure `loopsLater` took longer/);
  });

  test("that meets a bug of ours ends the database, not another's call", async () => {
    call("bugLater");
    await parts.settle();
    parts.requests[0]?.answered(answer(""));
    await parts.settle();
    expect(parts.broken).toMatchObject({ cause: expect.any(TypeError) });
    expect(ended).toEqual([]);
  });

  test("answers over HTTP when it has ended, and its connection lasts as long", async () => {
    const replies: Reply[] = [];
    const request = new FunctionCall(parts.context, caller, "waits", "[]");
    parts.context.loop.push(
      new EphemeralConnectionJob(parts.context, caller, request, (reply) => replies.push(reply), true),
    );
    await parts.settle();
    expect([replies.length, parts.store.tableByName("st_client")?.rowCount]).toEqual([0, 1]);
    parts.requests[0]?.answered(answer("late"));
    await parts.settle();
    expect(replies.map(({ status, body }) => [status, new TextDecoder().decode(body)])).toEqual([[200, '"late"']]);
    expect(parts.store.tableByName("st_client")?.rowCount).toBe(0);
  });
});

describe("how a procedure that waits is ended", () => {
  test("when it is asked to, its request is given up, and what comes of that later changes nothing", async () => {
    call("waits");
    await parts.settle();
    parts.context.loop.push(endProcedures(parts.context.procedures, "the test says so"));
    await parts.settle();
    expect([kinds(), parts.requests[0]?.isGivenUp, runningCount()]).toEqual([["ProcedureEnded"], true, 0]);
    parts.requests[0]?.answered(answer("late"));
    await parts.settle();
    expect([kinds(), parts.broken]).toEqual([["ProcedureEnded"], undefined]);
  });

  test("when its time is over; one that would sleep longer is ended at once", async () => {
    await begin({ procedureTimeoutMs: 1500 });
    call("waits");
    call("sleeps");
    await parts.settle();
    expect(kinds()).toEqual(["ProcedureTimedOut"]);
    parts.clock.advance(1500);
    await parts.settle();
    expect([kinds(), parts.requests[0]?.isGivenUp]).toEqual([["ProcedureTimedOut", "ProcedureTimedOut"], true]);
    expect([(await parts.lines()).length, runningCount()]).toEqual([2, 0]);
  });

  test("no more wait than may, of one caller and of all; who has room goes on", async () => {
    await begin({ proceduresWaitingMax: 3, proceduresWaitingPerCallerMax: 2 });
    const other = (name: string, seed: number): void =>
      callProcedure(
        parts.context,
        { caller: testCaller(seed), number: 1, name, args: noBytes, argsText: undefined, waits: () => undefined },
        (result) => ended.push(result),
      );
    for (const name of ["waits", "waits", "waits"]) call(name);
    expect(kinds()).toEqual(["LimitExceeded"]);
    other("waits", 4);
    other("waits", 5);
    expect([kinds(), runningCount()]).toEqual([["LimitExceeded", "LimitExceeded"], 3]);
    await parts.settle();
    parts.requests[0]?.answered(answer("done"));
    await parts.settle();
    other("now", 5);
    expect(values()).toEqual(["LimitExceeded", "LimitExceeded", "done", "now"]);
  });

  test.each([
    ["procedureWaitsMax", { procedureWaitsMax: 2 }, [{}, {}, {}]],
    ["httpRequestsMax", { httpRequestsMax: 2 }, [{}, {}, {}]],
    ["httpRequestBytesMax", { httpRequestBytesMax: 9 }, [{ body: new Uint8Array(10) }]],
  ])("when it asks for more than %s", async (name, limits, requests) => {
    await begin(limits);
    toAsk = requests;
    call("asks");
    await parts.settle();
    expect(ended).toMatchObject([{ code: "LimitExceeded", message: expect.stringContaining(name) }]);
    expect([parts.requests, parts.context.procedures.requestCount, runningCount()]).toEqual([[], 0, 0]);
  });

  test("its requests have httpTimeoutMs, or what they ask for up to httpTimeoutMsMax, and httpResponseBytesMax", async () => {
    await begin({ httpTimeoutMs: 30, httpTimeoutMsMax: 180, httpResponseBytesMax: 7 });
    toAsk = [{}, { timeoutMs: 90 }, { timeoutMs: 900 }];
    call("asks");
    await parts.settle();
    expect(parts.requests.map(({ rules }) => [rules.timeoutMs, rules.bytesMax])).toEqual([
      [30, 7],
      [90, 7],
      [180, 7],
    ]);
  });

  test("when it begins a transaction and the tables are others by then; with the same ones it goes on", async () => {
    for (const tables of [[note], [tableDef({ name: "note", columns: { id: t.i32 } })]]) {
      call("writesLater");
      await parts.settle();
      parts.context.module = new TestModule({ tables });
      parts.requests.at(-1)?.answered(answer(""));
      await parts.settle();
      parts.context.module = module;
    }
    expect(values()).toEqual(["written", "ProcedureEnded"]);
    expect(parts.store.tableByName("note")?.rowCount).toBe(1);
  });
});
