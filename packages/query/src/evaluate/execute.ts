/** Runs the statements that write, and SET and SHOW, in the store's open transaction (docs/sql.md). */
import { asRowRef, defined, LightconeError, type RowRef } from "@lightcone/base";
import type { RowSource, Store, Table } from "@lightcone/engine";
import {
  bindParams,
  type Assignment,
  type InsertPlan,
  type Plan,
  type SetPlan,
  type ShowPlan,
  type UpdatePlan,
} from "@lightcone/sql";
import { evaluate, tableOf } from "./evaluate.ts";
import { concat } from "../code/bytes.ts";
import { prepare } from "../plan/prepared.ts";
import { RowLayout } from "../code/row-layout.ts";
import type { EmitBytes } from "./projection.ts";
import { select } from "./select.ts";

/** How many rows a statement wrote. Matched rows count as updated, whether or not they changed. */
export interface Stats {
  readonly rowsInserted: number;
  readonly rowsDeleted: number;
  readonly rowsUpdated: number;
}

const nothing: Stats = { rowsInserted: 0, rowsDeleted: 0, rowsUpdated: 0 };

/** Whether a plan needs an open transaction. */
export function writes(plan: Plan): boolean {
  return plan.kind !== "select" && plan.kind !== "show";
}

/**
 * Runs a plan: a SELECT or SHOW gives its rows to `emit`; the others write in the open transaction.
 *
 * @param sender the caller's identity, 32 bytes little-endian
 * @throws {LightconeError} `SqlRefused` with category `not_unique` when a constraint refuses a row; the
 *   transaction must then be rolled back
 */
export function execute(store: Store, plan: Plan, sender: Uint8Array, emit: EmitBytes): Stats {
  switch (plan.kind) {
    case "select":
      select(store, prepare(plan), bindParams(plan, sender), emit);
      return nothing;
    case "show":
      show(store, plan, emit);
      return nothing;
    case "insert":
      return { ...nothing, rowsInserted: insert(store, plan) };
    case "update":
      return { ...nothing, rowsUpdated: update(store, plan, sender) };
    case "delete": {
      const table = tableOf(store, plan.match, 0);
      const rows = matchingRows(store, plan.match, sender);
      for (const row of rows) store.tx.deleteRow(table.id, row);
      return { ...nothing, rowsDeleted: rows.length };
    }
    case "set":
      return setVariable(store, plan);
  }
}

/** All matching rows, collected before anything is written. */
function matchingRows(store: Store, plan: UpdatePlan["match"], sender: Uint8Array): RowRef[] {
  const rows: RowRef[] = [];
  evaluate(store, prepare(plan), bindParams(plan, sender), (refs) => {
    rows.push(asRowRef(refs[0] ?? 0));
    return true;
  });
  return rows;
}

function insertRow(store: Store, table: Table, row: Uint8Array): void {
  const result = store.tx.insert(table.id, row, 0, row.length);
  if (result < 0) throw new LightconeError("SqlRefused", { category: "not_unique", text: store.tx.failure() });
}

/** Inserts a row. One that exists already is not counted. */
function insert(store: Store, { table: { id }, rows }: InsertPlan): number {
  const table = defined(store.table(id), `table ${id}`);
  const before = store.tx.rowCount(id);
  for (const row of rows) insertRow(store, table, row);
  return store.tx.rowCount(id) - before;
}

function update(store: Store, { match, assignments }: UpdatePlan, sender: Uint8Array): number {
  const table = tableOf(store, match, 0);
  const layout = new RowLayout(table.def);
  const rows = matchingRows(store, match, sender);
  const changed = rows.map((row) => {
    store.resolve(row);
    return assigned(layout, store.row, table.def.columns.length, assignments);
  });
  for (const row of rows) store.tx.deleteRow(table.id, row);
  for (const row of changed) insertRow(store, table, row);
  return rows.length;
}

/** A copy of a row with some columns replaced. */
function assigned(
  layout: RowLayout,
  { bytes, view, at }: Store["row"],
  columnCount: number,
  assignments: readonly Assignment[],
): Uint8Array {
  const pieces: Uint8Array[] = [];
  let start = at;
  for (let column = 0; column < columnCount; column += 1) {
    const end = layout.end(view, start, column);
    pieces.push(assignments.find((each) => each.column === column)?.value ?? bytes.subarray(start, end));
    start = end;
  }
  return concat(pieces);
}

// --- variables: rows (name: String, value: variableType) of `st_var`

const variableTable = "st_var";

function variables(store: RowSource): Table {
  return store.tableByName(variableTable) ?? missing();
}

function missing(): never {
  throw new LightconeError("NoSuchTable", { table: variableTable });
}

/** A string as BSATN. */
function text(value: string): Uint8Array {
  const raw = new TextEncoder().encode(value);
  const out = new Uint8Array(4 + raw.length);
  new DataView(out.buffer).setUint32(0, raw.length, true);
  out.set(raw, 4);
  return out;
}

/** The tag of U64 among the variants of `variableType`. */
const u64Tag = 8;

/** Sets a variable anew: its row is inserted, or replaced if it has another value. */
function setVariable(store: Store, { name, value }: SetPlan): Stats {
  const table = variables(store);
  const sum = new Uint8Array(9);
  sum[0] = u64Tag;
  new DataView(sum.buffer).setBigUint64(1, value, true);
  const row = concat([text(name), sum]);
  const before = variableRow(store, name);
  if (before !== undefined) {
    store.resolve(before);
    const { bytes, at, length } = store.row;
    if (length === row.length && row.every((byte, i) => bytes[at + i] === byte)) return nothing;
    store.tx.deleteRow(table.id, before);
  }
  insertRow(store, table, row);
  return before === undefined ? { ...nothing, rowsInserted: 1 } : { ...nothing, rowsUpdated: 1 };
}

function show(store: Store, { name }: ShowPlan, emit: EmitBytes): void {
  emitVariable(store, name, emit);
}

/** The row of a variable; undefined when it is unset. */
function variableRow(store: RowSource, name: string): RowRef | undefined {
  const table = variables(store);
  if (table.rowCount === 0) return undefined;
  const key = text(name);
  const cursor = table.openCursor();
  cursor.seek();
  for (let ref = cursor.next(); ref !== -1; ref = cursor.next()) {
    store.resolve(asRowRef(ref));
    const { bytes, at } = store.row;
    if (key.every((byte, i) => bytes[at + i] === byte)) return asRowRef(ref);
  }
  return undefined;
}

/** Gives the value of a variable, if it is set, to `emit`. */
function emitVariable(store: RowSource, name: string, emit: EmitBytes): void {
  const row = variableRow(store, name);
  if (row === undefined) return;
  store.resolve(row);
  const { bytes, at, length } = store.row;
  const nameBytes = text(name).length;
  emit(bytes, at + nameBytes, length - nameBytes);
}

/** The value of a variable that holds a U64; undefined when it is unset. */
export function variableValue(store: RowSource, name: string): bigint | undefined {
  let value: bigint | undefined;
  emitVariable(store, name, (bytes, at) => {
    if (bytes[at] === u64Tag) value = new DataView(bytes.buffer, bytes.byteOffset + at + 1, 8).getBigUint64(0, true);
  });
  return value;
}
