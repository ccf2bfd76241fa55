// Goal: a built question gives the rows that it says, in its order, whatever index finds them; and asks the database for no
// less than those.
// Method: random rows and questions against a naive filter and sort; texts of SQL by hand. That a database understands the
// texts is shown in conformance/src/client.
import { assertProperty, runCount } from "@lightcone/base/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readRowList, RowListBuilder } from "@lightcone/protocol";
import {
  ByteReader,
  ByteWriter,
  bytes,
  identity,
  Identity,
  option,
  product,
  t,
  timestamp,
  Timestamp,
  uuid,
  Uuid,
  type ProductType,
} from "@lightcone/sats";
import { RowBag, type BagTable } from "./row-bag.ts";
import { RowQuery, type QueryTable } from "./row-query.ts";
import { encodeValue, partsCodec, partsOf, type Codec } from "./value-codec.ts";

const type = product({ id: t.u32, board: t.u8, position: t.f64, title: t.string, note: option(t.string) });
interface Card {
  readonly id: number;
  readonly board: number;
  readonly position: number;
  readonly title: string;
  readonly note: string | undefined;
}

function tableOf(row: ProductType): BagTable {
  const columns = partsOf(row);
  return { accessor: "card", row: partsCodec(columns), columns, key: columns[0] };
}

class Source implements QueryTable {
  readonly accessor = "card";
  readonly bag: RowBag;
  readonly #listeners = new Set<() => void>();
  constructor(row = type) {
    this.bag = new RowBag(tableOf(row));
  }
  onChange(run: () => void): () => void {
    this.#listeners.add(run);
    return () => void this.#listeners.delete(run);
  }
  change(by: 1 | -1, rows: readonly object[]): void {
    const list = new RowListBuilder();
    for (const row of rows) {
      const encoded = encodeValue(this.bag.table.row, row);
      list.add(encoded, 0, encoded.length);
    }
    const out = new ByteWriter();
    list.writeTo(out);
    this.bag.take(readRowList(new ByteReader(out.toBytes())), by);
    this.bag.check();
    this.bag.settle(false);
    for (const run of this.#listeners) run();
  }
}

const card = (id: number): fc.Arbitrary<Card> =>
  fc.record({
    id: fc.constant(id),
    board: fc.nat({ max: 2 }),
    position: fc.constantFrom(0, 1, 2, -1, Number.NaN, Infinity),
    title: fc.constantFrom("", "a", "b", "ba"),
    note: fc.constantFrom(undefined, "x", "y"),
  });
const cards = fc.uniqueArray(fc.nat({ max: 60 })).chain((ids) => fc.tuple(...ids.map(card)));

type Wanted = Readonly<Record<string, unknown>>;
const operators = {
  eq: (way: number) => way === 0,
  ne: (way: number) => way !== 0,
  lt: (way: number) => way < 0,
  lte: (way: number) => way <= 0,
  gt: (way: number) => way > 0,
  gte: (way: number) => way >= 0,
} as const;
/** The order of a column of one kind, NaN above all. */
function way(one: unknown, other: unknown): number {
  if (Object.is(one, other) || one === other) return 0;
  if (one === undefined || other === undefined) return one === undefined ? -1 : 1;
  if (Number.isNaN(one) || Number.isNaN(other)) return Number.isNaN(one) ? 1 : -1;
  return (one as number) < (other as number) ? -1 : 1; // or both texts
}
function isWanted(row: Card, wanted: Wanted): boolean {
  const columns: Wanted = { ...row };
  return Object.entries(wanted).every(([name, want]) => {
    const value = columns[name];
    const comparisons = typeof want === "object" && want !== null ? Object.entries(want) : [["eq", want] as const];
    return comparisons.every(([operator, other]) => {
      if (value === undefined) return false;
      if (operator === "in") return (other as readonly unknown[]).some((one) => way(value, one) === 0);
      return operators[operator as keyof typeof operators](way(value, other));
    });
  });
}

const wanted: fc.Arbitrary<Wanted> = fc.record(
  {
    board: fc.oneof(fc.nat({ max: 2 }), fc.record({ in: fc.array(fc.nat({ max: 3 }), { maxLength: 3 }) })),
    position: fc.dictionary(fc.constantFrom("lt", "lte", "gt", "gte", "eq", "ne"), fc.constantFrom(0, 1, -1), {
      maxKeys: 3,
    }),
    title: fc.oneof(fc.constantFrom("", "b"), fc.record({ gte: fc.constant("a"), lt: fc.constant("b") })),
    note: fc.constantFrom("x", "y"),
  },
  { requiredKeys: [] },
);

test("equals a naive filter and sort, whatever changes, page by page", () => {
  const question = fc.record({
    wanted: fc.array(wanted, { maxLength: 2 }),
    order: fc.uniqueArray(
      fc.tuple(fc.constantFrom("position", "title", "board", "id"), fc.constantFrom("asc", "desc")),
      {
        selector: ([column]) => column,
        maxLength: 3,
      },
    ),
    limit: fc.option(fc.nat({ max: 5 }), { nil: undefined }),
  });
  const property = fc.property(
    cards,
    cards,
    fc.array(question, { minLength: 1, maxLength: 4 }),
    (first, second, questions) => {
      const source = new Source();
      let there: readonly Card[] = [];
      const built = questions.map(({ wanted: all, order, limit }) => {
        let query = new RowQuery(source);
        for (const one of all) query = query.where(one);
        for (const [column, direction] of order) query = query.orderBy(column, direction);
        return limit === undefined ? query : query.limit(limit);
      });
      const check = (): void => {
        for (const [index, { wanted: all, order, limit }] of questions.entries()) {
          const full = there.filter((row) => all.every((one) => isWanted(row, one)));
          const isOrdered = order.length > 0 || limit !== undefined;
          const naive = full.toSorted((one, other) => {
            const [a, b]: Wanted[] = [{ ...one }, { ...other }];
            for (const [column, direction] of order) {
              const by = way(a?.[column], b?.[column]);
              if (by !== 0) return direction === "desc" ? -by : by;
            }
            return one.id - other.id;
          });
          const found = (built[index]?.rows() ?? []) as readonly Card[];
          expect(built[index]?.rows()).toBe(found);
          if (isOrdered) expect(found).toEqual(limit === undefined ? naive : naive.slice(0, limit));
          else expect(new Set(found.map(({ id }) => id))).toEqual(new Set(full.map(({ id }) => id)));
          if (limit === undefined || limit === 0) continue;
          // The pages, one behind the other, are the whole.
          const pages: Card[] = [];
          for (let page = built[index]; page !== undefined;) {
            const rows = page.rows() as readonly Card[];
            pages.push(...rows);
            page = rows.length < limit ? undefined : page.after({ ...rows.at(-1) });
          }
          expect(pages).toEqual(naive);
        }
      };
      source.change(1, (there = first));
      check();
      source.change(-1, first.slice(0, 10));
      source.change(
        1,
        second.filter(({ id }) => !first.some((row) => row.id === id)),
      );
      there = [...first.slice(10), ...second.filter(({ id }) => !first.some((row) => row.id === id))];
      check();
    },
  );
  assertProperty(property, runCount(150));
});

test("rows are the same array until one of them is another, and `onChange` runs no more often", () => {
  const source = new Source();
  const [one, two]: Card[] = [1, 2].map((id) => ({ id, board: 1, position: id, title: "t", note: undefined }));
  if (one === undefined || two === undefined) throw new Error("there are two");
  source.change(1, [one, two]);
  const query = new RowQuery(source).where({ board: 1 }).orderBy("position", "desc").limit(1);
  const rows = query.rows();
  let changes = 0;
  const end = query.onChange(() => (changes += 1));
  source.change(1, [{ ...one, id: 3, board: 2 }]);
  expect([query.rows() === rows, changes]).toEqual([true, 0]);
  source.change(1, [{ ...one, id: 4, position: 9 }]);
  expect([query.rows().map((row) => ({ ...row, note: 0 })), changes]).toEqual([
    [{ ...one, id: 4, position: 9, note: 0 }],
    1,
  ]);
  end();
  source.change(-1, [{ ...one, id: 4, position: 9 }]);
  expect([query.rows() === rows, query.size, changes]).toEqual([false, 1, 1]);
});

test.each([
  { direction: "asc", first: 0, next: 20 },
  { direction: "desc", first: 9_999, next: 9_979 },
] as const)(
  "issue 10, queries: a live window of many rows reads those that it shows alone, $direction",
  ({ direction, first, next }) => {
    const source = new Source();
    const row = (id: number): Card => ({ id, board: 1, position: id, title: "t", note: undefined });
    source.change(
      1,
      Array.from({ length: 10_000 }, (_, id) => row(id)),
    );
    let readCount = 0;
    const { row: codec } = source.bag.table;
    const counting: Codec = {
      ...codec,
      read: (input) => {
        readCount += 1;
        return codec.read(input);
      },
    };
    Object.assign(source.bag.table, { row: counting });
    const page = new RowQuery(source).orderBy("position", direction).limit(20);
    const ids = (query: RowQuery): number[] => (query.rows() as readonly Card[]).map(({ id }) => id);
    expect([ids(page).length, ids(page)[0]]).toEqual([20, first]);
    expect(ids(page.after({ ...page.rows().at(-1) }))[0]).toBe(next);
    // Each window looks at the row behind its last as well.
    expect(readCount).toBe(41);
    source.change(1, [{ ...row(20_000), position: first + (direction === "asc" ? -1 : 1) }]);
    source.change(-1, [row(5_000)]);
    expect(ids(page)[0]).toBe(20_000);
    expect(readCount).toBe(42);
  },
);

test("values are compared as the column holds them: one of 32-bit floats has no 0.1", () => {
  const source = new Source(product({ id: t.u32, price: t.f32 }));
  source.change(
    1,
    [0.1, 0.2, 0.5].map((price, id) => ({ id, price })),
  );
  const ids = (price: unknown): unknown =>
    new RowQuery(source)
      .where({ price })
      .rows()
      .map((row) => Reflect.get(row, "id"));
  expect([ids(0.1), ids({ in: [0.2, 0.5] }), ids({ gt: 0.1 }), ids({ lte: 0.2 })]).toEqual([
    [0],
    [1, 2],
    [1, 2],
    [0, 1],
  ]);
});

describe("what the database is asked", () => {
  const row = product({
    id: t.u32,
    "a b": t.string,
    who: identity,
    at: timestamp,
    uuid,
    blob: bytes,
    price: t.f32,
    isOpen: t.bool,
    note: option(t.string),
  });
  const schema = { accessor: "card", name: "the card", row, key: row.elements[0] };
  const textOf = (build: (query: RowQuery) => RowQuery): string =>
    build(new RowQuery({ accessor: "card", bag: undefined, onChange: () => () => {} })).textOf(schema);
  const from = 'SELECT * FROM "the card"';

  test.each([
    { build: (all: RowQuery) => all, text: from },
    { build: (all: RowQuery) => all.where({}).limit(3), text: from },
    { build: (all: RowQuery) => all.where({ id: 5 }), text: `${from} WHERE "id" = 5` },
    { build: (all: RowQuery) => all.where({ "a b": "it's" }), text: `${from} WHERE "a b" = 'it''s'` },
    { build: (all: RowQuery) => all.where({ id: { gte: 5n, lt: 9 } }), text: `${from} WHERE "id" >= 5 AND "id" < 9` },
    { build: (all: RowQuery) => all.where({ id: { in: [1, 2] } }), text: `${from} WHERE ("id" = 1 OR "id" = 2)` },
    { build: (all: RowQuery) => all.where({ id: { in: [] } }), text: `${from} WHERE false` },
    {
      build: (all: RowQuery) => all.where({ isOpen: true, price: { ne: 0.5 } }),
      text: `${from} WHERE "isOpen" = true AND "price" <> 0.5`,
    },
    {
      build: (all: RowQuery) => all.where({ who: new Identity(5n) }),
      text: `${from} WHERE "who" = 0x${"5".padStart(64, "0")}`,
    },
    {
      build: (all: RowQuery) => all.where({ at: { gt: new Timestamp(0n) } }),
      text: `${from} WHERE "at" > '1970-01-01T00:00:00.000000Z'`,
    },
    {
      build: (all: RowQuery) => all.where({ uuid: new Uuid(1n) }),
      text: `${from} WHERE "uuid" = '00000000-0000-0000-0000-000000000001'`,
    },
    { build: (all: RowQuery) => all.where({ blob: Uint8Array.of(1, 255) }), text: `${from} WHERE "blob" = 0x01ff` },
    // There is no literal for these: the cache looks at them.
    { build: (all: RowQuery) => all.where({ note: "x", id: 1 }), text: `${from} WHERE "id" = 1` },
    { build: (all: RowQuery) => all.where({ price: { lt: Infinity } }), text: from },
    { build: (all: RowQuery) => all.orderBy("price").after(undefined), text: from },
    { build: (all: RowQuery) => all.after({ id: 7 }), text: `${from} WHERE "id" > 7` },
    {
      build: (all: RowQuery) => all.where({ isOpen: true }).orderBy("price", "desc").after({ id: 7, price: 2 }),
      text: `${from} WHERE "isOpen" = true AND ("price" < 2 OR ("price" = 2 AND "id" > 7))`,
    },
    { build: (all: RowQuery) => all.orderBy("id", "desc").after({ id: 7 }), text: `${from} WHERE "id" < 7` },
    { build: (all: RowQuery) => all.orderBy("note").after({ id: 7, note: "x" }), text: from },
  ])("$text", ({ build, text }) => {
    expect(textOf(build)).toBe(text);
  });

  test("questions of one key are the same", () => {
    const source = new Source();
    const built = (board: bigint): RowQuery => new RowQuery(source).where({ board }).orderBy("id").limit(3);
    expect(built(5n).key).toBe(built(5n).key);
    expect(new Set([built(5n).key, built(6n).key, built(5n).limit(4).key, built(5n).after({ id: 1 }).key]).size).toBe(
      4,
    );
  });

  test.each([
    { run: (all: RowQuery) => all.where(5 as never), says: "where takes one object, { column: value }, not 5" },
    {
      run: (all: RowQuery) => all.where({ id: { from: 5 } }),
      says: "where: `id` may be a value, or { eq, ne, lt, lte, gt, gte, in }, not { from }",
    },
    {
      run: (all: RowQuery) => all.where({ id: undefined }),
      says: "where: `id` is undefined; leave it out to ask for any",
    },
    {
      run: (all: RowQuery) => all.where({ note: { in: ["x", null] } }),
      says: "where: `note` is null; leave it out to ask for any",
    },
    {
      run: (all: RowQuery) => all.where({ id: { gt: 1, lt: undefined } }),
      says: "where: `id` is undefined; leave it out to ask for any",
    },
    {
      run: (all: RowQuery) => all.orderBy("id", "descending" as never),
      says: 'orderBy takes "asc" or "desc", not "descending"',
    },
    { run: (all: RowQuery) => all.limit(-1), says: "limit takes a number of rows, not -1" },
  ])("$says", ({ run, says }) => {
    expect(() => run(new RowQuery(new Source()))).toThrow(new TypeError(says));
  });
});

test.each([
  { run: (all: RowQuery) => all.where({ board: "a" }), says: /^card.board: expected u8, .*, not "a"$/ },
  { run: (all: RowQuery) => all.where({ board: { in: [1, 256] } }), says: /^card.board: .*, not 256$/ },
  { run: (all: RowQuery) => all.where({ id: { ne: 1n } }), says: /^card.id: .*, not 1n$/ },
  { run: (all: RowQuery) => all.where({ position: { gt: new Date(0) } }), says: /^card.position: .*, not a Date$/ },
  {
    run: (all: RowQuery) => all.where({ colour: 1 }),
    says: /^card.colour: there is no such column; there are id, board/,
  },
  { run: (all: RowQuery) => all.orderBy("colour"), says: /^card.colour: there is no such column; there are id, / },
  { run: (all: RowQuery) => all.orderBy("title").after({ id: 1 }), says: /^card.title: .* not undefined$/ },
])("what no column of the table can be is refused, and finds no rows instead: $says", ({ run, says }) => {
  const source = new Source();
  source.change(1, [{ id: 1, board: 1, position: 1, title: "a", note: undefined }]);
  const query = run(new RowQuery(source));
  const refused = expect.objectContaining({ code: "SubscriptionRefused", message: expect.stringMatching(says) });
  expect(() => query.rows()).toThrow(refused);
  expect(() => query.rows()).toThrow(refused);
  expect(() => query.size).toThrow(refused);
  expect(() => query.onChange(() => {})).toThrow(refused);
});
