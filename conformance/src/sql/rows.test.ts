// Goal: row 27 on a real server: what a subscription adds up to, what SQL gives, and what the condition says in plain
// words are the same rows; and a join on floats, or a condition that has no rows, answers whatever the size of the tables.
// Method: a module with two tables of floats in every spelling; a client for each query; random calls, and after each
// round every client's rows beside those of `POST …/sql` and of a model. Then tables of 20,000 rows.
import { runCount, testSeed } from "@lightcone/base/testing";
import { connect, type Client } from "lightcone/client";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundleModule } from "../../../packages/cli/src/build/bundle.ts";
import { fileURLToPath } from "node:url";
import type * as points from "./modules/points.ts";
import { Served } from "../served.ts";

const rounds = runCount(4);
const seed = testSeed(27);

interface Point {
  readonly id: number;
  readonly a: number;
  readonly b: number;
  readonly f: number;
  readonly g: number;
}
type Pair = readonly [left: Point, right: Point];

/** As SQL has it: zeros are equal, and so are NaNs, which are above everything. */
const order = (a: number, b: number): number =>
  Number.isNaN(a) || Number.isNaN(b)
    ? Number(Number.isNaN(a)) - Number(Number.isNaN(b))
    : Number(a > b) - Number(a < b);
const same = (a: number, b: number): boolean => order(a, b) === 0;

const ofLeft: readonly (readonly [where: string, holds: (row: Point) => boolean])[] = [
  ["a = 2 OR b = 3", ({ a, b }) => a === 2 || b === 3],
  ["id = 1 OR a = 1 OR b = 1 OR id = 1", ({ id, a, b }) => id === 1 || a === 1 || b === 1],
  ["(a = 1 OR a = 2 OR b >= 3) AND f >= 0", ({ a, b, f }) => (a === 1 || a === 2 || b >= 3) && order(f, 0) >= 0],
  ["(a > 0 AND a < 3 AND a > 1) OR (b >= 4 AND b <= 4)", ({ a, b }) => a === 2 || b === 4],
  ["id > 3 AND id > 5 AND id <= 20 AND id < 9", ({ id }) => id > 5 && id < 9],
  ["f = -0", ({ f }) => f === 0],
  ["f > 1e999", ({ f }) => Number.isNaN(f)],
  ["f <= -1e999 OR g >= 1e999", ({ f, g }) => f === -Infinity || order(g, Infinity) >= 0],
  ["a > 3 AND a < 3", () => false],
  ["false", () => false],
  ["true OR a = 1", () => true],
];
const joined: readonly (readonly [on: string, where: string, holds: (pair: Pair) => boolean])[] = [
  ["l.a = r.b", "l.a = 1 OR r.a = 2", ([l, r]) => l.a === r.b && (l.a === 1 || r.a === 2)],
  ["l.a = r.b AND l.f = r.f", "true", ([l, r]) => l.a === r.b && same(l.f, r.f)],
  [
    "l.a = r.b AND l.g = r.g",
    "r.a = 1 OR r.a = 2",
    ([l, r]) => l.a === r.b && same(l.g, r.g) && (r.a === 1 || r.a === 2),
  ],
  ["l.id = r.id", "l.f < r.f", ([l, r]) => l.id === r.id && order(l.f, r.f) < 0],
  ["l.id = r.id", "false", () => false],
];

interface Query {
  /** Of the query dialect and of subscriptions: whole rows of `left`. */
  readonly sql: string;
  /** Ids of the rows, each as often as it comes. */
  readonly ids: (left: readonly Point[], right: readonly Point[]) => number[];
}
const queries: readonly Query[] = [
  ...ofLeft.map(([where, holds]) => ({
    sql: `SELECT * FROM left WHERE ${where}`,
    ids: (left: readonly Point[]) => left.filter(holds).map(({ id }) => id),
  })),
  ...joined.map(([on, where, holds]) => {
    const [first, second] = on.split(" AND ");
    return {
      sql: `SELECT l.* FROM left l JOIN right r ON ${first} WHERE (${where})${second === undefined ? "" : ` AND ${second}`}`,
      ids: (left: readonly Point[], right: readonly Point[]) =>
        left.flatMap((l) => right.filter((r) => holds([l, r])).map(() => l.id)),
    };
  }),
];

let served: Served;
beforeAll(async () => {
  served = await Served.open();
  const entry = fileURLToPath(new URL("./modules/points.ts", import.meta.url));
  const { code } = await bundleModule(entry);
  await served.publish("points", code, "Js");
  await served.publish("large", code, "Js");
});
afterAll(() => served.stop());

const sorted = (ids: readonly number[]): number[] => ids.toSorted((a, b) => a - b);

test(
  "row 27: live rows, rows of SQL and the model's rows are the same, at every step",
  { timeout: 300_000 },
  async () => {
    const open = (): Client<typeof points> => connect<typeof points>({ uri: served.url, database: "points" });
    const writer = open();
    const clients = queries.map(() => open());
    await Promise.all(clients.map((client, i) => client.subscribe(queries[i]?.sql ?? "").applied));
    const all = open();
    await all.subscribe("SELECT * FROM left", "SELECT * FROM right").applied;

    const number = fc.nat(5);
    const edits = fc.array(
      fc.record({
        right: fc.boolean(),
        id: fc.nat(9),
        a: number,
        b: number,
        f: fc.nat(6),
        g: fc.nat(6),
        isTaken: fc.nat(3),
      }),
      { minLength: 6, maxLength: 12 },
    );
    for (const round of fc.sample(edits, { numRuns: rounds, seed })) {
      for (const { isTaken, right, id, ...values } of round) {
        if (isTaken === 0) await writer.reducers.take({ right, id });
        else await writer.reducers.put({ right, id, ...values });
      }
      const left = await served.sql("points", "SELECT id FROM left");
      const right = await served.sql("points", "SELECT id FROM right");
      // A call's answer says nothing of other clients' rows: a call of their own does.
      await Promise.all([...clients, all].map((client) => client.reducers.take({ right: true, id: 99 })));
      const rows = { left: all.tables.left.rows(), right: all.tables.right.rows() };
      expect([rows.left.length, rows.right.length]).toEqual([left.length, right.length]);
      for (const [i, { sql, ids }] of queries.entries()) {
        const expected = sorted(ids(rows.left, rows.right));
        const fresh = await served.sql("points", sql);
        expect(sorted(fresh.map(([id]) => Number(id))), sql).toEqual(expected);
        const live = (clients[i]?.tables.left.rows() ?? []).map(({ id }) => id);
        expect(sorted(live), `live: ${sql}`).toEqual(sorted([...new Set(expected)]));
      }
    }
    for (const client of [...clients, all, writer]) client.close();
  },
);

test("row 27: a join on floats of 20,000 × 20,000 rows answers", async () => {
  for (let from = 0; from < 20_000; from += 5_000) {
    const response = await served.call("large", "fill", JSON.stringify([from, 5_000]));
    expect(response.status, await response.text()).toBe(200);
  }
  for (const column of ["f", "g"]) {
    const on = `left l JOIN right r ON l.${column} = r.${column}`;
    expect(await served.sql("large", `SELECT COUNT(*) AS n FROM ${on}`)).toEqual([[20_000]]);
    expect(await served.sql("large", `SELECT COUNT(*) AS n FROM ${on} WHERE l.a > 5 AND r.b < 15`)).toEqual([[9]]);
    expect(await served.sql("large", `SELECT l.id FROM ${on} WHERE (l.a = 7 OR l.b = 8) AND r.a >= 0`)).toEqual([
      [7],
      [8],
    ]);
  }
  expect(await served.sql("large", "SELECT l.id FROM left l CROSS JOIN right r WHERE false")).toEqual([]);
});
