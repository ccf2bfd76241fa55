// Goal: a page and a database of different versions part where they differ, by name, and go on everywhere else; a call
// never carries an argument in another's place.
// Method: a world without sockets and time that tells one schema and then another; the page is built with the first, or
// was given it by the server.
import { describe, expect, test } from "vitest";
import { hashBytes, isLightconeError, type LightconeError } from "@lightcone/base";
import { option, product, t, toHex } from "@lightcone/sats";
import type { BuiltSchema } from "./catalog.ts";
import { connect } from "./connect.ts";
import type { ConnectOptions } from "./connect-options.ts";
import { answer, FakeWorld, settled } from "./testing/fake-world.ts";
import { schemaText, type SchemaParts } from "./testing/schema-text.ts";
import { applied, changed, greeting, worldSchema, type world } from "./testing/server-frames.ts";

const [person, mapPoint] = worldSchema.tables;
const [renamePerson, moveAll, tidyUp] = worldSchema.reducers;
const ada = { id: 1, name: "Ada" };

/** A published schema: the world's with some of it changed. */
const otherWorld = ({ tables = worldSchema.tables, reducers = worldSchema.reducers }: SchemaParts): string =>
  schemaText({ tables, reducers });

async function open(schema: string, options: Partial<ConnectOptions> = {}) {
  const fake = new FakeWorld(schema);
  const errors: LightconeError[] = [];
  const db = connect<typeof world>({
    uri: "http://server",
    database: "arena",
    platform: fake.platform,
    onError: (error) => errors.push(error),
    ...options,
  });
  const texts = (): readonly string[] => errors.map(({ message }) => message);
  const greet = async (): Promise<void> => {
    fake.socket.receive(greeting());
    await settled();
  };
  /** The server publishes: it ends the connection, and the client comes back. */
  const publish = async (next: string): Promise<void> => {
    fake.schema = async () => answer(next);
    fake.socket.drop(1001, "module exited");
    fake.pass(5_000);
    await settled();
    await greet();
  };
  await greet();
  return { fake, db, errors, texts, greet, publish };
}

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "done",
    (error: unknown) => (isLightconeError(error) ? `${error.code}: ${error.message}` : error),
  );
const differs = (what: string): string => `this page was built for another version of arena: ${what}`;

describe("row 13: a page that brings the schema it was built with", () => {
  const built = { schema: JSON.parse(schemaText(worldSchema)) as object };
  const next = otherWorld({
    tables: [{ ...person, row: product({ id: t.u64, name: t.string }) }, mapPoint],
    reducers: [{ ...renamePerson, params: product({ id: t.u32, title: t.string }) }, moveAll, tidyUp],
  });
  const idDiffers = differs("column `id` of table `person` is u64, not u32");

  test("what differs is told when it is used, by its name, once", async () => {
    const { fake, db, errors, texts } = await open(next, built);
    expect(texts()).toEqual([]);
    expect(db.tables.person.rows()).toEqual([]);
    db.tables.person.onInsert(() => {});
    expect(texts()).toEqual([idDiffers]);
    expect(errors[0]?.code).toBe("VersionDiffers");
    expect(await failureOf(db.subscribe(db.tables.person).applied)).toBe(`VersionDiffers: ${idDiffers}`);
    expect(await failureOf(db.reducers.renamePerson({ id: 1, name: "x" }))).toBe(
      `VersionDiffers: ${differs("reducer `renamePerson` has no parameter `name`")}`,
    );
    expect([fake.socket.calls, fake.socket.subscribes]).toEqual([[], []]);
    expect(texts()).toEqual([idDiffers]);
  });

  test("the rest goes on", async () => {
    const { fake, db, texts } = await open(next, built);
    const { applied: rows } = db.subscribe(db.tables.mapPoint);
    fake.socket.receive(applied(1, { table: "point", inserts: [{ x: 1, y: 2 }] }));
    await rows;
    expect(db.tables.mapPoint.rows()).toEqual([{ x: 1, y: 2 }]);
    void db.reducers.moveAll({ by: 3 });
    await settled();
    expect(fake.socket.calls).toHaveLength(1);
    expect([db.state, texts()]).toEqual(["open", []]);
  });

  test("rows of a table that differs pass by, and say so", async () => {
    const { fake, db, texts } = await open(next, built);
    db.subscribe("SELECT * FROM person");
    fake.socket.receive(applied(1, { table: "person", inserts: [ada] }));
    expect(texts()).toEqual([idDiffers]);
    expect([db.tables.person.size, db.state]).toEqual([0, "open"]);
  });

  test("what is not there any more", async () => {
    const { db, texts } = await open(otherWorld({ tables: [mapPoint], reducers: [tidyUp] }), built);
    const rows = failureOf(db.subscribe("SELECT * FROM point", db.tables.person).applied);
    expect(await rows).toBe(`VersionDiffers: ${differs("there is no public table `person`; there are mapPoint")}`);
    expect(await failureOf(db.reducers.moveAll())).toBe(
      `VersionDiffers: ${differs("there is no reducer `moveAll` for clients; there are tidyUp")}`,
    );
    expect(texts()).toEqual([]);
  });

  test("used before the schema is known, it is told as soon as it is", async () => {
    const fake = new FakeWorld(next);
    const errors: string[] = [];
    const db = connect<typeof world>({
      uri: "http://server",
      database: "arena",
      platform: fake.platform,
      onError: ({ message }) => errors.push(message),
      ...built,
    });
    db.tables.person.onInsert(() => {});
    const rows = failureOf(db.subscribe(db.tables.person).applied);
    const call = failureOf(db.reducers.renamePerson({ id: 1, name: "x" }));
    fake.socket.receive(greeting());
    await settled();
    expect(await rows).toMatch(/^VersionDiffers/);
    expect(await call).toMatch(/^VersionDiffers/);
    expect(errors).toEqual([idDiffers]);
    expect(db.state).toBe("open");
  });

  test("a page that subscribes and unsubscribes when that is told asks for each once, and takes back nothing unasked", async () => {
    const fake = new FakeWorld(next);
    const subscribed: string[] = [];
    const db = connect<typeof world>({
      uri: "http://server",
      database: "arena",
      platform: fake.platform,
      onError: ({ message }) => {
        subscribed.push(message);
        db.subscribe("SELECT * FROM point");
        unwanted.unsubscribe();
      },
      ...built,
    });
    const unwanted = db.subscribe("SELECT * FROM point WHERE x = 1");
    unwanted.applied.catch(() => {});
    db.tables.person.onInsert(() => {});
    fake.socket.receive(greeting());
    await settled();
    expect(subscribed).toEqual([idDiffers]);
    expect(fake.socket.sent).toMatchObject([{ kind: "SubscribeMulti", queries: ["SELECT * FROM point"] }]);
    fake.socket.receive(applied(2, { table: "point", inserts: [{ x: 1, y: 2 }] }));
    expect([db.state, db.tables.mapPoint.rows()]).toEqual(["open", [{ x: 1, y: 2 }]]);
  });

  test("what differs is told once, though a subscription ends by it as well", async () => {
    const told: string[] = [];
    const fake = new FakeWorld(next);
    const db = connect<typeof world>({
      uri: "http://server",
      database: "arena",
      platform: fake.platform,
      onError: ({ message }) => told.push(message),
      ...built,
    });
    db.tables.person.onInsert(() => {});
    db.subscribe(db.tables.person);
    fake.socket.receive(greeting());
    await settled();
    expect(told).toEqual([idDiffers]);
  });

  test("what is no schema is refused at once", () => {
    expect(() => connect({ uri: "http://server", database: "arena", schema: { tables: [] } })).toThrow(/schema/);
  });

  test("without `onError` it is written once, and the client goes on", async () => {
    const { fake, db } = await open(next, { ...built, onError: undefined as never });
    db.tables.person.rows();
    db.tables.person.onInsert(() => {});
    expect(db.tables.person.size).toBe(0);
    expect(fake.complained).toEqual([expect.stringMatching(/^lightcone: .*Check the name/)]);
    expect(fake.reported).toEqual([]);
    expect(db.state).toBe("open");
  });
});

describe("row 13: a publish while the page is open", () => {
  test("a table that differs loses its rows and says so, once; the others are as they were", async () => {
    const { fake, db, texts, publish } = await open(schemaText(worldSchema));
    db.subscribe("SELECT * FROM person", "SELECT * FROM point");
    fake.socket.receive(applied(1, { table: "person", inserts: [ada] }, { table: "point", inserts: [{ x: 1, y: 1 }] }));
    const heard: unknown[] = [];
    db.tables.person.onDelete((row) => heard.push(["delete", row]));
    db.tables.mapPoint.onChange(() => heard.push("point"));
    const next = otherWorld({ tables: [{ ...person, row: product({ id: t.u32 }) }, mapPoint] });
    for (let round = 0; round < 2; round += 1) {
      await publish(next);
      fake.socket.receive(applied(1, { table: "point", inserts: [{ x: 1, y: 1 }] }));
      expect(db.state).toBe("open");
    }
    expect(heard).toEqual([["delete", ada]]);
    expect(texts()).toEqual([differs("table `person` has no column `name`")]);
    expect(db.tables.mapPoint.rows()).toEqual([{ x: 1, y: 1 }]);
  });

  test("columns and parameters go by name, in whatever order they are now", async () => {
    const { fake, db, texts, publish } = await open(schemaText(worldSchema));
    const turned = product({ name: t.string, id: t.u32 });
    await publish(
      otherWorld({
        tables: [{ ...person, row: turned, key: 1 }, mapPoint],
        reducers: [{ ...renamePerson, params: turned }, moveAll, tidyUp],
      }),
    );
    void db.reducers.renamePerson({ id: 7, name: "A" });
    await settled();
    expect(fake.socket.calls.map(({ args }) => toHex(args))).toEqual(["010000004107000000"]);
    expect(texts()).toEqual([]);
  });

  test("a parameter that was renamed is not left out, though it may be", async () => {
    const { fake, db, publish } = await open(schemaText(worldSchema));
    await publish(
      otherWorld({ reducers: [renamePerson, { ...moveAll, params: product({ distance: option(t.i32) }) }, tidyUp] }),
    );
    expect(await failureOf(db.reducers.moveAll({ by: 3 }))).toBe(
      `VersionDiffers: ${differs("reducer `moveAll` has no parameter `by`")}`,
    );
    expect(fake.socket.calls).toEqual([]);
  });

  test("a call that waits for the connection goes by the schema that it finds", async () => {
    const { fake, db, publish } = await open(schemaText(worldSchema));
    const args = { id: 7, name: "A" };
    fake.socket.drop();
    const fits = failureOf(db.reducers.tidyUp());
    const differing = failureOf(db.reducers.renamePerson(args));
    args.name = "changed meanwhile";
    await publish(otherWorld({ reducers: [{ ...renamePerson, params: product({ id: t.string }) }, moveAll, tidyUp] }));
    expect(await differing).toMatch(/parameter `id` of reducer `renamePerson` is string, not u32/);
    expect(fake.socket.calls).toMatchObject([{ reducer: "tidy_up" }]);
    db.close();
    expect(await fits).toMatch(/^ConnectionLost/);
  });

  test("rows that do not decode: the schema is read again, and if it is another one the client comes back with it", async () => {
    const { fake, db, texts, greet } = await open(schemaText(worldSchema));
    db.subscribe("SELECT * FROM person");
    fake.socket.receive(applied(1, { table: "person", inserts: [ada] }));
    fake.schema = async () =>
      answer(otherWorld({ tables: [{ ...person, row: product({ id: t.u32, name: t.string, hp: t.u32 }) }, mapPoint] }));
    const bytes = changed({ table: "person", inserts: [{ id: 2, name: "longer than it says" }] });
    fake.socket.receive(bytes.with(bytes.length - 23, 0xff));
    await settled();
    expect([db.state, db.tables.person.rows()]).toEqual(["waiting", [ada]]);
    fake.pass(5_000);
    await settled();
    await greet();
    expect([db.state, texts()]).toEqual(["connecting", []]);
  });
});

describe("plain JavaScript", () => {
  test("names go by the module's spelling; one that there is not says which there are", async () => {
    const fake = new FakeWorld(schemaText(worldSchema));
    const errors: string[] = [];
    const db = connect({
      uri: "http://server",
      database: "arena",
      platform: fake.platform,
      onError: ({ message }) => errors.push(message),
    });
    db.tables["mapPiont"]?.onInsert(() => {});
    fake.socket.receive(greeting());
    await settled();
    expect(errors).toEqual(["in arena there is no public table `mapPiont`; there are person, mapPoint"]);
    const made = (args: object): Promise<unknown> => failureOf(db.reducers["renamePerson"]?.(args) ?? Promise.reject());
    expect(await made({ id: 1 })).toMatch(/^BadArguments: .*renamePerson: name: expected a string, not undefined/);
    expect(await made({ id: 1, title: "x" })).toBe(
      "VersionDiffers: in arena reducer `renamePerson` takes a parameter `name` and has none called `title`",
    );
    const object = "renamePerson: it takes one object, { id: …, name: … }, not";
    const positional = db.reducers["renamePerson"] as unknown as (...all: readonly unknown[]) => Promise<void>;
    expect(await failureOf(positional("x"))).toBe(`BadArguments: invalid arguments for reducer ${object} "x"`);
    expect(await failureOf(positional(1, "x"))).toBe(`BadArguments: invalid arguments for reducer ${object} an array`);
    expect(await failureOf(positional({ id: 1, name: "x" }, 2))).toMatch(/not an array$/);
    expect(await made({ id: 1, name: "x", nick: "y" })).toBe(
      "BadArguments: invalid arguments for reducer renamePerson: there is no parameter `nick`; there are id, name",
    );
    expect(await failureOf(db.reducers["tidyUp"]?.({ all: true }) ?? Promise.reject())).toMatch(
      /there is no parameter `all`; it takes none$/,
    );
    expect(fake.socket.calls).toEqual([]);
    void made({ id: 1, name: "x", nick: undefined });
    await settled();
    expect(fake.socket.calls).toHaveLength(1);
  });

  test("what holds tables or reducers may be awaited, and looked through", async () => {
    const { db } = await open(schemaText(worldSchema));
    expect(await Promise.resolve(db.reducers)).toBe(db.reducers);
    expect(await Promise.resolve(db.tables)).toBe(db.tables);
    expect(Object.keys(db.reducers)).toEqual(["renamePerson", "moveAll", "tidyUp"]);
    expect("person" in db.tables).toBe(true);
  });

  test("a table without a primary key is not asked by it", async () => {
    const { fake, db } = await open(schemaText(worldSchema));
    db.subscribe("SELECT * FROM point");
    fake.socket.receive(applied(1, { table: "point", inserts: [{ x: 1, y: 1 }] }));
    const points = db.tables.mapPoint as unknown as { get(key: unknown): unknown };
    expect(() => points.get(1)).toThrow(new TypeError("table mapPoint has no primary key"));
  });
});

describe("issue 10: a page that brings the hash of the schema it was built with", () => {
  const text = schemaText(worldSchema);
  const next = otherWorld({ tables: [{ ...person, row: product({ id: t.u64, name: t.string }) }, mapPoint] });
  const hash = hashBytes(new TextEncoder().encode(text));
  const idDiffers = differs("column `id` of table `person` is u64, not u32");

  /** @param load the outcome of asking for the schema itself */
  function built(load: () => Promise<object> = async () => JSON.parse(text) as object) {
    const loads: string[] = [];
    const schema: BuiltSchema = {
      hash,
      load() {
        loads.push("asked for");
        return load();
      },
    };
    return { schema, loads };
  }

  test("of the same version: the schema is not asked for, then or when the next is published", async () => {
    const { schema, loads } = built();
    const { db, texts, publish } = await open(text, { schema });
    db.tables.person.onInsert(() => {});
    await publish(next);
    expect([texts(), loads]).toEqual([[idDiffers], []]);
  });

  test("of another version: it is, once, and what differs is told by its name when it is used", async () => {
    const { schema, loads } = built();
    const { db, texts, publish } = await open(next, { schema });
    expect([db.state, texts()]).toEqual(["open", []]);
    db.tables.mapPoint.onInsert(() => {});
    expect(texts()).toEqual([]);
    db.tables.person.onInsert(() => {});
    await publish(next.replace("tidyUp", "tidyAll"));
    expect(await failureOf(db.reducers.tidyUp())).toMatch(/^VersionDiffers: this page was built for another version/);
    expect([texts(), loads]).toEqual([[idDiffers], ["asked for"]]);
  });

  test("that cannot be had: it says so, once, and goes on by what the database has", async () => {
    const { schema, loads } = built(() => Promise.reject(new Error("404")));
    const { db, texts, publish } = await open(next, { schema });
    const unknown = differs("what differs is not known, since its schema cannot be loaded (Error: 404)");
    expect([db.state, texts()]).toEqual(["open", [unknown]]);
    db.tables.person.onInsert(() => {});
    await publish(text);
    const again = differs("column `id` of table `person` is u32, not u64");
    expect([texts(), loads]).toEqual([[unknown, again], ["asked for"]]);
  });

  test("that is told after the client was closed: nothing is", async () => {
    const late = Promise.withResolvers<object>();
    const { schema } = built(() => late.promise);
    const { db, texts, fake } = await open(next, { schema });
    expect(db.state).toBe("connecting");
    db.close();
    late.reject(new Error("404"));
    await settled();
    expect([db.state, texts(), fake.reported]).toEqual(["closed", [], []]);
  });
});
