/**
 * The arrangements in use: indexes of relations by columns that no declared index serves.
 *
 * There is one for a relation and columns, shared by all templates that look rows up by them, and dropped with the
 * last of its users. All take a commit's deltas before any operator runs, so that they show the new state.
 */
import type { RowRef, TableId } from "@lightcone/base";
import type { Arrangement, ArrangementCursor } from "@lightcone/engine";
import type { Keyed, KeyedAccess, Relation } from "./relation.ts";
import type { Turn } from "./turn.ts";

/** An arrangement with the count of its users. */
export class SharedArrangement implements KeyedAccess {
  readonly relation: Relation;
  readonly columns: readonly number[];
  readonly isUnique = false;
  readonly rows: Arrangement;
  useCount = 0;

  constructor(relation: Relation, columns: readonly number[]) {
    this.relation = relation;
    this.columns = columns;
    this.rows = relation.arrange(columns);
  }

  open(): Keyed {
    return new ArrangementLookup(this.rows.openCursor(), this.columns.length);
  }
}

class ArrangementLookup implements Keyed {
  private readonly cursor: ArrangementCursor;
  private readonly columnCount: number;

  constructor(cursor: ArrangementCursor, columnCount: number) {
    this.cursor = cursor;
    this.columnCount = columnCount;
  }

  seek(view: DataView, at: number): void {
    this.cursor.seek(view, at, this.columnCount);
  }

  next(): RowRef | -1 {
    return this.cursor.next();
  }
}

export class Arrangements {
  private readonly byRelation = new Map<TableId, Set<SharedArrangement>>();

  /** Bytes of all arrangements. */
  get bytes(): number {
    let bytes = 0;
    for (const shared of this.byRelation.values()) for (const { rows } of shared) bytes += rows.bytes;
    return bytes;
  }

  /** The arrangement of a relation by some columns. Makes it if there is none: the cost is a sort of the relation. */
  acquire(relation: Relation, columns: readonly number[]): SharedArrangement {
    let known = this.byRelation.get(relation.id);
    if (known === undefined) this.byRelation.set(relation.id, (known = new Set()));
    let found = [...known].find((each) => each.relation.isCurrent && each.columns.join() === columns.join());
    if (found === undefined) known.add((found = new SharedArrangement(relation, columns)));
    found.useCount += 1;
    return found;
  }

  release(arrangement: SharedArrangement): void {
    arrangement.useCount -= 1;
    if (arrangement.useCount > 0) return;
    arrangement.rows.close();
    const { id } = arrangement.relation;
    const known = this.byRelation.get(id);
    known?.delete(arrangement);
    if (known?.size === 0) this.byRelation.delete(id);
  }

  /** Takes a commit's deltas, before the operators run. */
  advance(turn: Turn): void {
    if (this.byRelation.size === 0) return;
    for (const [id, known] of this.byRelation) {
      const delta = turn.delta(id);
      if (delta === undefined) continue;
      for (const each of known) {
        // One of an earlier version is about to be released; an event table has no rows after a commit.
        if (each.relation.isCurrent && !each.relation.isEvent) each.rows.advance(delta);
      }
    }
  }
}
