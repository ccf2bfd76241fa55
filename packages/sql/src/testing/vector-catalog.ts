/** The tables of `vectors/sql.json` as a catalog, for tests. */
import { asIndexId, asTableId } from "@lightcone/base";
import type { AlgebraicType } from "@lightcone/sats";
import * as sats from "@lightcone/sats";
import type { TableDef, TableSchema } from "@lightcone/schema";
import type { Catalog } from "../catalog.ts";
import { compileRule } from "../compile.ts";

export interface VectorTable {
  readonly name: string;
  readonly access: "public" | "private";
  readonly columns: readonly (readonly [string, string])[];
  readonly unique?: readonly (readonly string[])[];
  readonly indexes?: readonly (readonly string[])[];
  readonly event?: boolean;
  readonly anonymous?: boolean;
  readonly rls?: readonly string[];
}

const named: Readonly<Record<string, AlgebraicType>> = {
  Identity: sats.identity,
  ConnectionId: sats.connectionId,
  Timestamp: sats.timestamp,
  TimeDuration: sats.timeDuration,
  Uuid: sats.uuid,
  ScheduleAt: sats.scheduleAt,
};

function typeFrom(text: string): AlgebraicType {
  const generic = /^(Array|Option)<(.*)>$/.exec(text);
  if (generic !== null) {
    const inner = typeFrom(generic[2] ?? "");
    return generic[1] === "Array" ? sats.array(inner) : sats.option(inner);
  }
  return named[text] ?? ({ kind: text } as AlgebraicType); // the file names only types there are
}

function schemaFrom(table: VectorTable, id: number): TableSchema {
  const names = table.columns.map(([name]) => name);
  const columns = table.columns.map(([name, type]) => ({
    name,
    accessor: name,
    type: typeFrom(type),
    defaultValue: undefined,
  }));
  const positions = (of: readonly string[]): number[] => of.map((name) => names.indexOf(name));
  const def: TableDef = {
    name: table.name,
    accessor: table.name,
    columns,
    rowType: { kind: "Product", elements: columns.map(({ name, type }) => ({ name, type })) },
    typeRef: undefined,
    primaryKey: undefined,
    indexes: (table.indexes ?? []).map((of) => {
      const name = `${table.name}_${of.join("_")}_idx_btree`;
      return { name, sourceName: name, accessor: undefined, algorithm: "btree", columns: positions(of), unique: false };
    }),
    constraints: [],
    sequences: [],
    schedule: undefined,
    access: table.access,
    kind: "user",
    isEvent: table.event ?? false,
  };
  return { id: asTableId(id), def, indexIds: def.indexes.map((_, i) => asIndexId(id * 10 + i)) };
}

/** What `caller` sees of the tables and views. */
export function catalogOf(
  tables: readonly VectorTable[],
  views: readonly VectorTable[],
  caller: "owner" | "client",
): Catalog {
  const schemas = tables.map((table, i) => schemaFrom(table, 4096 + i));
  const all: Catalog = { table: (name) => schemas.find(({ def }) => def.name === name) };
  const rules = tables.flatMap(({ rls = [] }) => rls.map((sql) => compileRule(sql, all)));
  const visible = schemas.filter(({ def }) => caller === "owner" || def.access === "public");
  return {
    table: (name) => visible.find(({ def }) => def.name === name),
    view: (name) => {
      const at = views.findIndex((view) => view.name === name);
      const view = views[at];
      return view === undefined ? undefined : schemaFrom(view, 5000 + at);
    },
    readable: () => visible.filter(({ def }) => !def.isEvent),
    rules: caller === "owner" ? undefined : (id) => rules.filter(({ sources }) => sources[0]?.table.id === id),
  };
}
