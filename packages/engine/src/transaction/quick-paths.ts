/**
 * The generated functions of the store's indexes: made when first asked for, made anew when a definition has changed.
 *
 * An index that has none of its own gets one that always answers `fallback`.
 */
import { listById, putById } from "../table/list-by-id.ts";
import type { StoredIndex } from "../table/stored-table.ts";
import type { TableDirectory } from "../table/table-directory.ts";
import { fallback, makeQuickReplay, makeQuickUpdate, type QuickReplay, type QuickUpdate } from "./update-code.ts";

export class QuickPaths {
  private readonly tables: TableDirectory;
  /** The directory's version that the functions are for. */
  private version = -1;
  /** By index id. */
  private updates: (QuickUpdate | undefined)[] = [];
  private replays: (QuickReplay | undefined)[] = [];

  constructor(tables: TableDirectory) {
    this.tables = tables;
  }

  /** Updates a row by an index, in the usual case. */
  update(index: StoredIndex): QuickUpdate {
    if (this.version !== this.tables.version) this.clear();
    return this.updates[index.id] ?? this.makeUpdate(index);
  }

  /** The same for a record's rows. */
  replay(index: StoredIndex): QuickReplay {
    if (this.version !== this.tables.version) this.clear();
    return this.replays[index.id] ?? this.makeReplay(index);
  }

  private makeUpdate(index: StoredIndex): QuickUpdate {
    const update = makeQuickUpdate(index.table, index) ?? (() => fallback);
    putById(this.updates, index.id, update);
    return update;
  }

  private makeReplay(index: StoredIndex): QuickReplay {
    const replay = makeQuickReplay(index.table, index) ?? (() => fallback);
    putById(this.replays, index.id, replay);
    return replay;
  }

  private clear(): void {
    this.updates = listById();
    this.replays = listById();
    this.version = this.tables.version;
  }
}
