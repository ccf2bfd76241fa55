/**
 * A commit as the log keeps it. Version 2, 3 or 4, little-endian; `n` is a base-128 number, low bits first:
 *
 *   version u8 | kind u8 | timestamp u64 | reducer u32 | request u32 | request sequence u64
 *   sender 32 | connection 16 | name n, UTF-8 | arguments n, bytes
 *   origin: front's name n, UTF-8, and unless that is empty: incarnation u64                 since version 2
 *   sequences n × (id u32 | before i128 | after i128)
 *   remakes n × (length n | table id u32 | type of its rows | conversion)                    since version 3
 *   tables n × (id u32 | row length + 1, or 0 when rows say it  n | deletes n | inserts n | pairs n, in version 4 | rows …)
 *
 * Tables come by rising id; of a table first the rows deleted, then those inserted, in the order in which
 * slots are freed and allocated. The first `pairs` rows of both lists are updates: each either leaves all keys as they are, and the
 * new row stands where the old one did, or gets a slot of its own. A row is its bytes, behind a length `n` where they differ. Deletes are whole rows:
 * a record can be read, shown and undone without the state before it.
 */
import { assert, LightconeError } from "@lightcone/base";
import { ByteReader, ByteWriter, encodeUtf8 } from "@lightcone/sats";
import {
  type CommitKind,
  CommitKind as kinds,
  type CommitMeta,
  type CommitOrigin,
  type SequenceMove,
} from "../commit.ts";
import type { RowRefs } from "../api-tables.ts";
import { decodeRemake, encodeRemake, type RemakeRecord } from "./remake-record.ts";
import { copyBytes } from "../storage/copy-bytes.ts";
import { type Slab, slabMask, slabShift } from "../storage/memory.ts";
import type { StoredChanges, StoredTable } from "../table/stored-table.ts";

export const recordVersion = 4;
/** What a commit is written as that remakes no table, as all but a few publishes, and replaces no row in place. */
const usualVersion = 2;
const remakesVersion = 3;
const recordVersionMin = 1;
const noRemakes: readonly RemakeRecord[] = [];
const kindMax = Math.max(...Object.values(kinds));

function readVarint(input: ByteReader): number {
  let count = 0;
  for (let shift = 0; shift < 32; shift += 7) {
    const byte = input.u8();
    count += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return count > 0xffff_ffff ? input.fail("a count is over 32 bits") : count;
  }
  return input.fail("a count is over 32 bits");
}

/** Names already encoded in UTF-8: there are as many as a module has functions. */
const encodedNames = new Map<string, Uint8Array>();
const encodedNamesMax = 4096;
let lastSpelt = "";
let lastSpeltBytes = new Uint8Array(0);

function utf8Of(name: string): Uint8Array {
  if (name === lastSpelt) return lastSpeltBytes;
  let bytes = encodedNames.get(name);
  if (bytes === undefined) {
    if (encodedNames.size >= encodedNamesMax) encodedNames.clear();
    bytes = encodeUtf8(name);
    encodedNames.set(name, bytes);
  }
  lastSpelt = name;
  lastSpeltBytes = bytes as Uint8Array<ArrayBuffer>;
  return bytes;
}

const headBytes = 74;
const countBytesMax = 5;
/** Rows up to here are copied word by word, in place. */
const wordsCopiedMax = 64;

/** Writes records, one after the other, into the same bytes. */
export class RecordWriter {
  private bytes = new Uint8Array(4096);
  private view: DataView = new DataView(this.bytes.buffer);
  private length = 0;
  private hasPairs = false;
  /** What `bytes` holds from the last record: calls of one client to one function follow each other. */
  private sender: Uint8Array | undefined;
  private connection: Uint8Array | undefined;
  private name: string | undefined;
  private nameEnd = 0;
  /** The first bytes of `bytes`, by how many. */
  private views: (Uint8Array | undefined)[] = makeViews();

  /** @param keepsSlots whether rows that were replaced in place are to stay there */
  write(
    meta: CommitMeta,
    sequences: readonly SequenceMove[],
    deltas: readonly StoredChanges[],
    keepsSlots: boolean,
    remakes: readonly RemakeRecord[] = noRemakes,
  ): Uint8Array {
    this.length = 0;
    this.hasPairs = keepsSlots && haveImages(deltas);
    this.writeHead(meta, sequences);
    if (this.hasPairs || remakes.length > 0) this.writeRemakes(remakes);
    this.ensure(countBytesMax);
    this.length = writeVarint(this.bytes, this.length, deltas.length);
    for (let index = 0; index < deltas.length; index += 1) this.writeTable(deltas[index] as StoredChanges);
    return this.written();
  }

  /** Most records of a database have one of a few lengths: their arrays are made once. */
  private written(): Uint8Array {
    const { length } = this;
    if (length >= viewsKept) return this.bytes.subarray(0, length);
    return (this.views[length] ??= this.bytes.subarray(0, length));
  }

  /** Gives back what an unusually long record needed. */
  trim(): void {
    if (this.bytes.length <= recordBytesKept) return;
    this.bytes = new Uint8Array(4096);
    this.view = new DataView(this.bytes.buffer);
    this.views = makeViews();
    this.sender = undefined;
    this.connection = undefined;
    this.name = undefined;
  }

  private ensure(more: number): void {
    if (this.length + more > this.bytes.length) this.grow(this.length + more);
  }

  private grow(needed: number): void {
    const bytes = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    bytes.set(this.bytes);
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
    this.views = makeViews();
  }

  private writeHead(meta: CommitMeta, sequences: readonly SequenceMove[]): void {
    const name = utf8Of(meta.functionName);
    const { args } = meta;
    this.ensure(headBytes + name.length + args.length + 4 * countBytesMax);
    const { bytes, view } = this;
    bytes[0] = usualVersion;
    bytes[1] = meta.kind;
    writeU53(view, 2, meta.timestampMicros);
    view.setUint32(10, meta.reducerId, true);
    view.setUint32(14, meta.requestId, true);
    writeU53(view, 18, meta.requestSequence);
    if (meta.sender !== this.sender) {
      bytes.set(meta.sender, 26);
      this.sender = meta.sender;
    }
    if (meta.connection !== this.connection) {
      bytes.set(meta.connection, 58);
      this.connection = meta.connection;
    }
    if (meta.functionName !== this.name) {
      this.nameEnd = writeBytes(bytes, headBytes, name);
      this.name = meta.functionName;
    }
    this.length = writeBytes(bytes, this.nameEnd, args);
    if (meta.origin === undefined) this.writeEmpty();
    else this.writeOrigin(meta.origin);
    if (sequences.length === 0) this.writeEmpty();
    else this.writeSequences(sequences);
  }

  /** Writes a count of 0. The caller has made room. */
  private writeEmpty(): void {
    this.bytes[this.length] = 0;
    this.length += 1;
  }

  private writeOrigin({ front, incarnation }: CommitOrigin): void {
    assert(front !== "", "a front has a name");
    const name = encodeUtf8(front);
    this.ensure(2 * countBytesMax + name.length + 8);
    const at = writeBytes(this.bytes, this.length, name);
    writeU53(this.view, at, incarnation);
    this.length = at + 8;
  }

  private writeSequences(sequences: readonly SequenceMove[]): void {
    this.ensure(countBytesMax + sequences.length * 36);
    const { view } = this;
    let at = writeVarint(this.bytes, this.length, sequences.length);
    for (const { id, before, after } of sequences) {
      view.setUint32(at, id, true);
      writeI128(view, at + 4, before);
      writeI128(view, at + 20, after);
      at += 36;
    }
    this.length = at;
  }

  private writeRemakes(remakes: readonly RemakeRecord[]): void {
    this.bytes[0] = this.hasPairs ? recordVersion : remakesVersion;
    this.ensure(countBytesMax);
    this.length = writeVarint(this.bytes, this.length, remakes.length);
    for (const remake of remakes) {
      const out = new ByteWriter();
      encodeRemake(out, remake);
      this.ensure(countBytesMax + out.length);
      this.length = writeBytes(this.bytes, this.length, out.toBytes());
    }
  }

  private writeTable(changes: StoredChanges): void {
    const { table, deletes, inserts } = changes;
    const { rowLength } = table.space;
    const rowsBytes = rowLength >= 0 ? (deletes.count + inserts.count) * rowLength : 0;
    this.ensure(4 + 4 * countBytesMax + rowsBytes);
    const { bytes } = this;
    this.view.setUint32(this.length, table.id, true);
    let at = writeVarint(bytes, this.length + 4, rowLength + 1);
    at = writeVarint(bytes, at, deletes.count);
    at = writeVarint(bytes, at, inserts.count);
    this.length = this.hasPairs ? writeVarint(bytes, at, changes.recordedPairCount) : at;
    this.writeRows(table, deletes);
    this.writeRows(table, inserts);
  }

  private writeRows(table: StoredTable, rows: RowRefs): void {
    const { space } = table;
    const { slabs } = space.memory;
    const { rowLength, headerBytes } = space;
    const { refs, count } = rows;
    if (rowLength >= 0 && rowLength <= wordsCopiedMax) {
      const { view } = this;
      let to = this.length;
      for (let index = 0; index < count; index += 1) {
        const ref = refs[index] as number;
        const source = (slabs[ref >>> slabShift] as Slab).view;
        let at = ((ref & slabMask) << 3) + headerBytes;
        const end = to + rowLength;
        for (; to + 4 <= end; to += 4, at += 4) view.setInt32(to, source.getInt32(at, true), true);
        for (; to < end; to += 1, at += 1) view.setUint8(to, source.getUint8(at));
      }
      this.length = to;
      return;
    }
    for (let index = 0; index < count; index += 1) {
      const ref = refs[index] as number;
      const slab = slabs[ref >>> slabShift] as Slab;
      let length = rowLength;
      if (length < 0) {
        length = (slab.words[(ref & slabMask) << 1] as number) >>> 4;
        this.ensure(countBytesMax + length);
        this.length = writeVarint(this.bytes, this.length, length);
      }
      copyBytes(
        this.bytes,
        this.view,
        this.length,
        slab.bytes,
        slab.view,
        ((ref & slabMask) << 3) + headerBytes,
        length,
      );
      this.length += length;
    }
  }
}

function haveImages(deltas: readonly StoredChanges[]): boolean {
  for (let index = 0; index < deltas.length; index += 1)
    if ((deltas[index] as StoredChanges).images.count > 0) return true;
  return false;
}

/** Records shorter than this are given out in arrays that are kept. */
const viewsKept = 512;
const makeViews = (): (Uint8Array | undefined)[] => new Array<Uint8Array | undefined>(viewsKept).fill(undefined);

/** Above this a record's bytes are given back after use. */
const recordBytesKept = 4 * 1024 ** 2;

/** Each `put…` returns where the next begins. */
function writeVarint(bytes: Uint8Array, at: number, count: number): number {
  let rest = count;
  let next = at;
  while (rest > 0x7f) {
    bytes[next] = (rest & 0x7f) | 0x80;
    next += 1;
    rest >>>= 7;
  }
  bytes[next] = rest;
  return next + 1;
}

function writeBytes(bytes: Uint8Array, at: number, source: Uint8Array): number {
  const { length } = source;
  const from = writeVarint(bytes, at, length);
  if (length > 20) bytes.set(source, from);
  else for (let index = 0; index < length; index += 1) bytes[from + index] = source[index] as number;
  return from + length;
}

/** A whole number below 2^53, as a u64. */
function writeU53(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
}

function writeI128(view: DataView, at: number, value: bigint): void {
  view.setBigInt64(at, value, true);
  view.setBigInt64(at + 8, value >> 64n, true);
}

export interface RecordHead {
  readonly version: number;
  readonly meta: CommitMeta;
  readonly sequences: readonly SequenceMove[];
  readonly remakes: readonly RemakeRecord[];
}

/**
 * The meta's bytes are views of the record: good for as long as that is.
 *
 * @throws {LightconeError} `NewerFormat`, `Malformed`
 */
export function readHead(input: ByteReader): RecordHead {
  const version = input.u8();
  if (version < recordVersionMin || version > recordVersion) {
    throw new LightconeError("NewerFormat", { file: "a log record", version, versionMax: recordVersion });
  }
  const kind = input.u8();
  if (kind > kindMax) input.fail(`${kind} is no kind of commit`);
  const timestampMicros = readU53(input);
  const reducerId = input.u32();
  const requestId = input.u32();
  const requestSequence = readU53(input);
  const sender = input.take(32);
  const connection = input.take(16);
  const functionName = readName(input);
  const argsLength = readVarint(input);
  const args = input.take(argsLength);
  const origin = version >= 2 ? readOrigin(input) : undefined;
  const sequenceCount = readVarint(input);
  if (sequenceCount * 36 > input.remaining)
    input.fail(`${sequenceCount} sequences cannot be in the ${input.remaining} bytes left`);
  const sequences: SequenceMove[] = [];
  for (let index = 0; index < sequenceCount; index += 1)
    sequences.push({ id: input.u32(), before: input.i128(), after: input.i128() });
  const remakes = version >= remakesVersion ? readRemakes(input) : noRemakes;
  const meta = new ReadMeta(input.bytes, sender, connection, args, argsLength);
  meta.kind = kind as CommitKind;
  meta.timestampMicros = timestampMicros;
  meta.functionName = functionName;
  meta.reducerId = reducerId;
  meta.requestId = requestId;
  meta.requestSequence = requestSequence;
  meta.origin = origin;
  return { version, meta, sequences, remakes };
}

function readRemakes(input: ByteReader): RemakeRecord[] {
  const remakes: RemakeRecord[] = [];
  for (let left = readVarint(input); left > 0; left -= 1) {
    const length = readVarint(input);
    const at = input.take(length);
    const part = new ByteReader(input.bytes.subarray(at, at + length), "a remade table of a log record");
    remakes.push(decodeRemake(part));
    part.expectEnd();
  }
  return remakes;
}

/** When a record's commit was made, in microseconds. @throws {LightconeError} `NewerFormat`, `Malformed` */
export function timestampOf(record: Uint8Array): number {
  return readHead(new ByteReader(record, "a log record")).meta.timestampMicros;
}

/** What a record says of its commit. Views of its bytes are made when asked for: a recovery asks for none. */
class ReadMeta implements CommitMeta {
  kind: CommitKind = kinds.internal;
  timestampMicros = 0;
  functionName = "";
  reducerId = 0;
  requestId = 0;
  requestSequence = 0;
  origin: CommitOrigin | undefined = undefined;
  private readonly bytes: Uint8Array;
  private readonly senderAt: number;
  private readonly connectionAt: number;
  private readonly argsAt: number;
  private readonly argsLength: number;

  constructor(bytes: Uint8Array, senderAt: number, connectionAt: number, argsAt: number, argsLength: number) {
    this.bytes = bytes;
    this.senderAt = senderAt;
    this.connectionAt = connectionAt;
    this.argsAt = argsAt;
    this.argsLength = argsLength;
  }

  get sender(): Uint8Array {
    return this.bytes.subarray(this.senderAt, this.senderAt + 32);
  }
  get connection(): Uint8Array {
    return this.bytes.subarray(this.connectionAt, this.connectionAt + 16);
  }
  get args(): Uint8Array {
    return this.bytes.subarray(this.argsAt, this.argsAt + this.argsLength);
  }
}

function readU53(input: ByteReader): number {
  const low = input.u32();
  const value = input.u32() * 0x1_0000_0000 + low;
  return Number.isSafeInteger(value) ? value : input.fail("a number is over 53 bits");
}

function readOrigin(input: ByteReader): CommitOrigin | undefined {
  const length = readVarint(input);
  if (length === 0) return undefined;
  const front = input.utf8(length);
  return { front, incarnation: readU53(input) };
}

/** The last name read: in a log the same ones follow each other. */
let lastName = "";
let lastNameBytes = new Uint8Array(0);

function readName(input: ByteReader): string {
  const length = readVarint(input);
  const at = input.take(length);
  if (length === lastNameBytes.length) {
    let index = 0;
    while (index < length && input.bytes[at + index] === lastNameBytes[index]) index += 1;
    if (index === length) return lastName;
  }
  input.at = at;
  lastName = input.utf8(length);
  lastNameBytes = input.bytes.slice(at, at + length);
  return lastName;
}

/** What stands before a table's rows. */
export interface TableHead {
  readonly id: number;
  /** Bytes of every row, or -1 when each says its own. */
  readonly rowLength: number;
  readonly deleteCount: number;
  readonly insertCount: number;
  /** How many leading rows of either list are updates of the other, some of them in place; 0 when none is. */
  readonly pairCount: number;
}

export function readTableCount(input: ByteReader): number {
  return readVarint(input);
}

export function readTable(input: ByteReader, version: number): TableHead {
  const id = input.u32();
  const rowLength = readVarint(input) - 1;
  const deleteCount = readVarint(input);
  const insertCount = readVarint(input);
  const pairCount = version >= recordVersion ? readVarint(input) : 0;
  if (pairCount > Math.min(deleteCount, insertCount)) input.fail("more pairs than rows");
  // A row takes a byte at least, but for the one row that a table without columns can hold.
  if (rowLength !== 0 && deleteCount + insertCount > input.remaining) input.fail("more rows than bytes are left");
  if (rowLength === 0 && deleteCount + insertCount > 2) input.fail("more empty rows than a table can hold");
  return { id, rowLength, deleteCount, insertCount, pairCount };
}

/** The length of the row that follows; the reader then stands at its bytes. */
export function readRowLength(input: ByteReader, head: TableHead): number {
  const length = head.rowLength >= 0 ? head.rowLength : readVarint(input);
  if (length > input.remaining) input.fail("a row is longer than the record");
  return length;
}
