/**
 * Copies ranges of bytes from views. `set` wants a view of the range, which takes longer to make than a hundred bytes to
 * copy, and is garbage then: messages and rows are mostly shorter, and come many from an array.
 */
import type { ByteWriter } from "./byte-writer.ts";

/** Longer ranges are copied by the platform. */
const shortMax = 160;

/** Copies `length` bytes of `source` from `at` to where `target` has its byte `to`. */
export function copyView(source: DataView, at: number, length: number, target: DataView, to: number): void {
  if (length > shortMax) {
    const range = new Uint8Array(source.buffer, source.byteOffset + at, length);
    new Uint8Array(target.buffer, target.byteOffset + to, length).set(range);
    return;
  }
  let index = 0;
  // As long as the numbers go nowhere else, V8 makes no BigInts of them.
  for (; index + 8 <= length; index += 8) target.setBigUint64(to + index, source.getBigUint64(at + index, true), true);
  for (; index < length; index += 1) target.setUint8(to + index, source.getUint8(at + index));
}

/** Writes a range of a view: what `rawRange` does of an array. No method, since a client's page has all methods of a class. */
export function writeView(out: ByteWriter, source: DataView, at: number, length: number): void {
  const to = out.reserve(length);
  copyView(source, at, length, out.view, to);
}

/** A longer array is not kept from being collected. */
const keptBytesMax = 1 << 20;

/** The view of the array that was asked about last. */
export class LastView {
  private bytes: Uint8Array | undefined;
  private view: DataView = new DataView(new ArrayBuffer(0));

  of(bytes: Uint8Array): DataView {
    if (this.bytes === bytes) return this.view;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length > keptBytesMax) return view;
    this.bytes = bytes;
    this.view = view;
    return view;
  }
}
