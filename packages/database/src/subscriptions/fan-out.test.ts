// Goal: each commit reaches whoever holds a query that it changes, once and exactly; the call's own answer comes first.
// Method: subscribers that count rows, over a real store and pipeline; no protocol and no module. Random commits are held
// against the tables: inserts less deletes of what a subscriber was given are the rows that its queries return.
import { asRowRef, type TableId } from "@lightcone/base";
import { assertProperty, runCount } from "@lightcone/base/testing";
import { CommitKind } from "@lightcone/engine";
import { tableDef } from "@lightcone/engine/testing";
import type { DeltaPart } from "@lightcone/query";
import { t } from "@lightcone/sats";
import { bindParams, compileSubscription } from "@lightcone/sql";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { Call, type CommitHead, type Responder } from "../core/call.ts";
import { ok } from "../core/commit-pipeline.ts";
import { openParts, testCaller, testIdentity, type TestParts } from "../testing/index.ts";
import type { Subscriber, Subscription } from "./subscriber.ts";

const note = tableDef({ name: "note", columns: { id: t.u32, room: t.u32 }, unique: [["id"]] });

let parts: TestParts;
let table: TableId;
/** Who was told what, in order. */
let heard: string[];

beforeEach(async () => {
  parts = await openParts({ tables: [note] });
  table = parts.store.tableByName("note")?.id ?? (0 as TableId);
  heard = [];
});

/** Counts the rows that it is told of. */
class Counter implements Subscriber {
  readonly changes: DeltaPart[] = [];
  readonly rows = new Map<number, number>();
  readonly encoded: unknown[] = [];
  readonly heads: CommitHead[] = [];
  private readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  struckOff(): void {
    heard.push(`${this.name} struck off`);
  }
  missed(subscription: Subscription, text: string): void {
    heard.push(`${this.name} missed: ${text}`);
    parts.subscriptions.release(subscription);
  }

  deliver(commit: CommitHead): void {
    heard.push(this.name);
    this.heads.push({ ...commit });
    for (const change of this.changes) {
      const made = change.encoded[2].whole ?? { change: change.number };
      // As those do who make messages.
      if (change.isShared) change.encoded[2].whole = made;
      this.encoded.push(made);
      this.count(change.deletes, -1);
      this.count(change.inserts, 1);
    }
  }

  private count({ refs, count }: DeltaPart["inserts"], by: number): void {
    for (const ref of refs.subarray(0, count)) {
      parts.store.resolve(asRowRef(ref));
      const { bytes, at } = parts.store.row;
      const id = new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
      const left = (this.rows.get(id) ?? 0) + by;
      if (left === 0) this.rows.delete(id);
      else this.rows.set(id, left);
    }
  }
}

function hold(subscriber: Subscriber, sql: string): Subscription {
  const [plan] = compileSubscription(sql, parts.context.access.catalog({ isOwner: true }, false));
  if (plan === undefined) throw new Error(`${sql} is no query`);
  return parts.subscriptions.hold(subscriber, plan, bindParams(plan, new Uint8Array(32)));
}

function rowOf(id: number, room: number): Uint8Array {
  const row = new Uint8Array(8);
  new DataView(row.buffer).setUint32(0, id, true);
  new DataView(row.buffer).setUint32(4, room, true);
  return row;
}

const insert = (id: number, room = 1): void => void parts.store.tx.insert(table, rowOf(id, room), 0, 8);

function remove(id: number): void {
  const index = parts.store.table(table)?.indexes[0]?.id;
  if (index !== undefined) parts.store.tx.deletePoint(index, rowOf(id, 0), 0, 4);
}

/** Makes a commit as the answer to `call`. */
function commitAs(call: Call, work: () => void): void {
  parts.context.pipeline.transact(call.of(undefined, parts.context.pipeline.nowMicros()), () => {
    work();
    return ok;
  });
}

describe("subscriptions", () => {
  test("whoever holds the same query is given the same part, whose encoding is made once", () => {
    const [a, b, c] = [new Counter("a"), new Counter("b"), new Counter("c")];
    hold(a, "SELECT * FROM note WHERE room = 1");
    hold(b, "SELECT * FROM note WHERE room = 1");
    hold(c, "SELECT * FROM note WHERE room = 2");
    parts.commit(() => insert(1));
    expect(heard).toEqual(["a", "b"]);
    expect(a.encoded[0]).toBe(b.encoded[0]);
    expect([...a.changes, ...b.changes], "emptied with the delivery").toEqual([]);
  });

  test("row 9: so is whoever holds a query of its own that changed alike; what one alone is told is not kept", () => {
    const [a, b, c, d] = [new Counter("a"), new Counter("b"), new Counter("c"), new Counter("d")];
    hold(a, "SELECT * FROM note WHERE id >= 1");
    hold(b, "SELECT * FROM note WHERE id >= 7");
    hold(c, "SELECT * FROM note WHERE id >= 2");
    const own = hold(d, "SELECT * FROM note WHERE id = 5");
    parts.commit(() => insert(5));
    expect(heard.toSorted()).toEqual(["a", "c", "d"]);
    expect(a.encoded[0]).toBe(c.encoded[0]);
    expect(d.rows).toEqual(new Map([[5, 1]]));
    // A second holder of it is told, and then it is the first one's alone again, under its own number.
    const second = hold(b, "SELECT * FROM note WHERE id = 5");
    parts.commit(() => remove(5));
    expect([b.encoded.length, d.encoded.length]).toEqual([1, 2]);
    expect(b.encoded[0]).toBe(d.encoded[1]);
    parts.subscriptions.release(own);
    parts.commit(() => insert(5));
    expect([b.encoded.length, d.encoded.length]).toEqual([2, 2]);
    parts.subscriptions.release(second);
    parts.commit(() => remove(5));
    expect([b.encoded.length, d.encoded.length]).toEqual([2, 2]);
  });

  test("a commit that changes nothing for anybody is told to nobody", () => {
    hold(new Counter("a"), "SELECT * FROM note WHERE room = 2");
    parts.commit(() => insert(1));
    expect(heard).toEqual([]);
  });

  test("one message for all queries of a subscriber", () => {
    const a = new Counter("a");
    hold(a, "SELECT * FROM note WHERE room = 1");
    hold(a, "SELECT * FROM note WHERE id = 7");
    parts.commit(() => insert(7));
    expect(heard).toEqual(["a"]);
    expect([...a.rows]).toEqual([[7, 2]]);
  });

  test("what is let go of is told no more, and the others go on", () => {
    const [a, b] = [new Counter("a"), new Counter("b")];
    const first = hold(a, "SELECT * FROM note");
    hold(b, "SELECT * FROM note");
    parts.commit(() => insert(1));
    parts.subscriptions.release(first);
    parts.commit(() => insert(2));
    expect(heard).toEqual(["a", "b", "b"]);
    expect([...b.rows.keys()]).toEqual([1, 2]);
  });
});

describe("the call that made a commit", () => {
  /** Answers with its own changes, as a protocol does. */
  function responderOf(own: Counter): Responder {
    return {
      committed: () => {
        heard.push(`answer with ${own.changes.length}`);
        own.changes.length = 0;
      },
      unchanged: () => void heard.push("unchanged"),
      failed: (text) => void heard.push(`failed: ${text}`),
    };
  }

  test("is answered first, with its own changes, and hears of them once", () => {
    const [own, other] = [new Counter("own"), new Counter("other")];
    hold(other, "SELECT * FROM note");
    hold(own, "SELECT * FROM note");
    commitAs(new Call(CommitKind.reducer, testCaller(1), responderOf(own)), () => insert(1));
    expect(heard).toEqual(["answer with 1", "other"]);
  });

  test("is answered by its commit though nobody holds a query", () => {
    commitAs(new Call(CommitKind.reducer, testCaller(1), responderOf(new Counter("own"))), () => insert(1));
    expect(heard).toEqual(["answer with 0"]);
  });

  test("whose statement or procedure it was is nobody else's business", () => {
    const a = new Counter("a");
    hold(a, "SELECT * FROM note");
    const sent = testCaller(5);
    commitAs(new Call(CommitKind.reducer, sent), () => insert(1));
    commitAs(new Call(CommitKind.sql, sent), () => insert(2));
    const procedure = new Call(CommitKind.procedure, sent);
    commitAs(procedure, () => insert(3));
    const [ofReducer, ofStatement, ofProcedure] = a.heads;
    expect(ofReducer?.connection).toEqual(sent.connectionId);
    expect(ofStatement?.connection).toEqual(new Uint8Array(16));
    expect(ofStatement?.sender).toEqual(sent.identity);
    expect(ofProcedure?.connection).toEqual(new Uint8Array(16));
    expect(ofProcedure?.sender).toEqual(testIdentity);
    expect(ofProcedure?.functionName).toBe("");
  });
});

test("liveVisitsMax: a query that looks at more is given up, whoever holds another is told, and one may hold it anew", async () => {
  const columns = { id: t.u32, room: t.u32 };
  const byRoom = tableDef({ name: "note", columns, unique: [["id"]], indexes: [{ columns: ["room"] }] });
  parts = await openParts({ tables: [byRoom] }, { liveVisitsMax: 20 });
  table = parts.store.tableByName("note")?.id ?? (0 as TableId);
  const [a, b, c] = [new Counter("a"), new Counter("b"), new Counter("c")];
  const joined = "SELECT n.* FROM note n JOIN note o ON n.room = o.room";
  hold(a, joined);
  hold(b, joined);
  hold(c, "SELECT * FROM note");
  parts.commit(() => insert(1));
  expect([...a.rows]).toEqual([[1, 1]]);
  // Each of five rows is looked up with six, from either end.
  parts.commit(() => [2, 3, 4, 5, 6].forEach((id) => insert(id)));
  await parts.settle();
  const missed = "missed: liveVisitsMax: 21 is over 20, by note n JOIN note o ON n.room = o.room";
  expect(heard).toEqual(["a", "b", "c", "c", `a ${missed}`, `b ${missed}`]);
  expect([...c.rows.keys()]).toEqual([1, 2, 3, 4, 5, 6]);
  expect([...a.rows]).toEqual([[1, 1]]);
  heard.length = 0;
  hold(a, joined);
  parts.commit(() => insert(7, 2));
  await parts.settle();
  expect(heard.toSorted()).toEqual(["a", "c"]);
  expect(a.rows.get(7)).toBe(1);
});

test("inserts less deletes of what was told are the rows of the queries held, after any commits", async () => {
  const texts = ["SELECT * FROM note", "SELECT * FROM note WHERE room = 1", "SELECT * FROM note WHERE id = 3"];
  const holds = [() => true, (_: number, room: number) => room === 1, (id: number) => id === 3];
  const change = fc.record({ id: fc.nat(5), room: fc.nat(2), isInsert: fc.boolean() });
  await assertProperty(
    fc.asyncProperty(
      fc.array(fc.subarray([0, 1, 2]), { minLength: 1, maxLength: 3 }),
      fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 12 }),
      async (held, commits) => {
        parts = await openParts({ tables: [note] });
        table = parts.store.tableByName("note")?.id ?? (0 as TableId);
        const rows = new Map<number, number>();
        const counters = held.map((which) => {
          const counter = new Counter("");
          for (const each of which) hold(counter, texts[each] ?? "");
          return { counter, which };
        });
        for (const changes of commits) {
          parts.commit(() => {
            for (const { id, room, isInsert } of changes) {
              if (!isInsert) {
                remove(id);
                rows.delete(id);
              } else if (!rows.has(id)) {
                insert(id, room);
                rows.set(id, room);
              }
            }
          });
          for (const { counter, which } of counters) {
            const expected = new Map<number, number>();
            for (const [id, room] of rows) {
              const count = which.filter((each) => holds[each]?.(id, room) === true).length;
              if (count > 0) expected.set(id, count);
            }
            expect(new Map([...counter.rows].toSorted())).toEqual(new Map([...expected].toSorted()));
          }
        }
      },
    ),
    runCount(60),
  );
});
