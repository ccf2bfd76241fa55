// Goal: a query of the builder is the SQL that it reads as.
// Method: a row per form, with its text.
import { expect, test } from "vitest";
import { and, literal, not, or, queriesOf, toSql } from "./query.ts";
import { table } from "./table.ts";
import { t } from "./types.ts";
import { ConnectionId, Identity, Timestamp, Uuid } from "./values.ts";

const { note, noteTag } = queriesOf({
  note: table(
    {},
    {
      id: t.u64().primaryKey(),
      text: t.string(),
      pinned: t.bool(),
      by: t.identity(),
      over: t.connectionId(),
      at: t.timestamp(),
      uuid: t.uuid(),
      weight: t.f64(),
    },
  ),
  noteTag: table({}, { noteId: t.u64().index(), 'a"b': t.string() }),
});

test.each([
  { query: note, text: `SELECT * FROM "note"` },
  { query: note.build(), text: `SELECT * FROM "note"` },
  { query: note.where((row) => row.id.eq(5n)), text: `SELECT * FROM "note" WHERE "note"."id" = 5` },
  { query: note.where((row) => row.text.ne("it's")), text: `SELECT * FROM "note" WHERE "note"."text" <> 'it''s'` },
  { query: note.where((row) => row.weight.lt(0.5)), text: `SELECT * FROM "note" WHERE "note"."weight" < 0.5` },
  { query: note.where((row) => row.id.lte(5n)), text: `SELECT * FROM "note" WHERE "note"."id" <= 5` },
  { query: note.where((row) => row.id.gt(5n)), text: `SELECT * FROM "note" WHERE "note"."id" > 5` },
  { query: note.where((row) => row.id.gte(row.id)), text: `SELECT * FROM "note" WHERE "note"."id" >= "note"."id"` },
  { query: note.where((row) => row.pinned), text: `SELECT * FROM "note" WHERE "note"."pinned" = TRUE` },
  { query: note.where((row) => row.pinned.eq(false)), text: `SELECT * FROM "note" WHERE "note"."pinned" = FALSE` },
  { query: note.where(() => true), text: `SELECT * FROM "note" WHERE TRUE` },
  {
    query: note.where((row) => row.by.eq(new Identity(255n)).and(row.over.eq(new ConnectionId(1n)))),
    text: `SELECT * FROM "note" WHERE ("note"."by" = 0x${"ff".padStart(64, "0")}) AND ("note"."over" = 0x${"1".padStart(32, "0")})`,
  },
  {
    query: note.where((row) => or(row.uuid.eq(Uuid.MAX), not(row.at.gt(Timestamp.UNIX_EPOCH)))),
    text: `SELECT * FROM "note" WHERE ("note"."uuid" = 0x${"f".repeat(32)}) OR (NOT ("note"."at" > '1970-01-01T00:00:00.000000Z'))`,
  },
  {
    query: note.where((row) => and(row.pinned, row.id.eq(literal(1n)), row.text.eq("a").or(true).not())),
    text: `SELECT * FROM "note" WHERE ("note"."pinned" = TRUE) AND ("note"."id" = 1) AND (NOT (("note"."text" = 'a') OR (TRUE)))`,
  },
  {
    query: note
      .where((row) => row.pinned)
      .where((row) => row.id.gt(1n))
      .where((row) => row.id.lt(9n)),
    text: `SELECT * FROM "note" WHERE (("note"."pinned" = TRUE) AND ("note"."id" > 1)) AND ("note"."id" < 9)`,
  },
  {
    query: note.leftSemijoin(noteTag, (left, right) => left.id.eq(right.noteId)),
    text: `SELECT "note".* FROM "note" JOIN "noteTag" ON "note"."id" = "noteTag"."noteId"`,
  },
  {
    query: note
      .where((row) => row.pinned)
      .rightSemijoin(noteTag, (left, right) => left.id.eq(right.noteId))
      .where((row) => row['a"b'].eq("x")),
    text: `SELECT "noteTag".* FROM "note" JOIN "noteTag" ON "note"."id" = "noteTag"."noteId" WHERE ("note"."pinned" = TRUE) AND ("noteTag"."a""b" = 'x')`,
  },
])("$text", ({ query, text }) => expect(toSql(query)).toBe(text));

test("a table or a column that is not there is answered with those that are", () => {
  const from = queriesOf({ note: table({}, { id: t.u64().primaryKey(), text: t.string() }) });
  expect(() => Reflect.get(from, "note_")).toThrow("the module has no table `note_`: there are note");
  expect(() => from.note.where((row) => Reflect.get(row, "colour").eq(1))).toThrow(
    "`note` has no column `colour`: there are id, text",
  );
});

test("what cannot be said is refused with what to do", () => {
  expect(() => note.leftSemijoin(note, (left, right) => left.id.eq(right.id))).toThrow(/join a table with itself/);
  const joined = note.leftSemijoin(noteTag, (left, right) => left.id.eq(right.noteId));
  expect(() => joined.leftSemijoin(noteTag, (left, right) => left.id.eq(right.noteId))).toThrow(/joins two tables/);
  expect(() => note.where((row) => row.weight.eq(NaN))).toThrow(/compares texts, numbers/);
  expect(() => and()).toThrow(/one condition at least/);
  // @ts-expect-error a condition is no text
  expect(() => note.where(() => "pinned")).toThrow(/a condition is made of columns/);
});
