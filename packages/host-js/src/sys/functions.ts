/**
 * The host functions of `spacetime:sys`: what both versions have alike. Those of version 1 take and give byte arrays, those of
 * version 2 write in place, in a buffer of the bundle's.
 *
 * Nothing that a bundle passes is trusted: numbers are checked, and of its objects only what the engine itself knows of them (a
 * typed array's bytes, a buffer's) is read, so that no code of the bundle runs within one of these functions.
 */
import { types } from "node:util";
import { LogLevel } from "@lightcone/host";
import type { Place, SysOperations } from "./operations.ts";

/** What the functions have of the instance that they are of. */
export interface SysSite {
  readonly operations: SysOperations;
  /** The database's: 256 bits. */
  readonly identity: () => bigint;
  /** Where the user's code stands that has come to call the host. */
  readonly callersPlace: () => Place | undefined;
}

const levels: ReadonlyMap<unknown, LogLevel> = new Map(Object.values(LogLevel).map((level) => [level, level]));
const encoder = new TextEncoder();

type Value = unknown;

export type SysFunction = (...values: readonly never[]) => unknown;
type Functions = Readonly<Record<string, SysFunction>>;

// --- what a bundle passes

function integer(value: Value, max: number, name: string): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > max)
    throw new TypeError(`${name} is no integer from 0 to ${max}`);
  return value;
}

const u32 = (value: Value, name: string): number => integer(value, 0xffff_ffff, name);

function text(value: Value, name: string): string {
  if (typeof value !== "string") throw new TypeError(`${name} is no text`);
  return value;
}

/** A copy of a `Uint8Array`'s bytes. */
function bytesOf(value: Value, name: string): Uint8Array {
  if (!types.isUint8Array(value)) throw new TypeError(`${name} is no Uint8Array`);
  return new Uint8Array(value);
}

function bigUint(value: Value, bits: number, name: string): bigint {
  if (typeof value !== "bigint" || BigInt.asUintN(bits, value) !== value)
    throw new TypeError(`${name} is no bigint of ${bits} bits`);
  return value;
}

/** Bytes of a buffer of the bundle's: of its beginning, `length` of them. */
function within(buffer: Value, length: number): Uint8Array {
  if (!types.isArrayBuffer(buffer)) throw new TypeError("the buffer is no ArrayBuffer");
  return new Uint8Array(buffer, 0, length); // a RangeError where the buffer ends before, a TypeError where it is detached
}

function whole(buffer: Value): Uint8Array {
  if (!types.isArrayBuffer(buffer)) throw new TypeError("the buffer is no ArrayBuffer");
  return new Uint8Array(buffer);
}

type ReadRange = Parameters<SysOperations["scanRange"]>;

/** Those that both versions have alike. */
function common({ operations, callersPlace }: SysSite): Functions {
  return {
    table_id_from_name: (name: Value) => operations.tableId(text(name, "the table's name")),
    index_id_from_name: (name: Value) => operations.indexId(text(name, "the index's name")),
    datastore_table_row_count: (table: Value) => BigInt(operations.count(u32(table, "the table"))),
    datastore_table_scan_bsatn: (table: Value) => operations.scan(u32(table, "the table")),
    datastore_clear: (table: Value) => BigInt(operations.clear(u32(table, "the table"))),
    row_iter_bsatn_close: (iterator: Value) => operations.closeIterator(u32(iterator, "the iterator")),
    volatile_nonatomic_schedule_immediate: (reducer: Value, args: Value) =>
      operations.scheduleNow(text(reducer, "the reducer's name"), bytesOf(args, "the arguments")),
    console_log: (level: Value, message: Value) =>
      operations.log(
        levels.get(integer(level, 255, "the level")) ?? LogLevel.debug,
        text(message, "the message"),
        callersPlace(),
      ),
    console_timer_start: (name: Value) => operations.startTimer(text(name, "the timer's name")),
    console_timer_end: (timer: Value) => operations.endTimer(u32(timer, "the timer"), callersPlace()),
    get_jwt_payload(connection: Value) {
      const bits = bigUint(connection, 128, "the connection");
      const bytes = new Uint8Array(16);
      const view = new DataView(bytes.buffer);
      view.setBigUint64(0, BigInt.asUintN(64, bits), true);
      view.setBigUint64(8, bits >> 64n, true);
      return operations.jwt(bytes);
    },
    procedure_start_mut_tx: () => BigInt(operations.begin()),
    procedure_commit_mut_tx: () => operations.end("commit"),
    procedure_abort_mut_tx: () => operations.end("abort"),
    procedure_http_request(record: Value, body: Value) {
      const request = bytesOf(record, "the request");
      const sent = typeof body === "string" ? encoder.encode(body) : bytesOf(body, "the request's body");
      return Object.freeze([...operations.request(request, sent)]);
    },
  };
}

/** The functions of version 1. Hooks are registered elsewhere. */
export function functionsOf1(site: SysSite): Functions {
  const { operations } = site;
  const rangeOf = (index: Value, prefix: Value, columns: Value, from: Value, to: Value): ReadRange => [
    u32(index, "the index"),
    bytesOf(prefix, "the prefix"),
    integer(columns, 0xffff, "the prefix's columns"),
    bytesOf(from, "the lower bound"),
    bytesOf(to, "the upper bound"),
  ];
  return {
    ...common(site),
    datastore_index_scan_point_bsatn: (index: Value, key: Value) =>
      operations.scanPoint(u32(index, "the index"), bytesOf(key, "the key")),
    datastore_delete_by_index_scan_point_bsatn: (index: Value, key: Value) =>
      operations.deletePoint(u32(index, "the index"), bytesOf(key, "the key")),
    datastore_index_scan_range_bsatn: (index: Value, prefix: Value, columns: Value, from: Value, to: Value) =>
      operations.scanRange(...rangeOf(index, prefix, columns, from, to)),
    datastore_delete_by_index_scan_range_bsatn: (index: Value, prefix: Value, columns: Value, from: Value, to: Value) =>
      operations.deleteRange(...rangeOf(index, prefix, columns, from, to)),
    datastore_delete_all_by_eq_bsatn: (table: Value, equal: Value) =>
      operations.deleteEqual(u32(table, "the table"), bytesOf(equal, "the rows")),
    row_iter_bsatn_advance(iterator: Value, lengthMax: Value) {
      const { isDone, bytes, needed } = operations.next(u32(iterator, "the iterator"), u32(lengthMax, "the length"));
      if (needed > 0) throw tooSmall(needed);
      return Object.freeze([isDone, bytes.slice()]);
    },
    datastore_insert_bsatn: (table: Value, row: Value) =>
      operations.insert(u32(table, "the table"), bytesOf(row, "the row")).slice(),
    datastore_update_bsatn: (table: Value, index: Value, row: Value) =>
      operations.update(u32(table, "the table"), u32(index, "the index"), bytesOf(row, "the row")).slice(),
    identity: () => Object.freeze({ __identity__: site.identity() }),
  };
}

export function functionsOf2(site: SysSite): Functions {
  const { operations } = site;
  /** Prefix and bounds stand in one buffer, back to back; without an upper bound it is the lower one. */
  const rangeOf = (index: Value, buffer: Value, prefix: Value, columns: Value, from: Value, to: Value): ReadRange => {
    const prefixLength = u32(prefix, "the prefix's length");
    const fromEnd = prefixLength + u32(from, "the lower bound's length");
    const toLength = u32(to, "the upper bound's length");
    const all = within(buffer, fromEnd + toLength);
    const lower = all.subarray(prefixLength, fromEnd);
    return [
      u32(index, "the index"),
      all.subarray(0, prefixLength),
      integer(columns, 0xffff, "the prefix's columns"),
      lower,
      toLength === 0 ? lower : all.subarray(fromEnd),
    ];
  };
  const keyOf = (buffer: Value, length: Value): Uint8Array => within(buffer, u32(length, "the length"));
  /** Overwrites the buffer's beginning with the generated columns; gives how long they are. */
  const deliver = (buffer: Value, generated: Uint8Array): number => {
    if (generated.length > 0) within(buffer, generated.length).set(generated);
    return generated.length;
  };
  return {
    ...common(site),
    datastore_index_scan_point_bsatn: (index: Value, buffer: Value, length: Value) =>
      operations.scanPoint(u32(index, "the index"), keyOf(buffer, length)),
    datastore_delete_by_index_scan_point_bsatn: (index: Value, buffer: Value, length: Value) =>
      operations.deletePoint(u32(index, "the index"), keyOf(buffer, length)),
    datastore_index_scan_range_bsatn: (...range: [Value, Value, Value, Value, Value, Value]) =>
      operations.scanRange(...rangeOf(...range)),
    datastore_delete_by_index_scan_range_bsatn: (...range: [Value, Value, Value, Value, Value, Value]) =>
      operations.deleteRange(...rangeOf(...range)),
    datastore_delete_all_by_eq_bsatn: (table: Value, buffer: Value, length: Value) =>
      operations.deleteEqual(u32(table, "the table"), keyOf(buffer, length)),
    row_iter_bsatn_advance(iterator: Value, buffer: Value) {
      const target = whole(buffer);
      const { isDone, bytes, needed } = operations.next(u32(iterator, "the iterator"), target.length);
      if (needed > 0) throw tooSmall(needed);
      target.set(bytes);
      return isDone ? 0 - bytes.length : bytes.length;
    },
    datastore_insert_bsatn: (table: Value, buffer: Value, length: Value) =>
      deliver(buffer, operations.insert(u32(table, "the table"), keyOf(buffer, length))),
    datastore_update_bsatn: (table: Value, index: Value, buffer: Value, length: Value) =>
      deliver(buffer, operations.update(u32(table, "the table"), u32(index, "the index"), keyOf(buffer, length))),
    identity: () => site.identity(),
  };
}

/** What tells a bundle how much room a row needs. */
function tooSmall(needed: number): object {
  return Object.freeze({ __buffer_too_small__: needed });
}
