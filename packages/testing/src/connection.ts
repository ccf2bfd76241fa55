/** One connection to a database under test: the messages of protocol v2, without a socket. */
import { defined, LightconeError } from "@lightcone/base";
import type { Caller, ConnectionHandle, ConnectionSink, DatabaseLink } from "@lightcone/database";
import { v2 } from "@lightcone/protocol";
import { ByteReader, ByteWriter } from "@lightcone/sats";
import type { CalledFunction } from "./functions.ts";
import type { AnyRow, RowReader } from "./rows.ts";
import { LiveRows } from "./subscription.ts";

/** What a connection has of its world. */
export interface ConnectionSite {
  readonly link: DatabaseLink;
  readonly readers: ReadonlyMap<string, RowReader>;
  /** What the module's log has of a call that broke. */
  lastWords(): string;
}

interface Waiting {
  readonly resolve: (message: v2.ServerMessage) => void;
  readonly reject: (error: Error) => void;
}

/** The Close of a module that does not want a client. */
const refusedCode = 4403;
/** How the reference's server answers for a reducer that broke. */
const crashed = "The instance encountered a fatal error.";

export class TestConnection {
  readonly caller: Caller;
  private readonly site: ConnectionSite;
  private readonly handle: ConnectionHandle;
  private readonly waiting = new Map<number, Waiting>();
  private readonly live = new Map<number, LiveRows>();
  private readonly opened: Promise<void>;
  private settleOpened: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;
  private lastId = 0;
  /** Why it is over. */
  private over: Error | undefined;

  constructor(site: ConnectionSite, caller: Caller) {
    this.site = site;
    this.caller = caller;
    this.opened = new Promise((resolve, reject) => (this.settleOpened = { resolve, reject }));
    this.opened.catch(() => undefined); // whoever waits for it is told
    this.handle = site.link.connect(
      { caller, token: "", protocol: "v2.bsatn", compression: "none", light: false, confirmed: false, results: true },
      this.makeSink(),
    );
  }

  get isOver(): boolean {
    return this.over !== undefined;
  }

  /** Resolves when the module has let it in. @throws {LightconeError} `Refused` */
  open(): Promise<void> {
    return this.opened;
  }

  async call(called: CalledFunction, args: unknown): Promise<unknown> {
    const bytes = called.encode(args);
    const requestId = (this.lastId += 1);
    const { name } = called;
    const answer = await this.ask(
      called.kind === "procedure"
        ? { kind: "CallProcedure", requestId, procedure: name, args: bytes }
        : { kind: "CallReducer", requestId, reducer: name, args: bytes },
    );
    if (answer.kind === "ProcedureResult") {
      if (answer.status.kind === "Returned") return called.decode(answer.status.value);
      throw new LightconeError("ProcedureFailed", { message: this.told(answer.status.message) });
    }
    if (answer.kind !== "ReducerResult") throw new TypeError(`${answer.kind} is no answer to a call`);
    const { outcome } = answer;
    switch (outcome.kind) {
      case "Ok":
        return called.decode(outcome.value);
      case "OkEmpty":
        return undefined;
      case "Err":
        throw new LightconeError("ReducerFailed", { message: new ByteReader(outcome.error, "an error").string() });
      case "InternalError":
        throw new LightconeError("ReducerFailed", { message: this.told(outcome.message) });
    }
  }

  async subscribe(sql: string): Promise<LiveRows> {
    const requestId = (this.lastId += 1);
    const answer = await this.ask({ kind: "Subscribe", requestId, querySetId: requestId, queries: [sql] });
    if (answer.kind !== "SubscribeApplied")
      throw new LightconeError("SubscriptionRefused", {
        message: answer.kind === "SubscriptionError" ? answer.message : answer.kind,
      });
    return defined(this.live.get(requestId), "the rows of a subscription");
  }

  /** Rows of a query, once. */
  async query(sql: string): Promise<AnyRow[]> {
    const requestId = (this.lastId += 1);
    const answer = await this.ask({ kind: "OneOffQuery", requestId, query: sql });
    if (answer.kind !== "OneOffQueryResult") throw new TypeError(`${answer.kind} is no answer to a query`);
    const { result } = answer;
    if (result.kind === "err") throw new LightconeError("SubscriptionRefused", { message: result.message });
    return result.tables.flatMap(({ tableName, rows }) => {
      const reader = this.readerOf(tableName);
      return [...rows].map((bytes) => reader.read(bytes));
    });
  }

  close(): void {
    if (this.over !== undefined) return;
    this.end(new LightconeError("ConnectionClosed", { reason: "the test closed it" }));
    this.handle.closed();
  }

  /** Does not wait until it is let in: that and what it asks first are one turn of the database. */
  private ask(message: v2.ClientMessage): Promise<v2.ServerMessage> {
    if (this.over !== undefined) return Promise.reject(this.over);
    const answer = new Promise<v2.ServerMessage>((resolve, reject) =>
      this.waiting.set(message.requestId, { resolve, reject }),
    );
    this.say(message);
    return answer;
  }

  private say(message: v2.ClientMessage): void {
    const out = new ByteWriter(128);
    v2.encodeClientMessage(out, message);
    this.handle.receive(out.toBytes(), 0, out.length, false);
  }

  private heard(message: v2.ServerMessage): void {
    switch (message.kind) {
      case "InitialConnection":
        this.settleOpened?.resolve();
        return;
      case "TransactionUpdate":
        this.apply(message.querySets);
        return;
      case "ReducerResult":
        if (message.outcome.kind === "Ok") this.apply(message.outcome.querySets);
        this.answer(message.requestId, message);
        return;
      case "SubscribeApplied": {
        const { querySetId } = message;
        const live = new LiveRows(this.site.readers, () => this.unsubscribe(querySetId));
        for (const { tableName, rows } of message.tables) live.begin(tableName, rows);
        this.live.set(querySetId, live);
        this.answer(message.requestId, message);
        return;
      }
      case "SubscriptionError":
        this.live.delete(message.querySetId);
        if (message.requestId !== undefined) this.answer(message.requestId, message);
        return;
      default:
        this.answer(message.requestId, message);
    }
  }

  private async unsubscribe(querySetId: number): Promise<void> {
    if (!this.live.has(querySetId)) return;
    const requestId = (this.lastId += 1);
    await this.ask({ kind: "Unsubscribe", requestId, querySetId, sendDroppedRows: false });
    this.live.delete(querySetId);
  }

  private apply(querySets: readonly v2.QuerySetUpdate[]): void {
    for (const { querySetId, tables } of querySets)
      for (const { tableName, rows } of tables)
        for (const each of rows) this.live.get(querySetId)?.apply(tableName, each);
  }

  private answer(requestId: number, message: v2.ServerMessage): void {
    const waiting = this.waiting.get(requestId);
    this.waiting.delete(requestId);
    waiting?.resolve(message);
  }

  /** It is over: whoever waits is told why. */
  end(error: Error): void {
    this.over ??= error;
    this.settleOpened?.reject(error);
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }

  private readerOf(tableName: string): RowReader {
    return defined(this.site.readers.get(tableName), `the columns of ${tableName}`);
  }

  /** What a client is told, and what the log has besides, which an owner would look up. */
  private told(message: string): string {
    const words = message === crashed ? this.site.lastWords() : "";
    return words === "" ? message : `${message}\n${words}`;
  }

  private makeSink(): ConnectionSink {
    let parts: Uint8Array[] = [];
    return {
      queuedBytes: 0,
      send: (bytes, at, length, last) => {
        parts.push(bytes.slice(at, at + length));
        if (!last) return;
        const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
        let to = 0;
        for (const part of parts) {
          whole.set(part, to);
          to += part.length;
        }
        parts = [];
        // The first byte says how it is compressed: it is not.
        this.heard(v2.decodeServerMessage(whole.subarray(1)));
      },
      answered: () => undefined,
      note: () => undefined,
      close: (code, reason) =>
        this.end(
          code === refusedCode
            ? new LightconeError("Refused", { message: reason })
            : new LightconeError("ConnectionClosed", { reason }),
        ),
    };
  }
}
