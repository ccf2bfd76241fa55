// Goal: a procedure has a call and an instance of its own, and may end later: others run meanwhile, and its caller is told
// once, in order, however it ends.
// Method: procedures that are functions of the test, which end at once or by a promise of the test's; real store and loop.
import { LightconeError } from "@lightcone/base";
import { CommitKind } from "@lightcone/engine";
import { tableDef } from "@lightcone/engine/testing";
import type { ProcedureOutcome } from "@lightcone/host";
import { ByteWriter, t } from "@lightcone/sats";
import { beforeEach, describe, expect, test } from "vitest";
import { Call, noBytes } from "../core/call.ts";
import { EphemeralConnectionJob } from "../http/ephemeral-connection.ts";
import { FunctionCall } from "../http/function-call.ts";
import type { Reply } from "../link/link.ts";
import { openParts, testCaller, TestModule, type TestParts } from "../testing/index.ts";
import { callProcedure, CallTransactions, type ProcedureResult } from "./procedure-call.ts";
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
let later: { resolve: (outcome: ProcedureOutcome) => void; reject: (error: unknown) => void }[];
let transactions: CallTransactions;
let ended: ProcedureResult[];

beforeEach(async () => {
  later = [];
  ended = [];
  const waits = () =>
    new Promise<ProcedureOutcome>((resolve, reject) => {
      later.push({ resolve, reject });
    });
  parts = await openParts({
    tables: [note],
    reducers: { touch: { run: () => insert(9) } },
    procedures: {
      now: { run: () => text("now") },
      waits: { run: waits },
      writes: { run: () => (transactions.begin(), insert(1), transactions.commit(), text("written")) },
      wrong: { run: () => ({ kind: "ok", value: Uint8Array.of(9, 9) }) },
      breaks: { run: () => ({ kind: "panic", message: "oh", fatal: true }) },
      shrugs: { run: () => ({ kind: "panic", message: "hm", fatal: false }) },
    },
  });
  if (parts.context.module instanceof TestModule) module = parts.context.module;
  transactions = new CallTransactions(parts.context);
});

function insert(id: number): undefined {
  const row = new Uint8Array(4);
  new DataView(row.buffer).setUint32(0, id, true);
  parts.store.tx.insert(parts.store.tableByName("note")?.id ?? (0 as never), row, 0, 4);
}

const call = (name: string): void =>
  callProcedure(parts.context, { caller, number: 5, name, args: noBytes, argsText: undefined }, (result) =>
    ended.push(result),
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

describe("a procedure that waits", () => {
  test("lets reducers and procedures run, each with a call and an instance of its own", async () => {
    call("waits");
    call("waits");
    expect([ended.length, module.lent.size, parts.context.running]).toEqual([0, 2, undefined]);
    const reducer = module.reducer("touch");
    if (reducer === undefined) throw new Error("the module has no reducer touch");
    const own = new Call(CommitKind.reducer, caller).of(reducer, parts.context.pipeline.nowMicros());
    expect(callReducer(parts.context, own, reducer)).toEqual({ kind: "committed", changed: true });
    call("now");
    expect(kinds()).toEqual(["returned"]);
    later[1]?.resolve(text("second"));
    await parts.settle();
    later[0]?.resolve(text("first"));
    await parts.settle();
    const values = ended.map((each) => (each.kind === "returned" ? new TextDecoder().decode(each.value.slice(4)) : ""));
    expect(values).toEqual(["now", "second", "first"]);
    expect(module.lent.size).toBe(0);
  });

  test("ends in a job, behind those that came before", async () => {
    const order: string[] = [];
    call("waits");
    parts.context.loop.push({ run: () => order.push(`a job, ${ended.length} ended`), timedOut: () => undefined });
    later[0]?.resolve(text("late"));
    await parts.settle();
    expect([order, kinds()]).toEqual([["a job, 0 ended"], ["returned"]]);
  });

  test("that is refused something fails with that, and leaves a line", async () => {
    call("waits");
    later[0]?.reject(new LightconeError("DiskFull", { path: "/data/log" }));
    await parts.settle();
    expect(kinds()).toEqual(["DiskFull"]);
    expect([(await parts.lines()).length, parts.broken]).toEqual([1, undefined]);
  });

  test("that meets a bug of ours ends the database, not another's call", async () => {
    call("waits");
    later[0]?.reject(new TypeError("a bug"));
    await parts.settle();
    expect(parts.broken).toBeInstanceOf(TypeError);
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
    later[0]?.resolve(text("late"));
    await parts.settle();
    expect(replies.map(({ status, body }) => [status, new TextDecoder().decode(body)])).toEqual([[200, '"late"']]);
    expect(parts.store.tableByName("st_client")?.rowCount).toBe(0);
  });
});
