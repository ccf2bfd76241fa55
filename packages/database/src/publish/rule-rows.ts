/** The rows of `st_row_level_security`: which rules the module has. They are told; the module says them. */
import { asTableId, defined, type TableId } from "@lightcone/base";
import { ByteReader, ByteWriter, valueCodec } from "@lightcone/sats";
import { systemTables } from "@lightcone/schema";
import type { Store } from "@lightcone/engine";
import type { Access } from "../access/catalog.ts";

const rulesTable = asTableId(10); // st_row_level_security

const ruleRow = valueCodec<{ readonly table_id: number; readonly sql: string }>(
  defined(
    systemTables.find(({ def }) => def.name === "st_row_level_security"),
    "st_row_level_security",
  ).def.rowType,
);

/** Writes, in the open transaction, the rules of the module that was installed. */
export function storeRules({ store, access }: { readonly store: Store; readonly access: Pick<Access, "rules"> }): void {
  store.system.clear(rulesTable);
  for (const { table, sql } of access.rules) {
    const out = new ByteWriter(64 + sql.length);
    ruleRow.write(out, { table_id: table, sql });
    store.system.insert(rulesTable, out.bytes, out.length);
  }
}

/** The tables that a rule shows, as was written when it was taken; all of the module's where nothing was. */
export function tablesShownBy(
  store: Pick<Store, "table" | "tables" | "resolve" | "row">,
  sql: string,
): readonly TableId[] {
  const shown: TableId[] = [];
  const cursor = store.table(rulesTable)?.openCursor();
  cursor?.seek();
  for (let row = cursor?.next() ?? -1; row !== -1; row = cursor?.next() ?? -1) {
    store.resolve(row);
    const { bytes, at, length } = store.row;
    const rule = ruleRow.read(new ByteReader(bytes.subarray(at, at + length)));
    if (rule.sql === sql) shown.push(asTableId(rule.table_id));
  }
  if (shown.length > 0) return shown;
  return store.tables().flatMap(({ schema: { id, def } }) => (def.kind === "user" ? [id] : []));
}
