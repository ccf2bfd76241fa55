/**
 * Goal: generated code changes on purpose only, and can be read.
 * Method: a table of each kind is used until all of its code exists; what `dumpCode` was told is compared with a golden
 * text. `npm test -- packages/engine/src/generated-code.test.ts -u` writes the texts anew.
 */
import { codeText, defined, watchCode } from "@lightcone/base";
import { identity, t } from "@lightcone/sats";
import { expect, test } from "vitest";
import { checkStore } from "./check-store.ts";
import { openStore } from "./open-store.ts";
import type { StoredTable } from "./table/stored-table.ts";
import { makeQuickReplay, makeQuickUpdate } from "./transaction/update-code.ts";
import { commitMeta, tableDef, type TableSketch } from "./testing/defs.ts";

const cases: readonly TableSketch[] = [
  { name: "unique", columns: { id: t.u32, balance: t.i64 }, unique: [["id"]] },
  {
    name: "ordered-beside",
    columns: { owner: identity, id: t.u16, score: t.f64 },
    unique: [["owner"]],
    indexes: [{ columns: ["score"] }],
  },
  {
    name: "texts",
    columns: { id: t.u64, name: t.string, tag: t.u8 },
    unique: [["tag", "name"]],
    autoIncrement: "id",
  },
  { name: "no-unique", columns: { group: t.u16, flag: t.bool, note: t.string } },
];

test.each(cases)("the code of table $name", async (sketch) => {
  const store = openStore();
  // The codecs of the system tables are made once a process, when they are first read.
  expect(checkStore(store)).toEqual([]);
  const pieces: string[] = [];
  const stop = watchCode((code) => pieces.push(codeText(code)));
  store.begin();
  const table = store.catalog.createTable(tableDef(sketch)) as StoredTable;
  for (const index of table.indexes) {
    makeQuickUpdate(table, index);
    makeQuickReplay(table, index);
    for (let columns = 1; columns <= index.def.columns.length; columns += 1) {
      index.code.compareRowKey(columns);
      index.code.prefixKeyLow(columns);
      index.code.prefixKeyHigh(columns);
    }
  }
  defined(store.commit(commitMeta()), "the commit that defines the table");
  stop();
  await expect(pieces.join("\n")).toMatchFileSnapshot(`golden-code/${sketch.name}.txt`);
});
