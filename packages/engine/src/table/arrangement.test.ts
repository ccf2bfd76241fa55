// Goal: an arrangement that is made in slices, with commits in between, has at the end exactly the rows of its table, in order.
// Method: random rows of several lengths come, change and go between steps of random lengths, so that spans are dropped and
// taken again; then faults put into the walk rule, each of which must be found.
import { asRowRef } from "@lightcone/base";
import { assertProperty, runCount } from "@lightcone/base/testing";
import { t } from "@lightcone/sats";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { openStore } from "../open-store.ts";
import { RefWalk } from "../storage/ref-walk.ts";
import { commitMeta, tableDef } from "../testing/index.ts";

const texts = ["", "a", "b".repeat(100), "c".repeat(3000), "d".repeat(20_000)];
const defs = {
  fixed: tableDef({
    name: "fixed",
    columns: { id: t.u32, key: t.u32 },
    unique: [["id"]],
    indexes: [{ columns: ["key"] }],
  }),
  long: tableDef({ name: "long", columns: { id: t.u32, key: t.u32, text: t.string }, unique: [["id"]] }),
} as const;

const world = fc.record({
  table: fc.constantFrom("fixed" as const, "long" as const),
  first: fc.nat(1500),
  rounds: fc.array(
    fc.record({
      rows: fc.nat(900),
      from: fc.array(
        fc.record({ id: fc.nat(1800), count: fc.nat(300), key: fc.nat(40), text: fc.nat(4), isDelete: fc.boolean() }),
        { maxLength: 4 },
      ),
    }),
    { maxLength: 12 },
  ),
});

function row(id: number, key: number, text: string | undefined): Uint8Array {
  const bytes = Buffer.alloc(text === undefined ? 8 : 12 + text.length);
  bytes.writeUInt32LE(id, 0);
  bytes.writeUInt32LE(key, 4);
  if (text !== undefined) {
    bytes.writeUInt32LE(text.length, 8);
    bytes.write(text, 12);
  }
  return bytes;
}

const property = fc.property(world, ({ table: name, first, rounds }) => {
  const store = openStore();
  const commit = (work: () => void, see: (made: NonNullable<ReturnType<typeof store.commit>>) => void): void => {
    store.begin();
    work();
    const made = store.commit(commitMeta());
    if (made === undefined) return;
    see(made);
    store.release(made);
  };
  commit(
    () => store.catalog.createTable(defs[name]),
    () => undefined,
  );
  const table = store.tableByName(name);
  const byId = table?.indexes.find(({ unique }) => unique);
  if (table === undefined || byId === undefined) throw new Error("no table");
  const put = (id: number, key: number, text: number, isDelete: boolean): void => {
    // Few are as long as that: the test is about spans, not about memory.
    const bytes = row(id, key, name === "long" ? texts[id % 7 === 0 ? text : text % 3] : undefined);
    if (isDelete) store.tx.deletePoint(byId.id, bytes, 0, 4);
    else if (store.tx.update(table.id, byId.id, bytes, 0, bytes.length) < 0)
      store.tx.insert(table.id, bytes, 0, bytes.length);
  };
  commit(
    () => {
      for (let id = 0; id < first; id += 1) put(id, id % 7, id % 3, false);
    },
    () => undefined,
  );
  const rows = table.openArrangement([1], true);
  for (const { rows: count, from } of rounds) {
    rows.step(count);
    commit(
      () => {
        for (const each of from)
          for (let id = each.id; id < each.id + each.count; id += 1) put(id, each.key, each.text, each.isDelete);
      },
      ({ deltas: [delta] }) => {
        if (delta !== undefined) rows.advance(delta);
      },
    );
  }
  for (let steps = 0; !rows.isWhole; steps += 1) {
    if (steps > 100_000) throw new Error("it comes to no end");
    rows.step(500);
  }
  const cursor = rows.openCursor();
  const found: number[] = [];
  for (let key = 0; key <= 40; key += 1) {
    cursor.seek(new DataView(Uint32Array.of(key).buffer), 0, 1);
    for (let ref = cursor.next(); ref >= 0; ref = cursor.next()) {
      store.resolve(asRowRef(ref));
      if (store.row.view.getUint32(store.row.at + 4, true) !== key) throw new Error("a row under another key");
      found.push(store.row.view.getUint32(store.row.at, true));
    }
  }
  const all: number[] = [];
  const scan = table.openCursor();
  scan.seek();
  for (let ref = scan.next(); ref >= 0; ref = scan.next()) {
    store.resolve(asRowRef(ref));
    all.push(store.row.view.getUint32(store.row.at, true));
  }
  expect(rows.rowCount).toBe(table.rowCount);
  expect(found.toSorted((a, b) => a - b)).toEqual(all.toSorted((a, b) => a - b));
});

afterEach(() => {
  vi.restoreAllMocks();
});

test("issue 9: an arrangement made in slices has the rows of its table", () => {
  assertProperty(property, runCount(60));
});

describe("issue 9: a fault of the walk rule is found", () => {
  test.each<[fault: string, put: () => void]>([
    ["nothing is passed", () => void vi.spyOn(RefWalk.prototype, "isPassed").mockReturnValue(false)],
    ["all is passed", () => void vi.spyOn(RefWalk.prototype, "isPassed").mockReturnValue(true)],
    [
      "off by one row",
      () => {
        // oxlint-disable-next-line typescript/unbound-method -- called with its object below
        const { isPassed } = RefWalk.prototype;
        vi.spyOn(RefWalk.prototype, "isPassed").mockImplementation(function (this: RefWalk, ref) {
          return isPassed.call(this, ref - 1);
        });
      },
    ],
  ])("%s", (_, put) => {
    put();
    expect(fc.check(property, { numRuns: 300, endOnFailure: true, seed: 1 }).failed).toBe(true);
  });
});
