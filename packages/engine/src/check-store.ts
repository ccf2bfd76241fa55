/**
 * Looks at everything that must agree: rows, counts, slots, indexes, sequences, definitions.
 *
 * For tests after crashes and replays; takes about a microsecond a row and index.
 */
import { asTableId } from "@lightcone/base";
import { SystemTable } from "@lightcone/schema";
import type { Store } from "./api.ts";
import { Meta, metaWords, slabShift } from "./storage/memory.ts";
import { SlotCursor } from "./storage/row-space.ts";
import { MemoryStore } from "./store.ts";
import type { StoredIndex, StoredTable } from "./table/stored-table.ts";

/** Everything that does not agree, in words; empty when all is well. Call it between transactions. */
export function checkStore(store: Store): string[] {
  const problems: string[] = [];
  if (!(store instanceof MemoryStore)) return ["it is no store of this package"];
  if (store.poisoned) return ["the store is poisoned"];
  for (const table of store.tables()) {
    checkRows(table, problems);
    for (const index of table.indexes) checkIndex(table, index, problems);
    checkRowSet(table, problems);
  }
  problems.push(...store.definitions.problems());
  checkSequences(store, problems);
  return problems;
}

function viewOf(table: StoredTable, ref: number): DataView {
  return (table.space.memory.slabs[ref >>> slabShift] as { view: DataView }).view;
}

function checkRows(table: StoredTable, problems: string[]): void {
  const { space } = table;
  let rowCount = 0;
  let rowBytes = 0;
  const walk = new SlotCursor(space);
  for (let ref = walk.next(); ref >= 0; ref = walk.next()) {
    rowCount += 1;
    const length = space.rowBytes(ref);
    rowBytes += length;
    if (space.state(ref) !== 1) problems.push(`${table.name}: row ${ref} is visible in state ${space.state(ref)}`);
    const slab = space.memory.slabs[ref >>> slabShift] as { bytes: Uint8Array; view: DataView };
    const at = space.rowAt(ref);
    if (table.check(slab.bytes, slab.view, at, at + length) !== at + length)
      problems.push(`${table.name}: row ${ref} is not valid`);
  }
  if (rowCount !== table.rowCount) problems.push(`${table.name}: ${rowCount} rows, but a count of ${table.rowCount}`);
  if (rowBytes !== table.rowBytes)
    problems.push(`${table.name}: ${rowBytes} bytes of rows, but a count of ${table.rowBytes}`);
  let used = 0;
  for (let ordinal = 0; ordinal < space.spanCount; ordinal += 1) {
    const head = space.spans[ordinal] as number;
    const { meta } = space.memory.slabOf(head);
    const at = (head & 255) * metaWords;
    used += meta[at + Meta.used] as number;
    if (meta[at + Meta.table] !== table.id)
      problems.push(`${table.name}: span ${head} belongs to table ${meta[at + Meta.table]}`);
    if (meta[at + Meta.ordinal] !== ordinal) problems.push(`${table.name}: span ${head} is not where it says`);
  }
  if (used !== rowCount + space.recentCount)
    problems.push(`${table.name}: ${used} slots in use for ${rowCount} rows and ${space.recentCount} freed last`);
  for (let index = 0; index < space.recentCount; index += 1) {
    const ref = space.recent[index] as number;
    if (space.state(ref) !== 0)
      problems.push(`${table.name}: slot ${ref}, freed last, is in state ${space.state(ref)}`);
  }
}

function checkIndex(table: StoredTable, index: StoredIndex, problems: string[]): void {
  const name = `${table.name}.${index.def.name}`;
  if (index.hash !== undefined && index.hash.count !== table.rowCount) {
    problems.push(`${name}: ${index.hash.count} hashed rows of ${table.rowCount}`);
  }
  const { space } = table;
  if (index.unique) {
    for (const ref of table.allRefs()) {
      if (index.findByRow(viewOf(table, ref), space.rowAt(ref)) !== ref)
        problems.push(`${name}: row ${ref} is not bootstrap by its key`);
    }
  }
  const { tree } = index;
  if (tree === undefined) return;
  const position = { branch: 0, leaf: 0, entry: 0 };
  const end = { branch: 0, leaf: 0, entry: 0 };
  tree.seekEnd(end);
  const seen = new Set<number>();
  let before = -1;
  for (let ref = tree.step(position, end); ref >= 0; ref = tree.step(position, end)) {
    seen.add(ref);
    if (before >= 0) {
      const order = index.code.compareRows(
        viewOf(table, before),
        space.rowAt(before),
        viewOf(table, ref),
        space.rowAt(ref),
      );
      if (order > 0 || (order === 0 && before >= ref)) problems.push(`${name}: row ${ref} is out of order`);
    }
    before = ref;
  }
  if (seen.size !== table.rowCount || tree.count !== table.rowCount)
    problems.push(`${name}: ${seen.size} ordered rows of ${table.rowCount}`);
  for (const ref of table.allRefs()) if (!seen.has(ref)) problems.push(`${name}: row ${ref} is missing`);
}

function checkRowSet(table: StoredTable, problems: string[]): void {
  if (table.rowSet === undefined) return;
  if (table.rowSet.count !== table.rowCount)
    problems.push(`${table.name}: ${table.rowSet.count} rows in the set of ${table.rowCount}`);
  for (const ref of table.allRefs()) {
    if (table.findIdentical(viewOf(table, ref), table.space.rowAt(ref), table.space.rowBytes(ref)) !== ref) {
      problems.push(`${table.name}: row ${ref} is not bootstrap by its bytes`);
    }
  }
}

function checkSequences(store: MemoryStore, problems: string[]): void {
  const rows = new Map(store.definitions.rows.readAll().st_sequence.map((row) => [row.sequence_id, row.allocated]));
  if (rows.size !== store.table(asTableId(SystemTable.st_sequence))?.rowCount) problems.push("st_sequence: ids repeat");
  for (const table of store.tables()) {
    for (const sequence of table.sequences) {
      if (rows.get(sequence.id) !== sequence.stored) {
        problems.push(
          `${table.name}: sequence ${sequence.id} is stored as ${rows.get(sequence.id)}, not ${sequence.stored}`,
        );
      }
    }
  }
}
