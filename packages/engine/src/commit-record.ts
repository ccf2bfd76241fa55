/**
 * A commit as the log keeps it. Version 1, little-endian; `n` is a base-128 number, low bits first:
 *
 *   version u8 | kind u8 | timestamp u64 | reducer u32 | request u32 | request sequence u64
 *   sender 32 | connection 16 | name n, UTF-8 | arguments n, bytes
 *   sequences n × (id u32 | before i128 | after i128)
 *   tables n × (id u32 | row length + 1, or 0 when rows say it  n | deletes n | inserts n | rows …)
 *
 * Tables come by rising id; of a table first the rows deleted, then those inserted, in the order in which
 * slots are freed and taken. A row is its bytes, behind a length `n` where they differ. Deletes are whole rows:
 * a record can be read, shown and undone without the state before it.
 */
import { LightconeError } from "@lightcone/base";
import { ByteReader, ByteWriter, encodeUtf8 } from "@lightcone/sats";
import { type CommitKind, CommitKind as kinds, type CommitMeta, type RowRefs, type SequenceMove } from "./commit.ts";
import { copyBytes } from "./copy-bytes.ts";
import { type Slab, slabMask, slabShift } from "./memory.ts";
import type { StoredTable } from "./stored-table.ts";

export const recordVersion = 1;
const kindMax = Math.max(...Object.values(kinds));

function writeCount(out: ByteWriter, count: number): void {
  let rest = count;
  while (rest > 0x7f) {
    out.u8((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  out.u8(rest);
}

function readCount(input: ByteReader): number {
  let count = 0;
  for (let shift = 0; shift < 32; shift += 7) {
    const byte = input.u8();
    count += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return count > 0xffff_ffff ? input.fail("a count is over 32 bits") : count;
  }
  return input.fail("a count is over 32 bits");
}

/** Names already spelt in UTF-8: there are as many as a module has functions. */
const spelt = new Map<string, Uint8Array>();
const speltMax = 4096;

function utf8Of(name: string): Uint8Array {
  let bytes = spelt.get(name);
  if (bytes === undefined) {
    if (spelt.size >= speltMax) spelt.clear();
    bytes = encodeUtf8(name);
    spelt.set(name, bytes);
  }
  return bytes;
}

const headBytes = 74;

export function writeHead(out: ByteWriter, meta: CommitMeta, sequences: readonly SequenceMove[]): void {
  const at = out.reserve(headBytes);
  const { bytes, view } = out;
  bytes[at] = recordVersion;
  bytes[at + 1] = meta.kind;
  setSafe(view, at + 2, meta.timestampMicros);
  view.setUint32(at + 10, meta.reducerId, true);
  view.setUint32(at + 14, meta.requestId, true);
  setSafe(view, at + 18, meta.requestSequence);
  copyInto(bytes, at + 26, meta.sender, 32);
  copyInto(bytes, at + 58, meta.connection, 16);
  const name = utf8Of(meta.functionName);
  writeCount(out, name.length);
  out.rawRange(name, 0, name.length);
  writeCount(out, meta.args.length);
  out.rawRange(meta.args, 0, meta.args.length);
  writeCount(out, sequences.length);
  for (const move of sequences) {
    out.u32(move.id);
    out.u128(move.before);
    out.u128(move.after);
  }
}

/** A whole number below 2^53, as a u64. */
function setSafe(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
}

function copyInto(target: Uint8Array, at: number, source: Uint8Array, length: number): void {
  for (let index = 0; index < length; index += 1) target[at + index] = source[index] as number;
}

export interface RecordHead {
  readonly meta: CommitMeta;
  readonly sequences: readonly SequenceMove[];
}

/** @throws {LightconeError} `NewerFormat`, `Malformed` */
export function readHead(input: ByteReader): RecordHead {
  const version = input.u8();
  if (version !== recordVersion) {
    throw new LightconeError("NewerFormat", { file: "a log record", version, versionMax: recordVersion });
  }
  const kind = input.u8();
  if (kind > kindMax) input.fail(`${kind} is no kind of commit`);
  const timestampMicros = readSafe(input);
  const reducerId = input.u32();
  const requestId = input.u32();
  const requestSequence = readSafe(input);
  const sender = takeCopy(input, 32);
  const connection = takeCopy(input, 16);
  const functionName = input.utf8(readCount(input));
  const args = takeCopy(input, readCount(input));
  const sequenceCount = readCount(input);
  if (sequenceCount * 36 > input.remaining) input.fail(`${sequenceCount} sequences cannot be in the ${input.remaining} bytes left`);
  const sequences: SequenceMove[] = [];
  for (let index = 0; index < sequenceCount; index += 1) sequences.push({ id: input.u32(), before: input.i128(), after: input.i128() });
  return {
    meta: { kind: kind as CommitKind, timestampMicros, functionName, reducerId, args, sender, connection, requestId, requestSequence },
    sequences,
  };
}

function readSafe(input: ByteReader): number {
  const low = input.u32();
  const value = input.u32() * 0x1_0000_0000 + low;
  return Number.isSafeInteger(value) ? value : input.fail("a number is over 53 bits");
}

function takeCopy(input: ByteReader, length: number): Uint8Array {
  const at = input.take(length);
  return input.bytes.slice(at, at + length);
}

export function writeTableCount(out: ByteWriter, count: number): void {
  writeCount(out, count);
}

export function writeTable(out: ByteWriter, table: StoredTable, deletes: RowRefs, inserts: RowRefs): void {
  out.u32(table.id);
  writeCount(out, table.space.rowLength + 1);
  writeCount(out, deletes.count);
  writeCount(out, inserts.count);
  writeRows(out, table, deletes);
  writeRows(out, table, inserts);
}

function writeRows(out: ByteWriter, table: StoredTable, rows: RowRefs): void {
  const { space } = table;
  const { slabs } = space.memory;
  const { rowLength, headerBytes } = space;
  for (let index = 0; index < rows.count; index += 1) {
    const ref = rows.refs[index] as number;
    const slab = slabs[ref >>> slabShift] as Slab;
    let length = rowLength;
    if (length < 0) {
      length = (slab.words[(ref & slabMask) << 1] as number) >>> 4;
      writeCount(out, length);
    }
    const to = out.reserve(length);
    copyBytes(out.bytes, out.view, to, slab.bytes, slab.view, ((ref & slabMask) << 3) + headerBytes, length);
  }
}

/** What stands before a table's rows. */
export interface TableHead {
  readonly id: number;
  /** Bytes of every row, or -1 when each says its own. */
  readonly rowLength: number;
  readonly deleteCount: number;
  readonly insertCount: number;
}

export function readTableCount(input: ByteReader): number {
  return readCount(input);
}

export function readTable(input: ByteReader): TableHead {
  const id = input.u32();
  const rowLength = readCount(input) - 1;
  const deleteCount = readCount(input);
  const insertCount = readCount(input);
  // A row takes a byte at least, but for the one row that a table without columns can hold.
  if (rowLength !== 0 && deleteCount + insertCount > input.remaining) input.fail("more rows than bytes are left");
  if (rowLength === 0 && deleteCount + insertCount > 2) input.fail("more empty rows than a table can hold");
  return { id, rowLength, deleteCount, insertCount };
}

/** The length of the row that follows; the reader then stands at its bytes. */
export function readRowLength(input: ByteReader, head: TableHead): number {
  const length = head.rowLength >= 0 ? head.rowLength : readCount(input);
  if (length > input.remaining) input.fail("a row is longer than the record");
  return length;
}
