/**
 * A server of boards, without sockets and time: what it is asked waits until it is served, what it says until it is delivered. It
 * speaks our own sub-protocol, in which a client goes on from where it was, or version 3.
 */
import { lightcone, RowListBuilder, v2 } from "@lightcone/protocol";
import { ByteReader, ByteWriter, valueCodec } from "@lightcone/sats";
import {
  boardSchema,
  keyOf,
  noRows,
  ran,
  rowTypes,
  type AnyRow,
  type Call,
  type Rows,
  type TableName,
} from "./board.ts";

const codecs = {
  item: valueCodec<AnyRow>(rowTypes.item),
  note: valueCodec<AnyRow>(rowTypes.note),
  entry: valueCodec<AnyRow>(rowTypes.entry),
} as const;
const params = Object.fromEntries(
  boardSchema.reducers.map(({ accessor, params: type }) => [accessor, valueCodec<object>(type)]),
);
const tables = ["item", "note", "entry"] as const;

/** A frame, and what it means. */
export interface Message {
  readonly frame: Uint8Array;
  /** The rows that the client has been told by then. */
  readonly told: Rows;
  /** The call that it answers, by its place among those that were sent over the connection. */
  readonly answers?: { readonly place: number; readonly failed: boolean };
  /** How many subscriptions are answered by then. */
  readonly applied: number;
}

type ClientMessage = lightcone.ClientMessage;

/** What a frame asks. */
export function asksIn(frame: Uint8Array): ClientMessage[] {
  const input = new ByteReader(frame.slice(), "client payload");
  const asks: ClientMessage[] = [];
  while (input.remaining > 0) asks.push(lightcone.readClientMessage(input));
  return asks;
}

export class BoardConnection {
  /** What it has asked and is not served. */
  readonly queue: ClientMessage[];
  /** Whether it speaks our own sub-protocol. */
  readonly isOwn: boolean;
  readonly outbox: Message[] = [];
  readonly covers: Record<TableName, ((row: AnyRow) => boolean) | undefined> = {
    item: undefined,
    note: undefined,
    entry: undefined,
  };
  told = noRows;
  applied = 0;
  called = 0;

  constructor(queue: ClientMessage[], isOwn: boolean) {
    this.queue = queue;
    this.isOwn = isOwn;
  }
}

export class BoardServer {
  rows = noRows;
  readonly connections = new Set<BoardConnection>();
  /** How many clients have gone on from where they were. */
  static resumedCount = 0;
  /** The rows after each commit. */
  readonly #history = [noRows];
  #nextEntry = 1;
  readonly #covers = (): boolean => true;

  /** Serves the next thing that a connection has asked: of calls the first, while the rows of a subscription take long. */
  serve(connection: BoardConnection, isSlow: boolean): void {
    const { queue } = connection;
    const place = isSlow ? queue.findIndex(({ kind }) => kind === "CallReducer") : 0;
    const [ask] = queue.splice(Math.max(0, place), 1);
    if (ask === undefined) return;
    if (ask.kind === "Subscribe") return this.#subscribe(connection, ask);
    if (ask.kind === "Resume") return this.#resume(connection, ask, isSlow);
    if (ask.kind === "CallReducer") return this.#call(connection, ask);
    throw new Error(`no test asks for a ${ask.kind}`);
  }

  /** From now on it is told of these. */
  #hold(connection: BoardConnection, queries: readonly string[]): TableName[] {
    const seen: TableName[] = [];
    for (const query of queries) {
      const [, table, group] = /FROM "?(\w+)"?(?: WHERE "group" = (\d+))?$/.exec(query) ?? [];
      const name = tables.find((each) => each === table);
      if (name === undefined) throw new Error(`no test asks ${query}`);
      connection.covers[name] = (row) => group === undefined || ("group" in row && row.group === Number(group));
      seen.push(name);
    }
    connection.applied += 1;
    return seen;
  }

  #subscribe(connection: BoardConnection, ask: ClientMessage & { readonly kind: "Subscribe" }): void {
    const seen = this.#hold(connection, ask.queries);
    const out = this.#begin(connection, true);
    v2.beginSubscribeApplied(out, ask.requestId, ask.querySetId);
    const now = this.#seenBy(connection);
    out.u32(seen.length);
    for (const name of seen) {
      out.string(name);
      writeList(out, name, [...now[name].values()]);
    }
    connection.told = { ...connection.told, ...Object.fromEntries(seen.map((name) => [name, now[name]])) };
    connection.outbox.push({ frame: out.toBytes(), told: connection.told, applied: connection.applied });
  }

  /** What it had goes on; with `isShort`, only the first set of it. */
  #resume(connection: BoardConnection, ask: ClientMessage & { readonly kind: "Resume" }, isShort: boolean): void {
    const kept = isShort ? ask.sets.slice(0, 1) : ask.sets;
    BoardServer.resumedCount += 1;
    const names = kept.flatMap(({ queries }) => this.#hold(connection, queries));
    connection.told = this.#seenBy(connection, this.#history[Number(ask.place.offset)]);
    const out = this.#begin(connection, true);
    const ids = kept.map(({ querySetId }) => querySetId);
    lightcone.beginResumed(out, ask.requestId, ids, names);
    this.#writeNews(out, connection);
    connection.outbox.push({ frame: out.toBytes(), told: connection.told, applied: connection.applied });
  }

  /** A frame; with a place in front, if it brings the rows somewhere. */
  #begin({ isOwn }: BoardConnection, isPlaced: boolean): ByteWriter {
    const out = new ByteWriter();
    out.u8(0);
    if (isOwn && isPlaced) lightcone.writePlaceBefore(out, this.#history.length - 1, 0);
    return out;
  }

  greet({ isOwn }: BoardConnection): Uint8Array {
    const out = new ByteWriter();
    out.u8(0);
    v2.writeInitialConnection(out, new Uint8Array(32).fill(7), new Uint8Array(16).fill(9), "long-lived");
    if (isOwn) out.byteArray(Uint8Array.of(1));
    return out.toBytes();
  }

  #call(connection: BoardConnection, ask: ClientMessage & { readonly kind: "CallReducer" }): void {
    const place = connection.called++;
    const args = params[ask.reducer]?.read(new ByteReader(ask.args));
    // The name says what the arguments are.
    const failure = this.run({ name: ask.reducer, args } as Call, connection);
    const out = this.#begin(connection, failure === undefined);
    if (failure === undefined) {
      v2.beginReducerOk(out, ask.requestId, 0, undefined);
      this.#writeNews(out, connection);
    } else v2.writeReducerError(out, ask.requestId, 0, failure);
    const { told, applied } = connection;
    connection.outbox.push({ frame: out.toBytes(), told, applied, answers: { place, failed: failure !== undefined } });
  }

  /** Runs a call, for a connection or for nobody. The server has rules that no guess knows. */
  run(call: Call, caller?: BoardConnection): string | undefined {
    try {
      if (call.name === "bump" && call.args.by > 3) throw new Error("too much at once");
      const isOdd = call.name === "put" && call.args.n % 5 === 4;
      const given: Call = isOdd && call.name === "put" ? { name: "put", args: { ...call.args, n: 40 } } : call;
      this.rows = ran(this.rows, given, this.#covers, this.#nextEntry);
      if (call.name === "add") this.#nextEntry += 1;
      this.#history.push(this.rows);
    } catch (error) {
      return String(error);
    }
    for (const other of this.connections) {
      if (other === caller) continue;
      const out = this.#begin(other, true);
      v2.beginTransactionUpdate(out);
      if (this.#writeNews(out, other))
        other.outbox.push({ frame: out.toBytes(), told: other.told, applied: other.applied });
    }
    return undefined;
  }

  #seenBy({ covers }: BoardConnection, rows = this.rows): Rows {
    const seen = (name: TableName): ReadonlyMap<string, AnyRow> =>
      new Map([...rows[name]].filter(([, row]) => covers[name]?.(row) === true));
    return { item: seen("item"), note: seen("note"), entry: seen("entry") };
  }

  #writeNews(out: ByteWriter, connection: BoardConnection): boolean {
    const now = this.#seenBy(connection);
    const before = connection.told;
    const changed = tables.flatMap((name) => {
      const inserts = [...now[name].values()].filter((row) => !before[name].has(keyOf(row)));
      const deletes = [...before[name].values()].filter((row) => !now[name].has(keyOf(row)));
      return inserts.length + deletes.length === 0 ? [] : [{ name, inserts, deletes }];
    });
    connection.told = now;
    out.u32(changed.length === 0 ? 0 : 1);
    if (changed.length === 0) return false;
    v2.beginQuerySet(out, 1, changed.length);
    for (const { name, inserts, deletes } of changed) {
      v2.beginTable(out, name, 1);
      out.u8(v2.rowsKind.PersistentTable);
      writeList(out, name, inserts);
      writeList(out, name, deletes);
    }
    return true;
  }
}

function writeList(out: ByteWriter, name: TableName, rows: readonly AnyRow[]): void {
  const list = new RowListBuilder();
  for (const row of rows) {
    const bytes = new ByteWriter();
    codecs[name].write(bytes, row);
    list.add(bytes.toBytes(), 0, bytes.length);
  }
  list.writeTo(out);
}
