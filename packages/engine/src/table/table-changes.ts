/**
 * What the open transaction, or the commit not yet released, did to a table.
 *
 * Once the commit is made, the two lists hold the net change: this is then the table's delta.
 */
import type { TableDelta } from "../commit.ts";
import { RowState } from "../storage/row-space.ts";
import { RefList } from "./ref-list.ts";
import type { RowOwner } from "./row-owner.ts";
import { Tombstones } from "./tombstones.ts";

/** A scan that reads the table as it goes. Before the table changes, it must keep what remains. */
export interface LazyScan {
  readonly rowsMax: number;
  /** How many rows it keeps. */
  readonly keptCount: number;
  /** Keeps what remains. False when that is more than `rowsMax`; the scan is then closed. */
  materialize(): boolean;
}

export class TableChanges<T extends RowOwner = RowOwner> implements TableDelta {
  readonly table: T;
  readonly deletes: RefList = new RefList();
  readonly inserts: RefList = new RefList();
  readonly images: RefList = new RefList();
  /**
   * How many pairs of a delete and an insert in the same position are an update each: -1 while all are. Of those, and no
   * others, rows are replaced in place, and a replay looks at no others either.
   */
  pairCount = -1;
  /** Position among the tables that the transaction changed, or -1. */
  position = -1;
  /** How many rows it inserted and deleted again. */
  ownTombstoneCount = 0;
  /** How many rows it deleted and inserted again; some of `deletes` are then visible. */
  revivedCount = 0;
  /** The transaction's scans of the table that are still lazy. */
  scans: LazyScan[] = [];
  readonly tombstones: Tombstones;

  constructor(table: T) {
    this.table = table;
    this.tombstones = new Tombstones(table, this.deletes);
  }

  /** What comes next is not an update of a committed row. To be called before it is noted in the lists. */
  endPairs(): void {
    if (this.pairCount < 0) this.pairCount = this.deletes.count;
  }

  /** How many leading pairs a record has to name: none when no row was replaced in place. */
  get recordedPairCount(): number {
    if (this.images.count === 0) return 0;
    return this.pairCount < 0 ? this.deletes.count : this.pairCount;
  }

  /** Reduces the two lists to the net change; says whether there is one. */
  keepNet(): boolean {
    if (this.revivedCount > 0) this.keepDeleted();
    if (this.ownTombstoneCount > 0) this.keepInserted();
    return this.deletes.count + this.inserts.count > 0;
  }

  private keepDeleted(): void {
    const { deletes } = this;
    const { space } = this.table;
    let count = 0;
    for (let index = 0; index < deletes.count; index += 1) {
      const ref = deletes.refs[index] as number;
      if (space.state(ref) !== RowState.tombstone) continue;
      space.setState(ref, RowState.countedTombstone); // a row deleted, revived and deleted again stands in the list twice
      deletes.refs[count] = ref;
      count += 1;
    }
    deletes.count = count;
    for (let index = 0; index < count; index += 1) space.setState(deletes.refs[index] as number, RowState.tombstone);
  }

  private keepInserted(): void {
    const { inserts } = this;
    const { space } = this.table;
    let count = 0;
    for (let index = 0; index < inserts.count; index += 1) {
      const ref = inserts.refs[index] as number;
      if (space.state(ref) !== RowState.ownLive) continue;
      inserts.refs[count] = ref;
      count += 1;
    }
    inserts.count = count;
  }

  /** Makes the inserted rows committed ones. */
  markCommitted(): void {
    const { inserts } = this;
    const { space } = this.table;
    for (let index = 0; index < inserts.count; index += 1) space.setState(inserts.refs[index] as number, RowState.live);
  }

  /** Forgets what the transaction did. */
  reset(): void {
    this.deletes.reset();
    this.inserts.reset();
    if (this.images.count > 0) this.images.reset();
    this.pairCount = -1;
    this.position = -1;
    this.ownTombstoneCount = 0;
    this.revivedCount = 0;
    this.table.space.allocatedPages = false;
    this.tombstones.reset();
  }
}
