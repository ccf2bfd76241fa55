// Goal: a test has a database of its own at once, and all that a client, a clock and a network do to it.
// Method: the module of `testing/arena.ts`, in this process; each test looks at rows.
import { describe, expect, test } from "vitest";
import { schema, t, table } from "@lightcone/module";
import { replayLog, testModule } from "./index.ts";
import { checkNode } from "./test-module.ts";
import * as arena from "./testing/arena.ts";

describe("issue 10 §3: a module under test", () => {
  test("calls are typed, give their results, and change rows that the test reads", async () => {
    const world = await testModule(arena);
    const ann = world.as("ann");
    await ann.join({ name: "Ann" });
    expect(await ann.score({ points: 7 })).toBe(7);
    const [row] = world.db.player.iter();
    expect(row).toMatchObject({ id: 1n, name: "Ann", score: 7, online: true });
    expect(world.db.player.name.find("Ann")?.owner.isEqual(ann.identity)).toBe(true);
    expect([...world.db.player.score.filter(7)]).toHaveLength(1);
    expect(world.db.secret.count()).toBe(1n);
    expect(world.log.map(({ message }) => message)).toContain("the arena opens");
    await world.close();
  });

  test("what the module refuses, breaks at, or is called with wrongly is an error with its text, and changes nothing", async () => {
    await using world = await testModule(arena);
    const ann = world.as("ann");
    await expect(ann.join({ name: "" })).rejects.toMatchObject({
      code: "ReducerFailed",
      message: "a player has a name",
    });
    await expect(ann.crash()).rejects.toThrow(/RangeError: out of the arena\n {4}at .*crash.*arena\.ts:\d+/);
    await expect(ann.join({ name: 7 as never })).rejects.toMatchObject({ code: "BadArguments", message: /name/ });
    await expect(ann.join({ name: "Ann", age: 3 } as never)).rejects.toThrow(/no parameter `age`: it takes name/);
    expect(() => (ann as never as Record<string, () => void>)["jion"]?.()).toThrow(
      /`ann` has no `jion`: the module has .*join/,
    );
    expect(world.db.player.count()).toBe(0n);
    expect(await Promise.resolve(ann)).toBe(ann);
  });

  test("identities connect and disconnect as often as they like, and the module hears of it", async () => {
    await using world = await testModule(arena);
    const ann = world.as("ann");
    expect(world.as("ann")).toBe(ann);
    await ann.join({ name: "Ann" });
    expect(world.db.session.count()).toBe(1n);
    const tab = await ann.connect();
    await tab.score({ points: 3 });
    expect(world.db.session.connection.find(tab.connectionId)?.who.isEqual(ann.identity)).toBe(true);
    expect(world.db.session.count()).toBe(2n);
    await tab.disconnect();
    expect(world.db.session.count()).toBe(1n);
    await expect(tab.score({ points: 1 })).rejects.toMatchObject({ code: "ConnectionClosed" });
    await ann.disconnect();
    expect(world.db.player.name.find("Ann")?.online).toBe(false);
    await ann.score({ points: 1 });
    expect(world.db.session.count()).toBe(1n);
    const banned = world.as("mallory", { claims: { banned: true } });
    await expect(banned.connect()).rejects.toMatchObject({ code: "Refused", message: "you are banned" });
    await expect(banned.join({ name: "M" })).rejects.toMatchObject({ code: "Refused" });
  });

  test("the clock goes on when the test says so, and what is scheduled runs at its times, without drift", async () => {
    await using world = await testModule(arena, { now: "2027-05-06T07:08:09Z" });
    expect(world.now.toISOString()).toBe("2027-05-06T07:08:09.000000Z");
    await world.as("ann").startTicks({ everyMs: 100 });
    const from = world.now.microsSinceUnixEpoch;
    const times = (): number[] =>
      [...world.db.ticked.iter()].slice(1).map(({ at }) => Number(at.microsSinceUnixEpoch - from) / 1000);
    await world.advance("99ms");
    expect(times()).toEqual([]);
    await world.advance("1ms");
    expect(times()).toEqual([100]);
    await world.advance("350ms");
    await world.advance(50);
    expect(times()).toEqual([100, 200, 300, 400, 500]);
    await world.as("ann").stopTicks();
    await world.advance("1d");
    expect(times()).toHaveLength(5);
    expect(world.now.toMillis() - from / 1000n).toBe(86_400_500n);
  });

  test("chance is the same in each run, and another for each call and each seed", async () => {
    const rolls = async (seed: number): Promise<number[]> => {
      await using world = await testModule(arena, { seed });
      const ann = world.as("ann");
      return [await ann.roll(), await ann.roll(), await world.as("bob").roll()];
    };
    const first = await rolls(0);
    expect(new Set(first).size).toBe(3);
    expect(await rolls(0)).toEqual(first);
    expect(await rolls(1000)).not.toEqual(first);
  });

  test("subscriptions are asserted as what changed, each with the rights of its identity", async () => {
    await using world = await testModule(arena);
    const [ann, bob] = [world.as("ann"), world.as("bob")];
    await ann.join({ name: "Ann" });
    const players = await bob.subscribe((from) => from.player.where((row) => row.score.gte(0)));
    expect(players.rows.map(({ name }) => name)).toEqual(["Ann"]);
    expect(players.take()).toEqual({ inserted: [], deleted: [], updated: [] });
    await bob.join({ name: "Bob" });
    await ann.score({ points: 5 });
    const { inserted, updated, deleted } = players.take();
    expect(inserted.map(({ name }) => name)).toEqual(["Bob"]);
    expect(updated.map(({ before, after }) => [before.score, after.score])).toEqual([[0, 5]]);
    expect(deleted).toEqual([]);
    await bob.leave();
    expect(players.take().deleted.map(({ name }) => name)).toEqual(["Bob"]);
    await players.unsubscribe();
    await bob.join({ name: "Bob" });
    expect(players.take().inserted).toEqual([]);
    const hits = await bob.subscribe("SELECT * FROM hit");
    await ann.score({ points: 2 });
    expect(hits.take().inserted).toMatchObject([{ points: 2 }]);
    expect(hits.rows).toEqual([]);
    await expect(bob.subscribe("SELECT * FROM secret")).rejects.toMatchObject({ code: "SubscriptionRefused" });
    expect(await world.owner.query("SELECT * FROM secret")).toHaveLength(2);
  });

  test("views and rules are per caller", async () => {
    await using world = await testModule(arena);
    const [ann, bob] = [world.as("ann"), world.as("bob")];
    await ann.join({ name: "Ann" });
    await bob.join({ name: "Bob" });
    const mine = await ann.subscribe<{ name: string; score: number }>("SELECT * FROM mine");
    const best = await bob.subscribe<{ name: string }>("SELECT * FROM best");
    expect(mine.rows.map(({ name }) => name)).toEqual(["Ann"]);
    expect(best.rows).toEqual([]);
    await ann.score({ points: 150 });
    expect(mine.rows[0]?.score).toBe(150);
    expect(best.take().inserted.map(({ name }) => name)).toEqual(["Ann"]);
    await ann.send({ to: bob.identity, text: "hi" });
    expect(await ann.query((from) => from.letter)).toEqual([]);
    expect(await bob.query((from) => from.letter)).toMatchObject([{ text: "hi" }]);
    expect(world.db.letter.count()).toBe(1n);
  });

  test("queries are made of tables and views; a name that is not there is answered with those that are", async () => {
    await using world = await testModule(arena);
    const [ann, bob] = [world.as("ann"), world.as("bob")];
    await ann.join({ name: "Ann" });
    const mine = await ann.subscribe((from) => from.mine.where((row) => row.score.gte(0)));
    expect(mine.rows.map(({ name }) => name)).toEqual(["Ann"]);
    expect(await bob.query((from) => from.mine)).toEqual([]);
    await bob.send({ to: ann.identity, text: "hi" });
    const inBox = await ann.query((from) => from.inBox.where((row) => row.letterText.eq("hi")));
    expect(inBox).toEqual([{ letterText: "hi", fromAfar: true }]);
    const plain = ann as never as Record<"query" | "subscribe", (query: unknown) => Promise<unknown>>;
    type Any = Record<
      string,
      { where(holds: (row: Record<string, { eq(value: unknown): unknown }>) => unknown): unknown }
    >;
    await expect(plain.query((from: Any) => from["plyer"])).rejects.toThrow(
      /`from` has no `plyer`: the module has player, .*best, inBox, mine/,
    );
    await expect(plain.subscribe((from: Any) => from["mine"]?.where((row) => row["colour"]?.eq(1)))).rejects.toThrow(
      "`mine` has no column `colour`: there are id, owner, name, score, online",
    );
    await expect(plain.query(() => undefined)).rejects.toThrow(
      /a query is SQL, or made of the module's tables and views/,
    );
  });

  test("a table that is not there is answered with those that are, and writing past the module in words", async () => {
    await using world = await testModule(arena);
    const db = world.db as never as Record<string, { readonly count: () => bigint } | undefined>;
    expect(() => db["players"]?.count()).toThrow(/`world\.db` has no `players`: the module has player, /);
    expect(() => (world.db.tick as never as { readonly clear: () => void }).clear()).toThrow(
      "world.db only reads: rows are written by reducers, or by world.sql",
    );
  });

  test("a Node that is too old is refused, and the text says how to have another", () => {
    expect(() => checkNode("24.0.0")).not.toThrow();
    expect(() => checkNode("20.20.2")).toThrow(/needs Node 24 or newer, and this is 20\.20\.2: .* npm script/);
  });

  test("options that there are not are refused by name", async () => {
    await expect(testModule(arena, { sed: 1 } as never)).rejects.toThrow(
      "testModule has no option `sed`; there are now, seed, limits, keep",
    );
    await expect(testModule(arena, { keep: { tset: 1 } } as never)).rejects.toThrow(/no option `tset`/);
    await using world = await testModule(arena);
    expect(() => world.as("eve", { claim: {} } as never)).toThrow(/`as` has no option `claim`; there are claims/);
    expect(() => world.request("/hi", { methd: "POST" } as never)).toThrow(/no option `methd`/);
    await expect(replayLog(arena, "nowhere", { form: 1 } as never)).rejects.toThrow(/replayLog has no option `form`/);
  });

  test("the owner's SQL reads and writes, in values of the module's kinds", async () => {
    await using world = await testModule(arena);
    await world.as("ann").join({ name: "Ann" });
    expect(await world.sql("SELECT id, name FROM player")).toEqual([{ id: 1n, name: "Ann" }]);
    await world.sql("UPDATE player SET score = 9 WHERE name = 'Ann'");
    expect(world.db.player.id.find(1n)?.score).toBe(9);
    await expect(world.sql("SELEKT")).rejects.toThrow(/SELEKT|statement/i);
  });

  test("requests of procedures end at the test's stubs; one that is not expected fails the test", async () => {
    await using world = await testModule(arena);
    const ann = world.as("ann");
    world.http.on("https://weather.example/oslo", { json: { sky: "snow" } });
    expect(await ann.weather({ city: "oslo" })).toBe("snow");
    expect(world.http.requests).toMatchObject([{ method: "GET", url: "https://weather.example/oslo" }]);
    expect([...world.db.letter.iter()].map(({ text }) => text)).toEqual(["snow"]);
    world.http.on(/weather/, { status: 503 });
    await expect(ann.weather({ city: "rome" })).rejects.toMatchObject({
      code: "ProcedureFailed",
      message: /no weather: 503/,
    });
    await using other = await testModule(arena);
    await expect(other.as("ann").weather({ city: "oslo" })).rejects.toThrow(
      'a procedure requested GET https://weather.example/oslo, which the test does not expect: say what is answered before the call, world.http.on("https://weather.example/oslo", { json: { … } })',
    );
  });

  test("a procedure that sleeps goes on with the clock", async () => {
    await using world = await testModule(arena);
    const from = world.now.toMillis();
    const napped = world.as("ann").nap({ ms: 250 });
    await world.advance("1s");
    expect((await napped).toMillis() - from).toBe(250n);
  });

  test("routes are requested", async () => {
    await using world = await testModule(arena);
    const reply = await world.request("/hi");
    expect([reply.status, reply.text()]).toEqual([201, "hello GET"]);
    expect((await world.request("/no")).status).toBe(404);
  });

  test("each world is another, whatever was done in those before", async () => {
    for (let round = 0; round < 3; round += 1) {
      await using world = await testModule(arena);
      await using other = await testModule(arena);
      await world.as("ann").join({ name: "Ann" });
      await other.as("bob").join({ name: "Bob" });
      expect([...world.db.player.iter()].map(({ id, name }) => [id, name])).toEqual([[1n, "Ann"]]);
      expect([...other.db.player.iter()].map(({ id, name }) => [id, name])).toEqual([[1n, "Bob"]]);
      await world.as("ann").score({ points: 1 });
      const [own, others] = [world.db.player, other.db.player];
      expect([own.id.find(1n)?.score, others.id.find(1n)?.score]).toEqual([1, 0]);
    }
  });
});

describe("issue 10 §3: memory of a world", () => {
  test("goes to the next one, which has none of its rows; handles that are kept read nothing of it", async () => {
    const world = await testModule(arena);
    const { player } = world.db;
    for (const name of ["Ann", "Bob", "Cleo"]) await world.as(name).join({ name });
    expect(player.count()).toBe(3n);
    await world.close();
    await using next = await testModule(arena);
    expect(next.db.player.count()).toBe(0n);
    expect(() => player.count()).toThrow(/the world is closed/);
    expect(() => [...player.iter()]).toThrow(/the world is closed/);
    await next.as("dan").join({ name: "Dan" });
    expect([...next.db.player.iter()].map(({ id, name }) => [id, name])).toEqual([[1n, "Dan"]]);
    expect(next.db.player.name.find("Ann")).toBe(null);
  });
});

describe("issue 10 §3: submodules of a module under test", () => {
  const line = table({ public: true }, { id: t.u32().primaryKey().autoInc(), text: t.string() });
  const chatSchema = schema({ line, secret: table({}, { id: t.u32().primaryKey() }) });
  const send = chatSchema.reducer({ text: t.string() }, t.u32(), (ctx, { text }) => {
    ctx.db.secret.insert({ id: 7 });
    return ctx.db.line.insert({ id: 0, text }).id;
  });
  const chat = { default: chatSchema, send };
  const app = schema({ chat, desk: chat, note: table({ public: true }, { id: t.u32().primaryKey() }) });
  const say = app.reducer((ctx) => void send(ctx.as.chat, { text: "by the root" }));
  const root = { default: app, say };

  test("have their tables in world.db under their keys, private ones too, and their functions behind a dot", async () => {
    await using world = await testModule(root);
    const ann = world.as("ann");
    await ann.say();
    expect(await ann["desk.send"]({ text: "at the desk" })).toBe(1);
    expect(await ann.reducers["chat.send"]({ text: "hi" })).toBe(2);
    expect([...world.db.chat.line.iter()].map(({ text }) => text)).toEqual(["by the root", "hi"]);
    expect(world.db.desk.line.id.find(1)?.text).toBe("at the desk");
    expect([world.db.chat.secret.count(), world.db.note.count()]).toEqual([1n, 0n]);
  });

  test("are subscribed to and queried, by name and by what queries begin with", async () => {
    await using world = await testModule(root);
    const [ann, bob] = [world.as("ann"), world.as("bob")];
    const lines = await bob.subscribe<{ text: string }>("SELECT * FROM chat.line");
    const long = await bob.subscribe((from) => from.desk.line.where((row) => row.id.gt(1)));
    await ann["chat.send"]({ text: "hi" });
    await ann["desk.send"]({ text: "one" });
    await ann["desk.send"]({ text: "two" });
    expect(lines.take().inserted.map(({ text }) => text)).toEqual(["hi"]);
    expect(long.rows.map(({ text }) => text)).toEqual(["two"]);
    expect(await bob.query((from) => from.chat.line)).toEqual([{ id: 1, text: "hi" }]);
  });
});

describe("issue 10 §3: what a database does not have fails here as it does there, and the realm stays as it is", () => {
  test("clock, chance, network, timers and Node are refused in words", async () => {
    const namesOf = (): readonly unknown[] =>
      Object.getOwnPropertyNames(globalThis)
        .sort()
        .map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)]);
    const before = namesOf();
    const random = Math.random;
    await using world = await testModule(arena);
    const ann = world.as("ann");
    await expect(ann.askClock()).rejects.toThrow(/no clock of its own: use ctx\.timestamp/);
    await expect(ann.askDate()).rejects.toThrow(/no clock of its own/);
    await expect(ann.askChance()).rejects.toThrow(/no chance of its own: use ctx\.random/);
    await expect(ann.askNetwork()).rejects.toThrow(/fetch is not defined \(a reducer cannot reach the network/);
    await expect(ann.askTimer()).rejects.toThrow(/setTimeout is not defined \(there are no timers/);
    await expect(ann.askProcess()).rejects.toThrow(/process is not defined \(there is no Node/);
    await expect(ann.givesPromise()).rejects.toThrow(/returned a promise/);
    expect(await ann.dayOf({ year: 2024 })).toBe("2024-01-01T00:00:00.000Z");
    expect(namesOf()).toEqual(before);
    expect(Math.random).toBe(random);
    expect(Object.isFrozen(Array.prototype)).toBe(false);
    expect(Date.now()).toBeGreaterThan(1_700_000_000_000);
  });

  test("an async reducer, one that is not exported, and exports that are no module are refused as at a publish", async () => {
    const app = schema({ one: table({}, { id: t.u64().primaryKey() }) });
    // oxlint-disable-next-line typescript/no-explicit-any -- what the compiler refuses, as plain JavaScript has it
    const isAsync = app.reducer((async () => {}) as any);
    await expect(testModule({ default: app, isAsync })).rejects.toThrow(/reducer `isAsync` is async/);
    const other = schema({ one: table({}, { id: t.u64().primaryKey() }) });
    other.reducer(() => undefined);
    await expect(testModule({ default: other })).rejects.toThrow(/testing\.test\.ts:\d+:\d+ is not exported/);
    await expect(testModule(app as never)).rejects.toThrow(/import \* as arena/);
    await expect(testModule({ default: {} } as never)).rejects.toMatchObject({ code: "ModuleInvalid" });
  });

  test("an endless reducer and an endless interval come to an end, and say so", async () => {
    await using world = await testModule(arena, { limits: { reducerTimeoutMs: 100 } });
    const ann = world.as("ann");
    await expect(ann.spin()).rejects.toThrow(/took longer than 0.1 s/);
    await expect(ann.spinLater()).rejects.toThrow(/took longer than 0.1 s/);
    expect(Date.now()).toBeGreaterThan(0);
    await ann.join({ name: "Ann" });
    expect(world.db.player.count()).toBe(1n);
    await ann.startTicks({ everyMs: 0 });
    await expect(world.advance("1ms")).rejects.toThrow(
      /after \d+ runs of scheduled rows.*1ms were not over: an interval may be too short/,
    );
  });

  test("the clock does not go back, times are times, and nothing is asked of a world that is closed", async () => {
    const world = await testModule(arena);
    const ann = world.as("ann");
    await expect(world.advance("-1s")).rejects.toThrow(/goes forward/);
    await expect(world.advance("soon")).rejects.toThrow(/"soon" is no duration: write "100ms"/);
    await expect(testModule(arena, { now: "today" })).rejects.toThrow(/today is no time/);
    await world.close();
    await world.close();
    await expect(ann.join({ name: "Ann" })).rejects.toThrow(/the world is closed/);
    expect(() => world.db).toThrow(/the world is closed/);
  });
});
