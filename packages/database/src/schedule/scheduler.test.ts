// Goal: each scheduled row runs when it is due, as often as it says, whatever becomes of its reducer.
// Method: a scheduler over a real store, log and loop, a clock that stands, and reducers that are functions of the test; no
// module is loaded. Rows are written and read as rows of their table.
import type { TableId } from "@lightcone/base";
import { tableDef } from "@lightcone/engine/testing";
import type { CallOutcome } from "@lightcone/host";
import { ByteReader, ByteWriter, ScheduleAt, scheduleAt, t, toHex, valueCodec } from "@lightcone/sats";
import type { TableDef } from "@lightcone/schema";
import { beforeEach, describe, expect, test } from "vitest";
import { idOfRow } from "../link/work.ts";
import { openParts, type TestParts } from "../testing/index.ts";
import { Scheduler } from "./scheduler.ts";

interface Alarm {
  readonly id: bigint;
  readonly at: ScheduleAt;
}

const alarm: TableDef = {
  ...tableDef({ name: "alarm", columns: { id: t.u64, at: scheduleAt }, unique: [["id"]] }),
  primaryKey: 0,
  schedule: { name: "alarm_schedule", atColumn: 1, idColumn: 0, functionName: "ring" },
};
const codec = valueCodec<Alarm>(alarm.rowType);
const startMicros = 1_700_000_000_000_000;

let parts: TestParts;
let table: TableId;
/** When the reducer saw itself run, in milliseconds since the start, and the row's id. */
let rung: (readonly [bigint, number])[];
let outcome: () => CallOutcome | undefined;

beforeEach(async () => {
  rung = [];
  outcome = () => undefined;
  await begin();
});

async function begin(limits = {}): Promise<void> {
  const run = ({ args, timestampMicros }: { args: Uint8Array; timestampMicros: number }) => {
    rung.push([codec.read(new ByteReader(args)).id, (timestampMicros - startMicros) / 1000]);
    return outcome();
  };
  parts = await openParts({ tables: [alarm], reducers: { ring: { run } } }, limits);
  table = parts.store.tableByName("alarm")?.id ?? (0 as TableId);
  parts.scheduler.start(parts.context, new Set());
}

function set(id: bigint, at: ScheduleAt): void {
  const out = new ByteWriter();
  codec.write(out, { id, at });
  parts.store.tx.insert(table, out.bytes, 0, out.length);
}

const inMs = (ms: number): ScheduleAt => ScheduleAt.time(BigInt(startMicros + ms * 1000));
const everyMs = (ms: number): ScheduleAt => ScheduleAt.interval(BigInt(ms * 1000));
const rowCount = (): number => parts.store.table(table)?.rowCount ?? -1;

async function pass(ms: number): Promise<void> {
  parts.clock.advance(ms);
  await parts.settle();
}

describe("a row with a time", () => {
  test("runs once, when it is due, and is gone with its reducer's commit", async () => {
    parts.commit(() => set(1n, inMs(200)));
    await pass(199);
    expect([rung, rowCount()]).toEqual([[], 1]);
    await pass(1);
    expect([rung, rowCount()]).toEqual([[[1n, 200]], 0]);
    await pass(1000);
    expect(rung.length).toBe(1);
  });

  test.each([
    ["is refused", (): CallOutcome => ({ kind: "error", message: "no" })],
    ["breaks", (): CallOutcome => ({ kind: "panic", message: "oh", fatal: false })],
    [
      "throws",
      (): CallOutcome => {
        throw new TypeError("a bug of the module");
      },
    ],
  ])("whose reducer %s is gone too, and leaves a line", async (_, ends) => {
    outcome = ends;
    parts.commit(() => set(1n, inMs(10)));
    await pass(10);
    expect([rung.length, rowCount()]).toEqual([1, 0]);
    expect((await parts.lines()).length).toBe(1);
    await pass(1000);
    expect(rung.length).toBe(1);
  });

  test("whose reducer does not end is gone too", async () => {
    await begin({ reducerTimeoutMs: 300 });
    outcome = () => {
      for (;;);
    };
    parts.commit(() => set(1n, inMs(10)));
    await pass(10);
    expect([rung.length, rowCount(), parts.broken]).toEqual([1, 0, undefined]);
  });

  test("that is deleted or set anew before does not run as it was", async () => {
    parts.commit(() => {
      set(1n, inMs(100));
      set(2n, inMs(100));
    });
    parts.commit(() => parts.store.tx.clear(table));
    parts.commit(() => set(2n, inMs(300)));
    await pass(100);
    expect(rung).toEqual([]);
    await pass(200);
    expect(rung).toEqual([[2n, 300]]);
  });
});

describe("a row with an interval", () => {
  test("runs again and again, from the time that it was meant for; what was missed is left out", async () => {
    parts.commit(() => set(1n, everyMs(100)));
    await pass(100);
    await pass(100);
    await pass(350);
    expect(rung.map(([, ms]) => ms)).toEqual([100, 200, 550]);
    await pass(50);
    expect(rung.at(-1)).toEqual([1n, 600]);
    expect(rowCount()).toBe(1);
  });

  test("goes on when its reducer fails", async () => {
    outcome = () => ({ kind: "error", message: "no" });
    parts.commit(() => set(1n, everyMs(100)));
    await pass(100);
    await pass(100);
    expect(rung.length).toBe(2);
    expect(rowCount()).toBe(1);
  });

  test("whose reducer deletes it ends", async () => {
    outcome = () => {
      parts.store.tx.clear(table);
      return undefined;
    };
    parts.commit(() => set(1n, everyMs(100)));
    await pass(100);
    await pass(1000);
    expect([rung.length, rowCount()]).toEqual([1, 0]);
  });
});

describe("rows that must wait", () => {
  test("while hosts have ended in their function, and are tried when that is forgiven", async () => {
    await begin({ functionEndsMax: 1 });
    parts.context.ends.add("ring");
    parts.commit(() => set(1n, inMs(10)));
    await pass(10);
    expect([rung.length, rowCount()]).toEqual([0, 1]);
    parts.context.ends.clear();
    parts.scheduler.letGo();
    await parts.settle();
    expect([rung.length, rowCount()]).toEqual([1, 0]);
  });

  test("or until the function is no longer refused", async () => {
    await begin({ functionEndsMax: 1 });
    parts.context.ends.add("ring");
    parts.commit(() => set(1n, inMs(10)));
    await pass(10);
    await pass(61_000);
    expect([rung.length, rowCount()]).toEqual([1, 0]);
  });

  test("at which a host has ended are not run, and count as failed", async () => {
    parts.scheduler.stop();
    parts.commit(() => {
      set(1n, inMs(10));
      set(2n, everyMs(10));
    });
    const condemned = [1n, 2n].map((rowId) => toHex(idOfRow({ tableId: table, rowId })));
    parts.clock.advance(10);
    parts.scheduler.start(parts.context, new Set(condemned));
    await parts.settle();
    expect([rung, rowCount()]).toEqual([[], 1]);
    await pass(10);
    expect(rung).toEqual([[2n, 20]]);
  });
});

test("what is kept beside a snapshot is where another goes on", () => {
  parts.commit(() => {
    set(1n, inMs(500));
    set(2n, everyMs(70));
  });
  const other = new Scheduler(parts.store);
  other.restore(new ByteReader(parts.scheduler.save()));
  expect(other.nextDueMicros).toBe(startMicros + 70_000);
  expect(other.save()).toEqual(parts.scheduler.save());
});

test("a row too far ahead is told before it is written", () => {
  const row = (at: ScheduleAt): boolean => {
    const out = new ByteWriter();
    codec.write(out, { id: 1n, at });
    return parts.scheduler.isTooLate(table, out.bytes, 0, out.length, startMicros);
  };
  expect(row(inMs(2 ** 36 - 2))).toBe(false);
  expect(row(inMs(2 ** 36 - 1))).toBe(true);
  expect(row(everyMs(2 ** 36))).toBe(true);
});

test("a stopped scheduler runs nothing more", async () => {
  parts.commit(() => set(1n, inMs(10)));
  parts.scheduler.stop();
  await pass(1000);
  expect([rung, parts.clock.waitingCount]).toEqual([[], 0]);
});
