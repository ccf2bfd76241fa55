/** Offsets of a table's columns in a row, for code that runs once a row at most. Hot code is generated instead. */
import { makeSkip } from "@lightcone/sats";
import type { TableDef } from "@lightcone/schema";

export class RowLayout {
  private readonly skips: readonly ((view: DataView, at: number) => number)[];

  constructor(table: TableDef) {
    this.skips = table.columns.map((column) => makeSkip(column.type));
  }

  /** The offset at which `column` begins, for a row at `at`; for the number after the last column, the row's end. */
  start(view: DataView, at: number, column: number): number {
    let start = at;
    for (let i = 0; i < column; i += 1) start = this.skips[i]?.(view, start) ?? start;
    return start;
  }

  /** The offset at which a column ends that begins at `start`. */
  end(view: DataView, start: number, column: number): number {
    return this.skips[column]?.(view, start) ?? start;
  }
}
