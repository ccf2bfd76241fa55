// Goal: a test of a module sees what clients of a real server would, and a log of that server replays with the test's module.
// Method: the same seeded steps by three people, through a server in processes of its own with real clients, and through the kit:
// how each call ended, each person's rows under rules and views, and the owner's rows of all tables are compared.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { testSeed } from "@lightcone/base/testing";
import { bundleModule } from "@lightcone/cli/bundle";
import { seededNumbers } from "@lightcone/commitlog/testing";
import { connect, isLightconeError, type Client, type Identity } from "lightcone/client";
import { replayLog, testModule } from "lightcone/testing";
import * as arena from "../../../packages/testing/src/testing/arena.ts";
import { kept } from "../../../packages/testing/src/testing/kept.ts";
import { Place } from "../../../packages/cli/src/testing/command.ts";
import { Served } from "../served.ts";

const seed = testSeed(20_261_130);
const names = ["ann", "bob", "cleo"] as const;
type Name = (typeof names)[number];

type Step = { readonly who: Name } & (
  | { readonly kind: "join"; readonly name: string }
  | { readonly kind: "score"; readonly points: number }
  | { readonly kind: "leave" | "crash" | "roll" }
  | { readonly kind: "send"; readonly to: Name; readonly text: string }
);

function stepsOf(count: number): Step[] {
  const next = seededNumbers(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.min(list.length - 1, Math.floor(next() * list.length))] as T;
  return Array.from({ length: count }, (_, at): Step => {
    const who = pick(names);
    const kind = pick(["join", "score", "score", "score", "leave", "send", "send", "crash", "roll"] as const);
    if (kind === "join") return { who, kind, name: pick(["", "A", "B", "C", "D"]) };
    if (kind === "score") return { who, kind, points: pick([-3, 1, 40, 150, 2_147_483_647]) };
    if (kind === "send") return { who, kind, to: pick(names), text: `letter ${at}` };
    return { who, kind };
  });
}

/** Whoever can call: a client, or an identity of the kit. */
interface Caller {
  join(args: { name: string }): Promise<unknown>;
  score(args: { points: number }): Promise<unknown>;
  leave(): Promise<unknown>;
  crash(): Promise<unknown>;
  roll(): Promise<unknown>;
  send(args: { to: Identity; text: string }): Promise<unknown>;
}

/** How a step ended, without what a test is told besides. */
async function take(step: Step, caller: Caller, identityOf: (name: Name) => Identity): Promise<string> {
  const call = (): Promise<unknown> => {
    switch (step.kind) {
      case "join":
        return caller.join({ name: step.name });
      case "score":
        return caller.score({ points: step.points });
      case "send":
        return caller.send({ to: identityOf(step.to), text: step.text });
      default:
        return caller[step.kind]();
    }
  };
  return call().then(
    () => "done",
    (error: unknown) =>
      isLightconeError(error) || (error instanceof Error && "code" in error)
        ? `${String(error.code)}: ${error.message.split("\n")[0]}`
        : String(error),
  );
}

const statements = [
  "SELECT id, name, score, online FROM player",
  "SELECT id, text FROM letter",
  "SELECT id FROM ticked",
  "SELECT id FROM tick",
];
/** A person's own rows. */
const questions = ["SELECT * FROM mine", "SELECT * FROM best", "SELECT * FROM letter"] as const;
const shown = (rows: Iterable<Readonly<Record<string, unknown>>>): string[] =>
  [...rows].map(({ name, text, score }) => JSON.stringify([name ?? text, score])).sort();

interface Outcome {
  readonly ends: readonly string[];
  readonly rows: readonly unknown[];
  readonly own: Readonly<Record<Name, readonly string[][]>>;
}

async function inTheKit(steps: readonly Step[]): Promise<Outcome> {
  await using world = await testModule(arena);
  const people = { ann: world.as("ann"), bob: world.as("bob"), cleo: world.as("cleo") };
  const live = await Promise.all(
    names.map((name) => Promise.all(questions.map((question) => people[name].subscribe(question)))),
  );
  const ends: string[] = [];
  for (const step of steps) ends.push(await take(step, people[step.who], (name) => people[name].identity));
  const rows: unknown[] = [];
  for (const statement of statements)
    rows.push((await world.sql(statement)).map((row) => JSON.stringify(Object.values(row).map(plain))).sort());
  const own = Object.fromEntries(
    names.map((name, at) => [name, (live[at] ?? []).map(({ rows: each }) => shown(each))]),
  );
  return { ends, rows, own: own as unknown as Outcome["own"] };
}

const plain = (value: unknown): unknown => (typeof value === "bigint" ? Number(value) : value);

let served: Served;
const clients: Client<typeof arena>[] = [];
beforeAll(async () => {
  served = await Served.open();
  const path = fileURLToPath(new URL("../../../packages/testing/src/testing/arena.ts", import.meta.url));
  await served.publish("arena", (await bundleModule(path)).code, "Js");
});
afterAll(async () => {
  for (const client of clients) client.close();
  await served.stop();
});

async function onAServer(steps: readonly Step[]): Promise<Outcome> {
  const people = await Promise.all(
    names.map(async (name) => {
      const db = connect<typeof arena>({ uri: served.url, database: "arena" });
      clients.push(db);
      await db.subscribe("SELECT * FROM mine", "SELECT * FROM best", "SELECT * FROM letter").applied;
      return [name, db] as const;
    }),
  );
  const byName = Object.fromEntries(people) as Readonly<Record<Name, Client<typeof arena>>>; // for each name
  const identityOf = (name: Name): Identity => {
    const { identity } = byName[name];
    if (identity === undefined) throw new Error("not connected");
    return identity;
  };
  const ends: string[] = [];
  for (const step of steps) ends.push(await take(step, byName[step.who].reducers, identityOf));
  const rows: unknown[] = [];
  for (const statement of statements) {
    const answer = await served.request("POST", "/v1/database/arena/sql", statement);
    const [result]: { rows: unknown[] }[] = JSON.parse(await answer.text());
    rows.push(result?.rows.map((row) => JSON.stringify(row)).sort());
  }
  // Whatever was told of the last call is there when a call behind it is answered.
  for (const name of names) await byName[name].reducers.roll();
  const own = Object.fromEntries(
    names.map((name) => {
      const { mine, best, letter } = byName[name].tables;
      return [name, [mine, best, letter].map((table) => shown(table.rows()))];
    }),
  );
  return { ends, rows, own: own as unknown as Outcome["own"] };
}

describe("issue 10 §3: the kit and a real server", () => {
  test("the same steps end the same, and leave the same rows, to the owner and to each person", async () => {
    const steps = stepsOf(150);
    const [real, kit] = [await onAServer(steps), await inTheKit(steps)];
    expect(kit.ends).toEqual(real.ends);
    expect(kit.rows).toEqual(real.rows);
    expect(kit.own).toEqual(real.own);
    // The steps have met what they are for.
    expect(new Set(real.ends.map((end) => end.split(":")[0]))).toEqual(new Set(["done", "ReducerFailed"]));
    expect(real.ends.filter((end) => end === "done").length).toBeGreaterThan(20);
    expect(real.own.ann.some((rows) => rows.length > 0)).toBe(true);
  });

  test("the server's log replays with the test's module; with another, the first row that differs is named", async () => {
    for (const client of clients) client.close();
    await served.stopFront();
    const report = await replayLog(arena, served.dataDirectory);
    expect(report.callCount).toBeGreaterThan(20);
    kept.bonus = -1; // one more could be too many for the column
    const replayed = replayLog(arena, served.dataDirectory).finally(() => (kept.bonus = 0));
    // One point less is no change at all, where it was one.
    await expect(replayed).rejects.toThrow(
      /^score, offset \d+, of \S+: a row of player differs, the (?:insert|delete) of which it did when it was recorded, and does not now: \{"id":/,
    );
    await expect(replayLog(arena, "/nowhere")).rejects.toThrow(/no database .*\/nowhere/);
  });
});

describe("issue 10 §3: the database of a test that fails", () => {
  const place = new Place();
  const folder = place.path("kept");
  afterAll(() => place.close());
  const entry = new URL("../../../packages/testing/src/testing/arena.ts", import.meta.url);

  test.fails("that fails!", async (t) => {
    await using world = await testModule(arena, { keep: { test: t, entry, folder } });
    await world.as("ann").join({ name: "Ann" });
    await world.as("bob").join({ name: "Bob" });
    await world.as("ann").score({ points: 7 });
    expect(world.db.player.count()).toBe(3n);
  });

  test("that passes", async (t) => {
    await using world = await testModule(arena, { keep: { test: t, entry, folder } });
    await world.as("ann").join({ name: "Ann" });
    expect(world.db.player.count()).toBe(1n);
  });

  test.fails("that is of another module", async (t) => {
    const other = new URL("../client/modules/arena.ts", import.meta.url);
    await using world = await testModule(arena, { keep: { test: t, entry: other, folder } });
    expect(world.db.player.count()).toBe(3n);
  });

  test("is what a server goes on with; of one that passes, or is of another module, nothing is kept", async () => {
    expect(readdirSync(folder)).toEqual(["that-fails"]);
    const server = place.start("start", "--data-dir", join(folder, "that-fails"), "--listen-addr", "127.0.0.1:0");
    const url = (await server.saying(/Lightcone listening on (\S+)/))[1] ?? "";
    const asked = (...words: readonly string[]) => place.run(...words, "-s", url);
    expect(await asked("call", "test", "join", "Cleo")).toMatchObject({ code: 0 });
    const { out } = await asked("sql", "test", "SELECT name, score, online FROM player");
    expect(out.match(/"\w+" .*/g)?.sort()).toEqual([
      `"Ann"  | 7     | false`,
      `"Bob"  | 0     | false`,
      expect.stringMatching(/"Cleo" \| 0/),
    ]);
    server.child.kill("SIGTERM");
    await server.ended;
  });
});
