// Goal: the system tables keep their ids, names and places: they stand in logs and in clients' queries.
// Method: the whole list against what is written here.
import { expect, test } from "vitest";
import { formatType } from "@lightcone/sats";
import { SystemTable, systemTables } from "./system-tables.ts";

test("ids count from 1 and match the names", () => {
  expect(systemTables.map((table) => table.id)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  for (const table of systemTables) expect(SystemTable[table.def.name as keyof typeof SystemTable]).toBe(table.id);
});

test("only connection credentials are private", () => {
  expect(systemTables.filter((table) => table.def.access === "private").map((table) => table.def.name)).toEqual([
    "st_connection_credentials",
  ]);
});

test("indexes keep their ids", () => {
  const indexes = systemTables.flatMap((table) =>
    table.def.indexes.map((index, i) => `${table.indexIds[i]} ${index.name}`),
  );
  expect(indexes).toEqual([
    "1 st_table_table_id_idx_btree",
    "2 st_table_table_name_idx_btree",
    "3 st_column_table_id_col_pos_idx_btree",
    "4 st_sequence_sequence_id_idx_btree",
    "5 st_index_index_id_idx_btree",
    "6 st_constraint_constraint_id_idx_btree",
    "7 st_client_identity_connection_id_idx_btree",
    "8 st_var_name_idx_btree",
    "9 st_scheduled_schedule_id_idx_btree",
    "10 st_scheduled_table_id_idx_btree",
    "11 st_row_level_security_sql_idx_btree",
    "12 st_connection_credentials_connection_id_idx_btree",
    "13 st_view_view_id_idx_btree",
    "14 st_view_view_name_idx_btree",
    "15 st_view_arg_id_idx_btree",
    "16 st_view_arg_bytes_idx_btree",
    "17 st_event_table_table_id_idx_btree",
    "18 st_table_accessor_table_name_idx_btree",
    "19 st_table_accessor_accessor_name_idx_btree",
    "20 st_index_accessor_index_name_idx_btree",
    "21 st_index_accessor_accessor_name_idx_btree",
    "22 st_column_accessor_table_name_col_name_idx_btree",
    "23 st_column_accessor_table_name_accessor_name_idx_btree",
  ]);
});

test("every constraint has its index and every position its column", () => {
  for (const { def } of systemTables) {
    expect(def.constraints.map((each) => each.columns)).toEqual(def.indexes.map((each) => each.columns));
    for (const index of def.indexes) for (const column of index.columns) expect(def.columns[column]).toBeDefined();
  }
});

test("row types", () => {
  const types = Object.fromEntries(systemTables.map((table) => [table.def.name, formatType(table.def.rowType)]));
  expect(types).toMatchObject({
    st_table:
      "(table_id: U32, table_name: String, table_type: String, table_access: String, table_primary_key: (some: Array<U16> | none: ()))",
    st_client: "(identity: U256, connection_id: U128)",
    st_scheduled: "(schedule_id: U32, table_id: U32, reducer_name: String, schedule_name: String, at_column: U16)",
    st_connection_credentials: "(connection_id: U128, jwt_payload: String)",
  });
});
