/**
 * A module's scan: lazy while its transaction leaves the table alone. Before the first write it keeps what
 * remains, as references, whose bytes stay where they are until the transaction ends.
 */
import type { RowRef } from "@lightcone/base";
import type { RowScan } from "@lightcone/schema";
import type { TransactionChanges } from "./transaction-changes.ts";
import { TransactionState } from "./transaction-state.ts";
import type { StoredTable } from "../table/stored-table.ts";
import type { LazyScan } from "../table/table-changes.ts";

/** Where a scan's rows come from while it is lazy. */
interface RowSource {
  next(): number;
}

export class TransactionScan implements RowScan, LazyScan {
  private readonly changes: TransactionChanges;
  private readonly serial: number;
  readonly rowsMax: number;
  private source: RowSource | undefined;
  private rows: Uint32Array | undefined;
  private at = 0;
  private end = 0;

  constructor(changes: TransactionChanges, table: StoredTable, source: RowSource, rowsMax: number) {
    this.changes = changes;
    this.source = source;
    this.rowsMax = rowsMax;
    this.serial = changes.serial;
    if (table.changes.scans.length === 0) changes.scanned.push(table);
    table.changes.scans.push(this);
  }

  next(): RowRef | -1 {
    if (this.changes.state !== TransactionState.open) {
      this.changes.refuse(-1);
      return -1;
    }
    if (this.changes.serial !== this.serial) return -1; // its transaction is over
    if (this.source !== undefined) {
      const ref = this.source.next();
      if (ref < 0) this.source = undefined;
      return ref as RowRef | -1;
    }
    if (this.rows === undefined || this.at === this.end) return -1;
    const ref = this.rows[this.at] as number;
    this.at += 1;
    return ref as RowRef;
  }

  get keptCount(): number {
    return this.end;
  }

  /** Keeps what remains. False when that is too much; the scan is then closed. */
  materialize(): boolean {
    const source = this.source;
    this.source = undefined;
    if (source === undefined) return true;
    let kept = new Uint32Array(64);
    let count = 0;
    for (let ref = source.next(); ref >= 0; ref = source.next()) {
      if (count === this.rowsMax) return false;
      if (count === kept.length) {
        const longer = new Uint32Array(count * 2);
        longer.set(kept);
        kept = longer;
      }
      kept[count] = ref;
      count += 1;
    }
    this.rows = kept;
    this.end = count;
    return true;
  }

  close(): void {
    this.source = undefined;
    this.rows = undefined;
  }
}
