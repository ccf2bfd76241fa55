// Goal: what a guess may do, what it may not, and what becomes of it.
// Method: a client in a world without sockets and time, with a table of each kind; calls that are never answered, so that what
// is shown is the guess's alone. That it stands on the truth in any history is the property test's.
import { describe, expect, test } from "vitest";
import { schema, SenderError, t, table } from "@lightcone/module";
import { product, t as types } from "@lightcone/sats";
import { connect } from "../connect.ts";
import { FakeWorld, settled } from "../testing/fake-world.ts";
import { schemaText } from "../testing/schema-text.ts";
import { applied, changed, done, failed, greeting, worldSchema } from "../testing/server-frames.ts";
import { guessesMax, guessRowsMax } from "./guesses.ts";
import { optimistic, type OptimisticReducers } from "./optimistic.ts";

const small = schema({
  person: table({ public: true }, { id: t.u32().primaryKey(), name: t.string() }),
  mapPoint: table({ public: true, name: "point" }, { x: t.i32(), y: t.i32() }),
  counter: table({ public: true }, { id: t.i8().primaryKey().autoInc(), wide: t.u64().unique().autoInc() }),
  ping: table({ public: true, event: true }, { n: t.u32() }),
  secret: table({}, { code: t.string().primaryKey() }),
});
const town = {
  default: small,
  renamePerson: small.reducer({ id: t.u32(), name: t.string() }, (ctx, { id, name }) => {
    if (name === "") throw new SenderError("nobody is called that");
    ctx.db.person.id.update({ id, name });
  }),
  moveAll: small.reducer({ by: t.i32().optional() }, () => {}),
  tidyUp: small.reducer(() => {}),
};
type Town = typeof town;

const text = schemaText({
  tables: [
    { ...worldSchema.tables[0], indexes: { id: [0] }, unique: [[0]] },
    worldSchema.tables[1],
    {
      accessor: "counter",
      row: product({ id: types.i8, wide: types.u64 }),
      key: 0,
      indexes: { id: [0], wide: [1] },
      unique: [[0], [1]],
      autoInc: [0, 1],
    },
    { accessor: "ping", row: product({ n: types.u32 }), isEvent: true },
  ],
  reducers: worldSchema.reducers,
});

const ada = { id: 1, name: "Ada" };

async function open(reducers: OptimisticReducers<Town>) {
  const fake = new FakeWorld(text);
  const db = connect<Town>({
    uri: "http://server",
    database: "town",
    platform: fake.platform,
    optimistic: optimistic<Town>(reducers),
  });
  const { person, mapPoint, counter, ping } = db.tables;
  const subscriptions = [
    db.subscribe(person),
    db.subscribe(person.where({ name: "Ada" })),
    db.subscribe(counter, ping),
  ];
  fake.socket.receive(greeting());
  await settled();
  const [all, adas, rest] = fake.socket.subscribes.map(({ queryId }) => queryId);
  fake.socket.receive(applied(all ?? 0, { table: "person", inserts: [ada] }));
  fake.socket.receive(applied(adas ?? 0, { table: "person", inserts: [ada] }));
  fake.socket.receive(applied(rest ?? 0));
  expect(person.rows()).toEqual([ada]);
  const call = (): void => void db.reducers.tidyUp().catch(() => {});
  return { fake, db, subscriptions, person, mapPoint, counter, ping, call };
}

/** What a guess found. */
async function found<T>(look: (ctx: Parameters<NonNullable<OptimisticReducers<Town>["tidyUp"]>>[0]) => T) {
  const seen: T[] = [];
  const opened = await open({ tidyUp: (ctx) => void seen.push(look(ctx)) });
  opened.call();
  return { ...opened, seen: seen[0] };
}

describe("issue 10: a reducer of the module itself", () => {
  test("is seen before it is sent, and told; told again by the error that withdraws it", async () => {
    const { db, person, fake } = await open({ renamePerson: town.renamePerson });
    const heard: unknown[] = [];
    person.onUpdate((before, after) => heard.push([before.name, after.name]));
    const call = db.reducers.renamePerson({ id: 1, name: "Ada L." });
    expect([person.rows(), heard]).toEqual([[{ id: 1, name: "Ada L." }], [["Ada", "Ada L."]]]);
    expect(fake.socket.calls).toHaveLength(0);
    await settled();
    const [{ requestId } = { requestId: 0 }] = fake.socket.calls;
    fake.socket.receive(failed(requestId, "not today"));
    expect([person.rows(), heard.at(-1)]).toEqual([[ada], ["Ada L.", "Ada"]]);
    await expect(call).rejects.toMatchObject({ code: "ReducerFailed", message: "not today" });
  });

  test("that was right is told of once, and its row stays the same object", async () => {
    const { db, person, fake } = await open({ renamePerson: town.renamePerson });
    const call = db.reducers.renamePerson({ id: 1, name: "Bo" });
    await settled();
    const [guessed] = person.rows();
    const heard: unknown[] = [];
    person.onChange(() => heard.push("changed"));
    const bo = { id: 1, name: "Bo" };
    // It was counted by two subscriptions, and is by one now.
    fake.socket.receive(
      done(fake.socket.calls[0]?.requestId ?? 0, { table: "person", deletes: [ada, ada], inserts: [bo] }),
    );
    await call;
    expect([person.rows()[0] === guessed, heard]).toEqual([true, []]);
    fake.socket.receive(changed({ table: "person", deletes: [bo] }));
    expect(person.rows()).toEqual([]);
  });

  test("that refuses by itself is not shown, is not told of here, and the database is asked", async () => {
    const { db, person, fake } = await open({ renamePerson: town.renamePerson });
    for (const args of [
      { id: 1, name: "" },
      { id: 5, name: "nobody" },
    ])
      void db.reducers.renamePerson(args).catch(() => {});
    await settled();
    expect([person.rows(), fake.socket.calls.length, fake.warned]).toEqual([[ada], 2, []]);
  });

  test("that a bad argument keeps from being sent is not guessed either", async () => {
    const { db, person } = await open({ renamePerson: town.renamePerson });
    await expect(db.reducers.renamePerson({ id: 1, name: 5 as never })).rejects.toMatchObject({ code: "BadArguments" });
    expect(person.rows()).toEqual([ada]);
  });
});

describe("issue 10: what a guess is given", () => {
  test("who calls, when, and chance: all the same when it is worked out again", async () => {
    const seen: unknown[][] = [];
    const { db, fake, call } = await open({
      tidyUp: (ctx) => {
        const ids = [ctx.newUuidV4(), ctx.newUuidV7()].map(String);
        const drawn = [ctx.random(), ctx.random.integerInRange(1, 6), ...ctx.random.fill(new Uint8Array(4))];
        seen.push([ctx.sender, ctx.connectionId, ctx.timestamp.microsSinceUnixEpoch, ...drawn, ...ids]);
      },
    });
    fake.pass(5);
    call();
    fake.pass(5);
    fake.socket.receive(changed({ table: "person", inserts: [ada] }));
    expect(seen).toHaveLength(2);
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[0]?.slice(0, 3)).toEqual([db.identity, db.connectionId, 5000n]);
    expect(seen[0]?.[4]).toBeOneOf([1, 2, 3, 4, 5, 6]);
  });

  test("what the database alone knows ends it", async () => {
    const { fake, counter, call } = await open({
      tidyUp: (ctx) => {
        ctx.db.counter.insert({});
        return ctx.senderAuth.hasJWT;
      },
    });
    call();
    expect([counter.rows(), fake.warned]).toEqual([[], []]);
  });

  test("numbers that the database makes are at the top of their column, and rise; they stay when others' rows come", async () => {
    const { fake, counter, call } = await open({
      tidyUp: (ctx) => {
        const { id } = ctx.db.counter.insert({});
        ctx.db.counter.id.find(id) satisfies object | null;
      },
    });
    call();
    call();
    const rows = counter.orderBy("id").rows();
    expect(rows).toEqual([
      { id: 97, wide: 2n ** 64n - 2n ** 20n + 1n },
      { id: 99, wide: 2n ** 64n - 2n ** 20n + 3n },
    ]);
    fake.socket.receive(changed({ table: "person", inserts: [ada] }));
    expect(counter.orderBy("id").rows()).toEqual(rows);
    expect(counter.get(97)).toBe(rows[0]);
  });

  test("rows are its own, to write to", async () => {
    const { person } = await found((ctx) => Object.assign(ctx.db.person.id.find(1) ?? {}, { name: "?" }));
    expect(person.rows()).toEqual([ada]);
  });

  test("rows that it has written are found by it, by every way", async () => {
    const { seen } = await found(({ db: { person } }) => {
      person.insert({ id: 3, name: "Cy" });
      person.id.update({ id: 1, name: "Al" });
      return [
        [...person],
        person.count(),
        person.id.find(3)?.name,
        person.delete({ id: 3, name: "Cy" }),
        person.count(),
      ];
    });
    const [rows, ...rest] = seen ?? [];
    expect(rows).toEqual(
      expect.arrayContaining([
        { id: 1, name: "Al" },
        { id: 3, name: "Cy" },
      ]),
    );
    expect(rest).toEqual([2n, "Cy", true, 1n]);
  });

  test("a table that is private, or that nobody asked for, takes what is written, and has nothing", async () => {
    const { seen, mapPoint, fake } = await found(({ db }) => {
      db.secret.insert({ code: "x" });
      db.mapPoint.insert({ x: 1, y: 2 });
      return [db.secret.code.find("x"), db.secret.count(), [...db.mapPoint]];
    });
    expect([seen, mapPoint.rows(), fake.warned]).toEqual([[null, 0n, []], [], []]);
  });

  test("what happens and is not kept happens when the database says so", async () => {
    const opened = await open({ tidyUp: (ctx) => void ctx.db.ping.insert({ n: 1 }) });
    const heard: unknown[] = [];
    opened.ping.onInsert((row) => heard.push(row));
    opened.call();
    expect([heard, opened.ping.rows()]).toEqual([[], []]);
  });
});

describe("issue 10: a guess that fails", () => {
  const warning = (reason: string): string =>
    `lightcone: the guess of \`tidyUp\` is not shown, and the call is made all the same: ${reason}`;

  test.each([
    {
      how: "throws",
      run: () => {
        throw new Error("a mistake");
      },
      reason: "Error: a mistake",
    },
    // Plain JavaScript has no compiler that would say it.
    { how: "is async", run: (async () => {}) as never, reason: "TypeError: it is async, and a guess is made at once" },
  ])("$how: said once, its rows withdrawn, and the call is made", async ({ run, reason }) => {
    const { fake, person, call } = await open({
      tidyUp: (ctx, args) => {
        ctx.db.person.insert({ id: 9, name: "nobody" });
        return (run as (ctx: unknown, args: unknown) => undefined)(ctx, args);
      },
    });
    call();
    call();
    await settled();
    expect([person.rows(), fake.warned, fake.socket.calls.length]).toEqual([[ada], [warning(reason)], 2]);
  });

  test("reads the client's tables: they are between two states", async () => {
    const opened = await open({ tidyUp: () => void opened.db.tables.person.rows() });
    opened.call();
    expect(opened.fake.warned).toEqual([
      warning("TypeError: a guess reads and writes `ctx.db`, not the client's tables"),
    ]);
  });

  test("goes on writing when it is over", async () => {
    let late = (): void => {};
    const opened = await open({
      tidyUp: ({ db }) => void (late = () => void db.person.insert({ id: 9, name: "late" })),
    });
    opened.call();
    expect(late).toThrow("what a guess is given is used after it");
    expect(opened.person.rows()).toEqual([ada]);
  });

  test("guessRowsMax: no guess writes more rows", async () => {
    const { fake, person, call } = await open({
      tidyUp: ({ db }) => {
        for (let id = 2; id < guessRowsMax + 3; id += 1) db.person.insert({ id, name: "" });
      },
    });
    call();
    expect([person.size, fake.warned]).toEqual([1, [warning(`TypeError: it writes more than ${guessRowsMax} rows`)]]);
  });

  test("guessesMax: calls beyond are made, and not guessed", async () => {
    const { fake, counter, call } = await open({
      tidyUp: (ctx) => void ctx.db.counter.insert({ id: Number(ctx.db.counter.count()) - 100 }),
    });
    for (let count = 0; count <= guessesMax; count += 1) call();
    await settled();
    expect([counter.size, fake.socket.calls.length]).toEqual([guessesMax, guessesMax + 1]);
    expect(fake.warned).toEqual([warning(`${guessesMax} calls are on their way already`)]);
  });
});

describe("issue 10: guesses and the connection", () => {
  test("calls before there was a connection are guessed once there are rows, and are in their first showing", async () => {
    const fake = new FakeWorld(text);
    const db = connect<Town>({
      uri: "http://server",
      database: "town",
      platform: fake.platform,
      optimistic: optimistic<Town>({ renamePerson: town.renamePerson }),
    });
    const told: unknown[] = [];
    db.tables.person.onInsert(({ name }) => told.push(name));
    db.subscribe(db.tables.person);
    void db.reducers.renamePerson({ id: 1, name: "Al" }).catch(() => {});
    fake.socket.receive(greeting());
    await settled();
    fake.socket.receive(applied(fake.socket.subscribes[0]?.queryId ?? 0, { table: "person", inserts: [ada] }));
    expect([db.tables.person.rows(), told]).toEqual([[{ id: 1, name: "Al" }], ["Al"]]);
  });

  test("several that are lost with the connection are withdrawn in one step; those that wait stay", async () => {
    const { fake, db, person, call } = await open({
      renamePerson: town.renamePerson,
      tidyUp: (ctx) => void ctx.db.person.insert({ id: 7 + Number(ctx.db.person.count()), name: "new" }),
    });
    void db.reducers.renamePerson({ id: 1, name: "Al" }).catch(() => {});
    call();
    expect(person.size).toBe(2);
    const told: unknown[] = [];
    person.onChange(() => told.push(person.size));
    fake.socket.drop();
    expect([person.rows(), told]).toEqual([[ada], [1]]);
    call();
    expect(person.size).toBe(2);
    db.close();
    expect([person.rows(), told]).toEqual([[ada], [1, 2, 1]]);
  });

  test("a listener that calls a reducer: everybody hears of each change in its order", async () => {
    const { db, person, call } = await open({
      renamePerson: town.renamePerson,
      tidyUp: (ctx) => void ctx.db.person.insert({ id: 2, name: "Bo" }),
    });
    const told: string[] = [];
    person.onInsert(() => void db.reducers.renamePerson({ id: 2, name: "Bob" }).catch(() => {}));
    person.onInsert(({ name }) => told.push(name));
    person.onUpdate((before, after) => told.push(`${before.name} to ${after.name}`));
    call();
    expect(told).toEqual(["Bo", "Bo to Bob"]);
  });
});

test("issue 10: what optimistic and connect are given in plain JavaScript", () => {
  expect(() => optimistic(5 as never)).toThrow("optimistic takes functions by the names of reducers, not 5");
  expect(() => optimistic({ say: {} } as never)).toThrow(
    "optimistic: `say` is a function (ctx, args) => { … }, not an object",
  );
  expect(() => connect({ uri: "http://x", database: "y", optimistic: {} as never })).toThrow(
    "the option `optimistic` of connect is what `optimistic({ … })` makes, not an object",
  );
});
