/** The tables and indexes that exist, by id and by name. */
import { type IndexId, LightconeError, type TableId } from "@lightcone/base";
import { listById, putById } from "./list-by-id.ts";
import type { StoredIndex, StoredTable } from "./stored-table.ts";

export class TableDirectory {
  readonly byId: (StoredTable | undefined)[] = listById();
  readonly indexById: (StoredIndex | undefined)[] = listById();
  /** Rises with every change of a definition. */
  version = 0;
  private list: readonly StoredTable[] = [];
  private names: Map<string, TableId> | undefined;
  private indexNames: Map<string, IndexId> | undefined;

  /** By rising id. */
  all(): readonly StoredTable[] {
    return this.list;
  }

  /** @throws {LightconeError} `NoSuchTable` */
  existing(id: TableId): StoredTable {
    const table = this.byId[id];
    if (table === undefined) throw new LightconeError("NoSuchTable", { table: String(id) });
    return table;
  }

  add(table: StoredTable): void {
    putById(this.byId, table.id, table);
    const behind = this.list.findLastIndex(({ id }) => id < table.id) + 1;
    const isThere = this.list[behind]?.id === table.id;
    this.list = this.list.toSpliced(behind, isThere ? 1 : 0, table);
    for (const index of table.indexes) putById(this.indexById, index.id, index);
    this.changed();
  }

  remove(table: StoredTable): void {
    this.byId[table.id] = undefined;
    this.list = this.list.filter(({ id }) => id !== table.id);
    for (const index of table.indexes) this.indexById[index.id] = undefined;
    this.changed();
  }

  /** Replaces a table's indexes, in the table and in the list by id. */
  setIndexes(table: StoredTable, indexes: StoredIndex[]): void {
    for (const index of table.indexes) this.indexById[index.id] = undefined;
    for (const index of indexes) putById(this.indexById, index.id, index);
    table.indexes = indexes;
    table.indexesChanged();
    this.changed();
  }

  /** Forgets what was derived from definitions. */
  changed(): void {
    this.version += 1;
    this.names = undefined;
    this.indexNames = undefined;
  }

  /** By canonical name, or else by accessor. */
  idOf(name: string): TableId | 0 {
    if (this.names === undefined) {
      this.names = new Map();
      for (const table of this.all()) this.names.set(table.def.accessor, table.id);
      for (const table of this.all()) this.names.set(table.name, table.id);
    }
    return this.names.get(name) ?? 0;
  }

  /** By canonical name, or else by the name that modules ask for. */
  indexIdOf(name: string): IndexId | 0 {
    if (this.indexNames === undefined) {
      this.indexNames = new Map();
      for (const table of this.all())
        for (const index of table.indexes) this.indexNames.set(index.def.sourceName, index.id);
      for (const table of this.all()) for (const index of table.indexes) this.indexNames.set(index.def.name, index.id);
    }
    return this.indexNames.get(name) ?? 0;
  }
}
