// Goal: what cannot work does not compile, and the compiler's message says what to do.
// Method: each case is a line of a module that the compiler reads; its message holds the words.
import { beforeAll, describe, expect, test } from "vitest";
import { complaintsAbout, type Complaint } from "./type-check.ts";

const preamble = `import { Range, schema, t, table } from "lightcone/module";
const timer = table({}, { id: t.u64().primaryKey().autoInc(), at: t.scheduleAt() });
const note = table({}, { id: t.u64().primaryKey().autoInc(), text: t.string(), n: t.u8().index("hash") });
const app = schema({ note, timer });
export default app;
export const send = app.reducer({ text: t.string() }, () => {});
`;

const cases: readonly { readonly line: string; readonly says: string }[] = [
  {
    line: `app.reducer(async () => {})`,
    says: "a reducer returns nothing, unless its type stands before its function",
  },
  { line: `app.reducer({ a: t.u8() }, async () => {})`, says: "cannot be async: what must wait is done by a client" },
  { line: `app.reducer({ a: t.u8() }, (_, { a }) => a)`, says: "unless its type stands before its function" },
  {
    line: `app.reducer({ a: t.u8() }, t.string(), (_, { a }) => a)`,
    says: "'number' is not assignable to type 'string'",
  },
  {
    line: `app.reducer({ a: t.u8() }, t.u8(), async () => 1)`,
    says: "'Promise<number>' is not assignable to type 'number'",
  },
  { line: `app.init(async () => {})`, says: "cannot be async" },
  { line: `app.init({ a: t.u8() }, () => {})`, says: "'a' does not exist in type 'FunctionOptions'" },
  {
    line: `app.procedure({ a: t.u8() }, async () => {})`,
    says: "a procedure says what it returns before its function: t.unit() for nothing",
  },
  { line: `app.procedure(t.unit(), (ctx) => ctx.withTx(async () => {}))`, says: "await before withTx, or behind it" },
  {
    line: `app.procedure(t.unit(), (ctx) => { ctx.db.note; })`,
    says: "rows are reached within ctx.withTx((tx) => { … })",
  },
  {
    line: `app.reducer((ctx) => { ctx.db.note.find(1n); })`,
    says: "rows are found by a column: ctx.db.TABLE.COLUMN.find(value)",
  },
  { line: `app.reducer((ctx) => { ctx.db.note.filter(1n); })`, says: "ctx.db.TABLE.COLUMN.filter(value)" },
  { line: `app.reducer((ctx) => { ctx.db.note.update({}); })`, says: "ctx.db.TABLE.KEY.update(row)" },
  { line: `app.reducer((ctx) => { ctx.db.note.insert({ n: 1 }); })`, says: "Property 'text' is missing" },
  {
    line: `app.reducer((ctx) => { ctx.db.note.id.find(1); })`,
    says: "'number' is not assignable to parameter of type 'bigint'",
  },
  {
    line: `app.reducer((ctx) => { ctx.db.note.n.filter(new Range<number>()); })`,
    says: "not assignable to parameter of type 'number'",
  },
  { line: `table({}, { a: t.string().autoInc() })`, says: "autoInc() is for integer columns" },
  {
    line: `table({}, { a: t.f64().primaryKey() })`,
    says: "only integers, bool, string, identity, connectionId, timestamp, timeDuration, uuid and enums",
  },
  { line: `table({}, { a: t.u32().optional().unique() })`, says: "can be keys" },
  {
    line: `table({}, { a: t.u32().index().optional() })`,
    says: "a key or an index cannot be optional: leave one of them out",
  },
  {
    line: `table({}, { a: t.u32().unique().default(1) })`,
    says: "a column with a default cannot be a primary key, unique or autoInc",
  },
  {
    line: `table({}, { a: t.u32().primaryKey(), b: t.u32().primaryKey() })`,
    says: "a table has one primary key; make the other columns unique()",
  },
  { line: `table({}, { insert: t.u32().index() })`, says: "cannot have the name of a method that every table has" },
  {
    line: `table({ indexes: [{ accessor: "x", algorithm: "btree", columns: ["z"] }] }, { a: t.u32() })`,
    says: `'"z"' is not assignable to type '"a"'`,
  },
  { line: `t.array(t.lazy(t.u8()))`, says: "is not assignable to parameter of type '() => AnyType" },
  { line: `t.enum("Maybe", { some: t.u8(), none: t.unit() })`, says: "is an option: use t.option(…)" },
  { line: `t.object({ a: t.u8() })`, says: "Expected 2 arguments, but got 1" },
  { line: `schema(note, timer)`, says: "is not assignable to parameter of type" },
];

const guessPreamble = `import { connect, optimistic } from "lightcone/client";
import { schema, t, table } from "lightcone/module";
const app = schema({ card: table({ public: true }, { id: t.u64().primaryKey(), text: t.string() }) });
const board = { default: app, add: app.reducer({ text: t.string() }, () => {}), tidy: app.reducer(() => {}) };
type Board = typeof board;
`;

const guessCases: typeof cases = [
  { line: `optimistic<Board>({ tidyUp: () => {} })`, says: "'tidyUp' does not exist in type" },
  { line: `optimistic<Board>({ add: async () => {} })`, says: "a guess is made at once: keep it free of async" },
  { line: `optimistic<Board>({ tidy: (ctx) => ctx.db.cards.clear() })`, says: "Did you mean 'card'?" },
  { line: `optimistic<Board>({ tidy: (ctx) => ctx.db.card.find(1n) })`, says: "rows are found by a column" },
  {
    line: `optimistic<Board>({ add: (ctx, { text }) => ctx.db.card.insert({ text }) })`,
    says: "Property 'id' is missing",
  },
  { line: `optimistic<Board>({ add: (_, { words }) => words })`, says: "Property 'words' does not exist on type" },
  { line: `optimistic<Board>({ tidy: board.add })`, says: "Property 'text' is missing" },
  {
    line: `connect<Board>({ uri: "", database: "", optimistic: { add: () => {} } })`,
    says: "'add' does not exist in type 'Optimistic'",
  },
];

const testPreamble = `import { testModule } from "lightcone/testing";
import * as app from "./misuse.ts";
const world = await testModule(app);
const ann = world.as("ann");
`;

const testCases: readonly { readonly line: string; readonly says: string }[] = [
  { line: `testModule(app.default)`, says: "Property 'default' is missing in type" },
  { line: `ann.send({ text: 5 })`, says: "Type 'number' is not assignable to type 'string'" },
  { line: `ann.send({ text: "hi", to: "bob" })`, says: "'to' does not exist in type" },
  { line: `ann.send()`, says: "Expected 1 arguments, but got 0" },
  { line: `ann.sned({ text: "hi" })`, says: "Property 'sned' does not exist on type" },
  { line: `ann.procedures.send({ text: "hi" })`, says: "Property 'send' does not exist on type" },
  { line: `world.db.note.insert({ text: "hi", n: 1 })`, says: "Property 'insert' does not exist on type" },
  { line: `world.db.note.id.find(1)`, says: "'number' is not assignable to parameter of type 'bigint'" },
  { line: `ann.query((from) => from.notes)`, says: "Did you mean 'note'?" },
  { line: `ann.query((from) => from.note.where((row) => row.n.eq("1")))`, says: "not assignable to parameter of type" },
  { line: `world.advance(100n)`, says: "'bigint' is not assignable to parameter of type 'Duration'" },
];

const files = [
  { what: "issue 9: a module's parts", file: "misuse.ts", before: preamble, all: cases },
  { what: "issue 10: a guess", file: "guess.ts", before: guessPreamble, all: guessCases },
  { what: "issue 10 §5: a test of a module", file: "test.ts", before: testPreamble, all: testCases },
];

describe("misuse is a type error whose text says what to do", () => {
  let complaints: readonly Complaint[] = [];
  beforeAll(() => {
    const texts = files.map(({ file, before, all }) => {
      const lines = all.map(({ line }, at) => `export const n${at} = () => { ${line}; };\n`);
      return [file, before + lines.join("")] as const;
    });
    complaints = complaintsAbout(Object.fromEntries(texts), { lib: ["esnext", "dom"], types: ["node"] });
  });

  test.each(files)("$what", ({ file, before, all }) => {
    const first = before.split("\n").length;
    const told = all.map(({ line, says }, at) => {
      const text = complaints
        .filter((complaint) => complaint.file === file && complaint.line === first + at)
        .map((complaint) => complaint.text)
        .join("\n");
      return [line, text.includes(says) ? says : text];
    });
    expect(told).toEqual(all.map(({ line, says }) => [line, says]));
  });
});
