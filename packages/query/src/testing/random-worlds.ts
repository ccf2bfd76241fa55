/** Random tables, queries over them, commits, and when queries come and go. */
import type { CompareOp } from "@lightcone/sql";
import fc from "fast-check";
import { domainNames, domains, type DomainName } from "./domains.ts";
import type { IndexSpec } from "./fixture.ts";
import { withLiterals, type Columns, type DraftColumn, type DraftCondition, type QueryDraft } from "./query-draft.ts";

export interface WorldTable {
  /** Column → domain, in order. */
  readonly columns: Readonly<Record<string, DomainName>>;
  readonly indexes: readonly IndexSpec[];
  /** Its rows are there only in the commit that inserts them. */
  readonly isEvent: boolean;
}

export const tableNames = ["r", "s", "u"] as const;
export type TableName = (typeof tableNames)[number];

export interface Change {
  readonly table: TableName;
  /** Which value of its domain each column has. */
  readonly picks: readonly number[];
  readonly isDelete: boolean;
}

/** A publish that gives a table another index, or takes one away. */
export interface Redefinition {
  readonly table: TableName;
  readonly isDrop: boolean;
  readonly pick: number;
}

export interface World {
  readonly tables: Readonly<Record<TableName, WorldTable>>;
  /** Row-level rules; with any, queries are asked by every caller. */
  readonly rules: Partial<Readonly<Record<TableName, readonly QueryDraft[]>>>;
  readonly queries: readonly QueryDraft[];
  readonly commits: readonly (readonly Change[])[];
  /** By commit: what it redefines before it changes rows. */
  readonly redefinitions: readonly (Redefinition | undefined)[];
  /** Of each query: after which commit it comes, and for how many it stays. */
  readonly lives: readonly (readonly [number, number])[];
}

/** `k` is a column of all tables; `x`, `y` and `z` differ. */
function table(join: DomainName, isEvent: fc.Arbitrary<boolean>): fc.Arbitrary<WorldTable> {
  const other = fc.constantFrom(...domainNames);
  return fc.record({
    columns: fc
      .tuple(other, other, other, fc.boolean())
      .map(([x, y, z, isEarly]): WorldTable["columns"] => (isEarly ? { k: join, x, y, z } : { x, y, k: join, z })),
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
        { columns: [0, 1, 2], unique: true },
        { columns: [2, 3], unique: true },
      ),
      { maxLength: 4, selector: (index) => index.columns.join() },
    ),
    isEvent,
  });
}

const compareOps = ["=", "<>", "<", "<=", ">", ">="] as const satisfies readonly CompareOp[];
const always: DraftCondition = { kind: "constant", value: true };

/** Conditions on the caller, if there are columns that hold callers. */
function senderConditions(columns: readonly DraftColumn[]): readonly fc.Arbitrary<DraftCondition>[] {
  const whose = columns.filter(({ domain }) => domain === "who");
  if (whose.length === 0) return [];
  const sender = fc.constantFrom(...whose).map((column): DraftCondition => ({ kind: "sender", column }));
  const kind = fc.constantFrom("and", "and", "or");
  return [
    sender,
    sender,
    fc.tuple(kind, sender, condition(columns)).map(([of, ...terms]): DraftCondition => ({ kind: of, terms })),
  ];
}

/** A comparison of two columns. @param otherwise where no two have one type */
function between(
  columns: readonly DraftColumn[],
  otherwise: fc.Arbitrary<DraftCondition> = fc.constant(always),
): fc.Arbitrary<DraftCondition> {
  const pairs = columns.flatMap((left) =>
    columns.filter((right) => right !== left && right.domain === left.domain).map((right) => ({ left, right })),
  );
  return pairs.length === 0
    ? otherwise
    : fc
        .tuple(fc.constantFrom(...pairs), fc.constantFrom(...compareOps))
        .map(([pair, op]): DraftCondition => ({ kind: "columns", op, ...pair }));
}

function condition(columns: readonly DraftColumn[]): fc.Arbitrary<DraftCondition> {
  const on = (column: DraftColumn, ...ops: readonly CompareOp[]): fc.Arbitrary<DraftCondition> =>
    fc
      .tuple(fc.constantFrom(...domains[column.domain].literals), fc.constantFrom(...ops))
      .map(([literal, op]): DraftCondition => ({ kind: "literal", op, column, literal }));
  const anyColumn = fc.constantFrom(...columns);
  const literal = anyColumn.chain((column) => on(column, ...compareOps));
  const equality = anyColumn.chain((column) => on(column, "="));
  // Several bounds on one column, which may be equal, contradictory, open or closed.
  const boundsOn = (column: DraftColumn): fc.Arbitrary<DraftCondition> =>
    fc
      .array(on(column, "=", "<", "<=", ">", ">="), { minLength: 1, maxLength: 4 })
      .map((terms): DraftCondition => ({ kind: "and", terms }));
  const bounds = anyColumn.chain(boundsOn);
  const narrow = fc.oneof({ weight: 3, arbitrary: equality }, literal, { weight: 2, arbitrary: bounds });
  // Terms that indexes may serve, one of them twice, and with a condition beside them.
  const either = fc
    .tuple(
      fc.oneof(
        fc.array(narrow, { minLength: 2, maxLength: 5 }),
        anyColumn.chain((column) => fc.array(boundsOn(column), { minLength: 2, maxLength: 5 })),
      ),
      fc.nat(5),
      fc.oneof(narrow, fc.constant(always)),
    )
    .map(([some, again, beside]): DraftCondition => ({
      kind: "and",
      terms: [{ kind: "or", terms: [...some, some[again % some.length] ?? always] }, beside],
    }));
  const { tree } = fc.letrec<{ tree: DraftCondition }>((tie) => ({
    tree: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      { weight: 3, arbitrary: literal },
      { weight: 3, arbitrary: equality },
      { weight: 3, arbitrary: between(columns, literal) },
      { weight: 3, arbitrary: bounds },
      { weight: 4, arbitrary: either },
      { weight: 1, arbitrary: fc.boolean().map((value): DraftCondition => ({ kind: "constant", value })) },
      {
        weight: 3,
        arbitrary: fc
          .tuple(fc.constantFrom("and", "and", "or"), tie("tree"), tie("tree"))
          .map(([kind, ...terms]): DraftCondition => ({ kind, terms })),
      },
      {
        weight: 1,
        arbitrary: fc
          .tuple(tie("tree"), fc.constantFrom<CompareOp>("=", "<>", "<", ">="), tie("tree"))
          .map(([left, op, right]): DraftCondition => ({ kind: "truth", op, left, right })),
      },
    ),
  }));
  return tree;
}

/**
 * Queries over one, two or three sources, each joined to one before it, mostly by `k`; a table may come twice, an event
 * table once.
 */
function query(tables: Columns, event: TableName | undefined): fc.Arbitrary<QueryDraft> {
  const name = fc.constantFrom(...tableNames);
  const sources = fc.oneof(
    { weight: 3, arbitrary: fc.tuple(name) },
    { weight: 4, arbitrary: fc.tuple(name, name) },
    { weight: 3, arbitrary: fc.tuple(name, name, name) },
  );
  return queryOver(
    tables,
    sources.map((drawn) => drawn.map((each, source) => (each === event && drawn.indexOf(each) < source ? "r" : each))),
  );
}

function queryOver(tables: Columns, sources: fc.Arbitrary<readonly TableName[]>): fc.Arbitrary<QueryDraft> {
  return sources.chain((of) => {
    const columns = of.map((each, source) =>
      Object.entries(tables[each] ?? {}).map(([column, domain]): DraftColumn => ({ source, name: column, domain })),
    );
    const edges = columns.slice(1).map((own, before) => {
      const all = columns
        .slice(0, before + 1)
        .flatMap((others) =>
          others.flatMap((left) =>
            own.filter(({ domain }) => domain === left.domain).map((right) => ({ left, right })),
          ),
        );
      const byK = all.filter(({ left, right }) => left.name === "k" && right.name === "k");
      return fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...byK) }, fc.constantFrom(...all));
    });
    return fc.record({
      sources: fc.constant(of),
      edges: fc.tuple(...edges),
      condition: fc.oneof(fc.constant(always), condition(columns.flat()), ...senderConditions(columns.flat())),
      returned: fc.nat(of.length - 1),
    });
  });
}

/**
 * Rules with sources that no equality leads to: one or two of them, joined to each other or not, with a condition on each
 * source, mostly on the caller, and comparisons of them with each other.
 */
function looseRule(tables: Columns, own: TableName, others: readonly TableName[]): fc.Arbitrary<QueryDraft> {
  const other = fc.constantFrom(...others);
  const shape = fc.oneof(
    { weight: 2, arbitrary: fc.tuple(other).map((of) => ({ of, pair: undefined })) },
    fc.record({
      of: fc.tuple(other, other),
      pair: fc.constantFrom<readonly [number, number] | undefined>(undefined, [0, 1], [1, 2]),
    }),
  );
  return shape.chain(({ of, pair }) => {
    const sources: readonly TableName[] = [own, ...of];
    const columns = sources.map((each, source) =>
      Object.entries(tables[each] ?? {}).map(([column, domain]): DraftColumn => ({ source, name: column, domain })),
    );
    const k = (source: number): DraftColumn =>
      columns[source]?.find(({ name }) => name === "k") ?? { source, name: "k", domain: "u8" };
    const conditions = columns.map((each, source) =>
      fc.oneof(fc.constant(always), condition(each), ...(source === 0 ? [] : senderConditions(each))),
    );
    const across = fc.oneof({ weight: 3, arbitrary: fc.constant(always) }, between(columns.flat()));
    return fc.tuple(across, ...conditions).map((terms): QueryDraft => ({
      sources,
      edges: pair === undefined ? [] : [{ left: k(pair[0]), right: k(pair[1]) }],
      condition: { kind: "and", terms },
      returned: 0,
    }));
  });
}

const joinDomain = fc.constantFrom<DomainName>("u8", "u64", "string", "f32", "f64", "bytes", "i128");

interface Tables {
  readonly r: WorldTable;
  readonly s: WorldTable;
  readonly u: WorldTable;
}

const tablesOf = (of: (domain: DomainName, isEvent: fc.Arbitrary<boolean>) => fc.Arbitrary<WorldTable>) =>
  joinDomain.chain((domain): fc.Arbitrary<Tables> => {
    const kept = of(domain, fc.constant(false));
    const seldom = fc.nat(3).map((drawn) => drawn === 3);
    return fc.record({ r: kept, s: kept, u: of(domain, seldom) });
  });

function worldOver(tables: Tables, columns: Columns, rules: fc.Arbitrary<World["rules"]>): fc.Arbitrary<World> {
  const change = fc.record({
    table: fc.constantFrom(...tableNames),
    picks: fc.array(fc.nat(20), { minLength: 4, maxLength: 4 }),
    isDelete: fc.boolean(),
  });
  // Some of one template, which differ in their literals.
  const literals = fc.array(fc.array(fc.nat(9), { minLength: 4, maxLength: 4 }), { maxLength: 2 });
  const queries = fc
    .tuple(query(columns, tables.u.isEvent ? "u" : undefined), literals)
    .map(([first, picks]) => [first, ...picks.map((each) => withLiterals(first, each))]);
  const redefinition = fc.record({
    table: fc.constantFrom(...tableNames),
    isDrop: fc.boolean(),
    pick: fc.nat(9),
  });
  const few = fc.array(change, { maxLength: 10 });
  const many = fc.array(change, { minLength: 40, maxLength: 80 });
  return fc.record({
    tables: fc.constant(tables),
    rules,
    queries: fc.array(queries, { minLength: 1, maxLength: 4 }).map((each) => each.flat()),
    commits: fc.array(fc.oneof({ weight: 9, arbitrary: few }, many), { maxLength: 8 }),
    redefinitions: fc.array(fc.option(redefinition, { nil: undefined, freq: 2 }), { maxLength: 8 }),
    lives: fc.array(fc.tuple(fc.nat(3), fc.nat(9)), { minLength: 12, maxLength: 12 }),
  });
}

const columnsOf = ({ r, s, u }: Tables): Columns => ({ r: r.columns, s: s.columns, u: u.columns });

export const worlds: fc.Arbitrary<World> = tablesOf(table).chain((tables) =>
  worldOver(tables, columnsOf(tables), fc.constant({})),
);

// --- worlds with rules

/** A table with a column that holds callers. */
function ownedTable(join: DomainName, isEvent: fc.Arbitrary<boolean>): fc.Arbitrary<WorldTable> {
  return fc.tuple(table(join, isEvent), fc.constantFrom(...domainNames)).map(([made, x]) => ({
    ...made,
    columns: { k: join, x, who: "who", z: made.columns["z"] ?? x },
  }));
}

/** Rules of a table: over it alone, or with tables that rules may read and that do not read it. */
function rulesOf(
  tables: Columns,
  name: TableName,
  others: readonly TableName[],
): fc.Arbitrary<readonly QueryDraft[] | undefined> {
  const own = fc.constant(name);
  const sources: fc.Arbitrary<readonly TableName[]>[] = [fc.tuple(own)];
  if (others.length > 0) {
    const other = fc.constantFrom(...others);
    sources.push(fc.tuple(own, other), fc.tuple(own, other), fc.tuple(own, other), fc.tuple(own, other, other));
  }
  const joined = queryOver(tables, fc.oneof(...sources)).map((draft) => ({ ...draft, returned: 0 }));
  const rule =
    others.length === 0
      ? joined
      : fc.oneof({ weight: 3, arbitrary: joined }, { weight: 2, arbitrary: looseRule(tables, name, others) });
  return fc.option(fc.array(rule, { minLength: 1, maxLength: 3 }), { nil: undefined, freq: 4 });
}

/** Worlds in which some tables are under rules, which read other tables and are under rules themselves. */
export const ruledWorlds: fc.Arbitrary<World> = tablesOf(ownedTable).chain((tables) => {
  const columns = columnsOf(tables);
  // Each reads those behind it, and itself; an event table is read by none.
  const order = (tables.u.isEvent ? ["u", "r", "s"] : ["r", "s", "u"]) as readonly TableName[]; // names of tables
  const rules = order.map((name, position) => {
    const others = [...order.slice(position + 1), ...(tables[name].isEvent ? [] : [name])];
    return rulesOf(columns, name, others);
  });
  const byTable = fc
    .tuple(...rules)
    .map((each): World["rules"] =>
      Object.fromEntries(order.flatMap((name, i) => (each[i] === undefined ? [] : [[name, each[i]]]))),
    );
  return worldOver(tables, columns, byTable);
});
