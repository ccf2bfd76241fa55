/** Lists of rows in BSATN: gathered for an answer, or by their references. */
import { asRowRef } from "@lightcone/base";
import type { RowRefs, RowSource } from "@lightcone/engine";
import { RowListBuilder, writeEmptyRowList, writeLoneRow } from "@lightcone/protocol";
import type { ByteWriter } from "@lightcone/sats";
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

/** Writes lists of rows that changed, as they stand in the store. */
export class ChangedRows {
  private readonly store: RowSource;
  private readonly list = new RowListBuilder();

  constructor(store: RowSource) {
    this.store = store;
  }

  write(out: ByteWriter, rows: RowRefs): void {
    const { list, store } = this;
    const { row } = store;
    // Most changes are of one row.
    if (rows.count === 0) return writeEmptyRowList(out);
    if (rows.count === 1) {
      store.resolve(asRowRef(rows.refs[0] ?? 0));
      return writeLoneRow(out, row.view, row.at, row.length);
    }
    list.clear();
    for (let at = 0; at < rows.count; at++) {
      store.resolve(asRowRef(rows.refs[at] ?? 0));
      list.add(row.bytes, row.at, row.length);
    }
    list.writeTo(out);
  }
}
