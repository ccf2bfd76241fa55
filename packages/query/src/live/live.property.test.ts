// Goal: after every commit the accumulated live result, the plan run afresh, and a naive model agree, as bags; and the
// plan run again gives its rows in the same order.
// Method: random tables and indexes, random queries (one table, semijoins, self joins; with parameters in common;
// disjunctions over several indexes, several bounds on one column, conditions that always or never hold),
// random commits that insert, delete and put back; queries come and go between commits. The model evaluates
// the same query over plain values with loops and its own comparisons.
import { t, bytes as byteArray, type AlgebraicType } from "@lightcone/sats";
import { bindParams, compileSubscription } from "@lightcone/sql";
import fc from "fast-check";
import { expect, test } from "vitest";
import { LiveQueries, select, type LiveQuery } from "../index.ts";
import { Fixture, type IndexSpec, type TableSpec } from "../testing/fixture.ts";

const cases = 150 * Number(process.env["LIGHTCONE_RUNS"] ?? 1);

type Value = number | bigint | string | boolean | Uint8Array;
type Row = Readonly<Record<string, Value>>;

interface Domain {
  readonly type: AlgebraicType;
  readonly values: readonly Value[];
  /** Values that can be written in SQL. */
  readonly literals: readonly (readonly [string, Value])[];
}

const domains: Readonly<Record<string, Domain>> = {
  u8: {
    type: t.u8,
    values: [0, 1, 2],
    literals: [
      ["0", 0],
      ["1", 1],
      ["2", 2],
    ],
  },
  i32: {
    type: t.i32,
    values: [-5, 0, 7],
    literals: [
      ["-5", -5],
      ["0", 0],
      ["7", 7],
    ],
  },
  u64: {
    type: t.u64,
    values: [0n, 1n, 2n ** 40n, 2n ** 64n - 1n],
    literals: [
      ["1", 1n],
      [String(2n ** 40n), 2n ** 40n],
    ],
  },
  i64: {
    type: t.i64,
    values: [-1n, 0n, 2n ** 33n, -(2n ** 63n)],
    literals: [
      ["-1", -1n],
      ["0", 0n],
    ],
  },
  i128: {
    type: t.i128,
    values: [-(2n ** 100n), -1n, 1n],
    literals: [
      ["-1", -1n],
      ["1", 1n],
    ],
  },
  u256: { type: t.u256, values: [0n, 2n ** 200n], literals: [[String(2n ** 200n), 2n ** 200n]] },
  string: {
    type: t.string,
    values: ["", "a", "ab", "é", "🌍"],
    literals: [
      ["'a'", "a"],
      ["''", ""],
      ["'é'", "é"],
    ],
  },
  bool: {
    type: t.bool,
    values: [false, true],
    literals: [
      ["true", true],
      ["false", false],
    ],
  },
  f32: {
    type: t.f32,
    values: [0, -0, Number.NaN, 0.5, Infinity],
    literals: [
      ["0", 0],
      ["-0", -0],
      ["0.5", 0.5],
      ["1e99", Infinity],
      ["-1e99", -Infinity],
    ],
  },
  f64: {
    type: t.f64,
    values: [-0, 0, 1.5, Number.NaN, -Infinity, Infinity],
    literals: [
      ["0", 0],
      ["-0", -0],
      ["1.5", 1.5],
      ["-2", -2],
      ["1e999", Infinity],
      ["-1e999", -Infinity],
    ],
  },
  bytes: {
    type: byteArray,
    values: [new Uint8Array(0), Uint8Array.of(1), Uint8Array.of(1, 2)],
    literals: [["0x01", Uint8Array.of(1)]],
  },
};
const domainNames = Object.keys(domains);
const domainOf = (name: string): Domain => {
  const domain = domains[name];
  if (domain === undefined) throw new Error(name);
  return domain;
};

function order(a: Value, b: Value): number {
  if (typeof a === "number" && typeof b === "number") {
    if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
    return a < b ? -1 : a > b ? 1 : 0;
  }
  if (typeof a === "string" || a instanceof Uint8Array)
    return Math.sign(Buffer.compare(Buffer.from(a as string), Buffer.from(b as string)));
  return a < b ? -1 : a > b ? 1 : 0;
}

const ops: Readonly<Record<string, (sign: number) => boolean>> = {
  "=": (sign) => sign === 0,
  "<>": (sign) => sign !== 0,
  "<": (sign) => sign < 0,
  "<=": (sign) => sign <= 0,
  ">": (sign) => sign > 0,
  ">=": (sign) => sign >= 0,
};

// --- what is generated

interface Shape {
  /** Column → domain; the same columns joined have the same domain. */
  readonly columns: Readonly<Record<string, string>>;
  readonly indexes: readonly IndexSpec[];
}

/** A condition as text over aliases, and as a function over rows by alias. */
interface Cond {
  readonly sql: string;
  readonly holds: (rows: Readonly<Record<string, Row>>) => boolean;
}

const always: Cond = { sql: "true", holds: () => true };
const never: Cond = { sql: "false", holds: () => false };

interface Query {
  readonly sql: string;
  /** Result rows of the model. */
  readonly run: (tables: Readonly<Record<string, readonly Row[]>>) => { readonly table: string; readonly row: Row }[];
}

const joinDomain = fc.constantFrom("u8", "u64", "string", "f32", "f64", "bytes", "i128");

/** `k` is the joined column of both tables; `x`, `y` and `z` differ. */
const shape = (join: string): fc.Arbitrary<Shape> =>
  fc.record({
    columns: fc
      .tuple(
        fc.constantFrom(...domainNames),
        fc.constantFrom(...domainNames),
        fc.constantFrom(...domainNames),
        fc.boolean(),
      )
      .map(([x, y, z, early]) => (early ? { k: join, x, y, z } : { x, y, k: join, z }) as Record<string, string>),
    indexes: fc.uniqueArray(
      fc.constantFrom<IndexSpec>(
        { columns: [0] },
        { columns: [2] },
        { columns: [1], algorithm: "hash" },
        { columns: [2, 1] },
        { columns: [0, 3] },
        { columns: [2], algorithm: "hash" },
        { columns: [1] },
        { columns: [3] },
        { columns: [1, 2, 3] },
      ),
      { maxLength: 4, selector: (index) => index.columns.join() },
    ),
  });

function condition(aliases: readonly (readonly [string, Shape])[]): fc.Arbitrary<Cond> {
  const columns = aliases.flatMap(([alias, { columns: of }]) =>
    Object.keys(of).map((name) => [alias, name, of[name] ?? ""] as const),
  );
  const literal = fc.constantFrom(...columns).chain(([alias, name, domain]) =>
    fc
      .tuple(fc.constantFrom(...domainOf(domain).literals), fc.constantFrom(...Object.keys(ops)))
      .map(([[text, value], op]): Cond => ({
        sql: `${alias}.${name} ${op} ${text}`,
        holds: (rows) => ops[op]?.(order(rows[alias]?.[name] ?? 0, value)) ?? false,
      })),
  );
  const equality = fc.constantFrom(...columns).chain(([alias, name, domain]) =>
    fc.constantFrom(...domainOf(domain).literals).map(([text, value]): Cond => ({
      sql: `${alias}.${name} = ${text}`,
      holds: (rows) => order(rows[alias]?.[name] ?? 0, value) === 0,
    })),
  );
  const pairs = columns.flatMap((a) => columns.filter((b) => b !== a && b[2] === a[2]).map((b) => [a, b] as const));
  const between =
    pairs.length === 0
      ? literal
      : fc
          .tuple(fc.constantFrom(...pairs), fc.constantFrom(...Object.keys(ops)))
          .map(([[[aliasA, nameA], [aliasB, nameB]], op]): Cond => ({
            sql: `${aliasA}.${nameA} ${op} ${aliasB}.${nameB}`,
            holds: (rows) => ops[op]?.(order(rows[aliasA]?.[nameA] ?? 0, rows[aliasB]?.[nameB] ?? 0)) ?? false,
          }));
  // Several bounds on one column, which may be equal, contradictory, open or closed.
  const boundsOn = ([alias, name, domain]: (typeof columns)[number]): fc.Arbitrary<Cond> =>
    fc
      .array(
        fc.tuple(
          fc.constantFrom(...domainOf(domain).literals),
          fc.constantFrom(...Object.keys(ops).filter((op) => op !== "<>")),
        ),
        { minLength: 1, maxLength: 4 },
      )
      .map((parts): Cond => ({
        sql: `(${parts.map(([[text], op]) => `${alias}.${name} ${op} ${text}`).join(" AND ")})`,
        holds: (rows) => parts.every(([[, value], op]) => ops[op]?.(order(rows[alias]?.[name] ?? 0, value))),
      }));
  const bounds = fc.constantFrom(...columns).chain(boundsOn);
  const narrow = fc.oneof({ weight: 3, arbitrary: equality }, literal, { weight: 2, arbitrary: bounds });
  // Terms that indexes may serve, some of them twice, and with a condition beside them.
  const either = fc
    .tuple(
      fc.oneof(
        fc.array(narrow, { minLength: 2, maxLength: 5 }),
        fc.constantFrom(...columns).chain((column) => fc.array(boundsOn(column), { minLength: 2, maxLength: 5 })),
      ),
      fc.nat(5),
      fc.oneof(narrow, fc.constant(always)),
    )
    .map(([some, again, beside]): Cond => {
      const terms = [...some, some[again % some.length] ?? always];
      return {
        sql: `((${terms.map((term) => term.sql).join(" OR ")}) AND ${beside.sql})`,
        holds: (rows) => terms.some((term) => term.holds(rows)) && beside.holds(rows),
      };
    });
  const { cond } = fc.letrec<{ cond: Cond }>((tie) => ({
    cond: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      { weight: 3, arbitrary: literal },
      { weight: 3, arbitrary: equality },
      { weight: 1, arbitrary: between },
      { weight: 3, arbitrary: bounds },
      { weight: 4, arbitrary: either },
      { weight: 1, arbitrary: fc.constantFrom(always, never) },
      {
        weight: 3,
        arbitrary: fc.tuple(tie("cond"), fc.constantFrom("AND", "AND", "OR"), tie("cond")).map(([a, op, b]): Cond => ({
          sql: `(${a.sql} ${op} ${b.sql})`,
          holds: (rows) => (op === "AND" ? a.holds(rows) && b.holds(rows) : a.holds(rows) || b.holds(rows)),
        })),
      },
      {
        weight: 1,
        arbitrary: fc
          .tuple(tie("cond"), fc.constantFrom("=", "<>", "<", ">="), tie("cond"))
          .map(([a, op, b]): Cond => ({
            sql: `(${a.sql}) ${op} (${b.sql})`,
            holds: (rows) => ops[op]?.(order(a.holds(rows), b.holds(rows))) ?? false,
          })),
      },
    ),
  }));
  return cond;
}

interface World {
  readonly shapes: Readonly<Record<"r" | "s", Shape>>;
  readonly queries: readonly Query[];
  /** Each commit: rows to put or take; each is a table and a pick of values. */
  readonly commits: readonly (readonly {
    readonly table: "r" | "s";
    readonly picks: readonly number[];
    readonly isDelete: boolean;
  }[])[];
  /** After which commit each query comes, and after which it goes. */
  readonly lives: readonly (readonly [number, number])[];
}

function queryOf(shapes: World["shapes"]): fc.Arbitrary<Query> {
  const single = fc
    .constantFrom<"r" | "s">("r", "s")
    .chain((table) => fc.tuple(fc.constant(table), fc.oneof(fc.constant(always), condition([["a", shapes[table]]]))))
    .map(([table, cond]): Query => ({
      sql: `SELECT * FROM ${table} AS a WHERE ${cond.sql}`,
      run: (tables) => (tables[table] ?? []).filter((row) => cond.holds({ a: row })).map((row) => ({ table, row })),
    }));
  const join = fc
    .constantFrom<readonly ["r" | "s", "r" | "s"]>(["r", "s"], ["s", "r"], ["r", "r"], ["s", "s"])
    .chain(([left, right]) =>
      fc.tuple(
        fc.constant([left, right] as const),
        fc.oneof(
          fc.constant(always),
          condition([
            ["a", shapes[left]],
            ["b", shapes[right]],
          ]),
        ),
        fc.constantFrom("a", "b"),
      ),
    )
    .map(([[left, right], cond, wanted]): Query => ({
      sql: `SELECT ${wanted}.* FROM ${left} a JOIN ${right} b ON a.k = b.k WHERE ${cond.sql}`,
      run: (tables) =>
        (tables[left] ?? []).flatMap((a) =>
          (tables[right] ?? [])
            .filter((b) => order(a["k"] ?? 0, b["k"] ?? 0) === 0 && cond.holds({ a, b }))
            .map((b) => (wanted === "a" ? { table: left, row: a } : { table: right, row: b })),
        ),
    }));
  return fc.oneof(single, join);
}

const world: fc.Arbitrary<World> = joinDomain
  .chain((domain) => fc.record({ r: shape(domain), s: shape(domain) }))
  .chain((shapes) => {
    const change = fc.record({
      table: fc.constantFrom<"r" | "s">("r", "s"),
      picks: fc.array(fc.nat(20), { minLength: 4, maxLength: 4 }),
      isDelete: fc.boolean(),
    });
    const commits = fc.array(fc.array(change, { maxLength: 8 }), { maxLength: 8 });
    const queries = fc.array(queryOf(shapes), { minLength: 1, maxLength: 5 });
    const lives = fc.array(fc.tuple(fc.nat(3), fc.nat(9)), { minLength: 5, maxLength: 5 });
    return fc.record({ shapes: fc.constant(shapes), queries, commits, lives });
  });

// --- running it

const specOf = (name: string, { columns, indexes }: Shape): TableSpec => ({
  name,
  columns: Object.fromEntries(Object.entries(columns).map(([column, domain]) => [column, domainOf(domain).type])),
  indexes,
});

const rowOf = ({ columns }: Shape, picks: readonly number[]): Row =>
  Object.fromEntries(
    Object.entries(columns).map(([column, domain], i) => {
      const { values } = domainOf(domain);
      return [column, values[(picks[i] ?? 0) % values.length] ?? 0];
    }),
  );

const sorted = (rows: readonly string[]): string[] => rows.toSorted();

function add(bag: Map<string, number>, text: string, count: number): void {
  const now = (bag.get(text) ?? 0) + count;
  if (now === 0) bag.delete(text);
  else bag.set(text, now);
}

const bagRows = (bag: ReadonlyMap<string, number>): string[] => {
  const rows: string[] = [];
  for (const [text, count] of bag) {
    expect(count).toBeGreaterThan(0);
    for (let i = 0; i < count; i += 1) rows.push(text);
  }
  return rows.toSorted();
};

interface Running {
  readonly query: Query;
  readonly live: LiveQuery<number>;
  readonly bag: Map<string, number>;
}

function runWorld({ shapes, queries, commits, lives }: World): void {
  const fixture = new Fixture(specOf("r", shapes.r), specOf("s", shapes.s));
  const { store, catalog } = fixture;
  const liveQueries = new LiveQueries<number>(store, { seed: 7 });
  const model: Record<string, Map<string, Row>> = { r: new Map(), s: new Map() };
  const running = new Map<number, Running>();
  const sender = new Uint8Array(32);

  const run = (live: LiveQuery<number>): string[] => {
    const rows: string[] = [];
    select(store, live.prepared, live.values, (bytes, at, length) => {
      rows.push(Buffer.from(bytes.subarray(at, at + length)).toString("hex"));
    });
    return rows;
  };
  const fresh = (live: LiveQuery<number>): string[] => {
    const rows = run(live);
    expect(run(live)).toEqual(rows);
    return sorted(rows);
  };
  const check = ({ query, live, bag }: Running): void => {
    const tables = { r: [...(model["r"]?.values() ?? [])], s: [...(model["s"]?.values() ?? [])] };
    const naive = sorted(
      query.run(tables).map(({ table, row }) => Buffer.from(fixture.encode(table, row)).toString("hex")),
    );
    expect(fresh(live), `fresh: ${query.sql}`).toEqual(naive);
    expect(bagRows(bag), `live: ${query.sql}`).toEqual(naive);
  };
  const comeAndGo = (turn: number): void => {
    queries.forEach((query, i) => {
      const [from, length] = lives[i] ?? [0, 9];
      if (turn === from) {
        const plan = compileSubscriptionLoosely(query.sql, catalog);
        const live = liveQueries.subscribe(plan, bindParams(plan, sender), i);
        const bag = new Map<string, number>();
        for (const row of fresh(live)) add(bag, row, 1);
        running.set(i, { query, live, bag });
      }
      const gone = running.get(i);
      if (turn === from + length && gone !== undefined) {
        liveQueries.unsubscribe(gone.live, i);
        running.delete(i);
      }
    });
  };

  comeAndGo(0);
  commits.forEach((changes, turn) => {
    store.begin();
    for (const { table, picks, isDelete } of changes) {
      const row = rowOf(shapes[table], picks);
      const key = Buffer.from(fixture.encode(table, row)).toString("hex");
      if (isDelete) {
        fixture.delete(table, row);
        model[table]?.delete(key);
      } else {
        fixture.insert(table, row);
        model[table]?.set(key, row);
      }
    }
    fixture.commit((commit) => {
      liveQueries.advance(commit);
      liveQueries.forEachDelta((live, deletes, inserts) => {
        expect(deletes.count + inserts.count).toBeGreaterThan(0);
        for (const { bag, live: other } of running.values()) {
          if (other !== live) continue;
          for (let i = 0; i < deletes.count; i += 1) add(bag, fixture.text(deletes.refs[i] ?? 0), -1);
          for (let i = 0; i < inserts.count; i += 1) add(bag, fixture.text(inserts.refs[i] ?? 0), 1);
        }
      });
    });
    for (const each of running.values()) check(each);
    comeAndGo(turn + 1);
    for (const each of running.values()) check(each);
  });
  for (const [i, { live }] of running) liveQueries.unsubscribe(live, i);
  expect([liveQueries.templateCount, liveQueries.queryCount]).toEqual([0, 0]);
}

/** Without the rule that joins need an index: tables here may have none, which side indexes make up for. */
function compileSubscriptionLoosely(sql: string, catalog: Fixture["catalog"]) {
  const indexed = new Map<string, ReturnType<Fixture["catalog"]["table"]>>();
  const lenient: Fixture["catalog"] = {
    table: (name) => {
      const schema = catalog.table(name);
      if (schema === undefined) return undefined;
      const column = schema.def.columns.findIndex((each) => each.name === "k");
      const index = {
        name: "loose",
        sourceName: "loose",
        accessor: undefined,
        algorithm: "btree",
        columns: [column],
        unique: false,
      } as const;
      const known = indexed.get(name) ?? { ...schema, def: { ...schema.def, indexes: [...schema.def.indexes, index] } };
      indexed.set(name, known);
      return known;
    },
  };
  const plan = compileSubscription(sql, lenient)[0];
  if (plan === undefined) throw new Error("no plan");
  return plan;
}

test("live result = fresh result = model, at every commit", () => {
  fc.assert(fc.property(world, runWorld), { numRuns: cases });
});
