// Goal: a record of a remade table is the same bytes for ever, holds no row, and a damaged one is refused.
// Method: one table made anew, its record as text; the record cut and changed at every byte.
import { isLightconeError } from "@lightcone/base";
import { ByteReader, conversionOf, keep, product, t, toHex, type FieldsConversion } from "@lightcone/sats";
import { expect, test } from "vitest";
import { checkStore } from "../check-store.ts";
import { CommitKind } from "../commit.ts";
import { readHead } from "../log/commit-record.ts";
import { openStore } from "../open-store.ts";
import { commitMeta, tableDef } from "../testing/defs.ts";

const before = tableDef({ name: "mooring", columns: { id: t.u32, name: t.string }, unique: [["id"]] });
const after = tableDef({ name: "berth", columns: { name: t.string, id: t.u64, free: t.bool }, unique: [["id"]] });
const conversion: FieldsConversion = {
  kind: "fields",
  fields: [
    { kind: "field", position: 1, of: keep },
    { kind: "field", position: 0, of: conversionOf(t.u32, t.u64) ?? keep },
    { kind: "value", value: Uint8Array.of(1) },
  ],
};

function world(rowCount = 3) {
  const store = openStore();
  store.begin();
  const { id } = store.catalog.createTable(before);
  for (let n = 0; n < rowCount; n += 1) store.tx.insert(id, Uint8Array.of(n, 0, 0, 0, 1, 0, 0, 0, 65 + n), 0, 9);
  const first = store.commit(commitMeta({ kind: CommitKind.publish }));
  if (first === undefined) throw new Error("nothing was committed");
  const bytes = first.bytes.slice();
  store.release(first);
  return { store, id, first: bytes };
}

function remade(): { readonly first: Uint8Array; readonly record: Uint8Array } {
  const { store, id, first } = world();
  const change = { id, def: after, from: [1, 0, -1], conversion };
  store.catalog.openRemake(change);
  while (!store.catalog.stepRemakes(1));
  store.begin();
  store.catalog.alterTables([change]);
  const commit = store.commit(commitMeta({ kind: CommitKind.publish }));
  const record = commit?.bytes.slice() ?? new Uint8Array(0);
  if (commit !== undefined) store.release(commit);
  expect(checkStore(store)).toEqual([]);
  return { first, record };
}

test("what it says of the table", () => {
  const { first, record } = remade();
  expect([first[0], record[0]]).toEqual([2, 3]);
  const { remakes } = readHead(new ByteReader(record));
  expect(remakes).toEqual([{ id: 4096, rowType: product({ name: t.string, id: t.u64, free: t.bool }), conversion }]);
  const type = `02 03000000 00 04000000 6e616d65 04 00 02000000 6964 0d 00 04000000 66726565 05`;
  const fields = `04 03000000 01 01000000 00 01 00000000 01 00 01000000 01`;
  expect(toHex(record)).toContain(`013c00100000${type}${fields}`.replaceAll(" ", ""));
});

test("a damaged one is refused, or says another change", () => {
  const { first, record } = remade();
  const [from, end] = [84, 84 + 62];
  for (let at = from; at < end; at += 3) {
    for (const damaged of [record.slice(0, at), record.with(at, (record[at] ?? 0) ^ 0x15)]) {
      const replica = openStore();
      replica.release(replica.apply(first));
      try {
        replica.release(replica.apply(damaged));
      } catch (error) {
        expect(isLightconeError(error) ? error.code : error).toMatch(/Malformed|TooDeep/);
      }
    }
  }
});

test("rows of a variant that is gone, keys that are there twice and a full memory end the remake without a trace", () => {
  const { store, id } = world();
  const { memoryBytes } = store;
  const twice: FieldsConversion = { kind: "fields", fields: [{ kind: "value", value: Uint8Array.of(7, 0, 0, 0) }] };
  const def = tableDef({ name: "mooring", columns: { id: t.u32 }, unique: [["id"]] });
  store.catalog.openRemake({ id, def, from: [-1], conversion: twice });
  expect(() => store.catalog.stepRemakes(10)).toThrow(/'mooring'.*value: 7/);
  expect([store.catalog.isRemaking, store.memoryBytes, checkStore(store)]).toEqual([false, memoryBytes, []]);
});
