/**
 * The commonest change, an update of one fixed-length row by its unique index, as one function made for the table.
 *
 * Finding the row, comparing it, taking a slot, writing row, lists and log: what `TransactionChanges.update` does in a dozen
 * calls is here done in none. Table, index and lists are constants of the function, which saves the compiler most
 * of its checks. Other cases are found out before anything is written, and left to the general code: `fallback`.
 *
 * With a tree beside the hash, a row whose keys stay as they are is replaced in place: see `TransactionChanges`.
 *
 * The old row must be one that the transaction found, not made. Then no deleted row can have the new row's bytes:
 * it would have the same key, and of those the committed state has one.
 *
 * Without other indexes nothing is called between the first store and the last, nor is there a loop: execution
 * cannot end half-way, so the state stays `open`. Ordered indexes are called, and meanwhile the state is `writing`.
 */
import { compileWith } from "@lightcone/sats";
import type { TransactionChanges } from "./transaction-changes.ts";
import { Step, stepBits, stepWords } from "./transaction-state.ts";
import { probeCode } from "../indexes/hash-layout.ts";
import { equalBody, equalBytes, hashBody, hashBytes } from "../indexes/key-code.ts";
import { type Helpers, locateParts, type Shape } from "../indexes/key-shape.ts";
import { slabMask, slabShift } from "../storage/memory.ts";
import type { OrderedIndex } from "../indexes/ordered-index.ts";
import { RowState, SlotSource } from "../storage/row-space.ts";
import type { StoredIndex, StoredTable } from "../table/stored-table.ts";

/** Returned by an update that leaves its row to `TransactionChanges.update`. */
export const fallback = -2;
/** Longer rows are better copied by the platform. */
const rowBytesMax = 128;

/**
 * Replaces the row with the key of the row at `view[at …]`: gives the new reference, -1 when none has it, or `fallback`.
 * For tables without sequences.
 */
export type QuickUpdate = (changes: TransactionChanges, view: DataView, at: number) => number;

/**
 * Does the same with the rows of a record: `count` at `view[deletesAt …]` give way to as many at `view[insertsAt …]`.
 * Of `pairCount` leading ones those are replaced in place whose keys stay. Gives `count`; or the position of a row that is not there, and then nothing after it was done; or `fallback`.
 */
export type QuickReplay = (
  changes: TransactionChanges,
  view: DataView,
  deletesAt: number,
  insertsAt: number,
  count: number,
  pairCount: number,
) => number;

/** Whether the table's rows and indexes are of the common kind: any others besides the unique one are only ordered. */
function isUsual(table: StoredTable, index: StoredIndex): boolean {
  const { space, plainBytes, uniques } = table;
  if (index.hash === undefined || uniques.length !== 1) return false;
  return plainBytes >= 0 && plainBytes <= rowBytesMax && space.rowLength === plainBytes;
}

/** The ordered indexes, which have to follow. */
function treesOf(table: StoredTable, owner: StoredIndex): OrderedIndex[] {
  return table.indexes.flatMap((index) => (index === owner || index.tree === undefined ? [] : [index.tree]));
}

/** The constants of a table's functions. */
function helpersOf(table: StoredTable, owner: StoredIndex): Helpers {
  const { changes, space } = table;
  const { deletes, inserts, images, tombstones } = changes;
  const { memory, recent } = space;
  const helpers: Helpers = {
    table,
    tableChanges: changes,
    tombstones,
    owner,
    space,
    deletes,
    inserts,
    images,
    memory,
    slabs: memory.slabs,
    recent,
    hashBytes,
  };
  treesOf(table, owner).forEach((tree, position) => {
    helpers[`tree${position}`] = tree;
  });
  return { ...helpers, index: owner.hash, areKeysSame: areKeysSame(table, owner) };
}

/** Whether the row at `a[aAt …]` and the one at `view[at …]` have the same bytes in the keys of all trees. */
function areKeysSame(table: StoredTable, owner: StoredIndex): unknown {
  const keyed = table.indexes.flatMap((index) => (index === owner ? [] : index.def.columns));
  if (keyed.length === 0) return undefined;
  const row: Shape = { types: table.columnTypes, columns: [...new Set(keyed)] };
  const a = locateParts(row, "a", "aAt", "p", {});
  const b = locateParts(row, "view", "at", "q", {});
  const body = equalBody(a.parts, b.parts, "view", "return false");
  return compileWith({ equalBytes }, `return function areKeysSame(a, aAt, view, at) {\n${body}return true;\n};`);
}

/** Statements that find the row with the key of the row at `view[at …]`: `old`, whose bytes are at `a[aAt …]`. */
function findSource(table: StoredTable, index: StoredIndex, otherwise: string): string {
  const row: Shape = { types: table.columnTypes, columns: index.def.columns };
  const old = locateParts(row, "a", "aAt", "p", {});
  const made = locateParts(row, "view", "at", "q", {});
  return `${hashBody(made.parts, table.seed)}
const segment = index.directory[(h >>> 1) >>> (31 - index.depth)];
let old = 0;
let a;
let aAt = 0;
${probeCode(`old = segment[place + 1] >>> 0;
if (old === 0) ${otherwise};
if (segment[place] === h) {
a = slabs[old >>> ${slabShift}].view;
aAt = ((old & ${slabMask}) << 3) + ${table.space.headerBytes};
same: {
${equalBody(old.parts, made.parts, "view", "break same")}
break;
}
}`)}`;
}

/** What keeps rows from being replaced the quick way, besides the row. */
const isUnusual = `memory.viewSerial !== 0 || owner.tree !== undefined || tombstones.hash !== undefined`;

/** Undefined when the table's rows or the index's keys are not of the common kind. */
export function makeQuickUpdate(table: StoredTable, index: StoredIndex): QuickUpdate | undefined {
  if (!isUsual(table, index)) return undefined;
  const { space, plainBytes } = table;
  const trees = treesOf(table, index);
  return compileWith<QuickUpdate>(
    helpersOf(table, index),
    `return function updateRow(changes, view, at) {
${findSource(table, index, "return -1")}
if (${sameRow(plainBytes)}) return old;
const recentCount = space.recentCount - 1;
const log = changes.log;
const logCount = changes.logCount;
const deleted = deletes.refs;
const deleteCount = deletes.count;
const inserted = inserts.refs;
const insertCount = inserts.count;
const oldAt = aAt - ${space.headerBytes};
${trees.length === 0 ? "" : "const imaged = images.refs;\nconst imageCount = images.count;"}
if (${isUnusual} || recentCount < 0 || a.getUint8(oldAt) !== ${RowState.live} || deleteCount >= deleted.length ||
  insertCount >= inserted.length || ${trees.length === 0 ? "" : "imageCount >= imaged.length || "}logCount >= log.length || tableChanges.scans.length !== 0) return ${fallback};
${trees.length === 0 ? "" : `memory.checkRoom(0);`}
if (tableChanges.position < 0) changes.addChanged(table);
const ref = recent[recentCount];
const to = (ref & ${slabMask}) << 3;
const b = slabs[ref >>> ${slabShift}].view;
${
  trees.length === 0
    ? ""
    : `if (tableChanges.pairCount < 0 && areKeysSame(a, aAt, view, at)) {
space.recentCount = recentCount;
log[logCount] = (tableChanges.position << ${stepBits}) | ${Step.replace | SlotSource.recent};
log[logCount + 1] = ref;
log[logCount + 2] = old;
changes.logCount = logCount + ${stepWords};
imaged[imageCount] = deleteCount;
images.count = imageCount + 1;
inserted[insertCount] = old;
inserts.count = insertCount + 1;
deleted[deleteCount] = ref;
deletes.count = deleteCount + 1;
b.setUint8(to, ${RowState.tombstone});
${copyRow(plainBytes, "a", "aAt", "b", "to", space.headerBytes)}
a.setUint8(oldAt, ${RowState.ownLive});
${copyRow(plainBytes, "view", "at", "a", "aAt")}
return old;
}
changes.startWriting();`
}
space.recentCount = recentCount;
log[logCount] = (tableChanges.position << ${stepBits}) | ${Step.update | SlotSource.recent};
log[logCount + 1] = ref;
log[logCount + 2] = old;
changes.logCount = logCount + ${stepWords};
inserted[insertCount] = ref;
inserts.count = insertCount + 1;
deleted[deleteCount] = old;
deletes.count = deleteCount + 1;
b.setUint8(to, ${RowState.ownLive});
${copyRow(plainBytes, "view", "at", "b", "to", space.headerBytes)}
segment[place + 1] = ref | 0;
a.setUint8(oldAt, ${RowState.tombstone});
${moveIn(trees)}
${trees.length === 0 ? "" : `changes.stopWriting();`}
return ref;
};`,
    `update ${table.name} by ${index.def.name}`,
  );
}

/** Undefined when the table's rows or the index's keys are not of the common kind. */
export function makeQuickReplay(table: StoredTable, index: StoredIndex): QuickReplay | undefined {
  if (!isUsual(table, index)) return undefined;
  const { space, plainBytes } = table;
  const trees = treesOf(table, index);
  const row: Shape = { types: table.columnTypes, columns: index.def.columns };
  const a = locateParts(row, "a", "deletesAt", "p", {});
  const b = locateParts(row, "view", "insertsAt", "q", {});
  return compileWith<QuickReplay>(
    {
      ...helpersOf(table, index),
      isUpdate: compileWith(
        {},
        `return function isUpdate(a, view, deletesAt, insertsAt, count) {
for (let row = 0; row < count; row += 1) {
${equalBody(a.parts, b.parts, "view", "return false")}
deletesAt += ${plainBytes};
insertsAt += ${plainBytes};
}
return true;
};`,
      ),
    },
    `return function replayRows(changes, view, deletesAt, insertsAt, count, pairCount) {
const imaged = images.refs;
const deleted = deletes.refs;
const inserted = inserts.refs;
if (${isUnusual} || deletes.count !== 0 || inserts.count !== 0 || space.recentCount < count ||
  deleted.length < count || inserted.length < count || ${trees.length === 0 ? "pairCount > 0" : "imaged.length < pairCount"} || !isUpdate(view, view, deletesAt, insertsAt, count)) return ${fallback};
if (tableChanges.position < 0) changes.addChanged(table);
for (let row = 0; row < count; row += 1) {
let at = deletesAt + row * ${plainBytes};
${findSource(table, index, "return row")}
if (!(${sameRow(plainBytes)})) return row;
at = insertsAt + row * ${plainBytes};
const recentCount = space.recentCount - 1;
const ref = recent[recentCount];
const to = (ref & ${slabMask}) << 3;
const b = slabs[ref >>> ${slabShift}].view;
space.recentCount = recentCount;
${
  trees.length === 0
    ? ""
    : `if (row < pairCount && areKeysSame(a, aAt, view, at)) {
imaged[images.count] = row;
images.count += 1;
inserted[row] = old;
inserts.count = row + 1;
deleted[row] = ref;
deletes.count = row + 1;
b.setUint8(to, ${RowState.tombstone});
${copyRow(plainBytes, "a", "aAt", "b", "to", space.headerBytes)}
${copyRow(plainBytes, "view", "at", "a", "aAt")}
continue;
}`
}
inserted[row] = ref;
inserts.count = row + 1;
deleted[row] = old;
deletes.count = row + 1;
b.setUint8(to, ${RowState.live});
${copyRow(plainBytes, "view", "at", "b", "to", space.headerBytes)}
segment[place + 1] = ref | 0;
a.setUint8(aAt - ${space.headerBytes}, ${RowState.tombstone});
${moveIn(trees)}
}
return count;
};`,
    `replay ${table.name} by ${index.def.name}`,
  );
}

/** Statements that put `ref` in the place of `old` in the ordered indexes. */
function moveIn(trees: readonly OrderedIndex[]): string {
  return trees.map((_, position) => `tree${position}.move(old, ref);`).join("\n");
}

/** Whether the bytes at `a[aAt …]` are those at `view[at …]`, as an expression. */
function sameRow(length: number): string {
  const parts = pieces(length).map(
    ({ at, read, little }) => `a.${read}(aAt + ${at}${little}) === view.${read}(at + ${at}${little})`,
  );
  return parts.length === 0 ? "true" : parts.reverse().join(" && ");
}

/** Statements that copy a row's bytes, from `view[at …]` say, to `to[toAt + plus …]`. */
function copyRow(length: number, from: string, fromAt: string, to: string, toAt: string, plus = 0): string {
  return pieces(length)
    .map(({ at, read, write, little }) => {
      const value = `${from}.${read}(${fromAt} + ${at}${little})`;
      return `${to}.${write}(${toAt} + ${plus + at}, ${value}${little});`;
    })
    .join("\n");
}

/** A row in words, and the rest in bytes. */
function pieces(length: number): { at: number; read: string; write: string; little: string }[] {
  const list: { at: number; read: string; write: string; little: string }[] = [];
  let at = 0;
  for (; at + 4 <= length; at += 4) list.push({ at, read: "getInt32", write: "setInt32", little: ", true" });
  for (; at < length; at += 1) list.push({ at, read: "getUint8", write: "setUint8", little: "" });
  return list;
}
