// Goal: the statements of the specification's vectors end over the wire as they do against the checker: accepted and
// run, or refused with their text.
// Method: a module assembled with the vectors' schema on a real server, with a few rows; each statement over HTTP, or
// as a subscription. What views and event tables have a part in is left to the checker's own test.
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RawClient } from "../raw-client.ts";
import { Served } from "../served.ts";
import { moduleOf, type SketchedTable } from "./tables-module.ts";

interface Vector {
  readonly id: number;
  readonly mode: "subscribe" | "query";
  readonly caller: "owner" | "client";
  readonly sql?: string;
  readonly build?: { readonly prefix: string; readonly unit: string; readonly count: number; readonly suffix: string };
  readonly expect: string;
  readonly message?: string;
}
const vectors: {
  readonly schema: { readonly tables: readonly SketchedTable[] };
  readonly statements: readonly Vector[];
} = JSON.parse(readFileSync(new URL("../../vectors/sql.json", import.meta.url), "utf8"));

/** Views and event tables, which are not in the module. */
const leftOut = /\b(?:my_view|boom)\b/;
/**
 * By id: 42, where an index on either side of a join is enough; 69, whose rule leads to tables by no equality, which is kept live
 * here; and 228, whose INSERT names columns that are not there.
 */
const skipped: ReadonlySet<number> = new Set([42, 69, 228]);
/** The file numbers its tables from 0. */
const anyTableId = (text: string): string => text.replace(/(?<=table id `)\d+/, "…");

/** A table whose columns are called like words of SQL. */
const piece: SketchedTable = {
  name: "piece",
  access: "public",
  columns: [
    ["position", "U32"],
    ["user", "U32"],
    ["order", "U32"],
  ],
  indexes: [["position"]],
};

let served: Served;
let client: RawClient;
let owner: RawClient;
let nextId = 1;
const identity = (last: number): string => `0x${String(last).padStart(64, "0")}`;
beforeAll(async () => {
  served = await Served.open();
  const tables = [...vectors.schema.tables.filter(({ event }) => event !== true), piece];
  await served.publish("shop", moduleOf(tables), "Wasm");
  for (const row of [
    `user (identity, online) VALUES (${identity(2)}, true), (${identity(3)}, false)`,
    "plain (a, b, c) VALUES (7, -2, 3.5), (8, -3, 0.25)",
  ]) {
    const response = await served.request("POST", "/v1/database/shop/sql", `INSERT INTO ${row}`);
    expect(response.status, await response.text()).toBe(200);
  }
  client = await RawClient.open(served.url, "shop");
  owner = await RawClient.open(served.url, "shop", { token: served.token });
  await Promise.all([client.next(), owner.next()]);
});
afterAll(async () => {
  client.close();
  owner.close();
  await served.stop();
});

const textOf = ({ sql, build }: Vector): string =>
  sql ?? (build === undefined ? "" : build.prefix + build.unit.repeat(build.count) + build.suffix);
const chosen = vectors.statements.filter((vector) => !leftOut.test(textOf(vector)) && !skipped.has(vector.id));

test("rows come back as they went in", async () => {
  expect(await served.sql("shop", "SELECT a, c FROM plain WHERE a > 6 AND b < -2")).toEqual([[8, 0.25]]);
  expect(await served.sql("shop", "SELECT * FROM user WHERE online = false")).toEqual([[["0x3"], false]]);
  expect(await served.sql("shop", "SELECT COUNT(*) AS n FROM plain WHERE a = 7 OR a = 8")).toEqual([[2]]);
});

test("row 31: an INSERT's values go to the columns that it names, or it is refused and writes nothing", async () => {
  const asked = async (sql: string): Promise<string | undefined> => await overHttp({ ...asOwner, sql });
  expect(await asked(`INSERT INTO piece (order, position, "user") VALUES (3, 1, 2), (6, 4, 5)`)).toBeUndefined();
  const rows = [
    [1, 2, 3],
    [4, 5, 6],
  ];
  expect(await served.sql("shop", "SELECT * FROM piece")).toEqual(rows);
  expect(await asked("INSERT INTO piece (position, order, usr) VALUES (7, 8, 9)")).toMatch(
    /does not have a field `usr` \(line 1, column 37: `piece` has position, user, order\)$/,
  );
  expect(await asked("INSERT INTO piece (position, order, position) VALUES (7, 8, 9)")).toMatch(/^Duplicate name/);
  expect(await asked("INSERT INTO piece (order) VALUES (7)")).toMatch(/missing: position, user\)$/);
  expect(await served.sql("shop", "SELECT * FROM piece")).toEqual(rows);
  expect(await asked("DELETE FROM piece WHERE order > 0")).toBeUndefined();
});

describe("row 25: over the wire", () => {
  test("columns are called like words of SQL", async () => {
    const insert: Vector = { ...asOwner, sql: `INSERT INTO piece (position, "user", order) VALUES (1, 2, 3)` };
    expect(await overHttp(insert)).toBeUndefined();
    const where = `WHERE position = 1 AND piece.user = 2 AND order < 4`;
    expect(await served.sql("shop", `SELECT order FROM piece ${where}`)).toEqual([[3]]);
    expect(
      await asSubscription({ ...asOwner, mode: "subscribe", sql: `SELECT * FROM piece ${where}` }),
    ).toBeUndefined();
  });

  const refused = "SELECT * FROM piece\nWHERE position = 1 ORDER BY order";
  const said = `(ORDER BY at line 2, column 20: rows come in no order; sort them where they are read)`;

  test("a clause is refused by its name and place, over HTTP", async () => {
    expect(await overHttp({ ...asOwner, sql: refused })).toMatch(/^Unsupported: SELECT \* FROM piece WHERE/);
    expect(await overHttp({ ...asOwner, sql: refused })).toContain(said);
  });

  test("a clause is refused by its name and place, in a subscription", async () => {
    const message = await asSubscription({ ...asOwner, mode: "subscribe", sql: refused });
    expect(message).toContain(`${said}, executing: \`${refused}\``);
  });

  test("a keyword as a name is told how to quote it", async () => {
    const told = await overHttp({ ...asOwner, sql: "SELECT user FROM piece" });
    expect(told).toContain('(USER at line 1, column 8: a column of that name is written "user")');
  });
});

describe("sql.json over the wire", () => {
  test("most statements are asked", () => expect(chosen.length).toBeGreaterThan(250));

  test.each(
    chosen.map((vector): [string, Vector] => [`${vector.id} ${vector.mode}: ${textOf(vector).slice(0, 80)}`, vector]),
  )("%s", async (_name, vector) => {
    const said = vector.mode === "query" ? await overHttp(vector) : await asSubscription(vector);
    if (vector.expect === "ok") expect(said).toBeUndefined();
    else if (vector.expect === "syntax") expect(said).toMatch(/^sql parser error:/);
    // A subscription says so of an empty text in words of its own; who asks has another identity than in the vectors.
    else if (vector.expect !== "empty") expect(plain(said ?? "")).toContain(plain(vector.message ?? ""));
    else expect(said).toMatch(/Empty/);
  });
});

test("row_limit bounds what anybody but the owner may look at, until its row is deleted", async () => {
  const all: Vector = { ...asOwner, caller: "client", sql: "SELECT * FROM st_column" };
  const refused = /^Estimated cardinality \(\d+ rows\) exceeds limit \(20 rows\)/;
  const ran = async (sql: string): Promise<void> => expect(await overHttp({ ...asOwner, sql })).toBeUndefined();
  await ran("DELETE FROM st_var WHERE name = 'row_limit'");
  expect(await overHttp(all)).toBeUndefined();
  await ran("SET row_limit = 1000000");
  expect(await overHttp(all)).toBeUndefined();
  await ran("SET row_limit = 20");
  expect(await overHttp(all)).toMatch(refused);
  await ran("SET row_limit = 20");
  expect(await served.sql("shop", "SHOW row_limit")).toEqual([[[8, 20]]]);
  expect(await overHttp({ ...all, sql: "SELECT * FROM st_column LIMIT 20" })).toBeUndefined();
  expect(await overHttp({ ...all, caller: "owner" })).toBeUndefined();
  expect(await asSubscription({ ...all, mode: "subscribe" })).toMatch(refused);
  expect(await asSubscription({ ...all, mode: "subscribe", sql: "SELECT * FROM piece" })).toBeUndefined();
  await ran("DELETE FROM st_var WHERE name = 'row_limit'");
  expect(await asSubscription({ ...all, mode: "subscribe" })).toBeUndefined();
});

const asOwner: Vector = { id: 0, mode: "query", caller: "owner", expect: "" };

const plain = (message: string): string => anyTableId(message.replaceAll(/[0-9a-f]{64}/g, "(identity)"));

/** What is said of a statement that is refused; undefined when it ran. */
async function overHttp(vector: Vector): Promise<string | undefined> {
  const headers: Record<string, string> = vector.caller === "owner" ? { authorization: `Bearer ${served.token}` } : {};
  const response = await fetch(`${served.url}/v1/database/shop/sql`, { method: "POST", headers, body: textOf(vector) });
  const text = await response.text();
  if (response.status === 200) return undefined;
  // A statement that is well formed may still meet a key that an earlier one inserted.
  if (vector.expect === "ok" && text.includes("Unique constraint violation")) return undefined;
  expect(response.status).toBe(400);
  return text;
}

async function asSubscription(vector: Vector): Promise<string | undefined> {
  const id = nextId++;
  const asker = vector.caller === "owner" ? owner : client;
  asker.subscribe([textOf(vector)], id, id);
  const message = await asker.next();
  if (message?.kind === "SubscribeMultiApplied") return undefined;
  return message?.kind === "SubscriptionError" ? message.message : `an answer of kind ${message?.kind ?? "none"}`;
}
