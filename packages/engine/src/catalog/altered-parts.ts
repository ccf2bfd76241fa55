/** A table that becomes another one: which of its parts are the same, and what the new ones begin with. */
import { asIndexId, type IndexId } from "@lightcone/base";
import { ByteReader, conversionOf, fixedSizeOf, typesEqual, valueCodec } from "@lightcone/sats";
import type { IndexDef, SequenceDef, TableDef, TableSchema } from "@lightcone/schema";
import type { TableChange } from "../api.ts";
import { type Slab, slabShift } from "../storage/memory.ts";
import { SlotCursor } from "../storage/row-space.ts";
import { Sequence } from "../table/sequence.ts";
import type { StoredTable } from "../table/stored-table.ts";
import { type ConstraintRow, ordered, type PartIds } from "./catalog-rows.ts";

export interface AlteredParts {
  readonly schema: TableSchema;
  readonly ids: PartIds;
  /** Whether the same columns were unique before. */
  wasUnique(index: IndexDef): boolean;
  /** The end of the reservation that a sequence's row says. */
  allocatedOf(sequence: SequenceDef): bigint;
  /** The sequences of the table as it is then: those that go on stand where they stood. */
  sequencesOf(table: StoredTable): Sequence[];
}

/** Whether all columns have the same types, whatever they are called. */
export function haveSameTypes(a: TableDef, b: TableDef): boolean {
  return (
    a.columns.length === b.columns.length &&
    a.columns.every(({ type }, position) => typesEqual(type, b.columns[position]?.type ?? { kind: "Ref", index: 0 }))
  );
}

/** Whether rows of one are rows of the other as they stand: names differ, or enums have more variants. */
export function haveSameBytes(a: TableDef, b: TableDef): boolean {
  return (
    a.columns.length === b.columns.length &&
    fixedSizeOf(a.rowType) === fixedSizeOf(b.rowType) &&
    a.columns.every(({ type }, position) => {
      const other = b.columns[position];
      return other !== undefined && conversionOf(type, other.type)?.kind === "keep";
    })
  );
}

/** Gives the next id of a kind. */
interface NextIds {
  index(): IndexId;
  constraint(): number;
  sequence(): number;
  schedule(): number;
}

export function alteredParts(
  table: StoredTable,
  { def: given, from }: TableChange,
  next: NextIds,
  rows: { readonly constraints: readonly ConstraintRow[]; readonly schedule: number | undefined },
): AlteredParts {
  const def = ordered(given);
  /** Columns as the old table has them. */
  const oldColumns = (columns: readonly number[]): string => columns.map((column) => from[column] ?? -1).join();
  const oldSet = (columns: readonly number[]): string =>
    columns
      .map((column) => from[column] ?? -1)
      .sort((a, b) => a - b)
      .join();
  const sorted = (columns: readonly number[]): string => columns.toSorted((a, b) => a - b).join();
  const taken = new Set<IndexId>();
  const indexIds = def.indexes.map((index) => {
    const same = table.indexes.filter(
      (each) =>
        each.def.algorithm === index.algorithm &&
        each.def.columns.join() === oldColumns(index.columns) &&
        !taken.has(each.id),
    );
    const kept = same.find((each) => each.def.name === index.name) ?? same[0];
    const id = asIndexId(kept?.id ?? next.index());
    taken.add(id);
    return id;
  });
  const constraints = def.constraints.map(
    ({ columns }) =>
      rows.constraints.find((each) => sorted(each.constraint_data.value) === oldSet(columns))?.constraint_id ??
      next.constraint(),
  );
  const kept = def.sequences.map((sequence) =>
    table.sequences.find(({ def: was }) => was.column === from[sequence.column] && isSameRange(was, sequence)),
  );
  const sequences = kept.map((each) => each?.id ?? next.sequence());
  const allocated = def.sequences.map(
    (sequence, position) => kept[position]?.stored ?? firstFree(table, sequence, from[sequence.column] ?? -1),
  );
  const at = (sequence: SequenceDef): number => def.sequences.indexOf(sequence);
  return {
    schema: { id: table.id, def, indexIds },
    ids: {
      table: table.id,
      indexes: indexIds,
      constraints,
      sequences,
      schedule: def.schedule === undefined ? 0 : (rows.schedule ?? next.schedule()),
    },
    wasUnique: ({ columns }) => table.uniques.some((each) => sorted(each.def.columns) === oldSet(columns)),
    allocatedOf: (sequence) => allocated[at(sequence)] ?? sequence.start,
    sequencesOf: ({ columnTypes }) =>
      def.sequences.map((sequence, position) => {
        const made = new Sequence(
          sequences[position] ?? 0,
          sequence,
          columnTypes,
          allocated[position] ?? sequence.start,
        );
        const was = kept[position];
        if (was === undefined) return made;
        made.next = was.next;
        made.allocated = was.allocated;
        return made;
      }),
  };
}

function isSameRange(a: SequenceDef, b: SequenceDef): boolean {
  return a.start === b.start && a.min === b.min && a.max === b.max && a.increment === b.increment;
}

/** Where a sequence begins whose column has values already: past all of them, as it would stand had it given them out. */
export function firstFree(table: StoredTable, sequence: SequenceDef, column: number): bigint {
  const { space } = table;
  const type = table.columnTypes[column];
  if (type === undefined || table.rowCount === 0) return sequence.start;
  const read = valueCodec<Record<string, bigint | number>>(table.def.rowType);
  const name = table.def.columns[column]?.name ?? "";
  const { start, min, max, increment } = sequence;
  let free = start;
  const walk = new SlotCursor(space);
  for (let ref = walk.next(); ref >= 0; ref = walk.next()) {
    const slab = space.memory.slabs[ref >>> slabShift] as Slab;
    const at = space.rowAt(ref);
    const reader = new ByteReader(slab.bytes);
    reader.set(slab.bytes, slab.view, at, at + space.rowBytes(ref));
    const value = BigInt(read.read(reader)[name] ?? 0);
    if (value < min || value > max) continue;
    if (increment > 0n ? value >= free : value <= free) free = value + increment;
  }
  return free > max || free < min ? start : free;
}
