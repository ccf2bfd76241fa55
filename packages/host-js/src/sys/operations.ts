/**
 * What the host functions of `spacetime:sys` do, on values that are the host's own. Each refuses through `fail`, which throws what
 * the caller's version of the ABI has for an error number.
 *
 * A procedure runs in a thread of its own (`thread.ts`), where the same interface passes each operation on to this one.
 */
import { asIndexId, asTableId, type IndexId } from "@lightcone/base";
import { modulePromises } from "@lightcone/base/node";
import { Errno, LogLevel, type HostPort, type RowScan, type ScanBound } from "@lightcone/host";
import { type Chunk, RowIterators } from "./row-iterators.ts";

export type SysPhase = "loading" | "idle" | "reducer" | "view" | "procedure";

/** Throws what the caller's version has for an error number. */
export type Fail = (code: number, text: string) => never;

export interface Place {
  readonly file: string;
  readonly line: number;
}

export interface SysOperations {
  tableId(name: string): number;
  indexId(name: string): number;
  count(table: number): number;
  scan(table: number): number;
  clear(table: number): number;
  deleteEqual(table: number, rows: Uint8Array): number;
  scanPoint(index: number, key: Uint8Array): number;
  deletePoint(index: number, key: Uint8Array): number;
  scanRange(index: number, prefix: Uint8Array, columns: number, from: Uint8Array, to: Uint8Array): number;
  deleteRange(index: number, prefix: Uint8Array, columns: number, from: Uint8Array, to: Uint8Array): number;
  /** Gives the columns that were generated; the host's own until the next operation. */
  insert(table: number, row: Uint8Array): Uint8Array;
  update(table: number, index: number, row: Uint8Array): Uint8Array;
  next(iterator: number, bytesMax: number): Chunk;
  closeIterator(iterator: number): void;
  scheduleNow(reducer: string, args: Uint8Array): void;
  log(level: LogLevel, message: string, at: Place | undefined): void;
  startTimer(name: string): number;
  endTimer(timer: number, at: Place | undefined): void;
  jwt(connection: Uint8Array): Uint8Array;
  /** Begins a transaction of the procedure's; gives its time in microseconds. */
  begin(): number;
  end(how: "commit" | "abort"): void;
  /** Sends a request and waits for its answer: record and body. */
  request(record: Uint8Array, body: Uint8Array): readonly [Uint8Array, Uint8Array];
}

/** Characters of a log line; what is longer is cut. */
const messageLengthMax = 64 * 1024;
/** Console timers that an instance may have running. */
export const consoleTimersMax = 1000;

export const waitsInTransaction = "nothing waits within a transaction: send the request before withTx, or behind it";

const noBytes = new Uint8Array(0);
const unbounded: ScanBound = { kind: "unbounded" };
/** What `find` of the port answers for an index that is not unique. */
const findNotUnique = -Errno.indexNotUnique - 1;

export class Operations implements SysOperations {
  phase: SysPhase = "loading";
  isInTransaction = false;
  readonly iterators: RowIterators;
  private readonly port: HostPort;
  private readonly fail: Fail;
  /** By index: whether it is unique, learnt from the first point scan. Ids do not change under an instance. */
  private readonly uniques = new Map<number, boolean>();
  private readonly timers = new Map<number, { readonly name: string; readonly startMicros: number }>();
  private timerTop = 0;

  constructor(port: HostPort, fail: Fail) {
    this.port = port;
    this.fail = fail;
    this.iterators = new RowIterators(port);
  }

  /** Ends a call, and what it has left open. */
  endCall(): void {
    this.iterators.clear();
    this.phase = "idle";
    if (this.isInTransaction && this.port.procedureTransactions !== undefined && this.isOwnTransaction) {
      this.port.procedureTransactions.abort();
      this.port.log({
        level: LogLevel.error,
        message: "the procedure ended with its transaction open; what it wrote in it is undone",
      });
    }
    this.isInTransaction = false;
    this.isOwnTransaction = false;
  }

  // --- rows

  /** The port, for an operation that needs a transaction. */
  private data(): HostPort {
    if (!this.isInTransaction) {
      const isLoading = this.phase === "loading";
      this.fail(
        Errno.notInTransaction,
        isLoading ? "tables cannot be reached while the module is loaded" : "no transaction is open here",
      );
    }
    return this.port;
  }

  private checked(count: number): number {
    if (count < 0) this.fail(-count, this.port.failure());
    return count;
  }

  private opened(scan: RowScan | number): number {
    if (typeof scan === "number") return this.fail(-scan, this.port.failure());
    return this.iterators.openScan(scan);
  }

  tableId(name: string): number {
    const id = this.data().tableId(name);
    if (id === 0) this.fail(Errno.noSuchTable, `there is no table ${name}`);
    return id;
  }

  indexId(name: string): number {
    const id = this.data().indexId(name);
    if (id === 0) this.fail(Errno.noSuchIndex, `there is no index ${name}`);
    return id;
  }

  count(table: number): number {
    return this.checked(this.data().rowCount(asTableId(table)));
  }

  scan(table: number): number {
    return this.opened(this.data().scanTable(asTableId(table)));
  }

  clear(table: number): number {
    return this.checked(this.data().clear(asTableId(table)));
  }

  deleteEqual(table: number, rows: Uint8Array): number {
    return this.checked(this.data().deleteRows(asTableId(table), rows));
  }

  scanPoint(index: number, key: Uint8Array): number {
    const port = this.data();
    const id = asIndexId(index);
    if (this.uniques.get(index) !== false) {
      const row = port.find(id, key, 0, key.length);
      if (row >= -1) {
        this.uniques.set(index, true);
        return this.iterators.openRow(row);
      }
      if (row !== findNotUnique) this.fail(-row - 1, port.failure());
      this.uniques.set(index, false);
    }
    return this.opened(port.scanPoint(id, key, 0, key.length));
  }

  deletePoint(index: number, key: Uint8Array): number {
    return this.checked(this.data().deletePoint(asIndexId(index), key, 0, key.length));
  }

  scanRange(...range: Parameters<SysOperations["scanRange"]>): number {
    const port = this.data();
    return this.opened(this.ranged(range, (...read) => port.scanRange(...read)));
  }

  deleteRange(...range: Parameters<SysOperations["deleteRange"]>): number {
    const port = this.data();
    return this.checked(this.ranged(range, (...read) => port.deleteRange(...read)));
  }

  private ranged<T>(
    [index, prefix, columns, from, to]: Parameters<SysOperations["scanRange"]>,
    run: (index: IndexId, prefix: Uint8Array, columns: number, from: ScanBound, to: ScanBound) => T,
  ): T {
    const first = boundOf(from);
    const last = boundOf(to);
    if (first === undefined || last === undefined) return this.fail(Errno.bsatnDecode, "a bound of the range is none");
    return run(asIndexId(index), columns === 0 ? noBytes : prefix, columns, first, last);
  }

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

  next(iterator: number, bytesMax: number): Chunk {
    return this.iterators.next(iterator, bytesMax) ?? this.fail(Errno.noSuchIter, "there is no such iterator");
  }

  closeIterator(iterator: number): void {
    if (!this.iterators.close(iterator)) this.fail(Errno.noSuchIter, "there is no such iterator");
  }

  // --- what is not about rows

  scheduleNow(reducer: string, args: Uint8Array): void {
    this.port.scheduleNow(reducer, args);
  }

  log(level: LogLevel, message: string, at: Place | undefined): void {
    const { port } = this;
    const text = message.slice(0, messageLengthMax);
    modulePromises.outside(() => port.log({ level, message: text, file: at?.file, line: at?.line }));
  }

  startTimer(name: string): number {
    if (this.timers.size >= consoleTimersMax) throw new RangeError(`more than ${consoleTimersMax} console timers run`);
    this.timerTop = this.timers.size === 0 ? 1 : this.timerTop + 1;
    this.timers.set(this.timerTop, { name: name.slice(0, messageLengthMax), startMicros: this.port.nowMicros() });
    return this.timerTop;
  }

  endTimer(timer: number, at: Place | undefined): void {
    const known = this.timers.get(timer);
    if (known === undefined) return this.fail(Errno.noSuchConsoleTimer, "there is no such timer");
    this.timers.delete(timer);
    return this.log(LogLevel.info, `${known.name}: ${(this.port.nowMicros() - known.startMicros) / 1000} ms`, at);
  }

  jwt(connection: Uint8Array): Uint8Array {
    return this.data().jwt(connection)?.slice() ?? noBytes;
  }

  // --- procedures

  /** Whether the open transaction is one that the procedure has begun. */
  private isOwnTransaction = false;

  begin(): number {
    if (this.isInTransaction) this.fail(Errno.wouldBlockTransaction, "a transaction is open already");
    const transactions = this.port.procedureTransactions;
    if (this.phase !== "procedure" || transactions === undefined)
      throw new TypeError("a transaction can begin in a procedure only");
    const micros = transactions.begin();
    if (micros < 0) this.fail(-micros, "the transaction could not begin");
    this.isInTransaction = true;
    this.isOwnTransaction = true;
    return micros;
  }

  end(how: "commit" | "abort"): void {
    const transactions = this.port.procedureTransactions;
    if (!this.isOwnTransaction || transactions === undefined)
      return this.fail(Errno.transactionNotAnonymous, "there is no transaction of the procedure's to end");
    this.isInTransaction = false;
    this.isOwnTransaction = false;
    this.iterators.clear();
    const result = how === "commit" ? transactions.commit() : transactions.abort();
    if (result < 0) this.fail(-result, `the transaction could not be ${how === "commit" ? "committed" : "aborted"}`);
  }

  /** A procedure's thread asks for the request itself. */
  request(): never {
    if (this.isInTransaction) return this.fail(Errno.wouldBlockTransaction, waitsInTransaction);
    throw new TypeError("only a procedure sends requests");
  }
}

function boundOf(bytes: Uint8Array): ScanBound | undefined {
  const [tag] = bytes;
  if (tag === 2) return bytes.length === 1 ? unbounded : undefined;
  if (tag === 0) return { kind: "included", bytes: bytes.slice(1) };
  if (tag === 1) return { kind: "excluded", bytes: bytes.slice(1) };
  return undefined;
}
