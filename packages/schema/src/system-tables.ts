/**
 * The tables that every database has: what it knows about itself, as rows that SQL can read.
 *
 * Ids are fixed for ever: they stand in logs and snapshots. A new table or key goes to the end of its list.
 * Identities and connection ids are plain integers here, types are the BSATN of an AlgebraicType.
 */
import { asIndexId, asTableId, userIdMin } from "@lightcone/base";
import { array, bytes, option, product, sum, t, type AlgebraicType } from "@lightcone/sats";
import type { Access, ColumnDef, IndexDef, SequenceDef, TableSchema, UniqueDef } from "./module-def.ts";
import { constraintName, indexName, sequenceName } from "./naming.ts";

/** The ids of the system tables, by name. */
export const SystemTable = {
  st_table: 1,
  st_column: 2,
  st_sequence: 3,
  st_index: 4,
  st_constraint: 5,
  st_module: 6,
  st_client: 7,
  st_var: 8,
  st_scheduled: 9,
  st_row_level_security: 10,
  st_connection_credentials: 11,
  st_view: 12,
  st_view_param: 13,
  st_view_column: 14,
  st_view_sub: 15,
  st_view_arg: 16,
  st_event_table: 17,
  st_table_accessor: 18,
  st_index_accessor: 19,
  st_column_accessor: 20,
} as const;
export type SystemTableName = keyof typeof SystemTable;

/**
 * Whether rows of a table are the database's alone to write: they say what it is. Variables are rows that nothing in it
 * depends on, and are written like any other.
 */
export function isWrittenByDatabase(id: number): boolean {
  return id < userIdMin && id !== SystemTable.st_var;
}

interface Shape {
  readonly columns: Readonly<Record<string, AlgebraicType>>;
  /** Unique column sets, each with a B-tree. */
  readonly keys: readonly (readonly string[])[];
  readonly primaryKey?: string;
  readonly autoIncrement?: string;
  readonly access?: Access;
}

const columnList = array(t.u16);

const shapes: Readonly<Record<SystemTableName, Shape>> = {
  st_table: {
    columns: {
      table_id: t.u32,
      table_name: t.string,
      table_type: t.string,
      table_access: t.string,
      table_primary_key: option(columnList),
    },
    keys: [["table_id"], ["table_name"]],
    primaryKey: "table_id",
    autoIncrement: "table_id",
  },
  st_column: {
    columns: { table_id: t.u32, col_pos: t.u16, col_name: t.string, col_type: bytes },
    keys: [["table_id", "col_pos"]],
  },
  st_sequence: {
    columns: {
      sequence_id: t.u32,
      sequence_name: t.string,
      table_id: t.u32,
      col_pos: t.u16,
      increment: t.i128,
      start: t.i128,
      min_value: t.i128,
      max_value: t.i128,
      allocated: t.i128,
    },
    keys: [["sequence_id"]],
    primaryKey: "sequence_id",
    autoIncrement: "sequence_id",
  },
  st_index: {
    columns: {
      index_id: t.u32,
      table_id: t.u32,
      index_name: t.string,
      index_algorithm: sum({ Unused: t.u128, BTree: columnList, Direct: t.u16, Hash: columnList }),
    },
    keys: [["index_id"]],
    primaryKey: "index_id",
    autoIncrement: "index_id",
  },
  st_constraint: {
    columns: {
      constraint_id: t.u32,
      constraint_name: t.string,
      table_id: t.u32,
      constraint_data: sum({ Unused: t.u128, Unique: columnList }),
    },
    keys: [["constraint_id"]],
    primaryKey: "constraint_id",
    autoIncrement: "constraint_id",
  },
  st_module: {
    columns: {
      database_identity: t.u256,
      owner_identity: t.u256,
      program_kind: t.u8,
      program_hash: t.u256,
      program_bytes: bytes,
      module_version: t.string,
    },
    keys: [],
  },
  st_client: {
    columns: { identity: t.u256, connection_id: t.u128 },
    keys: [["identity", "connection_id"]],
  },
  st_var: {
    columns: {
      name: t.string,
      value: sum({
        Bool: t.bool,
        I8: t.i8,
        U8: t.u8,
        I16: t.i16,
        U16: t.u16,
        I32: t.i32,
        U32: t.u32,
        I64: t.i64,
        U64: t.u64,
        I128: t.i128,
        U128: t.u128,
        F32: t.f32,
        F64: t.f64,
        String: t.string,
      }),
    },
    keys: [["name"]],
    primaryKey: "name",
  },
  st_scheduled: {
    columns: {
      schedule_id: t.u32,
      table_id: t.u32,
      reducer_name: t.string,
      schedule_name: t.string,
      at_column: t.u16,
    },
    keys: [["schedule_id"], ["table_id"]],
    primaryKey: "schedule_id",
    autoIncrement: "schedule_id",
  },
  st_row_level_security: {
    columns: { table_id: t.u32, sql: t.string },
    keys: [["sql"]],
    primaryKey: "sql",
  },
  st_connection_credentials: {
    columns: { connection_id: t.u128, jwt_payload: t.string },
    keys: [["connection_id"]],
    primaryKey: "connection_id",
    access: "private",
  },
  st_view: {
    columns: {
      view_id: t.u32,
      view_name: t.string,
      table_id: option(t.u32),
      is_public: t.bool,
      is_anonymous: t.bool,
    },
    keys: [["view_id"], ["view_name"]],
    primaryKey: "view_id",
    autoIncrement: "view_id",
  },
  st_view_param: {
    columns: { view_id: t.u32, param_pos: t.u16, param_name: t.string, param_type: bytes },
    keys: [],
  },
  st_view_column: {
    columns: { view_id: t.u32, col_pos: t.u16, col_name: t.string, col_type: bytes },
    keys: [],
  },
  st_view_sub: {
    columns: {
      view_id: t.u32,
      arg_id: t.u64,
      identity: t.u256,
      num_subscribers: t.u64,
      has_subscribers: t.bool,
      last_called: t.i64,
    },
    keys: [],
  },
  st_view_arg: {
    columns: { id: t.u64, bytes },
    keys: [["id"], ["bytes"]],
    primaryKey: "id",
    autoIncrement: "id",
  },
  st_event_table: {
    columns: { table_id: t.u32 },
    keys: [["table_id"]],
    primaryKey: "table_id",
  },
  st_table_accessor: {
    columns: { table_name: t.string, accessor_name: t.string },
    keys: [["table_name"], ["accessor_name"]],
  },
  st_index_accessor: {
    columns: { index_name: t.string, accessor_name: t.string },
    keys: [["index_name"], ["accessor_name"]],
  },
  st_column_accessor: {
    columns: { table_name: t.string, col_name: t.string, accessor_name: t.string },
    keys: [
      ["table_name", "col_name"],
      ["table_name", "accessor_name"],
    ],
  },
};

function makeSystemTables(): readonly TableSchema[] {
  let indexIdNext = 1;
  return Object.entries(shapes).map(([name, shape]): TableSchema => {
    const names = Object.keys(shape.columns);
    const position = (column: string): number => names.indexOf(column);
    const columns = Object.entries(shape.columns).map(([column, type]): ColumnDef => ({
      name: column,
      accessor: column,
      type,
      defaultValue: undefined,
    }));
    const indexes = shape.keys.map((key): IndexDef => {
      const ownName = indexName(name, key, "btree");
      return {
        name: ownName,
        sourceName: ownName,
        accessor: undefined,
        algorithm: "btree",
        columns: key.map(position),
        unique: true,
      };
    });
    const constraints = shape.keys.map((key): UniqueDef => ({
      name: constraintName(name, key),
      columns: key.map(position),
    }));
    const auto = shape.autoIncrement;
    const sequences: SequenceDef[] =
      auto === undefined
        ? []
        : [
            {
              name: sequenceName(name, auto),
              column: position(auto),
              start: BigInt(userIdMin),
              min: 1n,
              max: 2n ** 127n - 1n,
              increment: 1n,
            },
          ];
    const indexIds = indexes.map(() => asIndexId(indexIdNext++));
    return {
      id: asTableId(SystemTable[name as SystemTableName]),
      def: {
        name,
        accessor: name,
        columns,
        rowType: product(shape.columns),
        typeRef: undefined,
        primaryKey: shape.primaryKey === undefined ? undefined : position(shape.primaryKey),
        indexes,
        constraints,
        sequences,
        schedule: undefined,
        access: shape.access ?? "public",
        kind: "system",
        isEvent: false,
      },
      indexIds,
    };
  });
}

/** The system tables by rising id, which count from 1. */
export const systemTables: readonly TableSchema[] = makeSystemTables();
