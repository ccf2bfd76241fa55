// Goal: a client holds what the server says, tells of it once, and never leaves a promise open.
// Method: a world without sockets and time; frames as a server writes them; each step looked at from outside.
import { describe, expect, test } from "vitest";
import { isLightconeError } from "@lightcone/base";
import { fromHex } from "@lightcone/sats";
import { connect } from "./connect.ts";
import type { ConnectOptions } from "./connect-options.ts";
import { heldCallsMax } from "./requests.ts";
import type { SubscriptionHandle } from "./subscription.ts";
import { FakeWorld, answer, memoryTokenStore, refusal, settled } from "./testing/fake-world.ts";
import { schemaText } from "./testing/schema-text.ts";
import {
  applied,
  changed,
  done,
  failed,
  greeting,
  refused,
  unapplied,
  worldSchema,
  type world,
} from "./testing/server-frames.ts";
import { translated } from "./testing/translate.ts";

describe.each([1, 3] as const)("version %d", (version) => {
  type Options = Partial<ConnectOptions>;

  const makeWorld = (): FakeWorld => new FakeWorld(schemaText(worldSchema), version);

  function open(options: Options = {}) {
    const fake = makeWorld();
    const states: string[] = [];
    const db = connect<typeof world>({
      uri: "http://server/base",
      database: "town",
      onState: (state) => states.push(state),
      platform: fake.platform,
      ...options,
    });
    return { fake, states, db };
  }

  /** The server greets, and tells its schema. */
  async function greet(fake: FakeWorld, token?: string): Promise<void> {
    fake.socket.receive(greeting(token));
    await settled();
  }

  /** Open, greeted, and with a subscription to everything that has two people in it. */
  async function openWithPeople(options: Options = {}) {
    const opened = open(options);
    const subscription = opened.db.subscribe("SELECT * FROM person", opened.db.tables.mapPoint);
    await greet(opened.fake);
    opened.fake.socket.receive(applied(1, { table: "person", inserts: [ada, bo] }));
    const heard: unknown[] = [];
    const { person, mapPoint } = opened.db.tables;
    person.onInsert((row) => heard.push(["insert", row]));
    person.onDelete((row) => heard.push(["delete", row]));
    person.onUpdate((before, after) => heard.push(["update", before, after]));
    person.onChange(() => heard.push("changed"));
    mapPoint.onInsert((row) => heard.push(["insert", row]));
    mapPoint.onDelete((row) => heard.push(["delete", row]));
    return { ...opened, subscription, heard, person, mapPoint };
  }

  const ada = { id: 1, name: "Ada" };
  const bo = { id: 2, name: "Bo" };
  const alicia = { id: 1, name: "Alicia" };

  /** The code that a promise rejects with. */
  const codeOf = (promise: Promise<unknown>): Promise<string | undefined> =>
    promise.then(
      () => undefined,
      (error: unknown) => (isLightconeError(error) ? error.code : String(error)),
    );

  describe("names and addresses", () => {
    test("the address of the socket", () => {
      const { fake } = open({ confirmed: false });
      expect(fake.socket.url.href).toBe(
        "ws://server/base/v1/database/town/subscribe?compression=None&light=true&results=true&confirmed=false",
      );
    });

    test.each([
      { uri: "https://host", starts: "wss://host/v1/" },
      { uri: "ws://host:3000/", starts: "ws://host:3000/v1/" },
      { uri: "wss://host/a/b/", starts: "wss://host/a/b/v1/" },
    ])("$uri", ({ uri, starts }) => {
      expect(open({ uri }).fake.socket.url.href.startsWith(starts)).toBe(true);
    });

    const good = { uri: "http://server", database: "town" };
    const at = 'the server\'s address, such as "http://127.0.0.1:3000"';
    test.each([
      { options: { url: "http://server" }, says: /^connect has no option `url`; there are uri, database, schema/ },
      { options: {}, says: `connect needs \`uri\`: ${at}` },
      {
        options: { uri: "http://server", database: "Notes" },
        says: 'the option `database` of connect is the database\'s name (lower-case letters, digits, single - or _ between them) or identity, not "Notes"',
      },
      {
        options: { uri: "http://server" },
        says: "connect needs `database`: the database's name (lower-case letters, digits, single - or _ between them) or identity",
      },
      { options: { ...good, database: "" }, says: /^connect needs `database`/ },
      { options: undefined, says: "connect takes one object, { uri, database }, not undefined" },
      {
        options: { ...good, uri: "127.0.0.1:4100" },
        says: `the option \`uri\` of connect is ${at}, not "127.0.0.1:4100"`,
      },
      { options: { ...good, uri: "localhost:4100" }, says: /^the option `uri` of connect is/ },
      { options: { ...good, uri: 4100 }, says: /^the option `uri` .*, not 4100$/ },
      {
        options: { ...good, token: 5 },
        says: /^the option `token` of connect is a token, as `db\.token` has it.*, not 5$/,
      },
      { options: { ...good, onError: "log" }, says: /^the option `onError` of connect is a function, not "log"$/ },
      { options: { ...good, schema: null }, says: /^the option `schema` .*, not null$/ },
    ])("options that are not as they should be name the one: $says", ({ options, says }) => {
      expect(() => connect(options as ConnectOptions)).toThrow(TypeError);
      expect(() => connect(options as ConnectOptions)).toThrow(says);
    });

    test("tables and reducers go by the module's names, the wire by the database's", async () => {
      const { fake, db } = open();
      const { mapPoint } = db.tables;
      expect(Object.keys(db.tables)).toEqual(["mapPoint"]);
      await greet(fake);
      expect(Object.keys(db.tables)).toEqual(["mapPoint", "person"]);
      expect(db.tables.mapPoint).toBe(mapPoint);
      expect(Object.keys(db.reducers)).toEqual(["renamePerson", "moveAll", "tidyUp"]);
      void db.reducers.renamePerson({ id: 1, name: "x" });
      void db.reducers.moveAll();
      db.subscribe(db.tables.mapPoint);
      await settled();
      expect(fake.socket.calls.map(({ reducer }) => reducer)).toEqual(["rename_person", "move_all"]);
      expect(fake.socket.frames).toEqual(version === 3 ? [3] : [1, 1, 1]); // what is asked in one turn goes together
      expect(fake.socket.subscribes[0]?.queries).toEqual(['SELECT * FROM "point"']);
    });

    test("what is no address is refused at once", () => {
      expect(() => open({ uri: "ftp://host" })).toThrow(TypeError);
      expect(() => open({ uri: "host" })).toThrow(TypeError);
    });
  });

  describe("rows", () => {
    test("first rows are there, then `applied` resolves", async () => {
      const { db, subscription, states, person } = await openWithPeople();
      await subscription.applied;
      expect(states).toEqual(["open"]);
      expect(person.rows()).toEqual([ada, bo]);
      expect(person.get(2)).toEqual(bo);
      expect(db.identity?.toHexString()).toBe("07".repeat(32));
      expect(person.rows()).toBe(person.rows());
    });

    test("a row that changes under its key is an update; without a key it is a delete and an insert", async () => {
      const { fake, heard, person, mapPoint } = await openWithPeople();
      fake.socket.receive(changed({ table: "point", inserts: [{ x: 1, y: 1 }] }));
      fake.socket.receive(
        changed(
          { table: "person", deletes: [ada], inserts: [alicia] },
          { table: "point", deletes: [{ x: 1, y: 1 }], inserts: [{ x: 1, y: 2 }] },
        ),
      );
      expect(heard).toEqual([
        ["insert", { x: 1, y: 1 }],
        ["update", ada, alicia],
        ["delete", { x: 1, y: 1 }],
        ["insert", { x: 1, y: 2 }],
        "changed",
      ]);
      expect(person.get(1)).toEqual(alicia);
      expect(mapPoint.size).toBe(1);
    });

    test("a row of two queries leaves when both have let it go", async () => {
      const { fake, db, heard, person } = await openWithPeople();
      const second = db.subscribe("SELECT * FROM person WHERE id = 1");
      await settled();
      const { queryId } = fake.socket.subscribes[1] ?? { queryId: 0 };
      fake.socket.receive(applied(queryId, { table: "person", inserts: [ada] }));
      expect(heard).toEqual([]);
      second.unsubscribe();
      fake.socket.receive(unapplied(queryId, { table: "person", deletes: [ada] }));
      expect(heard).toEqual([]);
      fake.socket.receive(changed({ table: "person", deletes: [ada] }));
      expect(heard).toEqual([["delete", ada], "changed"]);
      expect(person.get(1)).toBeUndefined();
    });

    test("callbacks run when the whole message is applied, and what they throw is reported", async () => {
      const { fake, db, person } = await openWithPeople();
      const seen: number[] = [];
      person.onInsert(() => {
        seen.push(db.tables.mapPoint.size);
        throw new Error("the application's own");
      });
      fake.socket.receive(
        changed({ table: "person", inserts: [{ id: 3, name: "Cy" }] }, { table: "point", inserts: [{ x: 0, y: 0 }] }),
      );
      expect(seen).toEqual([1]);
      expect(fake.reported).toHaveLength(1);
      expect(db.state).toBe("open");
    });

    test("a listener that was ended hears nothing", async () => {
      const { fake, person } = await openWithPeople();
      const heard: string[] = [];
      const end = person.onInsert(({ name }) => heard.push(name));
      end();
      fake.socket.receive(changed({ table: "person", inserts: [{ id: 3, name: "Cy" }] }));
      expect(heard).toEqual([]);
    });

    test("tables that the module does not have pass by", async () => {
      const { fake, db, person } = await openWithPeople();
      const update = changed({ table: "person", inserts: [{ id: 3, name: "Cy" }] });
      const frame = version === 1 ? update : translated(update);
      const other = new TextDecoder("latin1").decode(frame).replace("person", "planet");
      fake.socket.receiveBytes(Uint8Array.from(other, (letter) => letter.charCodeAt(0)));
      expect(db.state).toBe("open");
      expect(person.size).toBe(2);
    });
  });

  describe("calls", () => {
    test("resolves when the answer came, with its rows in the tables", async () => {
      const { fake, db, person } = await openWithPeople();
      const call = db.reducers.renamePerson({ id: 1, name: "Alicia" }).then(() => person.get(1));
      await settled();
      const [{ requestId, args } = { requestId: 0, args: new Uint8Array() }] = fake.socket.calls;
      expect(args).toEqual(fromHex("0100000006000000416c69636961"));
      fake.socket.receive(done(requestId, { table: "person", deletes: [ada], inserts: [alicia] }));
      expect(await call).toEqual(alicia);
    });

    test("rejects with the module's text", async () => {
      const { fake, db } = await openWithPeople();
      const call = db.reducers.renamePerson({ id: 1, name: "" });
      await settled();
      fake.socket.receive(failed(fake.socket.calls[0]?.requestId ?? 0, "nobody is called that"));
      await expect(call).rejects.toMatchObject({ code: "ReducerFailed", message: "nobody is called that" });
    });

    test.runIf(version === 1)("a refusal that names no call is the oldest call of that name", async () => {
      const { fake, db } = await openWithPeople();
      const call = db.reducers.renamePerson({ id: 1, name: "x" });
      await settled();
      fake.socket.receive(failed(0, "no such reducer"));
      expect(await codeOf(call)).toBe("ReducerFailed");
    });

    test.each([
      { args: { id: -1, name: "x" }, place: "id" },
      { args: { id: 1.5, name: "x" }, place: "id" },
      { args: { id: 1 }, place: "name" },
      { args: { id: 1, name: 5 }, place: "name" },
    ])("arguments that do not fit name the one: $args", async ({ args, place }) => {
      const { fake, db } = await openWithPeople();
      const call = db.reducers.renamePerson(args as { id: number; name: string });
      await expect(call).rejects.toMatchObject({
        code: "BadArguments",
        detail: { reason: expect.stringMatching(`^${place}: `) },
      });
      expect(fake.socket.calls).toEqual([]);
    });

    test("at most so many calls wait for a connection", async () => {
      const { db } = open();
      const calls = Array.from({ length: 1001 }, () => codeOf(db.reducers.tidyUp()));
      expect(await calls.at(-1)).toBe("LimitExceeded");
      db.close();
      expect(await calls[0]).toBe("ConnectionClosed");
    });
  });

  test("heldCallsMax: no more calls than that wait for a connection", async () => {
    const { fake, db } = open();
    const held = Array.from({ length: heldCallsMax }, () => db.reducers.tidyUp());
    await expect(db.reducers.tidyUp()).rejects.toMatchObject({
      code: "LimitExceeded",
      detail: { limit: "heldCallsMax", max: heldCallsMax },
    });
    await greet(fake);
    expect(fake.socket.calls).toHaveLength(heldCallsMax);
    for (const { requestId } of fake.socket.calls) fake.socket.receive(done(requestId));
    await Promise.all(held);
  });

  describe("a connection that is lost", () => {
    test("rows stay, then only the difference is told", async () => {
      const { fake, db, states, heard, person } = await openWithPeople();
      const before = person.get(2);
      fake.socket.drop();
      expect(states).toEqual(["open", "waiting"]);
      expect(person.rows()).toEqual([ada, bo]);
      fake.pass(250);
      expect(db.state).toBe("connecting");
      const cy = { id: 3, name: "Cy" };
      await settled();
      await greet(fake);
      expect(fake.socket.subscribes.map(({ queries }) => queries.length)).toEqual([2]);
      expect(person.rows()).toEqual([ada, bo]);
      fake.socket.receive(applied(1, { table: "person", inserts: [alicia, bo, cy] }));
      expect(heard).toEqual([["update", ada, alicia], ["insert", cy], "changed"]);
      expect(person.get(2)).toBe(before);
      expect(states).toEqual(["open", "waiting", "connecting", "open"]);
    });

    test("with several subscriptions, all must be answered before anything shows", async () => {
      const { fake, db, heard, person } = await openWithPeople();
      db.subscribe("SELECT * FROM person WHERE id = 1");
      await settled();
      const second = fake.socket.subscribes[1]?.queryId ?? 0;
      fake.socket.receive(applied(second, { table: "person", inserts: [ada] }));
      fake.socket.drop();
      fake.pass(250);
      await settled();
      await greet(fake);
      fake.socket.receive(applied(1, { table: "person", inserts: [ada] }));
      expect(person.size).toBe(2);
      fake.socket.receive(changed({ table: "person", deletes: [ada], inserts: [alicia] }));
      fake.socket.receive(applied(second, { table: "person", inserts: [alicia] }));
      expect(heard).toEqual([["delete", bo], ["update", ada, alicia], "changed"]);
      expect(db.state).toBe("open");
    });

    test("a call on its way has an unknown outcome; one that was not sent goes out later", async () => {
      const { fake, db } = await openWithPeople();
      const sent = codeOf(db.reducers.renamePerson({ id: 1, name: "x" }));
      await settled();
      fake.socket.drop();
      expect(await sent).toBe("ConnectionLost");
      const held = codeOf(db.reducers.renamePerson({ id: 1, name: "y" }));
      fake.pass(250);
      await settled();
      await greet(fake);
      fake.socket.receive(applied(1));
      fake.socket.receive(done(fake.socket.calls[0]?.requestId ?? 0));
      expect(await held).toBeUndefined();
    });

    test("it stays the same identity, by a token that is not shown in addresses", async () => {
      const { fake } = await openWithPeople();
      fake.socket.drop();
      fake.pass(250);
      await settled();
      expect(fake.tokensShown).toEqual(["long-lived"]);
      expect(fake.socket.url.searchParams.get("token")).toBe("short-long-lived");
    });

    test.each([
      { attempt: 1, waitMs: 250 },
      { attempt: 2, waitMs: 500 },
      { attempt: 3, waitMs: 1000 },
      { attempt: 5, waitMs: 4000 },
      { attempt: 6, waitMs: 5000 },
      { attempt: 20, waitMs: 5000 },
    ])("attempt $attempt comes after $waitMs ms at the longest", async ({ attempt, waitMs }) => {
      const { fake } = open();
      for (let index = 1; index < attempt; index += 1) {
        fake.socket.drop();
        await settled();
        fake.pass(5000);
      }
      const before = fake.sockets.length;
      fake.socket.drop();
      await settled();
      fake.pass(waitMs - 1);
      expect(fake.sockets).toHaveLength(before);
      fake.pass(1);
      expect(fake.sockets).toHaveLength(before + 1);
    });

    test("a server that says nothing is given up", () => {
      const { fake, db } = open();
      fake.pass(15_000);
      expect(fake.socket.isClosed).toBe(true);
      expect(db.state).toBe("waiting");
    });

    test("`retry` does not wait", async () => {
      const { fake, db } = open();
      fake.socket.drop();
      await settled();
      db.retry();
      expect(fake.sockets).toHaveLength(2);
      fake.pass(5_000);
      expect(fake.sockets).toHaveLength(2);
    });

    test("what an old socket still says is not heard", async () => {
      const { fake, db, person } = await openWithPeople();
      const old = fake.socket;
      old.drop();
      old.receive(changed({ table: "person", deletes: [ada] }));
      old.drop();
      expect(person.size).toBe(2);
      expect(db.state).toBe("waiting");
    });
  });

  describe("a page that comes back, and a network that is silent", () => {
    const probes = (fake: FakeWorld): number => fake.socket.sent.filter(({ kind }) => kind === "OneOffQuery").length;

    test("while it waits it tries at once", async () => {
      const { fake, db } = await openWithPeople();
      fake.socket.drop();
      expect(db.state).toBe("waiting");
      fake.wake();
      await settled();
      expect([db.state, fake.sockets.length]).toEqual(["connecting", 2]);
    });

    test("a connection that has died unheard is found out, and made again; calls on it are unknown", async () => {
      const { fake, db, states, person } = await openWithPeople();
      const call = codeOf(db.reducers.tidyUp());
      fake.wake();
      fake.wake();
      await settled();
      expect(probes(fake)).toBe(1);
      fake.pass(9_999);
      expect(db.state).toBe("open");
      fake.pass(1);
      expect([db.state, fake.socket.isClosed, await call]).toEqual(["waiting", true, "ConnectionLost"]);
      expect([states.at(-1), person.size]).toEqual(["waiting", 2]);
    });

    test("one that lives goes on", async () => {
      const { fake, db } = await openWithPeople();
      fake.wake();
      fake.socket.receive(changed({ table: "person", deletes: [ada] }));
      fake.pass(60_000);
      expect([db.state, fake.sockets.length]).toEqual(["open", 1]);
    });

    test("a call that waits for long is no reason to give up, silence is", async () => {
      const { fake, db } = await openWithPeople();
      fake.pass(20_000); // its rows have come: nothing is owed
      const call = codeOf(db.reducers.tidyUp());
      fake.pass(20_000);
      await settled();
      expect(probes(fake)).toBe(1);
      fake.socket.receive(changed({ table: "point", inserts: [{ x: 1, y: 0 }] }));
      fake.pass(10_000);
      expect(db.state).toBe("open");
      // What was heard since is a sign of life of its own.
      fake.pass(10_000);
      await settled();
      expect(probes(fake)).toBe(1);
      fake.pass(20_000);
      await settled();
      expect(probes(fake)).toBe(2);
      fake.pass(10_000);
      expect([db.state, await call]).toEqual(["waiting", "ConnectionLost"]);
    });

    test("nothing is asked of a server that owes no answer, and `close` leaves nothing behind", async () => {
      const { fake, db } = await openWithPeople();
      fake.pass(120_000);
      await settled();
      expect([probes(fake), db.state]).toEqual([0, "open"]);
      db.close();
      expect(fake.wakes.size).toBe(0);
    });
  });

  describe("no connection", () => {
    const refusals = [
      { status: 404, code: "NoSuchDatabase" },
      { status: 401, code: "Unauthorized" },
      { status: 403, code: "Forbidden" },
      { status: 400, code: "BadRequest" },
    ] as const;
    test.each(refusals)("an answer of $status is final: $code", async ({ status, code }) => {
      const errors: string[] = [];
      const { fake, db, states } = open({ onError: (error) => errors.push(error.code) });
      fake.schema = async () => refusal(status, status === 404 ? "`town` not found" : "");
      const call = codeOf(db.reducers.tidyUp());
      const rows = codeOf(db.subscribe("SELECT * FROM person").applied);
      await settled();
      fake.socket.drop();
      await settled();
      expect(fake.asked).toEqual(["http://server/base/v1/database/town/schema?version=10&for=client"]);
      expect(states).toEqual(["closed"]);
      expect([errors, await call, await rows]).toEqual([[code], code, code]);
      expect(await codeOf(db.reducers.tidyUp())).toBe("ConnectionClosed");
      fake.pass(60_000);
      expect(fake.sockets).toHaveLength(1);
    });

    test("without `onError`, whoever waits is told; if nobody waits it is thrown", async () => {
      const waiting = open();
      const silent = open();
      const rows = codeOf(waiting.db.subscribe("SELECT * FROM person").applied);
      for (const { fake } of [waiting, silent]) {
        fake.schema = async () => refusal(404, "No such database.");
        fake.socket.drop();
      }
      await settled();
      expect(await rows).toBe("NoSuchDatabase");
      expect(waiting.fake.reported).toEqual([]);
      expect(silent.fake.reported).toMatchObject([{ code: "NoSuchDatabase" }]);
    });

    test("a subscription whose `applied` nobody looks at is told where errors are, or written; the client goes on", async () => {
      const heard: unknown[] = [];
      const listening = open({ onError: (error) => heard.push(error.message) });
      const silent = open({ onError: undefined as never });
      for (const { fake, db } of [listening, silent]) {
        db.subscribe("SELECT * FROM nope");
        const looked = codeOf(db.subscribe("SELECT * FROM nope").applied);
        await greet(fake);
        for (const queryId of [1, 2]) fake.socket.receive(refused(queryId, "no such table"));
        expect(await looked).toBe("SubscriptionRefused");
        await settled();
        expect(db.state).toBe("open");
        expect(fake.reported).toEqual([]);
      }
      expect(heard).toEqual(["no such table"]);
      expect(silent.fake.complained).toEqual([expect.stringMatching(/^lightcone: no such table\. Correct the query/)]);
    });

    test("a server that cannot be reached, or has the database, is tried again", async () => {
      const { fake, db } = open();
      const there = fake.schema;
      fake.schema = async () => Promise.reject(new Error("fetch failed"));
      fake.socket.drop();
      await settled();
      expect(db.state).toBe("waiting");
      fake.schema = there;
      fake.pass(5_000);
      fake.socket.drop();
      await settled();
      expect(db.state).toBe("waiting");
      expect(fake.reported).toEqual([]);
    });

    test("a connection that was there is asked after only when it cannot be made again", async () => {
      const { fake } = await openWithPeople();
      expect(fake.asked).toHaveLength(1);
      fake.socket.drop();
      await settled();
      expect(fake.asked).toHaveLength(1);
    });

    test("who does not listen to the state is warned, once each time that the server goes away", async () => {
      const { fake } = await openWithPeople({ onState: undefined as never });
      for (let round = 0; round < 2; round += 1) {
        for (let attempt = 0; attempt < 3; attempt += 1) {
          fake.socket.drop();
          await settled();
          fake.pass(5_000);
          await settled();
        }
        expect(fake.warned).toHaveLength(round + 1);
        await greet(fake);
        fake.socket.receive(applied(1));
      }
      const listened = open();
      listened.fake.socket.drop();
      await settled();
      expect(listened.fake.warned).toEqual([]);
    });

    test("`close` ends it while the question is under way", async () => {
      const { fake, db, states } = open();
      fake.schema = () => new Promise(() => undefined);
      fake.socket.drop();
      db.close();
      await settled();
      expect(states).toEqual(["closed"]);
    });
  });

  describe("what plain JavaScript may give", () => {
    const { db } = open();
    // What no compiler would let through.
    const loose = db as unknown as Record<"subscribe" | "query" | "onState", (...given: readonly unknown[]) => unknown>;
    const query = "a query is SQL, or made of a table: ";
    test.each([
      { what: "a list", run: () => loose.subscribe(["SELECT * FROM person"]), says: query },
      { what: "a number", run: () => loose.subscribe("SELECT * FROM person", 5), says: `${query}5 is none` },
      { what: "no query", run: () => loose.subscribe(), says: query },
      { what: "nothing", run: () => loose.query(), says: `${query}undefined is none` },
      { what: "no listener", run: () => loose.onState(), says: "a listener is a function, not undefined" },
      {
        what: "no listener of rows",
        run: () => db.tables.person.onInsert(5 as never),
        says: "a listener is a function, not 5",
      },
      {
        what: "no listener of a question",
        run: () => db.tables.person.limit(1).onChange(null as never),
        says: "a listener is a function, not null",
      },
    ])("$what is refused at once, in words", ({ run, says }) => expect(run).toThrow(says));
  });

  describe("subscriptions", () => {
    test("one that is refused says why, and the others go on", async () => {
      const { fake, db } = await openWithPeople();
      const bad = db.subscribe("SELECT * FROM nope");
      await settled();
      fake.socket.receive(refused(fake.socket.subscribes[1]?.queryId, "no such table"));
      await expect(bad.applied).rejects.toMatchObject({ code: "SubscriptionRefused", message: "no such table" });
      expect(db.state).toBe("open");
    });

    test.runIf(version === 1)("when the server ends all of them, the client begins again", async () => {
      const { fake, db, person } = await openWithPeople();
      fake.socket.receive(refused(undefined, "boom"));
      expect(db.state).toBe("waiting");
      fake.pass(250);
      await settled();
      await greet(fake);
      fake.socket.receive(applied(1, { table: "person", inserts: [ada] }));
      expect(person.rows()).toEqual([ada]);
    });

    test("one that is ended before it was answered settles", async () => {
      const { fake, db } = await openWithPeople();
      const subscription = db.subscribe("SELECT * FROM person");
      subscription.unsubscribe();
      subscription.unsubscribe();
      expect(await codeOf(subscription.applied)).toBe("Unsubscribed");
      expect(fake.socket.sent.filter(({ kind }) => kind === "UnsubscribeMulti")).toHaveLength(1);
    });
  });

  describe("what a page hears of a subscription without looking at `applied`", () => {
    const watch = (subscription: SubscriptionHandle) => {
      const heard: (string | boolean | number)[] = [];
      const end = subscription.onChange(() => heard.push(subscription.error?.code ?? subscription.isApplied));
      return { heard, end };
    };

    test("rows that came, a connection that was lost and made again, a refusal later", async () => {
      const { fake, db, person } = await openWithPeople({ onError: () => {} });
      const one = db.subscribe("SELECT * FROM person WHERE id = 3");
      const { heard, end } = watch(one);
      one.onChange(() => heard.push(person.size));
      await settled();
      fake.socket.receive(applied(fake.socket.subscribes[1]?.queryId ?? 0, { table: "person", inserts: [alicia] }));
      expect(heard).toEqual([true, 3]);
      fake.socket.drop();
      fake.pass(250);
      await settled();
      await greet(fake);
      for (const { queryId } of fake.socket.subscribes) fake.socket.receive(applied(queryId));
      expect(heard).toEqual([true, 3]);
      end();
      fake.socket.receive(refused(fake.socket.subscribes[1]?.queryId, "may not be read any more"));
      expect([heard, one.error?.message]).toEqual([[true, 3, 0], "may not be read any more"]);
    });

    test("a refusal is told to `onError` as well, and what ended the client to all", async () => {
      const told: string[] = [];
      const { fake, db, subscription } = await openWithPeople({ onError: ({ code }) => told.push(code) });
      const bad = watch(db.subscribe("SELECT * FROM nope"));
      const [first, last] = [watch(subscription), watch(db.subscribe("SELECT * FROM point"))];
      await settled();
      fake.socket.receive(refused(fake.socket.subscribes[1]?.queryId, "no such table"));
      await settled();
      expect([bad.heard, told]).toEqual([["SubscriptionRefused"], ["SubscriptionRefused"]]);
      expect(db.error).toBeUndefined();
      fake.socket.drop(4403, "not today");
      expect([first.heard, last.heard]).toEqual([["Refused"], ["Refused"]]);
      expect([db.error?.message, subscription.isApplied]).toEqual(["not today", true]);
    });

    test("`close` by the application is no error, and what is not applied is not", async () => {
      const { db, subscription } = await openWithPeople();
      const [first, last] = [watch(subscription), watch(db.subscribe("SELECT * FROM point"))];
      db.close();
      expect([first.heard, last.heard, db.error]).toEqual([[], ["ConnectionClosed"], undefined]);
    });
  });

  describe("tokens", () => {
    test("a new identity's is kept", async () => {
      const tokenStore = memoryTokenStore();
      await openWithPeople({ tokenStore });
      expect(tokenStore.token).toBe("long-lived");
    });

    test("a kept one is shown, and the short-lived one that comes back is not kept", async () => {
      const tokenStore = memoryTokenStore("kept");
      const { fake, db } = open({ tokenStore });
      await settled();
      await greet(fake, "short-kept");
      expect(fake.tokensShown).toEqual(["kept"]);
      expect(tokenStore.token).toBe("kept");
      expect(db.token).toBe("kept");
    });

    test("a kept one that the server does not take is forgotten", async () => {
      const fake = makeWorld();
      fake.exchange = async () => refusal(401, "another server's");
      const tokenStore = memoryTokenStore("stale");
      open({ tokenStore, platform: fake.platform });
      await settled();
      expect(fake.socket.url.searchParams.has("token")).toBe(false);
      await greet(fake);
      expect(tokenStore.token).toBe("long-lived");
    });

    describe("of two pages on a first visit", () => {
      /** Two that came without a token, on one store; and what each asks for at once. */
      function visit() {
        const tokenStore = memoryTokenStore();
        const pages = [open({ tokenStore }), open({ tokenStore })] as const;
        for (const { db } of pages) db.subscribe("SELECT * FROM person");
        return { tokenStore, pages };
      }
      /** What was shown on each of a page's links, and what was asked on it. */
      const asked = ({ fake }: ReturnType<typeof open>) =>
        fake.sockets.map(({ url, sent }) => [url.searchParams.get("token"), sent.length]);

      test("greeted one after the other: the second goes on as the first, and has asked for nothing before", async () => {
        const { tokenStore, pages } = visit();
        const [one, two] = pages;
        await greet(one.fake, "first");
        await greet(two.fake, "second");
        await greet(two.fake, "short");
        expect([tokenStore.token, one.db.token, two.db.token]).toEqual(["first", "first", "first"]);
        expect([asked(one), asked(two)]).toEqual([
          [[null, 1]],
          [
            [null, 0],
            ["short-first", 1],
          ],
        ]);
        expect([two.fake.sockets[0]?.isClosed, two.db.state, two.states]).toEqual([true, "connecting", []]);
      });

      test("that each found nothing kept: both go on as the one that is kept", async () => {
        const { tokenStore, pages } = visit();
        const [one, two] = pages;
        one.fake.socket.receive(greeting("first"));
        // What the other page has written shows late.
        tokenStore.token = undefined;
        two.fake.socket.receive(greeting("second"));
        await settled();
        await greet(one.fake, "short");
        expect([tokenStore.token, one.db.token, two.db.token]).toEqual(["second", "second", "second"]);
        expect([asked(one), asked(two)]).toEqual([
          [
            [null, 0],
            ["short-second", 1],
          ],
          [[null, 1]],
        ]);
      });
    });

    test("a client stays who it is, whatever is kept later", async () => {
      const tokenStore = memoryTokenStore();
      const { fake, db } = open({ tokenStore });
      await greet(fake, "mine");
      tokenStore.token = "another's";
      fake.socket.drop();
      fake.pass(250);
      await settled();
      await greet(fake, "short");
      expect([fake.tokensShown, db.token, tokenStore.token]).toEqual([["mine"], "mine", "another's"]);
    });

    test("a store that cannot let go of one that the server does not take: the client is somebody new, once", async () => {
      const fake = makeWorld();
      fake.exchange = async (token) =>
        token === "stale" ? refusal(401, "another server's") : answer(JSON.stringify({ token: "short" }));
      const tokenStore = { ...memoryTokenStore("stale"), set: () => {}, remove: () => {} };
      const { db } = open({ tokenStore, platform: fake.platform });
      await settled();
      await greet(fake);
      expect([fake.sockets.length, db.token, db.state]).toEqual([1, "long-lived", "open"]);
    });

    test("a given one that the server does not take is final", async () => {
      const fake = makeWorld();
      fake.exchange = async () => refusal(401, "expired");
      const { db } = open({ token: "given", platform: fake.platform });
      const call = codeOf(db.reducers.tidyUp());
      await settled();
      expect(db.state).toBe("closed");
      expect(await call).toBe("Unauthorized");
      expect(fake.reported).toEqual([]);
    });

    test("a function gives one for each connection, in its own time; when it cannot, it is asked again", async () => {
      const fake = makeWorld();
      let [asked, isUp] = [0, true];
      const token = async (): Promise<string> => {
        asked += 1;
        if (!isUp) throw new Error("the issuer is away");
        return `token ${asked}`;
      };
      const { db, states } = open({ token, platform: fake.platform });
      await settled();
      await greet(fake, "short");
      expect([fake.tokensShown, db.token, db.state]).toEqual([["token 1"], "token 1", "open"]);
      isUp = false;
      fake.socket.drop();
      fake.pass(250);
      await settled();
      expect([states.at(-1), fake.sockets.length]).toEqual(["waiting", 1]);
      isUp = true;
      fake.pass(5_000);
      await settled();
      await greet(fake, "short");
      expect([fake.tokensShown, db.state]).toEqual([["token 1", "token 3"], "open"]);
    });

    test("a function that gives one at once; one that throws is final", async () => {
      const fake = makeWorld();
      const { db } = open({ token: () => "mine", platform: fake.platform });
      await settled();
      await greet(fake, "short");
      expect([fake.tokensShown, db.token]).toEqual([["mine"], "mine"]);
      const told: string[] = [];
      const throwing = (): string => {
        throw new Error("no user");
      };
      open({ token: throwing, platform: makeWorld().platform, onError: ({ message }) => told.push(message) });
      await settled();
      expect(told).toEqual([expect.stringContaining("the option `token` failed: no user")]);
    });

    test("a server that cannot be reached is tried again", async () => {
      const fake = makeWorld();
      fake.exchange = async () => Promise.reject(new Error("refused"));
      const { db } = open({ token: "given", platform: fake.platform });
      await settled();
      expect(db.state).toBe("waiting");
    });
  });

  describe("the end", () => {
    test("`close` settles everything, once", async () => {
      const { fake, db, states } = await openWithPeople();
      const call = codeOf(db.reducers.tidyUp());
      await settled();
      const pending = db.subscribe("SELECT * FROM person");
      db.close();
      db.close();
      expect(await call).toBe("ConnectionLost");
      expect(await codeOf(pending.applied)).toBe("ConnectionClosed");
      expect(await codeOf(db.reducers.tidyUp())).toBe("ConnectionClosed");
      expect(await codeOf(db.subscribe("SELECT 1").applied)).toBe("ConnectionClosed");
      expect(states).toEqual(["open", "closed"]);
      expect(fake.socket.isClosed).toBe(true);
      fake.pass(60_000);
      expect(fake.sockets).toHaveLength(1);
    });

    test.each([
      { frame: new Uint8Array([0, 99]), why: "an unknown tag" },
      { frame: new Uint8Array([2, 0]), why: "a compression that nobody asked for" },
      { frame: new Uint8Array([]), why: "nothing at all" },
      {
        frame: changed({ table: "person", deletes: [{ id: 9, name: "nobody" }] }),
        why: "a row deleted that never was",
      },
      { frame: changed({ table: "person", inserts: [ada] }).subarray(0, -3), why: "a frame cut short" },
    ])("$why closes the client: by the same schema it would read the same again", async ({ frame }) => {
      const { fake, db } = await openWithPeople();
      fake.socket.receive(frame);
      await settled();
      expect(db.state).toBe("closed");
      expect(fake.reported).toMatchObject([{ code: "Malformed" }]);
      expect(fake.socket.isClosed).toBe(true);
    });
  });
});
