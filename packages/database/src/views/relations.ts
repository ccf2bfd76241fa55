/**
 * What statements read: the tables of the store and, beside them, the rows of views.
 *
 * Rows of views are in a derived store, with a table for each view: the view's columns, then the caller whose rows they
 * are (of an anonymous view, nobody). Nothing of it is logged, and no page of the store is taken for it. There is none as
 * long as the module has no views.
 */
import { asTableId, defined, type RowRef, type TableId } from "@lightcone/base";
import {
  CommitKind,
  derivedRefMin,
  openStore,
  type Commit,
  type CommitMeta,
  type ReadView,
  type ReadViewCursor,
  type RowSource,
  type RowView,
  type Store,
  type Table,
} from "@lightcone/engine";
import { identity, validator, type Validator } from "@lightcone/sats";
import type { TableDef, TableSchema, ViewDef } from "@lightcone/schema";
import { idOfNumber } from "../link/work.ts";

/** Bytes of the caller behind each row of a view. */
export const callerBytes = 32;
export const nobody: Uint8Array = new Uint8Array(callerBytes);

export interface ViewTable {
  readonly view: ViewDef;
  readonly schema: TableSchema;
  /** In the derived store. */
  readonly table: Table;
  /** Of a row, without the caller. */
  readonly validate: Validator;
  /** What its runs are named by, as work. */
  readonly workId: Uint8Array;
}

const none = new Uint8Array(0);
/** Commits of the derived store say nothing to anybody. */
export const derivedMeta: CommitMeta = {
  kind: CommitKind.internal,
  timestampMicros: 0,
  functionName: "",
  reducerId: 0xffff_ffff,
  args: none,
  sender: nobody,
  connection: new Uint8Array(16),
  requestId: 0,
  requestSequence: 0,
};

export class Relations implements RowSource {
  readonly row: RowView;
  private readonly store: Store;
  private readonly bytesMax: number;
  private readonly seed: number;
  private opened: Store | undefined;
  private readonly byId = new Map<TableId, ViewTable>();
  private readonly byName = new Map<string, ViewTable>();

  /** @param bytesMax of the rows of views */
  constructor(store: Store, bytesMax: number, seed: number) {
    this.store = store;
    this.row = store.row;
    this.bytesMax = bytesMax;
    this.seed = seed;
  }

  get derived(): Store {
    return (this.opened ??= openStore({ isDerived: true, bytesMax: this.bytesMax, seed: this.seed }));
  }

  /** The rows of views are gone: their memory is another's. */
  discard(): void {
    this.opened?.discard();
  }

  /** Bytes of the rows of views. */
  get derivedBytes(): number {
    return this.opened?.memoryBytes ?? 0;
  }

  /** By rising id. */
  get views(): Iterable<ViewTable> {
    return this.byId.values();
  }

  /** Whether there are rows of views at all. */
  get hasViews(): boolean {
    return this.byId.size > 0;
  }

  view(id: TableId): ViewTable | undefined {
    return this.byId.get(id);
  }

  /** The view of that name, or else of that name in the module's code. */
  viewByName(name: string): ViewTable | undefined {
    return this.byName.get(name);
  }

  table(id: TableId): Table | undefined {
    return this.store.table(id) ?? this.byId.get(id)?.table;
  }

  schema(id: TableId): TableSchema | undefined {
    return this.store.schema(id) ?? this.byId.get(id)?.schema;
  }

  tableByName(name: string): Table | undefined {
    return this.store.tableByName(name);
  }

  /** The table of that name, or else of that name in the module's code. */
  tableByEitherName(name: string): Table | undefined {
    return this.store.tableByEitherName(name);
  }

  resolve(ref: RowRef): void {
    if (ref < derivedRefMin) {
      this.store.resolve(ref);
      return;
    }
    const { derived, row } = this;
    derived.resolve(ref);
    const from = derived.row;
    row.bytes = from.bytes;
    row.view = from.view;
    row.at = from.at;
    row.length = from.length - callerBytes;
  }

  openReadView(): ReadView {
    const tables = this.store.openReadView();
    if (this.opened === undefined || !this.hasViews) return tables;
    const views = this.opened.openReadView();
    const shown = views.tables
      .filter(({ id }) => this.byId.has(id))
      .map((table) => ({
        id: table.id,
        name: table.name,
        rowCount: table.rowCount,
        rowBytes: table.rowBytes,
        openCursor: () => withoutCaller(table.openCursor()),
      }));
    return {
      offset: tables.offset,
      tables: [...tables.tables, ...shown],
      close: () => {
        tables.close();
        views.close();
      },
    };
  }

  /**
   * Makes the tables be those of a module's views. A table stays whose view has its id and key; its rows stay with it.
   *
   * @returns the ids of tables that are gone or new
   */
  bind(views: readonly ViewDef[]): ReadonlySet<TableId> {
    const ids = this.store.catalog.viewTables();
    // What a release before this one has published has no ids of its own.
    let spare = 1 << 24;
    const wanted = new Map(views.map((view) => [ids.get(view.name) ?? asTableId(spare++), view] as const));
    const changed = new Set<TableId>();
    for (const [id, there] of this.byId) if (!isSame(there.view, wanted.get(id))) changed.add(id);
    for (const id of wanted.keys()) if (!this.byId.has(id)) changed.add(id);
    if (changed.size > 0) this.replace(changed, wanted);
    for (const [id, view] of wanted) {
      const { table } = defined(this.byId.get(id), "the table of a view");
      this.byId.set(id, viewTable(view, table));
    }
    this.byName.clear();
    for (const each of this.byId.values()) this.byName.set(each.view.accessor, each);
    for (const each of this.byId.values()) this.byName.set(each.view.name, each);
    return changed;
  }

  private replace(changed: ReadonlySet<TableId>, wanted: ReadonlyMap<TableId, ViewDef>): void {
    const { derived } = this;
    derived.begin();
    for (const id of changed) if (this.byId.has(id)) derived.catalog.dropTable(id);
    this.settle();
    derived.begin();
    for (const id of changed) {
      const view = wanted.get(id);
      this.byId.delete(id);
      if (view === undefined) continue;
      const table = derived.catalog.createTable(tableOf(view), id);
      this.byId.set(id, viewTable(view, table));
    }
    this.settle();
    const sorted = [...this.byId].sort(([a], [b]) => a - b);
    this.byId.clear();
    for (const [id, each] of sorted) this.byId.set(id, each);
  }

  private settle(): void {
    const commit = this.commit();
    if (commit !== undefined) this.derived.release(commit);
  }

  /** Ends the derived store's open transaction; the commit must be released. */
  commit(): Commit | undefined {
    return this.derived.commit(derivedMeta);
  }
}

function withoutCaller(cursor: ReadViewCursor): ReadViewCursor {
  const { row } = cursor;
  return {
    row,
    next: () => {
      if (!cursor.next()) return false;
      row.length -= callerBytes;
      return true;
    },
  };
}

/** Whether rows of one can be rows of the other: ids tell the rest. */
function isSame(a: ViewDef, b: ViewDef | undefined): boolean {
  return b !== undefined && a.primaryKey === b.primaryKey;
}

/** The column of the caller has a name that no module can give. */
const callerName = "the caller's";
/** The same for the same view: what is compiled for a definition is found by that. */
const tableDefs = new WeakMap<ViewDef, TableDef>();

function tableOf(view: ViewDef): TableDef {
  let made = tableDefs.get(view);
  if (made === undefined) tableDefs.set(view, (made = makeTable(view)));
  return made;
}

function makeTable(view: ViewDef): TableDef {
  const caller = view.columns.length;
  const columns = [
    ...view.columns.map((column) => ({ ...column, defaultValue: undefined })),
    { name: callerName, accessor: callerName, type: identity, defaultValue: undefined },
  ];
  const keyName = `${view.name} key`;
  const key = view.primaryKey === undefined ? undefined : keyColumns(view, caller, view.primaryKey);
  const index = (name: string, on: readonly number[], unique: boolean) => {
    return { name, sourceName: name, accessor: undefined, algorithm: "btree" as const, columns: on, unique };
  };
  return {
    name: view.name,
    accessor: view.name,
    columns,
    rowType: { kind: "Product", elements: columns.map(({ name, type }) => ({ name, type })) },
    typeRef: undefined,
    primaryKey: undefined,
    indexes: [
      ...(view.isAnonymous ? [] : [index(`${view.name} caller`, [caller], false)]),
      ...(key === undefined ? [] : [index(keyName, key, true)]),
    ],
    constraints: key === undefined ? [] : [{ name: keyName, columns: key }],
    sequences: [],
    schedule: undefined,
    access: view.isPublic ? "public" : "private",
    kind: "user",
    isEvent: false,
  };
}

function keyColumns({ isAnonymous }: ViewDef, caller: number, key: number): readonly number[] {
  return isAnonymous ? [key] : [caller, key];
}

function viewTable(view: ViewDef, table: Table): ViewTable {
  const schema = schemaOf(view, table);
  return { view, table, schema, validate: validator(view.rowType), workId: idOfNumber(table.id) };
}

/** The definition that statements go by. */
function schemaOf(view: ViewDef, { schema }: Table): TableSchema {
  const callerColumn = view.isAnonymous ? undefined : view.columns.length;
  const { accessor, primaryKey, rowType } = view;
  return { ...schema, def: { ...schema.def, accessor, primaryKey, rowType, callerColumn, isView: true } };
}
