/** The rows of `st_row_level_security`: which rules the module has. They are told, never read back: the module says them. */
import { asTableId, defined } from "@lightcone/base";
import { ByteWriter, valueCodec } from "@lightcone/sats";
import { systemTables } from "@lightcone/schema";
import type { DatabaseContext } from "../core/context.ts";

const rulesTable = asTableId(10); // st_row_level_security

const ruleRow = valueCodec<{ readonly table_id: number; readonly sql: string }>(
  defined(
    systemTables.find(({ def }) => def.name === "st_row_level_security"),
    "st_row_level_security",
  ).def.rowType,
);

/** Writes, in the open transaction, the rules of the module that was installed. */
export function storeRules({ store, access }: Pick<DatabaseContext, "store" | "access">): void {
  store.system.clear(rulesTable);
  for (const { table, sql } of access.rules) {
    const out = new ByteWriter(64 + sql.length);
    ruleRow.write(out, { table_id: table, sql });
    store.system.insert(rulesTable, out.bytes, out.length);
  }
}
