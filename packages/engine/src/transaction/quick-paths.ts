/**
 * The generated functions of the store's indexes: made when first asked for, made anew when their table has changed.
 *
 * An index that has none of its own gets one that always answers `fallback`.
 */
import { listById, putById } from "../table/list-by-id.ts";
import type { StoredIndex } from "../table/stored-table.ts";
import { fallback, makeQuickReplay, makeQuickUpdate, type QuickReplay, type QuickUpdate } from "./update-code.ts";

interface QuickPath {
  readonly index: StoredIndex;
  /** The table's version that the functions are for. */
  readonly version: number;
  update: QuickUpdate | undefined;
  replay: QuickReplay | undefined;
}

export class QuickPaths {
  private readonly paths: (QuickPath | undefined)[] = listById();

  /** Updates by an index where that takes no more than the usual. */
  update(index: StoredIndex): QuickUpdate {
    const path = this.pathOf(index);
    path.update ??= makeQuickUpdate(index.table, index) ?? (() => fallback);
    return path.update;
  }

  /** The same for a record's rows. */
  replay(index: StoredIndex): QuickReplay {
    const path = this.pathOf(index);
    path.replay ??= makeQuickReplay(index.table, index) ?? (() => fallback);
    return path.replay;
  }

  private pathOf(index: StoredIndex): QuickPath {
    const { version } = index.table;
    const path = this.paths[index.id];
    if (path !== undefined && path.index === index && path.version === version) return path;
    const fresh = { index, version, update: undefined, replay: undefined };
    putById(this.paths, index.id, fresh);
    return fresh;
  }
}
