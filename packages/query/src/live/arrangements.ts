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

export interface WantedArrangement {
  readonly relation: Relation;
  readonly columns: readonly number[];
}

/** How an arrangement is made. */
export interface ArrangementSite {
  /** Whether somebody steps it until it is whole. It is not looked up before. */
  readonly inSlices: boolean;
  /** Is told of one before it is made. @throws {LightconeError} when there is no room for it */
  makes(wanted: WantedArrangement): void;
}

const stepRows = 100_000;

/** An arrangement with the count of its users. */
export class SharedArrangement implements KeyedAccess {
  readonly wanted: WantedArrangement;
  readonly columns: readonly number[];
  readonly isUnique = false;
  readonly rows: Arrangement;
  useCount = 0;

  constructor(wanted: WantedArrangement, inSlices: boolean) {
    this.wanted = wanted;
    this.columns = wanted.columns;
    this.rows = wanted.relation.arrange(wanted.columns, inSlices);
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

  get isEmpty(): boolean {
    return this.byRelation.size === 0;
  }

  /** Bytes of all arrangements. */
  get bytes(): number {
    let bytes = 0;
    for (const shared of this.byRelation.values()) for (const { rows } of shared) bytes += rows.bytes;
    return bytes;
  }

  /**
   * The arrangement of a relation by some columns. Makes it if there is none: the cost is a sort of the relation.
   *
   * @param site says how it is made
   */
  acquire(relation: Relation, columns: readonly number[], site: ArrangementSite): SharedArrangement {
    let known = this.byRelation.get(relation.id);
    let found =
      known && [...known].find((each) => each.wanted.relation.isCurrent && each.columns.join() === columns.join());
    if (found === undefined) {
      site.makes({ relation, columns });
      if (known === undefined) this.byRelation.set(relation.id, (known = new Set()));
      known.add((found = new SharedArrangement({ relation, columns }, site.inSlices)));
    }
    // Whoever subscribes now does not wait for the slices of another.
    if (!site.inSlices) while (!found.rows.isWhole) found.rows.step(stepRows);
    found.useCount += 1;
    return found;
  }

  release(arrangement: SharedArrangement): void {
    arrangement.useCount -= 1;
    if (arrangement.useCount > 0) return;
    arrangement.rows.close();
    const { id } = arrangement.wanted.relation;
    const known = this.byRelation.get(id);
    known?.delete(arrangement);
    if (known?.size === 0) this.byRelation.delete(id);
  }

  /** Takes a commit's deltas, before the operators run. @returns those that have changed */
  advance(turn: Turn): readonly SharedArrangement[] {
    if (this.byRelation.size === 0) return none;
    let changed = none;
    for (const [id, known] of this.byRelation) {
      const delta = turn.delta(id);
      if (delta === undefined) continue;
      for (const each of known) {
        // One of an earlier version is about to be released; an event table has no rows after a commit.
        if (!each.wanted.relation.isCurrent || each.wanted.relation.isEvent) continue;
        each.rows.advance(delta);
        changed = [...changed, each];
      }
    }
    return changed;
  }
}

const none: readonly SharedArrangement[] = [];

/** The arrangements that one template uses. */
export class UsedArrangements {
  private readonly all: Arrangements;
  private readonly site: ArrangementSite;
  private readonly used: SharedArrangement[] = [];

  constructor(all: Arrangements, site: ArrangementSite) {
    this.all = all;
    this.site = site;
  }

  /** Those that are still in the making. */
  get cold(): readonly SharedArrangement[] {
    return this.used.filter(({ rows }) => !rows.isWhole);
  }

  /** @throws what `makes` throws of one that would have to be made */
  acquire(relation: Relation, columns: readonly number[]): SharedArrangement {
    const found = this.all.acquire(relation, columns, this.site);
    this.used.push(found);
    return found;
  }

  has(arrangement: SharedArrangement): boolean {
    return this.used.includes(arrangement);
  }

  /** Lets go of all. */
  close(): void {
    for (const each of this.used) this.all.release(each);
    this.used.length = 0;
  }
}
