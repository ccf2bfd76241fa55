/** Rows gathered for an answer in BSATN. */
import { RowListBuilder } from "@lightcone/protocol";
import type { QueryRows, RowGatherer } from "./first-rows.ts";
import type { RowParts } from "./piece-writer.ts";

/** From this size rows are sent as they were gathered. */
const partBytesMin = 64 * 1024;

export class BsatnRows extends RowListBuilder implements RowGatherer, RowParts {
  get isLarge(): boolean {
    return this.rowBytes >= partBytesMin;
  }
}

export function bsatnRowsOf({ rows }: QueryRows): BsatnRows {
  if (rows instanceof BsatnRows) return rows;
  throw new TypeError("rows were gathered for another wire form");
}
