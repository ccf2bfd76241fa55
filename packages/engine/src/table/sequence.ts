/**
 * Auto-increment: hands out values from a durable reservation.
 *
 * `st_sequence.allocated` is the first value not yet reserved; its row is rewritten inside the transaction that draws
 * first from a reservation. `next` moves on whatever becomes of the transaction. When one that reserved is rolled back,
 * its row falls behind; the next draw writes it again, so no committed row ever holds a value at or past what is stored.
 *
 * After a crash `next` is `allocated`: what was left of the reservation is skipped, since nobody knows how much of it was
 * seen. A clean stop gives it back (`returnReservations` of the catalogue). A reservation is 4096 values, as the reference has it,
 * but never more than a thousandth of those that the column can tell apart: it would take sixteen crashes to skip all of
 * a `u16` otherwise, and one for a `u8`.
 */
import type { AlgebraicType } from "@lightcone/sats";
import type { SequenceDef } from "@lightcone/schema";
import { compileWith, fixedSizeOf } from "@lightcone/sats";
import { type Helpers, locateParts } from "../indexes/key-shape.ts";
import { MadeOnce } from "../indexes/made-once.ts";

const reservedMax = 4096n;
/** A reservation takes at most one of so many of a sequence's values. */
const reservedShare = 1024n;

/** Where a column begins in the row at `view[at …]`. */
export type ColumnAt = (view: DataView, at: number) => number;

const known = new MadeOnce<ColumnAt>();

export function makeColumnAt(types: readonly AlgebraicType[], column: number): ColumnAt {
  return known.of(types, String(column), () => compileColumnAt(types, column));
}

function compileColumnAt(types: readonly AlgebraicType[], column: number): ColumnAt {
  const helpers: Helpers = {};
  const { lines, parts } = locateParts({ types, columns: [column] }, "view", "at", "p", helpers);
  return compileWith<ColumnAt>(
    helpers,
    `return function columnAt(view, at) {\n${lines}return ${(parts[0] as { start: string }).start};\n};`,
  );
}

export class Sequence {
  readonly id: number;
  readonly def: SequenceDef;
  private readonly types: readonly AlgebraicType[];
  readonly columnAt: ColumnAt;
  readonly columnBytes: number;
  /** How many values a reservation holds. */
  private readonly reservedCount: bigint;
  next: bigint;
  /** First value not yet reserved in memory. */
  allocated: bigint;
  /** What the row says. */
  stored: bigint;
  /** Where the open transaction found `next`; undefined until it draws. */
  before: bigint | undefined;

  constructor(id: number, def: SequenceDef, types: readonly AlgebraicType[], stored: bigint) {
    this.id = id;
    this.def = def;
    this.types = types;
    this.columnAt = makeColumnAt(types, def.column);
    this.columnBytes = fixedSizeOf(types[def.column] as AlgebraicType) ?? 0;
    this.reservedCount = reservationOf(def, this.columnBytes);
    this.next = stored;
    this.allocated = stored;
    this.stored = stored;
  }

  /** Whether it is the sequence of that definition in rows of these types. */
  isFor(def: SequenceDef, types: readonly AlgebraicType[]): boolean {
    return this.def.column === def.column && this.types === types;
  }

  /** The next value. When it was not reserved yet, `allocated` has moved and must be stored. */
  draw(): bigint {
    if (this.next === this.allocated) this.allocated = this.advance(this.next, this.reservedCount);
    const value = this.next;
    this.next = this.advance(value, 1n);
    return value;
  }

  private advance(value: bigint, steps: bigint): bigint {
    const { min, max, increment } = this.def;
    const moved = value + increment * steps;
    const size = max - min + 1n;
    if (moved > max) return min + ((moved - max - 1n) % size);
    if (moved < min) return max - ((min - moved - 1n) % size);
    return moved;
  }
}

/** How many values there are before one comes round again: of the sequence, and of what the column keeps of them. */
export function periodOf({ min, max, increment }: SequenceDef, columnBytes: number): bigint {
  const ofSequence = stepsAround(max - min + 1n, increment);
  const ofColumn = stepsAround(1n << BigInt(8 * columnBytes), increment);
  return ofSequence < ofColumn ? ofSequence : ofColumn;
}

/** How many steps lead around a circle. */
function stepsAround(size: bigint, step: bigint): bigint {
  let [a, b] = [size, step < 0n ? -step : step];
  while (b !== 0n) [a, b] = [b, a % b];
  return size / a;
}

function reservationOf(def: SequenceDef, columnBytes: number): bigint {
  const period = periodOf(def, columnBytes);
  const share = period / reservedShare;
  if (share > reservedMax) return reservedMax;
  if (share > 1n) return share;
  return period > 1n ? 1n : 0n;
}

/** Whether the `length` bytes from `at` are all zero. */
export function isZero(view: DataView, at: number, length: number): boolean {
  for (let index = 0; index < length; index += 1) if (view.getUint8(at + index) !== 0) return false;
  return true;
}

/** Writes the low `length` bytes of a number, two's complement. */
export function writeInteger(view: DataView, at: number, length: number, value: bigint): void {
  let rest = value;
  for (let index = 0; index < length; index += 4) {
    const word = Number(BigInt.asUintN(32, rest));
    rest >>= 32n;
    if (length - index >= 4) view.setUint32(at + index, word, true);
    else if (length === 2) view.setUint16(at + index, word & 0xffff, true);
    else view.setUint8(at + index, word & 0xff);
  }
}
