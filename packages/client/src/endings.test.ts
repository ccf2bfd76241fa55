// Goal: every promise that a client hands out ends, and what it ends with is true: each kind of promise × each way that
// a connection, a subscription or a client can end.
// Method: a client brought to a stage, with one of each kind of promise pending there; then something happens, and all
// that can be seen from outside is held against the row. What still waits is said to wait, and stays answerable.
import { describe, expect, test } from "vitest";
import { isLightconeError, type LightconeError } from "@lightcone/base";
import { connect, type Client } from "./connect.ts";
import { answer, FakeWorld, memoryTokenStore, refusal, settled } from "./testing/fake-world.ts";
import { schemaText } from "./testing/schema-text.ts";
import { applied, changed, done, failed, greeting, refused, worldSchema, type world } from "./testing/server-frames.ts";

const [, mapPoint] = worldSchema.tables;
const schema = schemaText(worldSchema);
const ada = { id: 1, name: "Ada" };

/** What is seen of a client; `waits` for a promise that has not ended. */
interface Seen {
  readonly state: string;
  readonly reason?: string;
  /** A call that was sent, one that was not, a subscription that was sent, one that was not. */
  readonly sent?: string;
  readonly held?: string;
  readonly asked?: string;
  readonly rows?: string;
  /** What `onError` heard. */
  readonly told?: readonly string[];
}

interface Scene {
  readonly fake: FakeWorld;
  readonly db: Client<typeof world>;
  readonly pending: Map<keyof Seen, Promise<unknown>>;
}

interface Row {
  readonly what: string;
  readonly happens: (scene: Scene) => void | Promise<void>;
  readonly seen: Seen;
}

async function look({ fake, db, pending }: Scene, { happens }: Row, told: LightconeError[]): Promise<Seen> {
  let reason: string | undefined;
  db.onState((_state, why) => (reason = why));
  const ends: Partial<Record<string, string>> = {};
  for (const [name, promise] of pending) {
    ends[name] = "waits";
    promise.then(
      () => (ends[name] = "done"),
      (error: unknown) => (ends[name] = isLightconeError(error) ? `${error.code}: ${error.message}` : String(error)),
    );
  }
  await happens({ fake, db, pending });
  await settled();
  // Ended promises leave no call behind that is sent later, nor a second answer.
  return {
    state: db.state,
    ...(reason === undefined ? {} : { reason }),
    ...ends,
    ...(told.length === 0 ? {} : { told: told.map(({ code, message }) => `${code}: ${message}`) }),
  };
}

function begin(token?: string): Omit<Scene, "pending"> & { readonly told: LightconeError[] } {
  const fake = new FakeWorld(schema, 1);
  const told: LightconeError[] = [];
  const db = connect<typeof world>({
    uri: "http://server",
    database: "arena",
    platform: fake.platform,
    onError: (error) => told.push(error),
    ...(token === undefined ? {} : { token }),
  });
  return { fake, db, told };
}

async function greet(fake: FakeWorld): Promise<void> {
  fake.socket.receive(greeting());
  await settled();
}

const notNow = (reason: string) => async () => ({ kind: "NotNow", reason }) as const;
const unreachable = async () => Promise.reject(new Error("fetch failed"));

describe("row 32: before there is a connection", () => {
  const both = (text: string): Pick<Seen, "held" | "rows"> => ({ held: text, rows: text });
  const final = (code: string, message: string): Seen => ({
    state: "closed",
    reason: message,
    ...both(`${code}: ${message}`),
    told: [`${code}: ${message}`],
  });
  const waiting = (reason: string): Seen => ({ state: "waiting", reason, ...both("waits") });

  const rows: readonly Row[] = [
    {
      what: "the module does not want this client",
      happens: async ({ fake }) => fake.socket.drop(4403, "Only members may come in"),
      seen: final("Refused", "Only members may come in"),
    },
    {
      what: "the module does not want it, after the greeting",
      happens: ({ fake }) => {
        fake.socket.receive(greeting());
        fake.socket.drop(4403, "Only members may come in");
      },
      seen: final("Refused", "Only members may come in"),
    },
    {
      what: "there is no such database",
      happens: ({ fake }) => {
        fake.schema = async () => refusal(404, "No such database.");
        fake.socket.drop();
      },
      seen: final("NoSuchDatabase", "there is no database `arena`"),
    },
    {
      what: "the database goes between the greeting and the schema",
      happens: ({ fake }) => {
        fake.schema = async () => refusal(404, "No such database.");
        return greet(fake);
      },
      seen: final("NoSuchDatabase", "there is no database `arena`"),
    },
    {
      what: "the server refuses in other words",
      happens: ({ fake }) => {
        fake.schema = async () => refusal(400, "Invalid connection ID");
        fake.socket.drop();
      },
      seen: final("BadRequest", "Invalid connection ID"),
    },
    {
      what: "the network is away",
      happens: ({ fake }) => {
        fake.schema = unreachable;
        fake.socket.drop();
      },
      seen: waiting("the server cannot be reached (fetch failed)"),
    },
    {
      what: "the network goes after the greeting",
      happens: ({ fake }) => {
        fake.schema = unreachable;
        return greet(fake);
      },
      seen: waiting("the server cannot be reached (fetch failed)"),
    },
    {
      what: "the connection breaks while the schema is read",
      happens: ({ fake }) => {
        fake.schema = () => new Promise(() => undefined);
        fake.socket.receive(greeting());
        fake.socket.drop();
      },
      seen: waiting("the connection broke"),
    },
    {
      what: "the database is quarantined, stopped or starting",
      happens: ({ fake }) => {
        fake.schema = notNow("the module ended its process 3 times and will not be started again");
        fake.socket.drop();
      },
      seen: waiting("the module ended its process 3 times and will not be started again"),
    },
    {
      what: "the server answers, and takes no socket",
      happens: ({ fake }) => fake.socket.drop(),
      seen: waiting(
        "no connection, though the server answers: a proxy that takes no WebSockets does this, or a module that refuses",
      ),
    },
    {
      what: "the server is silent",
      happens: ({ fake }) => fake.pass(15_000),
      seen: waiting("the server did not answer within 15 s"),
    },
    {
      what: "the server is silent about the schema",
      happens: async ({ fake }) => {
        fake.schema = () => new Promise(() => undefined);
        await greet(fake);
        fake.pass(15_000);
      },
      seen: waiting("the server did not answer within 15 s"),
    },
    {
      what: "the server has too many connections",
      happens: ({ fake }) => fake.socket.drop(1013, "too many requests"),
      seen: waiting("too many requests"),
    },
    {
      what: "the server closes before it says anything",
      happens: ({ fake }) => fake.socket.drop(1000),
      seen: waiting("the server closed it (code 1000)"),
    },
    {
      what: "the schema is none",
      happens: ({ fake }) => {
        fake.schema = async () => answer("<html>Welcome to the hotel's network</html>");
        return greet(fake);
      },
      seen: final("Malformed", "the database's schema does not decode: it is no JSON"),
    },
    {
      what: "the first message is compressed, which nobody asked for",
      happens: ({ fake }) => fake.socket.receive(new Uint8Array([1, 0])),
      seen: final("Malformed", "payload does not decode: it is compressed; nothing was asked to be"),
    },
    {
      what: "the first message is cut off",
      happens: ({ fake }) => fake.socket.receive(greeting().subarray(0, 20)),
      seen: final("Malformed", "server message does not decode at byte 2: 32 bytes are needed, 18 are left"),
    },
    {
      what: "the first message is nothing",
      happens: ({ fake }) => fake.socket.receive(new Uint8Array()),
      seen: final("Malformed", "payload does not decode: it is compressed; nothing was asked to be"),
    },
    {
      what: "the schema is that of nobody",
      happens: ({ fake }) => {
        fake.schema = async () => answer('{"sections":7}');
        return greet(fake);
      },
      seen: final("Malformed", "the database's schema does not decode: it is no description of version 10"),
    },
    {
      what: "the first message is another",
      happens: ({ fake }) => fake.socket.receive(changed()),
      seen: final(
        "Malformed",
        "server message does not decode at byte 1: nothing was asked that a message of kind changed answers",
      ),
    },
    {
      what: "the application closes the client",
      happens: ({ db }) => db.close(),
      seen: {
        state: "closed",
        held: "ConnectionClosed: the client is closed: the application closed it before `moveAll` was sent",
        rows: "ConnectionClosed: the client is closed: the application closed it before the rows came",
      },
    },
  ];

  test.each(rows)("$what", async (row) => {
    const { told, ...scene } = begin();
    const pending = new Map<keyof Seen, Promise<unknown>>([
      ["held", scene.db.reducers.moveAll()],
      ["rows", scene.db.subscribe("SELECT * FROM person").applied],
    ]);
    expect(await look({ ...scene, pending }, row, told)).toEqual(row.seen);
    if (row.seen.state !== "waiting") return;
    // Nothing is lost by waiting: the next attempt carries it all.
    scene.fake.schema = async () => answer(schema);
    scene.fake.pass(5_000);
    await settled();
    await greet(scene.fake);
    expect(scene.fake.socket.calls.map(({ reducer }) => reducer)).toEqual(["move_all"]);
    expect(scene.fake.socket.subscribes).toHaveLength(1);
    scene.db.close();
    await Promise.allSettled(pending.values());
  });

  test.each([
    {
      what: "the token is not believed",
      exchange: async () => refusal(401, "Invalid token: InvalidSignature"),
      seen: final("Unauthorized", "the option `token`: Invalid token: InvalidSignature"),
    },
    {
      what: "who answers the token is no server of ours",
      exchange: async () => refusal(404, "Not Found"),
      seen: final("BadRequest", "http://server answered a token 404: is it the server?"),
    },
    {
      what: "the token is answered without one",
      exchange: async () => answer("<html></html>"),
      seen: final("BadRequest", "http://server answered a token without a token: is it the server?"),
    },
    { what: "the token's issuer cannot be asked now", exchange: notNow("later"), seen: waiting("later") },
    {
      what: "nobody answers the token",
      exchange: unreachable,
      seen: waiting("the server cannot be reached (fetch failed)"),
    },
  ])("$what", async ({ what, exchange, seen }) => {
    const fake = new FakeWorld(schema, 1);
    fake.exchange = exchange;
    const told: LightconeError[] = [];
    const db = connect<typeof world>({
      uri: "http://server",
      database: "arena",
      token: "given",
      platform: fake.platform,
      onError: (error) => told.push(error),
    });
    const pending = new Map<keyof Seen, Promise<unknown>>([
      ["held", db.reducers.moveAll()],
      ["rows", db.subscribe("SELECT * FROM person").applied],
    ]);
    expect(await look({ fake, db, pending }, { what, happens: () => {}, seen }, told)).toEqual(seen);
    db.close();
    await Promise.allSettled(pending.values());
  });
});

describe("issue 10, bad input: between the greeting and the first rows", () => {
  const probes = ({ socket }: FakeWorld): number => socket.sent.filter(({ kind }) => kind === "OneOffQuery").length;
  const first = applied(1, { table: "person", inserts: [ada] });
  const rows: readonly Row[] = [
    {
      what: "the rows do not decode",
      happens: ({ fake }) => fake.socket.receive(first.with(first.length - 4, 0xff)),
      seen: {
        state: "closed",
        reason: "a row of person does not decode at byte 8: 4278190083 bytes are needed, 3 are left",
        rows: "Malformed: a row of person does not decode at byte 8: 4278190083 bytes are needed, 3 are left",
        told: ["Malformed: a row of person does not decode at byte 8: 4278190083 bytes are needed, 3 are left"],
      },
    },
    {
      what: "the server says what is no message",
      happens: ({ fake }) => fake.socket.receive(new Uint8Array([0, 99])),
      seen: {
        state: "closed",
        reason: "server message does not decode at byte 1: nothing was asked that a message of kind 99 answers",
        rows: "Malformed: server message does not decode at byte 1: nothing was asked that a message of kind 99 answers",
        told: [
          "Malformed: server message does not decode at byte 1: nothing was asked that a message of kind 99 answers",
        ],
      },
    },
    {
      what: "the server closes",
      happens: ({ fake }) => fake.socket.drop(1001, "module exited"),
      seen: { state: "waiting", reason: "module exited", rows: "waits" },
    },
    {
      what: "the server says nothing more",
      happens: async ({ fake, db }) => {
        fake.pass(20_000);
        await settled();
        expect(probes(fake)).toBe(1);
        fake.pass(119_999);
        expect(db.state).not.toBe("waiting");
        fake.pass(1);
      },
      seen: { state: "waiting", reason: "the server does not answer any more", rows: "waits" },
    },
  ];

  test.each(rows)("$what", async (row) => {
    const { fake, db, told } = begin();
    const pending = new Map<keyof Seen, Promise<unknown>>([["rows", db.subscribe("SELECT * FROM person").applied]]);
    await greet(fake);
    expect(await look({ fake, db, pending }, row, told)).toEqual(row.seen);
    if (row.seen.state !== "waiting") return;
    fake.pass(5_000);
    await settled();
    await greet(fake);
    fake.socket.receive(first);
    await pending.get("rows");
    const asked = db.subscribe("SELECT * FROM point").applied;
    fake.socket.receive(applied(fake.socket.subscribes[1]?.queryId ?? 0));
    await asked;
    // Nothing is owed any more, and nothing is asked.
    fake.pass(20_000);
    fake.pass(600_000);
    await settled();
    expect([db.state, probes(fake), db.tables.person.rows()]).toEqual(["open", 0, [ada]]);
    db.close();
  });

  test("the rows of a later subscription, on a connection that has died unheard", async () => {
    const { fake, db } = begin();
    await greet(fake);
    const { applied: asked } = db.subscribe("SELECT * FROM person");
    fake.pass(20_000);
    fake.pass(120_000);
    expect(db.state).toBe("waiting");
    fake.pass(5_000);
    await settled();
    await greet(fake);
    fake.socket.receive(applied(fake.socket.subscribes[0]?.queryId ?? 0));
    await asked;
    db.close();
  });
});

describe("row 32: while the connection is there", () => {
  const unknown = (reason: string): string =>
    `ConnectionLost: \`renamePerson\` was not answered, and may or may not have happened: ${reason}`;
  const lost = (reason: string): Seen => ({ state: "waiting", reason, sent: unknown(reason), asked: "waits" });
  const unreadable = (message: string): Seen => ({
    state: "closed",
    reason: message,
    sent: unknown(message),
    asked: `Malformed: ${message}`,
    told: [`Malformed: ${message}`],
  });
  const cut = changed({ table: "person", inserts: [ada] });

  const rows: readonly Row[] = [
    { what: "the network breaks", happens: ({ fake }) => fake.socket.drop(), seen: lost("the connection broke") },
    {
      what: "the server stops, or publishes what breaks clients",
      happens: ({ fake }) => fake.socket.drop(1001, "module exited"),
      seen: lost("module exited"),
    },
    {
      what: "the server closes without a word",
      happens: ({ fake }) => fake.socket.drop(1000),
      seen: lost("the server closed it (code 1000)"),
    },
    {
      what: "the server ends all subscriptions",
      happens: ({ fake }) => fake.socket.receive(refused(undefined, "a query failed")),
      seen: lost("a query failed"),
    },
    {
      what: "a later connect is refused by the module",
      happens: async ({ fake }) => {
        fake.socket.drop();
        fake.pass(5_000);
        await settled();
        fake.socket.drop(4403, "You were banned");
      },
      seen: {
        state: "closed",
        reason: "You were banned",
        sent: unknown("the connection broke"),
        asked: "Refused: You were banned",
        told: ["Refused: You were banned"],
      },
    },
    {
      what: "the application closes the client",
      happens: ({ db }) => db.close(),
      seen: {
        state: "closed",
        sent: unknown("the application closed the client"),
        asked: "ConnectionClosed: the client is closed: the application closed it before the rows came",
      },
    },
    {
      what: "rows that do not decode",
      happens: ({ fake }) => fake.socket.receive(cut.with(cut.length - 4, 0xff)),
      seen: unreadable("a row of person does not decode at byte 8: 4278190083 bytes are needed, 3 are left"),
    },
    {
      what: "a message that does not decode",
      happens: ({ fake }) => fake.socket.receive(new Uint8Array([0, 99])),
      seen: unreadable("server message does not decode at byte 1: nothing was asked that a message of kind 99 answers"),
    },
    {
      what: "an answer to what was not asked",
      happens: ({ fake }) => fake.socket.receive(greeting()),
      seen: unreadable(
        "server message does not decode at byte 1: nothing was asked that a message of kind greeting answers",
      ),
    },
    {
      what: "the module refuses the call",
      happens: ({ fake }) => fake.socket.receive(failed(fake.socket.calls[0]?.requestId ?? 0, "nobody is called that")),
      seen: { state: "open", sent: "ReducerFailed: nobody is called that", asked: "waits" },
    },
    {
      what: "the call is done",
      happens: ({ fake }) => fake.socket.receive(done(fake.socket.calls[0]?.requestId ?? 0)),
      seen: { state: "open", sent: "done", asked: "waits" },
    },
    {
      what: "the subscription is refused",
      happens: ({ fake }) => fake.socket.receive(refused(fake.socket.subscribes[1]?.queryId, "no such table: `nope`")),
      seen: { state: "open", sent: "waits", asked: "SubscriptionRefused: no such table: `nope`" },
    },
    {
      what: "the subscription is answered",
      happens: ({ fake }) => fake.socket.receive(applied(fake.socket.subscribes[1]?.queryId ?? 0)),
      seen: { state: "open", sent: "waits", asked: "done" },
    },
    {
      what: "a subscription that had rows is ended, its rows taken back before",
      happens: ({ fake, db }) => {
        fake.socket.receive(changed({ table: "person", deletes: [ada] }));
        fake.socket.receive(refused(fake.socket.subscribes[0]?.queryId, "table `person` may not be read any more"));
        expect(db.tables.person.rows()).toEqual([]);
      },
      seen: {
        state: "open",
        sent: "waits",
        asked: "waits",
        told: ["SubscriptionRefused: table `person` may not be read any more"],
      },
    },
    {
      what: "a publish takes a table away",
      happens: async ({ fake, db }) => {
        fake.schema = async () => answer(schemaText({ ...worldSchema, tables: [mapPoint] }));
        fake.socket.drop(1001, "module exited");
        fake.pass(5_000);
        await settled();
        await greet(fake);
        const [first, second] = fake.socket.subscribes;
        fake.socket.receive(refused(first?.queryId, "no such table: `person`"));
        fake.socket.receive(applied(second?.queryId ?? 0));
        expect(db.tables.person.rows()).toEqual([]);
      },
      seen: {
        state: "open",
        sent: unknown("module exited"),
        asked: "done",
        told: [
          "VersionDiffers: this page was built for another version of arena: there is no public table `person`; there are mapPoint",
          "SubscriptionRefused: no such table: `person`",
        ],
      },
    },
  ];

  async function open(): Promise<Scene & { readonly told: LightconeError[] }> {
    const { fake, db, told } = begin();
    db.subscribe("SELECT * FROM person");
    await greet(fake);
    fake.socket.receive(applied(1, { table: "person", inserts: [ada] }));
    expect(db.tables.person.rows()).toEqual([ada]);
    const pending = new Map<keyof Seen, Promise<unknown>>([
      ["sent", db.reducers.renamePerson({ id: 1, name: "x" })],
      ["asked", db.subscribe("SELECT * FROM point").applied],
    ]);
    return { fake, db, told, pending };
  }

  test.each(rows)("$what", async (row) => {
    const { told, ...scene } = await open();
    expect(await look(scene, row, told)).toEqual(row.seen);
    scene.db.close();
    await Promise.allSettled(scene.pending.values());
  });

  test("a subscription that the server ended is not applied any more, and nothing more comes of it", async () => {
    const { fake, db, told } = begin();
    const subscription = db.subscribe("SELECT * FROM person");
    await greet(fake);
    fake.socket.receive(applied(1, { table: "person", inserts: [ada] }));
    expect(subscription.isApplied).toBe(true);
    fake.socket.receive(refused(1, "table `person` may not be read any more"));
    expect([subscription.isApplied, told.length]).toEqual([false, 1]);
    subscription.unsubscribe();
    await subscription.applied; // it was, once
    expect(fake.socket.sent.map(({ kind }) => kind)).toEqual(["SubscribeMulti"]);
  });

  test("a message that cannot be read whole is not shown in part", async () => {
    const { fake, db, pending } = await open();
    const ended = Promise.allSettled(pending.values());
    const heard: unknown[] = [];
    db.tables.mapPoint.onChange(() => heard.push("point"));
    db.tables.person.onChange(() => heard.push("person"));
    db.subscribe("SELECT * FROM point").applied.catch(() => {});
    const both = changed(
      { table: "point", inserts: [{ x: 1, y: 1 }] },
      { table: "person", deletes: [ada], inserts: [{ id: 2, name: "Bo" }] },
    );
    fake.socket.receive(both.with(both.length - 3, 0xff));
    await settled();
    await ended;
    expect([db.state, heard]).toEqual(["closed", []]);
    expect([db.tables.person.rows(), db.tables.mapPoint.rows()]).toEqual([[ada], []]);
  });
});

describe("row 32: `unsubscribe`", () => {
  const text = "Unsubscribed: the subscription was ended by `unsubscribe()` before its rows came";
  const endOf = (promise: Promise<void>): Promise<string> =>
    promise.then(
      () => "done",
      (error: LightconeError) => `${error.code}: ${error.message}`,
    );

  test.each([
    { stage: "before there is a connection", isGreeted: false },
    { stage: "before its rows came", isGreeted: true },
  ])("$stage: it says so", async ({ isGreeted }) => {
    const { fake, db, told } = begin();
    if (isGreeted) await greet(fake);
    const subscription = db.subscribe("SELECT * FROM person");
    const end = endOf(subscription.applied);
    subscription.unsubscribe();
    expect(await end).toBe(text);
    if (!isGreeted) await greet(fake);
    expect([db.state, subscription.isApplied, told]).toEqual(["open", false, []]);
    if (!isGreeted) expect(fake.socket.sent).toEqual([]);
  });

  test("its rows came, but not those of another: it does not become applied after it was ended", async () => {
    const { fake, db } = begin();
    const [first, second] = [db.subscribe("SELECT * FROM person"), db.subscribe("SELECT * FROM point")];
    await greet(fake);
    fake.socket.receive(applied(1, { table: "person", inserts: [ada] }));
    const end = endOf(first.applied);
    first.unsubscribe();
    fake.socket.receive(applied(2));
    expect([await end, first.isApplied, second.isApplied]).toEqual([text, false, true]);
  });

  test("the connection is lost before the server knows: the rows leave with the next one", async () => {
    const { fake, db } = begin();
    const subscription = db.subscribe("SELECT * FROM person");
    await greet(fake);
    fake.socket.receive(applied(1, { table: "person", inserts: [ada] }));
    const heard: unknown[] = [];
    db.tables.person.onDelete((row) => heard.push(row));
    subscription.unsubscribe();
    fake.socket.drop();
    fake.pass(5_000);
    await settled();
    await greet(fake);
    expect([db.state, fake.socket.subscribes, db.tables.person.rows(), heard]).toEqual(["open", [], [], [ada]]);
  });

  test("after its rows came, nothing rejects", async () => {
    const { fake, db } = begin();
    const subscription = db.subscribe("SELECT * FROM person");
    await greet(fake);
    fake.socket.receive(applied(1, { table: "person", inserts: [ada] }));
    subscription.unsubscribe();
    expect(await endOf(subscription.applied)).toBe("done");
    expect(subscription.isApplied).toBe(false);
  });
});

test("row 32: an address that the browser refuses is final, and told once `connect` has returned", async () => {
  const fake = new FakeWorld(schema, 1);
  const openSocket = (): never => {
    throw new DOMException("An insecure WebSocket connection may not be initiated", "SecurityError");
  };
  const told: LightconeError[] = [];
  const db = connect({
    uri: "http://server",
    database: "arena",
    platform: { ...fake.platform, openSocket },
    onError: (error) => told.push(error),
  });
  expect(told).toEqual([]);
  await settled();
  expect(told.map(({ message }) => message)).toEqual([
    "no socket to http://server: An insecure WebSocket connection may not be initiated",
  ]);
  expect(db.state).toBe("closed");
});

describe("row 32: a token store that fails", () => {
  const store = (failing: "get" | "set") => {
    const kept = memoryTokenStore();
    kept[failing] = () => {
      throw new DOMException("The quota has been exceeded", "QuotaExceededError");
    };
    return kept;
  };

  test("to give: the client ends, rather than come as somebody else", async () => {
    const fake = new FakeWorld(schema, 1);
    const told: string[] = [];
    const db = connect({
      uri: "http://server",
      database: "arena",
      tokenStore: store("get"),
      platform: fake.platform,
      onError: ({ message }) => told.push(message),
    });
    await settled();
    expect([db.state, told]).toEqual(["closed", ["the token store failed: The quota has been exceeded"]]);
    expect(fake.sockets).toEqual([]);
  });

  test("to keep: that is reported, and the client goes on", async () => {
    const fake = new FakeWorld(schema, 1);
    const tokenStore = store("set");
    const db = connect({ uri: "http://server", database: "arena", tokenStore, platform: fake.platform });
    await greet(fake);
    expect([db.state, db.token]).toEqual(["open", "long-lived"]);
    expect(fake.reported).toMatchObject([{ name: "QuotaExceededError" }]);
  });
});

describe("row 32: after the end", () => {
  test.each([
    { how: "by the application", end: ({ db }: Scene) => db.close(), reason: "it was closed before" },
    {
      how: "by the module",
      end: ({ fake }: Scene) => fake.socket.drop(4403, "Only members may come in"),
      reason: "Only members may come in",
    },
  ])("$how: what is asked then says why", async ({ end, reason }) => {
    const { fake, db } = begin();
    await greet(fake);
    end({ fake, db, pending: new Map() });
    const error = { code: "ConnectionClosed", message: `the client is closed: ${reason}` };
    await expect(db.reducers.moveAll()).rejects.toMatchObject(error);
    await expect(db.subscribe("SELECT * FROM person").applied).rejects.toMatchObject(error);
    db.retry();
    fake.pass(60_000);
    expect([db.state, fake.sockets.length]).toEqual(["closed", 1]);
  });

  test("a module that refuses is not asked again, and the token stays: another may be let in with it", async () => {
    const tokenStore = memoryTokenStore("kept");
    const fake = new FakeWorld(schema, 1);
    const db = connect({
      uri: "http://server",
      database: "arena",
      tokenStore,
      platform: fake.platform,
      onError: () => {},
    });
    await settled();
    fake.socket.drop(4403, "Not yet");
    fake.pass(60_000);
    expect([db.state, fake.sockets.length, tokenStore.token]).toEqual(["closed", 1, "kept"]);
  });
});

test("a connection that ends as soon as it is there is made again less and less often", async () => {
  const { fake, db } = begin();
  const waits: number[] = [];
  for (let round = 0; round < 8; round += 1) {
    await greet(fake);
    expect(db.state).toBe("open");
    const before = fake.sockets.length;
    fake.socket.drop(1011, "no");
    let waited = 0;
    while (fake.sockets.length === before) {
      fake.pass(250);
      waited += 250;
      await settled();
    }
    waits.push(waited);
  }
  expect(waits).toEqual([250, 500, 1000, 2000, 4000, 5000, 5000, 5000]);
  await greet(fake);
  fake.pass(5_000);
  fake.socket.drop();
  fake.pass(250);
  await settled();
  expect(fake.sockets).toHaveLength(10);
});
