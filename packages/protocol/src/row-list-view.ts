/** A list of rows as received: docs/wire/websocket-v1.md. Bytes stay where they are; the hint is checked once. */
import type { ByteReader } from "@lightcone/sats";

export class RowListView {
  /** The rows back to back: a view of the message. */
  readonly data: Uint8Array;
  readonly count: number;
  /** The width of every row, or 0 when `starts` says where each begins. */
  private readonly width: number;
  private readonly starts: DataView | undefined;

  constructor(data: Uint8Array, count: number, width: number, starts: DataView | undefined) {
    this.data = data;
    this.count = count;
    this.width = width;
    this.starts = starts;
  }

  /** Where row `index` begins in `data`; for `count`, where the last ends. */
  startOf(index: number): number {
    if (index >= this.count) return this.data.length;
    // Starts were checked to lie within the data, so the low word says it all.
    return this.starts === undefined ? index * this.width : this.starts.getUint32(index * 8, true);
  }

  /** Row `index` as a view. */
  row(index: number): Uint8Array {
    return this.data.subarray(this.startOf(index), this.startOf(index + 1));
  }

  *[Symbol.iterator](): Generator<Uint8Array> {
    for (let index = 0; index < this.count; index += 1) yield this.row(index);
  }
}

/**
 * Reads what `RowListBuilder.writeTo` wrote.
 *
 * @throws {LightconeError} `Malformed` when the hint does not fit the data, so that no row is cut wrongly
 */
export function readRowList(input: ByteReader): RowListView {
  const hint = input.u8();
  if (hint === 0) {
    const width = input.u16();
    const data = input.byteArrayView();
    if (width === 0 || data.length % width !== 0) input.fail(`rows of ${width} bytes do not fill ${data.length} bytes`);
    return new RowListView(data, data.length / width, width, undefined);
  }
  if (hint !== 1) input.fail(`a row list has no hint ${hint}`, input.at - 1);
  const count = input.count(8);
  const at = input.take(count * 8);
  const starts = new DataView(input.bytes.buffer, input.bytes.byteOffset + at, count * 8);
  const data = input.byteArrayView();
  checkStarts(input, starts, count, data.length);
  return new RowListView(data, count, 0, starts);
}

function checkStarts(input: ByteReader, starts: DataView, count: number, length: number): void {
  if (count === 0 && length > 0) input.fail(`${length} bytes belong to no row`);
  let before = 0;
  for (let index = 0; index < count; index += 1) {
    const start = starts.getUint32(index * 8, true);
    const isFirst = index === 0;
    if (starts.getUint32(index * 8 + 4, true) !== 0 || start > length || start < before || (isFirst && start !== 0)) {
      input.fail(`row ${index} cannot begin at its start`);
    }
    before = start;
  }
}
