/**
 * The host functions of `spacetime:sys`: what both versions have alike. Those of version 1 take and give byte arrays, those of
 * version 2 write in place, in a buffer of the bundle's.
 *
 * Nothing that a bundle passes is trusted: numbers are checked, and of its objects only what the engine itself knows of them (a
 * typed array's bytes, a buffer's) is read, so that no code of the bundle runs within one of these functions.
 */
import { types } from "node:util";
import { asIndexId, asTableId, type IndexId } from "@lightcone/base";
import { modulePromises } from "@lightcone/base/node";
import { Errno, LogLevel, type HostPort, type RowScan, type ScanBound } from "@lightcone/host";
import { readU256 } from "@lightcone/sats";
import type { RowIterators } from "./row-iterators.ts";

export type SysPhase = "loading" | "idle" | "reducer" | "procedure";

/** What the functions have of the instance that they are of. */
export interface SysSite {
  readonly port: HostPort;
  phase: SysPhase;
  isInTransaction: boolean;
  readonly iterators: RowIterators;
  /** Throws what the version has for an error number. */
  fail(code: number, text: string): never;
  /** Where the user's code stands that has come to call the host. */
  callersPlace(): { readonly file: string; readonly line: number } | undefined;
  /** Sends a request and waits for its answer. */
  request(record: Uint8Array, body: Uint8Array): [Uint8Array, Uint8Array];
}

/** Characters of a log line; what is longer is cut. */
const messageLengthMax = 64 * 1024;
/** Console timers that an instance may have running. */
export const consoleTimersMax = 1000;

const noBytes = new Uint8Array(0);
const unbounded: ScanBound = { kind: "unbounded" };
const levels: ReadonlyMap<unknown, LogLevel> = new Map(Object.values(LogLevel).map((level) => [level, level]));
/** What `find` of the port answers for an index that is not unique. */
const findNotUnique = -Errno.indexNotUnique - 1;
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

function boundOf(bytes: Uint8Array): ScanBound | undefined {
  const [tag] = bytes;
  if (tag === 2) return bytes.length === 1 ? unbounded : undefined;
  if (tag === 0) return { kind: "included", bytes: bytes.slice(1) };
  if (tag === 1) return { kind: "excluded", bytes: bytes.slice(1) };
  return undefined;
}

// --- what is done

/** The operations on rows, of ids and bytes that are the host's own. */
class Rows {
  private readonly site: SysSite;
  private readonly uniques = new Map<number, boolean>();

  constructor(site: SysSite) {
    this.site = site;
  }

  /** The port, for an operation that needs a transaction. */
  private data(): HostPort {
    const { site } = this;
    if (!site.isInTransaction)
      site.fail(
        Errno.notInTransaction,
        site.phase === "loading"
          ? "tables cannot be reached while the module is loaded"
          : "no transaction is open here",
      );
    return site.port;
  }

  private checked(count: number): number {
    if (count < 0) this.site.fail(-count, this.site.port.failure());
    return count;
  }

  private opened(scan: RowScan | number): number {
    if (typeof scan === "number") this.site.fail(-scan, this.site.port.failure());
    return this.site.iterators.openScan(scan);
  }

  tableId(name: string): number {
    const id = this.data().tableId(name);
    if (id === 0) this.site.fail(Errno.noSuchTable, `there is no table ${name}`);
    return id;
  }

  indexId(name: string): number {
    const id = this.data().indexId(name);
    if (id === 0) this.site.fail(Errno.noSuchIndex, `there is no index ${name}`);
    return id;
  }

  count = (table: number): number => this.checked(this.data().rowCount(asTableId(table)));
  scan = (table: number): number => this.opened(this.data().scanTable(asTableId(table)));
  clear = (table: number): number => this.checked(this.data().clear(asTableId(table)));
  deleteEqual = (table: number, rows: Uint8Array): number =>
    this.checked(this.data().deleteRows(asTableId(table), rows));

  scanPoint(index: number, key: Uint8Array): number {
    const port = this.data();
    const id = asIndexId(index);
    if (this.uniques.get(index) !== false) {
      const row = port.find(id, key, 0, key.length);
      if (row >= -1) {
        this.uniques.set(index, true);
        return this.site.iterators.openRow(row);
      }
      if (row !== findNotUnique) this.site.fail(-row - 1, port.failure());
      this.uniques.set(index, false);
    }
    return this.opened(port.scanPoint(id, key, 0, key.length));
  }

  deletePoint = (index: number, key: Uint8Array): number =>
    this.checked(this.data().deletePoint(asIndexId(index), key, 0, key.length));

  scanRange = (...range: ReadRange): number =>
    this.opened(
      this.ranged(range, (index, prefix, columns, from, to) =>
        this.site.port.scanRange(index, prefix, columns, from, to),
      ),
    );
  deleteRange = (...range: ReadRange): number =>
    this.checked(
      this.ranged(range, (index, prefix, columns, from, to) =>
        this.site.port.deleteRange(index, prefix, columns, from, to),
      ),
    );

  private ranged<T>(
    [index, prefix, columns, from, to]: ReadRange,
    run: (index: IndexId, prefix: Uint8Array, columns: number, from: ScanBound, to: ScanBound) => T,
  ): T {
    this.data();
    const first = boundOf(from);
    const last = boundOf(to);
    if (first === undefined || last === undefined) this.site.fail(Errno.bsatnDecode, "a bound of the range is none");
    return run(asIndexId(index), columns === 0 ? noBytes : prefix, columns, first, last);
  }

  /** What was generated of the row is in the port's `generated`. */
  insert(table: number, row: Uint8Array): Uint8Array {
    const port = this.data();
    this.checked(port.insert(asTableId(table), row, 0, row.length));
    return port.generated;
  }

  update(table: number, index: number, row: Uint8Array): Uint8Array {
    const port = this.data();
    this.checked(port.update(asTableId(table), asIndexId(index), row, 0, row.length));
    return port.generated;
  }
}

type ReadRange = [index: number, prefix: Uint8Array, columns: number, from: Uint8Array, to: Uint8Array];

/** Those that both versions have alike. */
function common(site: SysSite, rows: Rows): Functions {
  const { port, iterators } = site;
  const timers = new Map<number, { readonly name: string; readonly startMicros: number }>();
  let timerTop = 0;
  const log = (level: LogLevel, message: string): void => {
    const at = site.callersPlace();
    modulePromises.outside(() =>
      port.log({ level, message: message.slice(0, messageLengthMax), file: at?.file, line: at?.line }),
    );
  };
  const finish = (how: "commit" | "abort"): void => {
    const transactions = port.procedureTransactions;
    if (site.phase !== "procedure" || !site.isInTransaction || transactions === undefined)
      return site.fail(Errno.transactionNotAnonymous, "there is no transaction of the procedure's to end");
    site.isInTransaction = false;
    iterators.clear();
    const result = how === "commit" ? transactions.commit() : transactions.abort();
    if (result < 0) site.fail(-result, `the transaction could not be ${how === "commit" ? "committed" : "aborted"}`);
  };
  return {
    table_id_from_name: (name: Value) => rows.tableId(text(name, "the table's name")),
    index_id_from_name: (name: Value) => rows.indexId(text(name, "the index's name")),
    datastore_table_row_count: (table: Value) => BigInt(rows.count(u32(table, "the table"))),
    datastore_table_scan_bsatn: (table: Value) => rows.scan(u32(table, "the table")),
    datastore_clear: (table: Value) => BigInt(rows.clear(u32(table, "the table"))),
    row_iter_bsatn_close(iterator: Value) {
      if (!iterators.close(u32(iterator, "the iterator"))) site.fail(Errno.noSuchIter, "there is no such iterator");
    },
    volatile_nonatomic_schedule_immediate: (reducer: Value, args: Value) =>
      port.scheduleNow(text(reducer, "the reducer's name"), bytesOf(args, "the arguments")),
    console_log(level: Value, message: Value) {
      log(levels.get(integer(level, 255, "the level")) ?? LogLevel.debug, text(message, "the message"));
    },
    console_timer_start(name: Value) {
      const label = text(name, "the timer's name").slice(0, messageLengthMax);
      if (timers.size >= consoleTimersMax) throw new RangeError(`more than ${consoleTimersMax} console timers run`);
      timerTop = timers.size === 0 ? 1 : timerTop + 1;
      timers.set(timerTop, { name: label, startMicros: port.nowMicros() });
      return timerTop;
    },
    console_timer_end(id: Value) {
      const timer = timers.get(u32(id, "the timer"));
      if (timer === undefined) return site.fail(Errno.noSuchConsoleTimer, "there is no such timer");
      timers.delete(Number(id));
      return log(LogLevel.info, `${timer.name}: ${(port.nowMicros() - timer.startMicros) / 1000} ms`);
    },
    get_jwt_payload(connection: Value) {
      const bits = bigUint(connection, 128, "the connection");
      if (!site.isInTransaction) site.fail(Errno.notInTransaction, "no transaction is open here");
      const bytes = new Uint8Array(16);
      const view = new DataView(bytes.buffer);
      view.setBigUint64(0, BigInt.asUintN(64, bits), true);
      view.setBigUint64(8, bits >> 64n, true);
      return port.jwt(bytes)?.slice() ?? new Uint8Array(0);
    },
    procedure_start_mut_tx() {
      if (site.isInTransaction) site.fail(Errno.wouldBlockTransaction, "a transaction is open already");
      const transactions = port.procedureTransactions;
      if (site.phase !== "procedure" || transactions === undefined)
        throw new TypeError("a transaction can begin in a procedure only");
      const micros = transactions.begin();
      if (micros < 0) site.fail(-micros, "the transaction could not begin");
      site.isInTransaction = true;
      return BigInt(micros);
    },
    procedure_commit_mut_tx: () => finish("commit"),
    procedure_abort_mut_tx: () => finish("abort"),
    procedure_http_request(record: Value, body: Value) {
      const request = bytesOf(record, "the request");
      const sent = typeof body === "string" ? encoder.encode(body) : bytesOf(body, "the request's body");
      if (site.phase !== "procedure") throw new TypeError("only a procedure sends requests");
      if (site.isInTransaction)
        site.fail(
          Errno.wouldBlockTransaction,
          "nothing waits within a transaction: send the request before withTx, or behind it",
        );
      return site.request(request, sent);
    },
  };
}

const identityOf = ({ port }: SysSite): bigint => {
  const bytes = port.databaseIdentity;
  return readU256(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0);
};

/** The functions of version 1. Hooks are registered elsewhere. */
export function functionsOf1(site: SysSite): Functions {
  const rows = new Rows(site);
  const { iterators } = site;
  const rangeOf = (index: Value, prefix: Value, columns: Value, from: Value, to: Value): ReadRange => [
    u32(index, "the index"),
    bytesOf(prefix, "the prefix"),
    integer(columns, 0xffff, "the prefix's columns"),
    bytesOf(from, "the lower bound"),
    bytesOf(to, "the upper bound"),
  ];
  return {
    ...common(site, rows),
    datastore_index_scan_point_bsatn: (index: Value, key: Value) =>
      rows.scanPoint(u32(index, "the index"), bytesOf(key, "the key")),
    datastore_delete_by_index_scan_point_bsatn: (index: Value, key: Value) =>
      rows.deletePoint(u32(index, "the index"), bytesOf(key, "the key")),
    datastore_index_scan_range_bsatn: (index: Value, prefix: Value, columns: Value, from: Value, to: Value) =>
      rows.scanRange(...rangeOf(index, prefix, columns, from, to)),
    datastore_delete_by_index_scan_range_bsatn: (index: Value, prefix: Value, columns: Value, from: Value, to: Value) =>
      rows.deleteRange(...rangeOf(index, prefix, columns, from, to)),
    datastore_delete_all_by_eq_bsatn: (table: Value, equal: Value) =>
      rows.deleteEqual(u32(table, "the table"), bytesOf(equal, "the rows")),
    row_iter_bsatn_advance(iterator: Value, lengthMax: Value) {
      const { advanced, bytes } = iterators.next(u32(iterator, "the iterator"), u32(lengthMax, "the length"));
      if (advanced.kind === "no such iterator") return site.fail(Errno.noSuchIter, "there is no such iterator");
      if (advanced.kind === "too small") throw tooSmall(advanced.needed);
      return Object.freeze([advanced.isDone, bytes]);
    },
    datastore_insert_bsatn: (table: Value, row: Value) =>
      rows.insert(u32(table, "the table"), bytesOf(row, "the row")).slice(),
    datastore_update_bsatn: (table: Value, index: Value, row: Value) =>
      rows.update(u32(table, "the table"), u32(index, "the index"), bytesOf(row, "the row")).slice(),
    identity: () => Object.freeze({ __identity__: identityOf(site) }),
  };
}

export function functionsOf2(site: SysSite): Functions {
  const rows = new Rows(site);
  const { iterators } = site;
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
    ...common(site, rows),
    datastore_index_scan_point_bsatn: (index: Value, buffer: Value, length: Value) =>
      rows.scanPoint(u32(index, "the index"), keyOf(buffer, length)),
    datastore_delete_by_index_scan_point_bsatn: (index: Value, buffer: Value, length: Value) =>
      rows.deletePoint(u32(index, "the index"), keyOf(buffer, length)),
    datastore_index_scan_range_bsatn: (...range: [Value, Value, Value, Value, Value, Value]) =>
      rows.scanRange(...rangeOf(...range)),
    datastore_delete_by_index_scan_range_bsatn: (...range: [Value, Value, Value, Value, Value, Value]) =>
      rows.deleteRange(...rangeOf(...range)),
    datastore_delete_all_by_eq_bsatn: (table: Value, buffer: Value, length: Value) =>
      rows.deleteEqual(u32(table, "the table"), keyOf(buffer, length)),
    row_iter_bsatn_advance(iterator: Value, buffer: Value) {
      const advanced = iterators.advance(u32(iterator, "the iterator"), whole(buffer));
      if (advanced.kind === "no such iterator") return site.fail(Errno.noSuchIter, "there is no such iterator");
      if (advanced.kind === "too small") throw tooSmall(advanced.needed);
      return advanced.isDone ? 0 - advanced.length : advanced.length;
    },
    datastore_insert_bsatn: (table: Value, buffer: Value, length: Value) =>
      deliver(buffer, rows.insert(u32(table, "the table"), keyOf(buffer, length))),
    datastore_update_bsatn: (table: Value, index: Value, buffer: Value, length: Value) =>
      deliver(buffer, rows.update(u32(table, "the table"), u32(index, "the index"), keyOf(buffer, length))),
    identity: () => identityOf(site),
  };
}

/** What tells a bundle how much room a row needs. */
function tooSmall(needed: number): object {
  return Object.freeze({ __buffer_too_small__: needed });
}
