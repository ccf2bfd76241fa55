/**
 * `ctx.db.<table>` of a guess: what a module has, over the rows that are in the cache, in the midst of a message.
 *
 * A row that nobody subscribed to is not in the cache, so what is written to it is not seen and not kept: `insert` gives it back
 * and that is all. A row that should be in the cache and is not is one that the guess cannot be made without.
 */
import type { ProductType } from "@lightcone/sats";
import { compareScalars, scalarOf, type Scalar } from "../compare.ts";
import type { RowBag } from "../row-bag.ts";
import { decodeValue, encodeValue, isObject, shown } from "../value-codec.ts";
import type { CameRows } from "./came-rows.ts";
import type { IndexShape, TableShape } from "./guess-shapes.ts";

/** What keeps a guess from being made: as when the database refuses. Whoever wrote the function need not hear of it. */
export class GuessRefused extends Error {
  override readonly name = "GuessRefused";
}

/** One run of a guess's function. */
export interface GuessRun {
  /** Counts a row so much more often, or less often. */
  write(bag: RowBag, bytes: Uint8Array, by: number): void;
  /** The next of the numbers that stand for what the database will make. */
  nextNumber(): number;
  /** @throws {TypeError} when it has ended */
  checkRuns(): void;
}

export interface GuessTableParts {
  readonly shape: TableShape;
  readonly rowType: ProductType;
  readonly bag: RowBag;
  readonly came: CameRows;
  readonly run: GuessRun;
  /** Whether a row is one of those that are subscribed to. */
  readonly covers: (row: object) => boolean;
}

type Row = Record<string, unknown>;
/** A bound of the module's `Range`. */
interface Bound {
  readonly tag: "included" | "excluded" | "unbounded";
  readonly value?: unknown;
}

export function makeTable({ shape, rowType, bag, came, run, covers }: GuessTableParts): object {
  const { accessor, columns, row: codec, key } = bag.table;
  const nameOf = (column: number | undefined): string => columns[column ?? -1]?.name ?? "";
  const keyColumn = columns.findIndex((column) => column === key);
  const unique = keyColumn < 0 ? shape.unique : [[keyColumn], ...shape.unique];

  const rowOf = (bytes: Uint8Array): Row => decodeValue(codec, bytes, `a row of ${accessor}`) as Row;
  const read = (slot: number): Row => rowOf(bag.bytesOf(slot)); // of its own: the function may write to it
  const isThere = (slot: number): boolean => bag.count(slot) > 0;
  function* rows(slots: readonly number[]): Generator<object> {
    run.checkRuns();
    for (const slot of slots) if (isThere(slot)) yield read(slot);
  }
  const made = (given: unknown): Row => {
    if (!isObject(given)) throw new TypeError(`a row of \`${accessor}\` is an object, not ${shown(given)}`);
    return { ...given };
  };

  /** Slots of the rows with these values in the first columns, and then within a range; in the index's order. */
  function search(index: readonly number[], values: readonly unknown[], from?: Bound, to?: Bound): number[] {
    run.checkRuns();
    const scalars = values.map((value, at) => checkedScalar(index[at], value));
    const ends = [from, to].map((bound) =>
      bound === undefined || bound.tag === "unbounded" ? undefined : checkedScalar(index[values.length], bound.value),
    );
    const [low, high] = values.length > 0 ? [scalars[0], scalars[0]] : ends;
    const first = nameOf(index[0]);
    const found = [...bag.index(first).between(low, high), ...came.between(first, low, high)].flatMap((slot) => {
      if (!isThere(slot)) return [];
      const parts = index.map((column) => bag.scalar(slot, nameOf(column)));
      const ranged = parts[values.length];
      const isFound =
        scalars.every((scalar, at) => compareScalars(parts[at], scalar) === 0) &&
        isWithin(ranged, ends[0], from, 1) &&
        isWithin(ranged, ends[1], to, -1);
      return isFound ? [{ slot, parts }] : [];
    });
    return found.sort((one, other) => compareAll(one.parts, other.parts)).map(({ slot }) => slot);
  }

  /** @throws {TypeError} as the module's table does, for a value that is none of the column's */
  function checkedScalar(column: number | undefined, value: unknown): Scalar {
    const part = columns[column ?? -1];
    if (part !== undefined) encodeValue(part.codec, value);
    return scalarOf(value);
  }

  function remove(slots: readonly number[]): number {
    const there = slots.filter(isThere);
    for (const slot of there) run.write(bag, bag.bytesOf(slot), -bag.count(slot));
    return there.length;
  }

  /** Puts a row where `old` was, if anywhere. */
  function put(given: Row, old: number | undefined): Row {
    run.checkRuns();
    const bytes = encodeValue(codec, given);
    const row = rowOf(bytes);
    for (const set of unique) {
      const [other] = search(
        set,
        set.map((column) => row[nameOf(column)]),
      );
      if (other !== undefined && other !== old)
        throw new GuessRefused(`another row of \`${accessor}\` has the same ${set.map(nameOf).join(", ")}`);
    }
    if (old !== undefined && bag.slotOf(bytes) === old) return row;
    if (old !== undefined) remove([old]);
    const same = bag.slotOf(bytes);
    if (!shape.isEvent && (same < 0 || !isThere(same)) && covers(row)) run.write(bag, bytes, 1);
    return row;
  }

  function insert(given: unknown): object {
    const row = made(given);
    for (const column of shape.autoInc) {
      const name = nameOf(column);
      const value = row[name] ?? 0;
      const type = rowType.elements[column]?.type;
      if (type !== undefined && (value === 0 || value === 0n)) row[name] = numberFor(type.kind, run.nextNumber());
    }
    return put(row, undefined);
  }

  const iter = (): Generator<object> => rows(bag.slots());
  const handle: Row = {
    insert,
    iter,
    [Symbol.iterator]: iter,
    delete: (given: unknown): boolean => {
      run.checkRuns();
      const slot = bag.slotOf(encodeValue(codec, made(given)));
      return slot >= 0 && remove([slot]) > 0;
    },
    count: (): bigint => {
      run.checkRuns();
      return BigInt(bag.size - bag.touched.filter((slot) => !isThere(slot)).length);
    },
    clear: (): bigint => {
      run.checkRuns();
      return BigInt(remove(bag.slots()));
    },
  };
  for (const index of shape.indexes) handle[index.accessor] = index.isUnique ? uniqueIndex(index) : scanIndex(index);
  return handle;

  function uniqueIndex({ columns: index, accessor: name }: IndexShape): object {
    const find = (given: unknown): number | undefined => {
      const values = index.length === 1 ? [given] : given;
      if (!Array.isArray(values) || values.length !== index.length)
        throw new TypeError(`\`${accessor}.${name}\` takes a list of ${index.length} values`);
      return search(index, values)[0];
    };
    return {
      find: (given: unknown): object | null => {
        const slot = find(given);
        return slot === undefined ? null : read(slot);
      },
      delete: (given: unknown): boolean => {
        const slot = find(given);
        return slot !== undefined && remove([slot]) > 0;
      },
      update: (given: unknown): object => {
        const row = made(given);
        const values = index.map((column) => row[nameOf(column)]);
        const old = search(index, values)[0];
        if (old !== undefined) return put(row, old);
        if (covers(row)) throw new GuessRefused(`no row of \`${accessor}\` has that ${index.map(nameOf).join(", ")}`);
        return rowOf(encodeValue(codec, row));
      },
    };
  }

  function scanIndex({ columns: index, accessor: name }: IndexShape): object {
    const slotsOf = (given: unknown): number[] => {
      const all: readonly unknown[] = Array.isArray(given) ? given : [given];
      const last = all.at(-1);
      const values = isRange(last) ? all.slice(0, -1) : all;
      if (all.length < 1 || all.length > index.length)
        throw new TypeError(
          `\`${accessor}.${name}\` takes 1 to ${index.length} values, of which the last may be a Range`,
        );
      return isRange(last) ? search(index, values, last.from, last.to) : search(index, values);
    };
    return {
      filter: (given: unknown): Generator<object> => rows(slotsOf(given)),
      delete: (given: unknown): number => remove(slotsOf(given)),
    };
  }
}

/** Numbers that may stand for what the database will make, at once. */
const numbersMax = 1n << 20n;

/** Of the numbers at the top of what a column holds, which rise: no row has them, and rows that are new stand last. */
function numberFor(kind: string, count: number): number | bigint {
  const bits = Number(kind.slice(1));
  const max = (1n << BigInt(kind.startsWith("I") ? bits - 1 : bits)) - 1n;
  const room = max / 4n < numbersMax ? max / 4n : numbersMax;
  const number = max - room + 1n + (BigInt(count) % room);
  return bits > 32 ? number : Number(number);
}

function isWithin(value: Scalar, end: Scalar, bound: Bound | undefined, way: 1 | -1): boolean {
  if (end === undefined) return true;
  const compared = compareScalars(value, end) * way;
  return bound?.tag === "excluded" ? compared > 0 : compared >= 0;
}

function compareAll(one: readonly Scalar[], other: readonly Scalar[]): number {
  for (const [at, value] of one.entries()) {
    const way = compareScalars(value, other[at]);
    if (way !== 0) return way;
  }
  return 0;
}

function isRange(value: unknown): value is { readonly from: Bound; readonly to: Bound } {
  return isObject(value) && "from" in value && "to" in value;
}

/** A table of which nothing is in the cache, since clients cannot see it, or the page has not asked. */
export function makeUnseen(run: GuessRun): object {
  const given = (row: unknown): unknown => {
    run.checkRuns();
    return isObject(row) ? { ...row } : row;
  };
  const nothing = (): Iterable<object> => [][Symbol.iterator]();
  const index = { find: () => null, filter: nothing, delete: () => 0, update: given };
  const table: Row = {
    insert: given,
    delete: () => false,
    count: () => 0n,
    clear: () => 0n,
    iter: nothing,
    [Symbol.iterator]: nothing,
  };
  return new Proxy(table, { get: (target, name) => Reflect.get(target, name) ?? index });
}
