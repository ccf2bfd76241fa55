// Goal: a large table is made anew in slices: what a client asks meanwhile is answered, from the rows as they were, and all rows are
// there afterwards, also for the next server. `npm run soak` does it with ten million rows.
// Method: a table filled by calls on a server in a process of its own, whose columns another version widens; a client over a socket asks
// for a row again and again until the publish is answered. So do a client of version 3, which subscribes, one that subscribes to a
// view, and requests over HTTP, of the owner and of others, while a call that was made before them waits.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "lightcone/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundleModule } from "../../../packages/cli/src/build/bundle.ts";
import { RawClient } from "../raw-client.ts";
import { Served } from "../served.ts";

const rowCount = Number(process.env["LIGHTCONE_ROWS"] ?? 150_000);
/** So many that one has few rows: more than a read looks at in one go are read from end to end, in slices. */
const roomCount = Math.max(1000, Math.ceil(rowCount / 2000));
const perCall = 50_000;

let served: Served;
let folder: string;
/** Somebody who is not the owner. */
let other: string;
/** Lets nobody in once there are rows; the owner is asked nothing over HTTP. */
const refusing = `export const comes = app.clientConnected((ctx) => {
  if (ctx.db.point.count() > 0n) throw new Error("full");
});`;

/** @param width of the column that another version widens @param connects what the module says to those who connect */
async function moduleOf(width: "u32" | "u64", connects = ""): Promise<string> {
  const path = join(folder, `${width}.ts`);
  const number = width === "u32" ? "n" : "BigInt(n)";
  await writeFile(
    path,
    `import { schema, t, table } from "lightcone/module";
     const app = schema({ point: table({ public: true }, { id: t.u32().primaryKey(), weight: t.${width}(), room: t.u16().index() }) });
     export default app;
     export const fill = app.reducer({ from: t.u32(), to: t.u32() }, (ctx, { from, to }) => {
       for (let n = from; n < to; n += 1) ctx.db.point.insert({ id: n, weight: ${number}, room: n % ${roomCount} });
     });
     export const seventh = app.anonymousView({ public: true }, t.array(app.tables.point.rowType), (ctx) => [...ctx.db.point.room.filter(7)]);
     export const early = app.view({ public: true }, t.array(app.tables.point.rowType), (ctx) => ctx.from.point.where((row) => row.id.lt(9)));
     ${connects}`,
  );
  return (await bundleModule(path)).code;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lightcone-large-"));
  served = await Served.open();
  ({ token: other } = JSON.parse(await (await fetch(`${served.url}/v1/identity`, { method: "POST" })).text()));
});
afterAll(async () => {
  await served.stop();
  await rm(folder, { recursive: true });
});

async function fill(database: string): Promise<void> {
  for (let from = 0; from < rowCount; from += perCall) {
    const answer = await served.call(database, "fill", `[${from}, ${Math.min(rowCount, from + perCall)}]`);
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
  }
}

function ask(token: string, database: string, statement: string): Promise<Response> {
  const headers = { authorization: `Bearer ${token}` };
  return fetch(`${served.url}/v1/database/${database}/sql`, { method: "POST", headers, body: statement });
}

/** Publishes another version, as its publisher confirms it after having read the plan. */
async function publishOther(database: string, next: string): Promise<Response> {
  const plan = await served.request("POST", `/v1/database/${database}/pre_publish?host_type=Js`, next);
  const { token } = JSON.parse(await plan.text()).AutoMigrate;
  return served.request("PUT", `/v1/database/${database}?host_type=Js&policy=BreakClients&token=${token}`, next);
}

test(`row 9: ${rowCount} rows are made anew while a client reads them`, async () => {
  await served.publish("large", await moduleOf("u32", refusing), "Js");
  const client = await RawClient.open(served.url, "large");
  await client.next();
  await fill("large");
  const progress = { isDone: false };
  const published = publishOther("large", await moduleOf("u64", refusing)).finally(() => (progress.isDone = true));
  // Who connects is for the module to say, which takes a write: nothing is read instead.
  const strangers = (async () => {
    const statuses = new Set<number>();
    while (!progress.isDone) statuses.add((await ask(other, "large", "SELECT * FROM point WHERE id = 1")).status);
    return [...statuses];
  })();
  let answeredCount = 0;
  while (!progress.isDone) {
    const id = (answeredCount * 7919) % rowCount;
    client.say({ kind: "OneOffQuery", messageId: Uint8Array.of(1), query: `SELECT * FROM point WHERE id = ${id}` });
    const message = await client.next();
    if (message?.kind !== "OneOffQueryResponse") break; // the publish has ended it
    expect(message.error).toBeUndefined();
    const [rows] = message.tables;
    // Ten bytes a row as it was, fourteen as it is from the switch on.
    expect([10, 14]).toContain(rows?.rows.data.length);
    answeredCount += 1;
  }
  expect(await strangers).toEqual([403]);
  const answer = await published;
  expect([answer.status, await answer.text()]).toEqual([200, expect.anything()]);
  // Slices of a thousand rows: reads come between them, though few where all is done in a moment.
  expect(answeredCount).toBeGreaterThan(Math.min(100, Math.floor(rowCount / 100_000)));
  const look = async (): Promise<void> => {
    expect(await served.sql("large", "SELECT COUNT(*) AS n FROM point")).toEqual([[rowCount]]);
    const last = rowCount - 1;
    expect(await served.sql("large", `SELECT * FROM point WHERE id = ${last}`)).toEqual([
      [last, last, last % roomCount],
    ]);
    const inRoom = Math.ceil((rowCount - 7) / roomCount);
    expect(await served.sql("large", "SELECT COUNT(*) AS n FROM point WHERE room = 7")).toEqual([[inRoom]]);
  };
  await look();
  await served.killFront();
  await served.start();
  await look();
});

/** A machine that others use may leave a client no time to ask twice: that is tried again. Where reads wait, none ever does. */
let tries = 0;
test(
  "row 9: meanwhile version 3, views and HTTP are answered before a call that was made before them",
  { retry: 3 },
  async () => {
    tries += 1;
    const beside = `beside-${tries}`;
    await served.publish(beside, await moduleOf("u32"), "Js");
    await fill(beside);
    const db = connect({ uri: served.url, database: beside, onError: () => undefined });
    await db.subscribe("SELECT * FROM point WHERE id = 0").applied;
    const asked = new Map<string, number>();
    let answeredCalls = 0;
    const progress = { isDone: false };
    const published = publishOther(beside, await moduleOf("u64")).finally(() => (progress.isDone = true));
    /** Asks again and again; counts how often one call that was waiting when it was asked was waiting still when it was answered. */
    const count = async (kind: string, question: (n: number) => Promise<boolean>): Promise<void> => {
      const counts = new Map<number, number>();
      for (let n = 0; !progress.isDone; n += 1) {
        const before = answeredCalls;
        if (!(await question(n))) break; // the publish has ended it
        if (answeredCalls === before) counts.set(before, (counts.get(before) ?? 0) + 1);
      }
      asked.set(kind, Math.max(...counts.values()));
    };
    let ended = "";
    const subscribe = async (...queries: readonly string[]): Promise<boolean> => {
      const all = queries.map((query) => db.subscribe(query));
      try {
        await Promise.all(all.map(({ applied }) => applied));
      } catch (error) {
        ended = String(error);
        return false;
      }
      for (const each of all) each.unsubscribe();
      return true;
    };
    const sql = async (as: string, statement: string, isIn: (rows: readonly (readonly unknown[])[]) => boolean) => {
      const answer = await ask(as, beside, statement);
      const text = await answer.text();
      expect([answer.status, text]).toEqual([200, expect.anything()]);
      expect(JSON.parse(text)[0].rows).toSatisfy(isIn);
      return true;
    };
    const calls = async (): Promise<void> => {
      while (!progress.isDone) {
        // Nothing is filled: what matters is when it is answered.
        expect((await served.call(beside, "fill", "[5, 5]")).status).toBe(200);
        answeredCalls += 1;
      }
    };
    await Promise.all([
      calls(),
      count("a frame of several", (n) =>
        subscribe(`SELECT * FROM point WHERE id = ${n}`, `SELECT * FROM point WHERE room = ${n}`),
      ),
      count("views", (n) => subscribe("SELECT * FROM seventh", `SELECT * FROM early WHERE room = ${n}`)),
      count("the owner", () => sql(served.token, "SELECT COUNT(*) AS n FROM point", ([row]) => row?.[0] === rowCount)),
      count("another", (n) => sql(other, `SELECT * FROM point WHERE id = ${n}`, (rows) => rows.length === 1)),
      ...(rowCount < 1_000_000
        ? []
        : [count("slices", () => sql(other, "SELECT * FROM point LIMIT 6000", (rows) => rows.length === 6000))]),
    ]);
    const answer = await published;
    expect([answer.status, await answer.text()]).toEqual([200, expect.anything()]);
    db.close();
    for (const [kind, count] of asked) expect(count, `${kind}; ${ended}`).toBeGreaterThan(kind === "slices" ? 0 : 1);
    expect(await served.sql(beside, "SELECT COUNT(*) AS n FROM seventh")).toEqual([
      [Math.ceil((rowCount - 7) / roomCount)],
    ]);
  },
);
