// Goal: whatever the column's width and the sequence's bounds, no value is handed out again before all others were; a
// clean stop skips none, and a crash at most a thousandth of them, or 4096.
// Method: random draws, rollbacks, explicit values, lost commits, crashes, clean stops and snapshots, against a model that
// knows the n-th value of a sequence; a crash is a replay of the durable records, a stop gives back what was reserved.
import { assertProperty, runCount } from "@lightcone/base/testing";
import { t, type AlgebraicType } from "@lightcone/sats";
import type { SequenceDef, TableDef } from "@lightcone/schema";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Store } from "../api.ts";
import type { Table } from "../api-tables.ts";
import { checkStore } from "../check-store.ts";
import { Sequence, periodOf } from "./sequence.ts";
import { openStore, restoreStore } from "../open-store.ts";
import { commitMeta, tableDef } from "../testing/defs.ts";

const runs = runCount(20);

const widths: readonly { readonly name: string; readonly type: AlgebraicType; readonly byteCount: number }[] = [
  { name: "u8", type: t.u8, byteCount: 1 },
  { name: "i8", type: t.i8, byteCount: 1 },
  { name: "u16", type: t.u16, byteCount: 2 },
  { name: "i16", type: t.i16, byteCount: 2 },
  { name: "u32", type: t.u32, byteCount: 4 },
  { name: "i32", type: t.i32, byteCount: 4 },
  { name: "u64", type: t.u64, byteCount: 8 },
  { name: "i64", type: t.i64, byteCount: 8 },
  { name: "u128", type: t.u128, byteCount: 16 },
  { name: "i256", type: t.i256, byteCount: 32 },
];

/** Bounds as modules leave them, and bounds that are met soon. */
const bounds = fc.oneof(
  fc.constant({ start: 1n, min: 1n, max: 2n ** 127n - 1n, increment: 1n }),
  fc
    .record({
      min: fc.bigInt(-300n, 300n),
      size: fc.bigInt(1n, 600n),
      startAt: fc.nat(599),
      increment: fc.bigInt(-40n, 40n).filter((step) => step !== 0n),
    })
    .map(({ min, size, startAt, increment }) => ({
      min,
      max: min + size - 1n,
      start: min + (BigInt(startAt) % size),
      increment,
    })),
  fc.record({ increment: fc.constantFrom(-1n, 3n, -5n, 1n << 20n) }).map(({ increment }) => ({
    start: increment < 0n ? -1n : 1n,
    min: -(2n ** 127n) + 1n,
    max: 2n ** 127n - 1n,
    increment,
  })),
);

type Step =
  | { readonly kind: "draw"; readonly count: number }
  | { readonly kind: "rollback"; readonly count: number }
  | { readonly kind: "lose"; readonly count: number }
  | { readonly kind: "explicit"; readonly value: number }
  | { readonly kind: "crash" | "stop" | "snapshot" };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("draw" as const), count: fc.integer({ min: 1, max: 90 }) }) },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant("rollback" as const), count: fc.integer({ min: 1, max: 9 }) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("lose" as const), count: fc.integer({ min: 1, max: 9 }) }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("explicit" as const), value: fc.integer({ min: 1, max: 120 }) }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constantFrom("crash" as const, "stop" as const, "snapshot" as const) }),
    },
  ),
  { minLength: 5, maxLength: 40 },
);

/** A table whose rows have no unique key: what is handed out is looked at, not what fits in. */
function tableOf(width: (typeof widths)[number], given: Partial<SequenceDef>): TableDef {
  const def = tableDef({ name: "log", columns: { id: width.type, text: t.u32 }, autoIncrement: "id" });
  return { ...def, sequences: def.sequences.map((sequence) => ({ ...sequence, ...given })) };
}

class World {
  store: Store;
  /** What a crash leaves. */
  durable: Uint8Array[] = [];
  image: { readonly bytes: Uint8Array; readonly recordCount: number } | undefined;
  private readonly byteCount: number;
  private text = 0;

  constructor(def: TableDef, byteCount: number) {
    this.byteCount = byteCount;
    this.store = openStore();
    this.store.begin();
    this.store.catalog.createTable(def);
    this.commit(true);
  }

  get table(): Table {
    const table = this.store.tableByName("log");
    if (table === undefined) throw new Error("no table");
    return table;
  }

  commit(isDurable: boolean): void {
    const commit = this.store.commit(commitMeta());
    if (commit === undefined) return;
    if (isDurable) this.durable.push(commit.bytes.slice());
    this.store.release(commit);
  }

  /** Inserts a row; gives the low bytes of what it got, as an unsigned number. */
  insert(value: bigint): bigint {
    const row = new Uint8Array(this.byteCount + 4);
    for (let at = 0; at < this.byteCount; at += 1) row[at] = Number((value >> BigInt(8 * at)) & 0xffn);
    new DataView(row.buffer).setUint32(this.byteCount, this.text++, true);
    expect(this.store.tx.insert(this.table.id, row, 0, row.length)).toBeGreaterThan(0);
    const { generated } = this.store.tx;
    if (value !== 0n) expect(generated.length).toBe(0);
    return generated.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  }

  snapshot(): void {
    const readView = this.store.openReadView();
    const bytes = Buffer.concat([...this.store.snapshotChunks(readView)].map((chunk) => chunk.slice()));
    readView.close();
    this.image = { bytes, recordCount: this.durable.length };
  }

  async reopen(): Promise<void> {
    this.store = this.image === undefined ? openStore() : await restoreStore([this.image.bytes]);
    for (const record of this.durable.slice(this.image?.recordCount ?? 0)) this.store.release(this.store.apply(record));
    expect(checkStore(this.store)).toEqual([]);
  }
}

describe.each(widths)("row 12: a $name that increments by itself", (width) => {
  test("is handed out once, and skips little", async () => {
    await assertProperty(
      fc.asyncProperty(bounds, steps, async (given, script) => {
        const def = tableOf(width, given);
        const sequence = def.sequences[0];
        if (sequence === undefined) throw new Error("no sequence");
        const period = periodOf(sequence, width.byteCount);
        const skipMax = period / 1024n < 4096n ? (period > 1024n ? period / 1024n : 1n) : 4096n;
        // Where the n-th value stands is told from a sequence of which nothing is ever lost.
        const model = new Sequence(1, sequence, [width.type], sequence.start);
        const cut = (value: bigint): bigint => BigInt.asUintN(8 * width.byteCount, value);
        const values: bigint[] = [];
        const valueAt = (position: number): bigint => {
          while (values.length <= position) values.push(cut(model.draw()));
          return values[position] as bigint;
        };

        const world = new World(def, width.byteCount);
        let next = 0; // the position that comes next when nothing is skipped
        let durableNext = 0;
        let mayRepeat = false; // after a crash
        const draw = (): void => {
          const value = world.insert(0n);
          if (mayRepeat) {
            // From behind the last durable one, at most a reservation on.
            let position = durableNext;
            while (valueAt(position) !== value && BigInt(position - durableNext) <= skipMax) position += 1;
            expect(valueAt(position)).toBe(value);
            next = position;
            mayRepeat = false;
          }
          expect(value).toBe(valueAt(next));
          next += 1;
        };
        for (const step of script) {
          if (step.kind === "crash" || step.kind === "stop") {
            if (step.kind === "stop") {
              world.store.begin();
              world.store.catalog.returnReservations();
              world.commit(true);
              if (!mayRepeat) durableNext = next;
            }
            await world.reopen();
            if (step.kind === "crash") mayRepeat = true;
          } else if (step.kind === "snapshot") world.snapshot();
          else if (step.kind === "explicit") {
            world.store.begin();
            world.insert(BigInt(step.value));
            world.commit(true);
          } else if (step.kind === "lose") {
            // Commits that a crash takes along.
            world.store.begin();
            for (let count = 0; count < step.count; count += 1) draw();
            world.commit(false);
            await world.reopen();
            mayRepeat = true;
          } else if (step.kind === "draw" || step.kind === "rollback") {
            world.store.begin();
            for (let count = 0; count < step.count; count += 1) draw();
            if (step.kind === "draw") {
              world.commit(true);
              durableNext = next;
            } else world.store.rollback();
          }
        }
      }),
      runs,
    );
  });
});

test.each(widths.filter(({ name }) => name === "u8" || name === "u16"))(
  "row 12: a unique $name takes every value, with a restart after each",
  async (width) => {
    const def = tableDef({
      name: "log",
      columns: { id: width.type, text: t.u32 },
      autoIncrement: "id",
      unique: [["id"]],
    });
    for (const end of ["stop", "crash"] as const) {
      const world = new World(def, width.byteCount);
      let last = 0n;
      for (let round = 1; round < 256; round += 1) {
        world.store.begin();
        const value = world.insert(0n); // fails when a row has it
        world.commit(true);
        if (end === "stop" || width.byteCount === 1) expect(value).toBe(BigInt(round));
        else expect(value - last).toBeLessThanOrEqual(64n);
        last = value;
        if (end === "stop") {
          world.store.begin();
          world.store.catalog.returnReservations();
          world.commit(true);
        }
        await world.reopen();
        if (round % 4 === 0) world.snapshot();
      }
      expect(world.table.rowCount).toBe(255);
    }
  },
);
