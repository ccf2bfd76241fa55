// Goal: what the client says of an ending is what happened, on a real server: its words, its states, its rows.
// Method: the arena in a server of its own process, our client over real sockets; each ending brought about for real.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Arena, endOf } from "./arena.ts";

let arena: Arena;
beforeAll(async () => {
  arena = await Arena.open({ databaseLimits: { reducerTimeoutMs: 2000 } });
  await arena.publish("arena");
});
afterAll(() => arena.close());

const unanswered = (reducer: string, reason: string): string =>
  `ConnectionLost: \`${reducer}\` was not answered, and may or may not have happened: ${reason}`;

describe("row 32: what cannot be", () => {
  test("no such database: everything that waits is told, and nothing is tried again", async () => {
    const { db, errors, states } = arena.connect("nowhere");
    const ends = await Promise.all([endOf(db.reducers.banMyself()), endOf(db.subscribe(db.tables.player).applied)]);
    const text = "NoSuchDatabase: there is no database `nowhere`";
    expect(ends).toEqual([text, text]);
    expect(errors.map(({ code }) => code)).toEqual(["NoSuchDatabase"]);
    expect(states).toEqual(["closed: there is no database `nowhere`"]);
    expect(await endOf(db.reducers.banMyself())).toBe(
      "ConnectionClosed: the client is closed: there is no database `nowhere`",
    );
  });

  test("a token that is not believed", async () => {
    const { db } = arena.connect("arena", { token: "not.a.token" });
    expect(await endOf(db.subscribe(db.tables.player).applied)).toMatch(/^Unauthorized: /);
    expect(db.state).toBe("closed");
  });

  test("a table that is private answers as one that is not there, and the rest goes on", async () => {
    const { db, errors } = arena.connect("arena");
    expect(await endOf(db.subscribe("SELECT * FROM banned").applied)).toMatch(
      /^SubscriptionRefused: no such table: `banned`/,
    );
    await db.subscribe(db.tables.player).applied;
    expect([db.state, errors]).toEqual(["open", []]);
  });
});

describe("row 32: whom the module refuses", () => {
  const text = "You are banned from the arena: be nice";

  test("is told its text, by everything that waits, and not tried again", async () => {
    await arena.publish("refusing");
    const before = arena.connect("refusing");
    await before.db.reducers.banMyself();
    before.db.close();
    const { db, errors, states } = arena.connect("refusing", { token: before.db.token ?? "" });
    const ends = await Promise.all([endOf(db.reducers.banMyself()), endOf(db.subscribe(db.tables.player).applied)]);
    expect(ends).toEqual([`Refused: ${text}`, `Refused: ${text}`]);
    expect(errors.map(({ code, message }) => `${code}: ${message}`)).toEqual([`Refused: ${text}`]);
    expect(states).toEqual([`closed: ${text}`]);
    expect(await endOf(db.reducers.banMyself())).toBe(`ConnectionClosed: the client is closed: ${text}`);
  });

  test("so is one that was let in before, when it comes back", async () => {
    const { db, errors, when } = arena.connect("refusing");
    await db.subscribe(db.tables.player).applied;
    await db.reducers.banMyself();
    await arena.served.killFront();
    await when(/^waiting/);
    await arena.served.start();
    await when(/^closed/);
    expect(errors.map(({ code, message }) => `${code}: ${message}`)).toEqual([`Refused: ${text}`]);
  });
});

describe("row 32: calls", () => {
  test("done, refused by the module, ended for its time: each by its own words", async () => {
    const { db } = arena.connect("arena");
    await db.subscribe(db.tables.player).applied;
    expect(await endOf(db.reducers.enter({ id: 1, userName: "Ada" }))).toBe("done");
    expect(db.tables.player.get(1)).toEqual({ id: 1, userName: "Ada", hitPoints: 100 });
    expect(await endOf(db.reducers.enter({ id: 2, userName: "" }))).toBe("ReducerFailed: Nobody is called that");
    const ended = db.reducers.wait();
    expect(await endOf(ended)).toMatch(/^ReducerFailed: .+/);
    await expect(ended).rejects.toMatchObject({ hint: expect.stringContaining("`lightcone logs arena`") });
    const refused = db.reducers.enter({ id: 2, userName: "" });
    await expect(refused).rejects.toMatchObject({ hint: "The module refused the call; the text is its own." });
    expect(await endOf(db.reducers.enter({ id: 3 } as never))).toMatch(/^BadArguments: .*userName: expected a string/);
    expect(db.tables.player.size).toBe(1);
  });

  test("unsubscribed before its rows came, and closed with things under way", async () => {
    const { db } = arena.connect("arena");
    const early = db.subscribe(db.tables.player);
    const end = endOf(early.applied);
    early.unsubscribe();
    expect(await end).toBe("Unsubscribed: the subscription was ended by `unsubscribe()` before its rows came");
    await db.subscribe(db.tables.spell).applied;
    const pending = [endOf(db.reducers.move({ dx: 1, dy: 1 })), endOf(db.subscribe("SELECT * FROM step").applied)];
    db.close();
    expect(await Promise.all(pending)).toEqual([
      unanswered("move", "the application closed the client"),
      "ConnectionClosed: the client is closed: the application closed it before the rows came",
    ]);
  });
});

describe("row 32: a server that goes", () => {
  test.each([
    { how: "kill -9", end: () => arena.served.killFront(), reason: "the connection broke" },
    { how: "a clean stop", end: () => arena.served.stopFront(), reason: "module exited: the server is stopping" },
  ])("$how: what was sent is unknown, what was not waits; the rows of before, then the difference", async (row) => {
    const database = `going-${row.how.replaceAll(/\W/g, "")}`;
    await arena.publish(database);
    const { db, states, when, errors } = arena.connect(database);
    await db.subscribe(db.tables.player, db.tables.step).applied;
    await db.reducers.enter({ id: 1, userName: "Ada" });
    const ada = db.tables.player.get(1);
    const heard: unknown[] = [];
    db.tables.player.onInsert((player) => heard.push(player.userName));
    db.tables.player.onDelete(() => heard.push("a player left"));

    const sent = endOf(db.reducers.wait());
    await row.end();
    await when(/^waiting/);
    expect(await sent).toMatch(/^(?:ConnectionLost: `wait` was not answered, |ReducerFailed: )/);
    const held = endOf(db.reducers.enter({ id: 2, userName: "Bo" }));
    expect(db.tables.player.rows()).toEqual([ada]);
    await arena.served.start();
    expect(await held).toBe("done");
    expect(db.tables.player.get(1)).toBe(ada);
    expect(heard).toEqual(["Bo"]);
    expect([db.state, errors]).toEqual(["open", []]);
    expect(states.find((state) => state.startsWith("waiting"))).toBe(`waiting: ${row.reason}`);
    const rows = await arena.served.sql(database, "SELECT id, user_name FROM player");
    expect(rows.toSorted()).toEqual([
      [1, "Ada"],
      [2, "Bo"],
    ]);
    db.close();
  });
});
