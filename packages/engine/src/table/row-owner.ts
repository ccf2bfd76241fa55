/** What a table's indexes and the changes to it ask of the table. It is an interface so that neither imports the table. */
import type { AlgebraicType } from "@lightcone/sats";
import type { Table } from "../api-tables.ts";
import type { HashSeed, KeyCode } from "../indexes/key-code.ts";
import type { RowSpace } from "../storage/row-space.ts";

export interface RowOwner extends Table {
  readonly space: RowSpace;
  readonly columnTypes: readonly AlgebraicType[];
  readonly seed: HashSeed;
  /** The whole row as a key. */
  readonly rowCode: KeyCode;
  /** Whether a row has exactly the bytes at `view[at …]`. */
  isRow(ref: number, view: DataView, at: number, length: number): boolean;
  /** Every visible row, in scan order. */
  allRefs(): Uint32Array;
}
