/**
 * Clients of the shelf of every kind, seen alike: what each holds of its subscriptions, as counted rows.
 *
 * A row is written `table[values]`. Those who speak the wire count inserts less deletes, and fail at once when a count
 * would be negative; clients proper show their caches, in which each row stands once.
 */
import { expect } from "vitest";
import { connect } from "lightcone/client";
import { ByteReader, ByteWriter } from "@lightcone/sats";
import { v2, v3, type ClientMessage, type ServerMessage, type TableUpdate } from "@lightcone/protocol";
import { WebSocket } from "ws";
import { RawClient } from "../raw-client.ts";
import type { Served } from "../served.ts";
import type * as shelf from "./modules/shelf.ts";

export type Rows = ReadonlyMap<string, number>;

export interface Subscriber {
  readonly name: string;
  /** The queries that it holds, each as often as its rows count. */
  readonly queries: readonly string[];
  /** Whether rows are counted, or stand once. */
  readonly counts: boolean;
  readonly rows: Rows;
  readonly isClosed: boolean;
  close(): void;
}

/** The first rows of a subscription, and what it holds from then on. */
export type Form = "legacy" | "single" | "multi";

class CountedRows {
  readonly rows = new Map<string, number>();
  private readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  add(row: string, by: number): void {
    const count = (this.rows.get(row) ?? 0) + by;
    expect(count, `${this.name} counts ${row}`).toBeGreaterThanOrEqual(0);
    if (count === 0) this.rows.delete(row);
    else this.rows.set(row, count);
  }
}

function readRow(table: string, bytes: Uint8Array): string {
  const input = new ByteReader(bytes);
  const values = table === "item" ? [input.u32(), input.u32(), input.string()] : [input.u32(), input.string()];
  return table + JSON.stringify(values);
}

function tablesOf(message: ServerMessage): readonly TableUpdate[] {
  switch (message.kind) {
    case "TransactionUpdate":
      return message.status.kind === "Committed" ? message.status.tables : [];
    case "TransactionUpdateLight":
    case "InitialSubscription":
    case "SubscribeMultiApplied":
    case "UnsubscribeMultiApplied":
      return message.tables;
    case "SubscribeApplied":
    case "UnsubscribeApplied":
      return [message.table];
    default:
      return [];
  }
}

/** Speaks `v1.bsatn`. */
export class WireSubscriber implements Subscriber {
  readonly name: string;
  queries: readonly string[] = [];
  readonly counts = true;
  private readonly client: RawClient;
  private readonly counted: CountedRows;
  private readonly waiting = new Map<number, () => void>();
  readonly errors: string[] = [];
  isGreeted = false;
  private requests = 0;

  private constructor(name: string, client: RawClient) {
    this.name = name;
    this.client = client;
    this.counted = new CountedRows(name);
  }

  static async open(served: Served, name: string, query = ""): Promise<WireSubscriber> {
    const subscriber = new WireSubscriber(name, await RawClient.open(served.url, "shelf", { query }));
    const greeted = new Promise<void>((resolve) => subscriber.waiting.set(-1, resolve));
    subscriber.client.onMessage = (message) => subscriber.take(message);
    await Promise.race([greeted, subscriber.client.over]);
    return subscriber;
  }

  get rows(): Rows {
    return this.counted.rows;
  }
  get isClosed(): boolean {
    return this.client.closed !== undefined;
  }
  get whyClosed(): string {
    return JSON.stringify(this.client.closed);
  }
  close(): void {
    this.client.close();
  }

  /** Says something that is answered once, and waits for the answer or the end of the connection. */
  async ask(make: (requestId: number) => ClientMessage): Promise<void> {
    const requestId = ++this.requests;
    const answered = new Promise<void>((resolve) => this.waiting.set(requestId, resolve));
    this.client.say(make(requestId));
    await Promise.race([answered, this.client.over]);
  }

  subscribe(form: Form, queries: readonly string[], queryId = 0): Promise<void> {
    this.queries = form === "legacy" ? queries : [...this.queries, ...queries];
    return this.ask((requestId) => subscribeMessage(form, queries, requestId, queryId));
  }

  call(reducer: string, args: Uint8Array): Promise<void> {
    return this.ask((requestId) => ({
      kind: "CallReducer",
      reducer,
      args,
      argsText: undefined,
      requestId,
      notify: true,
    }));
  }

  private take(message: ServerMessage): void {
    if (message.kind === "IdentityToken") this.isGreeted = true;
    if (message.kind === "SubscriptionError") this.errors.push(message.message);
    if (message.kind === "InitialSubscription") this.counted.rows.clear();
    for (const { tableName, updates } of tablesOf(message)) {
      for (const { deletes, inserts } of updates) {
        for (const row of deletes) this.counted.add(readRow(tableName, row), -1);
        for (const row of inserts) this.counted.add(readRow(tableName, row), 1);
      }
    }
    const requestId = message.kind === "IdentityToken" ? -1 : "requestId" in message ? (message.requestId ?? 0) : 0;
    // Others' updates carry the ids of their callers.
    if (message.kind === "TransactionUpdateLight") return;
    this.waiting.get(requestId)?.();
    this.waiting.delete(requestId);
  }
}

export function subscribeMessage(
  form: Form,
  queries: readonly string[],
  requestId: number,
  queryId: number,
): ClientMessage {
  switch (form) {
    case "legacy":
      return { kind: "Subscribe", queries, requestId };
    case "single":
      return { kind: "SubscribeSingle", query: queries[0] ?? "", requestId, queryId };
    case "multi":
      return { kind: "SubscribeMulti", queries, requestId, queryId };
  }
}

/** Speaks `v2.bsatn` or `v3.bsatn`: counts rows of all its query sets, and answers to its calls. */
export class LaterSubscriber implements Subscriber {
  readonly name: string;
  readonly queries: readonly string[];
  readonly counts = true;
  isClosed = false;
  /** Calls without an answer, by their request. */
  readonly unanswered = new Set<number>();
  private readonly protocol: "v2" | "v3";
  private readonly socket: WebSocket;
  private readonly counted: CountedRows;
  private applied = 0;
  private requests = 0;

  private constructor(protocol: "v2" | "v3", sets: readonly (readonly string[])[], socket: WebSocket) {
    this.name = protocol;
    this.protocol = protocol;
    this.queries = sets.flat();
    this.socket = socket;
    this.counted = new CountedRows(protocol);
    socket.on("close", () => (this.isClosed = true));
    socket.on("error", () => undefined);
  }

  static async open(
    served: Served,
    protocol: "v2" | "v3",
    sets: readonly (readonly string[])[],
  ): Promise<LaterSubscriber> {
    const url = `${served.url.replace("http", "ws")}/v1/database/shelf/subscribe?compression=None&confirmed=true`;
    const socket = new WebSocket(url, `${protocol}.bsatn.spacetimedb`, { perMessageDeflate: false });
    const subscriber = new LaterSubscriber(protocol, sets, socket);
    await new Promise<void>((resolve, reject) => {
      socket.on("message", (data: Buffer) => {
        for (const message of v3.decodeServerPayload(Uint8Array.from(data).subarray(1))) {
          if (message.kind === "InitialConnection") subscriber.say(sets.map(subscribeSet));
          subscriber.take(message);
        }
        if (subscriber.applied === sets.length) resolve();
      });
      socket.on("close", () => reject(new Error("it was closed")));
    });
    return subscriber;
  }

  get rows(): Rows {
    return this.counted.rows;
  }
  close(): void {
    this.socket.close();
  }

  /** Makes calls, in one frame where the protocol has it so. */
  call(...calls: readonly { readonly reducer: string; readonly args: Uint8Array }[]): void {
    const messages = calls.map((call) => ({ kind: "CallReducer", requestId: ++this.requests, ...call }) as const);
    for (const { requestId } of messages) this.unanswered.add(requestId);
    this.say(messages);
  }

  private say(messages: readonly v2.ClientMessage[]): void {
    const frames = this.protocol === "v3" ? [messages] : messages.map((message) => [message]);
    for (const frame of frames) {
      const out = new ByteWriter();
      for (const message of frame) v2.encodeClientMessage(out, message);
      this.socket.send(out.toBytes());
    }
  }

  private take(message: v2.ServerMessage): void {
    switch (message.kind) {
      case "SubscribeApplied":
        this.applied += 1;
        for (const { tableName, rows } of message.tables) this.count(tableName, rows, 1);
        break;
      case "TransactionUpdate":
        this.countSets(message.querySets);
        break;
      case "ReducerResult":
        expect(
          this.unanswered.delete(message.requestId),
          `${this.name}: call ${message.requestId} is answered once`,
        ).toBe(true);
        if (message.outcome.kind === "Ok") this.countSets(message.outcome.querySets);
        break;
      case "SubscriptionError":
        throw new Error(message.message);
      default:
    }
  }

  private countSets(sets: readonly v2.QuerySetUpdate[]): void {
    for (const { tables } of sets) {
      for (const { tableName, rows } of tables) {
        for (const each of rows) {
          if (each.kind !== "PersistentTable") continue;
          this.count(tableName, each.deletes, -1);
          this.count(tableName, each.inserts, 1);
        }
      }
    }
  }

  private count(table: string, rows: Iterable<Uint8Array>, by: number): void {
    for (const row of rows) this.counted.add(readRow(table, row), by);
  }
}

const subscribeSet = (queries: readonly string[], index: number): v2.ClientMessage => ({
  kind: "Subscribe",
  requestId: index,
  querySetId: index,
  queries,
});

interface JsonTable {
  readonly table_name: string;
  readonly updates: readonly { readonly deletes: readonly string[]; readonly inserts: readonly string[] }[];
}

/** Speaks `v1.json`, in one form of subscription. */
export class JsonSubscriber implements Subscriber {
  readonly name: string;
  readonly queries: readonly string[];
  readonly counts = true;
  isClosed = false;
  private readonly socket: WebSocket;
  private readonly counted: CountedRows;

  private constructor(name: string, queries: readonly string[], socket: WebSocket) {
    this.name = name;
    this.queries = queries;
    this.socket = socket;
    this.counted = new CountedRows(name);
    socket.on("close", () => (this.isClosed = true));
    socket.on("error", () => undefined);
  }

  static async open(served: Served, form: Form, queries: readonly string[]): Promise<JsonSubscriber> {
    const url = `${served.url.replace("http", "ws")}/v1/database/shelf/subscribe`;
    const socket = new WebSocket(url, "v1.json.spacetimedb");
    const subscriber = new JsonSubscriber(`JSON, ${form}`, queries, socket);
    const id = { id: 1 };
    const asked = {
      legacy: { Subscribe: { query_strings: queries, request_id: 1 } },
      single: { SubscribeSingle: { query: queries[0], request_id: 1, query_id: id } },
      multi: { SubscribeMulti: { query_strings: queries, request_id: 1, query_id: id } },
    };
    await new Promise<void>((resolve, reject) => {
      socket.on("message", (data: Buffer) => {
        const message: object = JSON.parse(data.toString());
        if ("IdentityToken" in message) socket.send(JSON.stringify(asked[form]));
        if (subscriber.take(message)) resolve();
      });
      socket.on("close", () => reject(new Error("it was closed")));
    });
    return subscriber;
  }

  get rows(): Rows {
    return this.counted.rows;
  }
  close(): void {
    this.socket.close();
  }

  /** Counts what a message tells of. Whether it was the first rows. */
  private take(message: object): boolean {
    let isFirst = false;
    const visit = (value: unknown, key: string): void => {
      if (key === "SubscriptionError") throw new Error(JSON.stringify(value));
      isFirst ||= /^(InitialSubscription|Subscribe.*Applied)$/.test(key);
      if (value === null || typeof value !== "object") return;
      if (isTable(value)) this.count(value);
      else for (const [name, inner] of Object.entries(value)) visit(inner, name);
    };
    visit(message, "");
    return isFirst;
  }

  private count({ table_name: table, updates }: JsonTable): void {
    const text = (row: string): string => table + JSON.stringify(Object.values(JSON.parse(row)));
    for (const { deletes, inserts } of updates) {
      for (const row of deletes) this.counted.add(text(row), -1);
      for (const row of inserts) this.counted.add(text(row), 1);
    }
  }
}

function isTable(value: object): value is JsonTable {
  return "table_name" in value && "updates" in value;
}

function cacheOf(
  items: Iterable<{ readonly id: number; readonly shelf: number; readonly text: string }>,
  marks: Iterable<{ readonly shelf: number; readonly text: string }>,
): Rows {
  const rows = new Map<string, number>();
  for (const { id, shelf: of, text } of items) rows.set(`item${JSON.stringify([id, of, text])}`, 1);
  for (const { shelf: of, text } of marks) rows.set(`mark${JSON.stringify([of, text])}`, 1);
  return rows;
}

/** Our own client. */
export async function openOurs(served: Served, queries: readonly [string, ...string[]]): Promise<Subscriber> {
  let connections = 0;
  const db = connect<typeof shelf>({
    uri: served.url,
    database: "shelf",
    onState: (state) => (connections += state === "connecting" ? 1 : 0),
  });
  await db.subscribe(...queries).applied;
  return {
    name: "our client",
    queries,
    counts: false,
    get rows() {
      return cacheOf(db.tables.item.rows(), db.tables.mark.rows());
    },
    // It would find its way back by itself, and what is asked here is that it need not.
    get isClosed() {
      return connections > 1;
    },
    close: () => db.close(),
  };
}

interface OfficialConnection {
  readonly db: {
    readonly item: { iter(): Iterable<{ readonly id: number; readonly shelf: number; readonly text: string }> };
    readonly mark: { iter(): Iterable<{ readonly shelf: number; readonly text: string }> };
  };
  subscriptionBuilder(): OfficialSubscription;
  disconnect(): void;
}
interface OfficialSubscription {
  onApplied(callback: () => void): OfficialSubscription;
  onError(callback: (context: { readonly event?: Error }) => void): OfficialSubscription;
  subscribe(queries: readonly string[]): unknown;
}
interface OfficialBuilder {
  withUri(uri: string): OfficialBuilder;
  withModuleName(name: string): OfficialBuilder;
  onConnect(callback: (connection: OfficialConnection) => void): OfficialBuilder;
  onConnectError(callback: (context: unknown, error: Error) => void): OfficialBuilder;
  onDisconnect(callback: () => void): OfficialBuilder;
  build(): unknown;
}
/** The bindings that our generator writes for the shelf. */
export interface OfficialBindings {
  readonly DbConnection: { builder(): OfficialBuilder };
}

/** The official client 1.12. */
export async function openOfficial(
  { DbConnection }: OfficialBindings,
  served: Served,
  queries: readonly string[],
): Promise<Subscriber> {
  let isClosed = false;
  const connection = await new Promise<OfficialConnection>((resolve, reject) => {
    DbConnection.builder()
      .withUri(served.url.replace("http", "ws"))
      .withModuleName("shelf")
      .onConnect(resolve)
      .onConnectError((_context, error) => reject(error))
      .onDisconnect(() => (isClosed = true))
      .build();
  });
  await new Promise<void>((resolve, reject) => {
    connection
      .subscriptionBuilder()
      .onApplied(resolve)
      .onError((context) => reject(context.event ?? new Error("refused")))
      .subscribe(queries);
  });
  return {
    name: "the official client",
    queries,
    counts: false,
    get rows() {
      return cacheOf(connection.db.item.iter(), connection.db.mark.iter());
    },
    get isClosed() {
      return isClosed;
    },
    close: () => connection.disconnect(),
  };
}

/** What queries return now, asked afresh. */
export async function freshRows(served: Served, queries: readonly string[]): Promise<Rows> {
  const counted = new CountedRows("a fresh query");
  const client = await RawClient.open(served.url, "shelf");
  await client.next();
  for (const query of queries) {
    client.say({ kind: "OneOffQuery", messageId: new Uint8Array(1), query });
    const answer = await client.next();
    if (answer?.kind !== "OneOffQueryResponse" || answer.error !== undefined)
      throw new Error(`a fresh query was answered by ${JSON.stringify(answer?.kind)}`);
    for (const { tableName, rows } of answer.tables) for (const row of rows) counted.add(readRow(tableName, row), 1);
  }
  client.close();
  return counted.rows;
}

/** Compares what a subscriber holds with what its queries return now. */
export async function holdsWhatIs(served: Served, subscriber: Subscriber, why: string): Promise<void> {
  const fresh = await freshRows(served, subscriber.queries);
  const expected = subscriber.counts ? fresh : new Map([...fresh.keys()].map((row) => [row, 1]));
  const sorted = (rows: Rows): unknown => [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
  expect(sorted(subscriber.rows), `${subscriber.name}, ${why}`).toEqual(sorted(expected));
}
