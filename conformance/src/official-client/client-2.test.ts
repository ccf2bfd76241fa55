// Goal: issue 9, row "protocols". The official TypeScript client 2.x works against our server unchanged, over `v3.bsatn` and
// `v2.bsatn`, whatever the module is written in, and whatever host ends meanwhile.
// Method: bindings that our generator writes; each feature of the client's surface once, against the Rust and the TypeScript
// chat, that of the official package 2.x, and a Rust module built with 2.10. A host is killed with calls on their way.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { bundleModule } from "../../../packages/cli/src/build/bundle.ts";
import { officialBundle } from "../official-bundles/official.ts";
import { rustModule } from "../rust-modules.ts";
import { Served, type ServedOptions } from "../served.ts";
import { GeneratedBindings, hasOfficialClient2 } from "./chat-client.ts";
import { offering } from "./offering.ts";

const rust = rustModule("chat");
const harbor = rustModule("harbor2");
const typescript = fileURLToPath(new URL("../../../examples/chat/module/src/index.ts", import.meta.url));

/** The part of the surface of 2.x that the suite uses; bindings of any module have this shape. */
interface Table {
  iter(): Iterable<Record<string, unknown>>;
  count(): bigint | number;
  onInsert(callback: (context: RowContext, row: Record<string, unknown>) => void): void;
  onDelete(callback: (context: RowContext, row: Record<string, unknown>) => void): void;
  onUpdate(
    callback: (context: RowContext, before: Record<string, unknown>, after: Record<string, unknown>) => void,
  ): void;
}
interface RowContext {
  readonly event: { readonly tag: string; readonly value?: { readonly reducer?: { readonly name: string } } };
}
interface Identity {
  toHexString(): string;
}
interface Handle {
  unsubscribe(): void;
  unsubscribeThen(callback: () => void): void;
}
interface SubscriptionBuilder {
  onApplied(callback: () => void): SubscriptionBuilder;
  onError(callback: (context: { readonly event?: Error }) => void): SubscriptionBuilder;
  subscribe(queries: string | readonly string[]): Handle;
  subscribeToAllTables(): void;
}
type Call = (args?: object) => Promise<unknown>;
interface Connection {
  readonly db: Readonly<Record<string, Table>>;
  readonly reducers: Readonly<Record<string, Call>>;
  readonly procedures: Readonly<Record<string, Call>>;
  subscriptionBuilder(): SubscriptionBuilder;
  disconnect(): void;
}
interface Builder {
  withUri(uri: string): Builder;
  withDatabaseName(name: string): Builder;
  withToken(token: string | undefined): Builder;
  withConfirmedReads(on: boolean): Builder;
  withCompression(kind: "gzip" | "none"): Builder;
  withWSFn(open: (asked: object) => unknown): Builder;
  onConnect(callback: (connection: Connection, identity: Identity, token: string) => void): Builder;
  onConnectError(callback: (context: unknown, error: Error) => void): Builder;
  onDisconnect(callback: (context: unknown, error?: Error) => void): Builder;
  build(): Connection;
}
interface Bindings {
  readonly DbConnection: { builder(): Builder };
}

interface Program {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly hostType: "Js" | "Wasm";
}

interface Connected {
  readonly connection: Connection;
  readonly identity: Identity;
  readonly token: string;
  readonly disconnected: Promise<void>;
}

/** A server with a program, and clients of it that leave with the test. */
class Place {
  served: Served | undefined;
  identity = "";
  private readonly open = new Set<Connection>();
  private generated: GeneratedBindings | undefined;

  async start({ name, bytes, hostType }: Program, options: ServedOptions = {}): Promise<void> {
    this.served = await Served.open(options);
    await this.served.publish(name, bytes, hostType);
    const info: { database_identity: { __identity__: string } } = JSON.parse(
      await (await this.served.request("GET", `/v1/database/${name}`)).text(),
    );
    this.identity = info.database_identity.__identity__.slice(2);
    this.generated = await GeneratedBindings.of(bytes, hostType, 2);
  }

  /** How many hosts have been told to open the database. */
  get openings(): number {
    return this.served?.openings.get(this.identity) ?? 0;
  }

  leave(): void {
    for (const connection of this.open) connection.disconnect();
    this.open.clear();
  }

  async stop(): Promise<void> {
    await this.served?.stop();
    await this.generated?.remove();
  }

  builder(name: string): Builder {
    const bindings: unknown = this.generated?.bindings;
    return (bindings as Bindings).DbConnection.builder()
      .withUri((this.served?.url ?? "").replace("http", "ws"))
      .withDatabaseName(name);
  }

  connect(name: string, prepare: (builder: Builder) => Builder = (builder) => builder): Promise<Connected> {
    return new Promise((resolve, reject) => {
      const over = Promise.withResolvers<void>();
      prepare(this.builder(name))
        .onConnect((connection, identity, token) => {
          this.open.add(connection);
          resolve({ connection, identity, token, disconnected: over.promise });
        })
        .onConnectError((_context, error) => reject(error))
        .onDisconnect(() => over.resolve())
        .build();
    });
  }

  killHost(): void {
    process.kill(this.served?.hosts.get(this.identity) ?? 0, "SIGKILL");
  }
}

const subscribed = (connection: Connection, queries: string | readonly string[]): Promise<Handle> =>
  new Promise((resolve, reject) => {
    const handle = connection
      .subscriptionBuilder()
      .onApplied(() => resolve(handle))
      .onError((context) => reject(context.event ?? new Error("refused")))
      .subscribe(queries);
  });

const table = (connection: Connection, name: string): Table => {
  const found = connection.db[name];
  if (found === undefined) throw new Error(`no table ${name}`);
  return found;
};
const callOf = (functions: Readonly<Record<string, Call>>, name: string): Call => {
  const found = functions[name];
  if (found === undefined) throw new Error(`no function ${name}`);
  return found;
};
const texts = (connection: Connection): readonly unknown[] =>
  Array.from(table(connection, "message").iter(), (row) => row["text"]);
const send = (connection: Connection, text: string): Promise<unknown> =>
  callOf(connection.reducers, "sendMessage")({ text });

describe.skipIf(!hasOfficialClient2)("row protocols: the official client 2.x", () => {
  describe.skipIf(rust === undefined)("and the Rust chat", () =>
    chats(async () => ({ name: "chat", bytes: new Uint8Array(await readFile(rust ?? "")), hostType: "Wasm" })),
  );
  describe("and the TypeScript chat", () =>
    chats(async () => ({
      name: "chat",
      bytes: new TextEncoder().encode((await bundleModule(typescript)).code),
      hostType: "Js",
    })));
  describe("and the chat of the official package 2.x (row 9: official bundles)", () =>
    chats(async () => ({
      name: "chat",
      bytes: new TextEncoder().encode(await officialBundle("chat", 2)),
      hostType: "Js",
    })));
  describe.skipIf(harbor === undefined)("and a Rust module of 2.10", () =>
    harbors(async () => ({ name: "harbor", bytes: new Uint8Array(await readFile(harbor ?? "")), hostType: "Wasm" })),
  );
});

describe.skipIf(!hasOfficialClient2)("row protocols: the official client 2.x and a database that rests", () => {
  const place = new Place();
  beforeAll(async () => {
    const bytes = new TextEncoder().encode((await bundleModule(typescript)).code);
    const serverLimits = { parkAfterMs: 300, parkWakeTimesMin: 0, spareHostsMax: 2 };
    await place.start({ name: "chat", bytes, hostType: "Js" }, { serverLimits });
  });
  afterAll(async () => {
    place.leave();
    await place.stop();
  });

  test("its query sets are there when it wakes", async () => {
    const clients = [
      await place.connect("chat"),
      await place.connect("chat", offering("v2.bsatn.spacetimedb")),
      await place.connect("chat", offering("v3.bsatn.spacetimedb")),
    ].map(({ connection }) => connection);
    for (const connection of clients) {
      await subscribed(connection, "SELECT * FROM user");
      await subscribed(connection, "SELECT * FROM message");
    }
    for (const [index, speaker] of clients.entries()) {
      await expect.poll(() => place.served?.isAwake(place.identity), { timeout: 30_000 }).toBe(false);
      await Promise.all([send(speaker, `one of ${index}`), send(speaker, `two of ${index}`)]);
      const said = Array.from({ length: index + 1 }, (_, at) => [`one of ${at}`, `two of ${at}`]).flat();
      for (const connection of clients) await expect.poll(() => texts(connection), { timeout: 30_000 }).toEqual(said);
    }
    expect(place.served?.openings.get(place.identity)).toBeGreaterThan(clients.length);
  });
});

function chats(load: () => Promise<Program>): void {
  const place = new Place();
  beforeAll(async () => place.start(await load()));
  afterEach(() => place.leave());
  afterAll(() => place.stop());
  const connect = (prepare?: (builder: Builder) => Builder): Promise<Connected> => place.connect("chat", prepare);

  test("the token is kept: a reconnection with it is the same identity", async () => {
    const first = await connect();
    const again = await connect((builder) => builder.withToken(first.token));
    expect(again.identity.toHexString()).toBe(first.identity.toHexString());
    const other = await connect();
    expect(other.identity.toHexString()).not.toBe(first.identity.toHexString());
    await expect(connect((builder) => builder.withToken("x.y.z"))).rejects.toThrow(/verify token/);
  });

  test("rows: first ones, inserts, updates; a call's promise is kept when its rows are there", async () => {
    const { connection, identity } = await connect();
    await subscribed(connection, ["SELECT * FROM user", "SELECT * FROM message"]);
    const me = Array.from(table(connection, "user").iter()).find(
      (user) => (user["identity"] as Identity).toHexString() === identity.toHexString(),
    );
    expect(me).toMatchObject({ online: true });
    const updated = Promise.withResolvers<readonly unknown[]>();
    table(connection, "user").onUpdate((_context, before, after) => updated.resolve([before["name"], after["name"]]));
    await callOf(connection.reducers, "setName")({ name: "Ada" });
    expect(await updated.promise).toEqual([undefined, "Ada"]);
    const inserted = Promise.withResolvers<readonly unknown[]>();
    table(connection, "message").onInsert(({ event }, row) =>
      inserted.resolve([event.tag, event.value?.reducer?.name, row["text"]]),
    );
    await send(connection, "hello");
    expect(texts(connection)).toContain("hello");
    expect(await inserted.promise).toEqual(["Reducer", "send_message", "hello"]);
  });

  test("a reducer that refuses rejects with its text, and no rows", async () => {
    const { connection } = await connect();
    await subscribed(connection, "SELECT * FROM message");
    const count = texts(connection).length;
    const error: unknown = await send(connection, "  ").catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "SenderError", message: "Messages must not be empty" });
    expect(texts(connection).length).toBe(count);
  });

  test("many calls of one tick are carried out in their order, those that are refused among them", async () => {
    const { connection } = await connect();
    const listener = await connect();
    await subscribed(connection, "SELECT * FROM message");
    await subscribed(listener.connection, "SELECT * FROM message");
    const told = Array.from({ length: 300 }, (_, index) => (index % 50 === 7 ? "" : `number ${index}`));
    const heard = Promise.withResolvers<void>();
    table(listener.connection, "message").onInsert((_context, row) => {
      if (row["text"] === "number 299") heard.resolve();
    });
    const ended = await Promise.allSettled(told.map((text) => send(connection, text)));
    expect(ended.map(({ status }) => status)).toEqual(told.map((text) => (text === "" ? "rejected" : "fulfilled")));
    await heard.promise;
    const wanted = told.filter((text) => text !== "");
    for (const each of [connection, listener.connection])
      expect(texts(each).filter((text) => String(text).startsWith("number "))).toEqual(wanted);
  });

  test("overlapping subscriptions: rows leave with the last", async () => {
    const { connection, identity } = await connect();
    const all = await subscribed(connection, "SELECT * FROM user");
    const one = await subscribed(connection, `SELECT * FROM user WHERE identity = 0x${identity.toHexString()}`);
    const count = (): number => [...table(connection, "user").iter()].length;
    expect(count()).toBeGreaterThanOrEqual(1);
    await new Promise<void>((resolve) => all.unsubscribeThen(resolve));
    expect(count()).toBe(1);
    await new Promise<void>((resolve) => one.unsubscribeThen(resolve));
    expect(count()).toBe(0);
  });

  test("a query that is wrong is told to its subscription alone", async () => {
    const { connection } = await connect();
    await expect(subscribed(connection, "SELECT * FROM nothing")).rejects.toThrow(/no such table/);
    await subscribed(connection, "SELECT * FROM message");
  });

  test("subscribed to all tables", async () => {
    const { connection } = await connect();
    await new Promise<void>((resolve, reject) => {
      connection
        .subscriptionBuilder()
        .onApplied(resolve)
        .onError(({ event }) => reject(event ?? new Error("refused")))
        .subscribeToAllTables();
    });
    expect([...table(connection, "user").iter()].length).toBeGreaterThan(0);
  });

  test.each([
    { how: "as it is", prepare: (builder: Builder) => builder },
    { how: "confirmed", prepare: (builder: Builder) => builder.withConfirmedReads(true) },
    { how: "not confirmed", prepare: (builder: Builder) => builder.withConfirmedReads(false) },
    { how: "not compressed", prepare: (builder: Builder) => builder.withCompression("none") },
    { how: "with v2 alone", prepare: offering("v2.bsatn.spacetimedb") },
    { how: "with v3 alone", prepare: offering("v3.bsatn.spacetimedb") },
  ])("two clients at once, the second $how", async ({ how, prepare }) => {
    const speaker = await connect();
    const listener = await connect(prepare);
    await subscribed(listener.connection, ["SELECT * FROM message", "SELECT * FROM user"]);
    const heard = Promise.withResolvers<readonly string[]>();
    const text = `to whom is ${how}`;
    table(listener.connection, "message").onInsert(({ event }, row) => {
      if (row["text"] === text) heard.resolve([event.tag, (row["sender"] as Identity).toHexString()]);
    });
    await send(speaker.connection, text);
    expect(await heard.promise).toEqual(["Transaction", speaker.identity.toHexString()]);
    await callOf(listener.connection.reducers, "setName")({ name: "Bob" });
    const gone = Promise.withResolvers<unknown>();
    table(listener.connection, "user").onUpdate((_context, _before, after) => {
      if ((after["identity"] as Identity).toHexString() === speaker.identity.toHexString())
        gone.resolve(after["online"]);
    });
    speaker.connection.disconnect();
    expect(await gone.promise).toBe(false);
  });

  test("its host is killed with calls on their way: each is done once, and the rows are right", async () => {
    const speaker = await connect();
    const listener = await connect();
    const old = await connect(offering("v2.bsatn.spacetimedb"));
    const everybody = [speaker, listener, old].map(({ connection }) => connection);
    for (const connection of everybody) await subscribed(connection, ["SELECT * FROM message", "SELECT * FROM user"]);
    for (const round of [1, 2, 3]) {
      const calls = Array.from({ length: 40 }, (_, index) => send(speaker.connection, `round ${round}, ${index}`));
      const others = Array.from({ length: 10 }, (_, index) => send(old.connection, `round ${round} of v2, ${index}`));
      if (round > 1) await calls[0];
      const openings = place.openings;
      place.killHost();
      // A call at which a host ended is failed, not run: at most the one that was running.
      const ended = await Promise.allSettled([...calls, ...others]);
      const why = ended.flatMap((each) => (each.status === "rejected" ? [String(each.reason)] : []));
      expect(why.length, why.join("\n")).toBeLessThanOrEqual(1);
      // If all were answered before the kill, nobody has waited for the next host. Calls that met two kills would be failed.
      await expect.poll(() => place.openings).toBeGreaterThan(openings);
    }
    await send(speaker.connection, "the last");
    const wanted = async (): Promise<readonly unknown[]> => {
      const fresh = await connect();
      await subscribed(fresh.connection, "SELECT * FROM message");
      return texts(fresh.connection).map(String).toSorted();
    };
    const rows = await wanted();
    expect(new Set(rows).size).toBe(rows.length);
    for (const connection of everybody) {
      await send(connection, `asked by ${everybody.indexOf(connection)}`);
      const now = await wanted();
      expect(texts(connection).map(String).toSorted()).toEqual(now);
    }
  });

  test("the server is killed: the client hears of it, and finds every message when it comes back", async () => {
    const before = await connect();
    await send(before.connection, "before the end");
    await place.served?.killFront();
    await before.disconnected;
    await place.served?.start();
    const after = await connect((builder) => builder.withToken(before.token));
    expect(after.identity.toHexString()).toBe(before.identity.toHexString());
    await subscribed(after.connection, "SELECT * FROM message");
    expect(texts(after.connection)).toContain("before the end");
  });
}

function harbors(load: () => Promise<Program>): void {
  const place = new Place();
  beforeAll(async () => place.start(await load()));
  afterEach(() => place.leave());
  afterAll(() => place.stop());

  test("what procedures return, and a reducer that crashes", async () => {
    const { connection } = await place.connect("harbor");
    expect(await callOf(connection.procedures, "tide")({ moon: 3, sun: 4 })).toEqual({ length: 7, beam: 0.5 });
    await subscribed(connection, "SELECT * FROM gauge");
    const levels = (): unknown[] => Array.from(table(connection, "gauge").iter(), ({ level }) => level);
    // Its rows are there before its result.
    expect(await callOf(connection.procedures, "refill")({ id: 1, level: 60 })).toEqual({ ok: 60 });
    expect(levels()).toEqual([60]);
    expect(await callOf(connection.procedures, "refill")({ id: 1, level: -1 })).toEqual({ err: "only upwards" });
    const crashed: unknown = await callOf(connection.reducers, "capsize")().catch((reason: unknown) => reason);
    expect(crashed).toMatchObject({ name: "InternalError", message: "The instance encountered a fatal error." });
  });

  test("an event table tells its rows once and keeps none", async () => {
    const { connection } = await place.connect("harbor");
    const other = await place.connect("harbor");
    for (const each of [connection, other.connection]) await subscribed(each, "SELECT * FROM horn");
    const heard: unknown[][] = [[], []];
    const both = new Promise<void>((resolve) => {
      [connection, other.connection].forEach((each, index) => {
        table(each, "horn").onInsert((_context, row) => {
          heard[index]?.push(row);
          if (heard.every((rows) => rows.length === 2)) resolve();
        });
      });
    });
    const blow = callOf(connection.reducers, "blowHorn");
    await blow({ boat: 1n, sound: "toot" });
    await blow({ boat: 1n, sound: "toot" });
    await both;
    expect(heard).toEqual([0, 1].map(() => [0, 1].map(() => ({ boat: 1n, sound: "toot" }))));
    for (const each of [connection, other.connection]) expect(Number(table(each, "horn").count())).toBe(0);
  });
}
