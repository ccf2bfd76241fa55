/**
 * The join key of a row: the bytes of the joined column. A floating-point number is normalised first, so that equal
 * numbers have equal bytes (both zeros, every NaN).
 */
import type { AlgebraicType } from "@lightcone/sats";
import type { ColumnPlace } from "./column-place.ts";

export class ColumnKey {
  /** Where the key is that was read last. */
  view: DataView;
  at = 0;
  length = 0;
  /** Holds the key when it is not the row's own bytes. */
  readonly own: Uint8Array | undefined;
  private readonly place: ColumnPlace;
  private readonly read64: ((view: DataView, at: number) => number) | undefined;

  constructor(type: AlgebraicType, place: ColumnPlace) {
    this.place = place;
    const own = new Uint8Array(8);
    this.view = new DataView(own.buffer);
    if (type.kind === "F32") this.read64 = (view, at) => view.getFloat32(at, true);
    else if (type.kind === "F64") this.read64 = (view, at) => view.getFloat64(at, true);
    if (this.read64 !== undefined) this.own = own;
  }

  /** Reads the key of the row at `view[at …]`. */
  read(view: DataView, at: number): void {
    const start = this.place.start(view, at);
    if (this.read64 === undefined) {
      this.view = view;
      this.at = start;
      this.length = this.place.end(view, at) - start;
      return;
    }
    const value = this.read64(view, start);
    this.length = 8;
    if (Number.isNaN(value)) this.view.setBigUint64(0, aNaN, true);
    else this.view.setFloat64(0, value === 0 ? 0 : value, true);
  }
}

/** The bits of the NaN that stands for all. */
const aNaN = 0x7ff8_0000_0000_0000n;
