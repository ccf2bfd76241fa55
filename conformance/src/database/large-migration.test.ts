// Goal: a large table is made anew in slices: what a client asks meanwhile is answered, from the rows as they were, and all rows are
// there afterwards, also for the next server. `npm run soak` does it with ten million rows.
// Method: a table filled by calls on a server in a process of its own, whose columns another version widens; a client over a socket asks
// for a row again and again until the publish is answered.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundleModule } from "../../../packages/cli/src/build/bundle.ts";
import { RawClient } from "../raw-client.ts";
import { Served } from "../served.ts";

const rowCount = Number(process.env["LIGHTCONE_ROWS"] ?? 50_000);
const perCall = 50_000;

let served: Served;
let folder: string;

/** @param width of the column that another version widens */
async function moduleOf(width: "u32" | "u64"): Promise<string> {
  const path = join(folder, `${width}.ts`);
  const number = width === "u32" ? "n" : "BigInt(n)";
  await writeFile(
    path,
    `import { schema, t, table } from "lightcone/module";
     const app = schema({ point: table({ public: true }, { id: t.u32().primaryKey(), weight: t.${width}(), room: t.u16().index() }) });
     export default app;
     export const fill = app.reducer({ from: t.u32(), to: t.u32() }, (ctx, { from, to }) => {
       for (let n = from; n < to; n += 1) ctx.db.point.insert({ id: n, weight: ${number}, room: n % 1000 });
     });`,
  );
  return (await bundleModule(path)).code;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lightcone-large-"));
  served = await Served.open();
});
afterAll(async () => {
  await served.stop();
  await rm(folder, { recursive: true });
});

test(`row 9: ${rowCount} rows are made anew while a client reads them`, async () => {
  await served.publish("large", await moduleOf("u32"), "Js");
  for (let from = 0; from < rowCount; from += perCall) {
    const answer = await served.call("large", "fill", `[${from}, ${Math.min(rowCount, from + perCall)}]`);
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
  }
  const client = await RawClient.open(served.url, "large");
  await client.next();
  const next = await moduleOf("u64");
  const plan = await served.request("POST", "/v1/database/large/pre_publish?host_type=Js", next);
  const { token } = JSON.parse(await plan.text()).AutoMigrate;
  const progress = { isDone: false };
  const published = served
    .request("PUT", `/v1/database/large?host_type=Js&policy=BreakClients&token=${token}`, next)
    .finally(() => (progress.isDone = true));
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
  const answer = await published;
  expect([answer.status, await answer.text()]).toEqual([200, expect.anything()]);
  // Slices of a thousand rows: reads come between them, though few where all is done in a moment.
  expect(answeredCount).toBeGreaterThan(Math.min(100, Math.floor(rowCount / 100_000)));
  const look = async (): Promise<void> => {
    expect(await served.sql("large", "SELECT COUNT(*) AS n FROM point")).toEqual([[rowCount]]);
    const last = rowCount - 1;
    expect(await served.sql("large", `SELECT * FROM point WHERE id = ${last}`)).toEqual([[last, last, last % 1000]]);
    const inRoom = Math.ceil((rowCount - 7) / 1000);
    expect(await served.sql("large", "SELECT COUNT(*) AS n FROM point WHERE room = 7")).toEqual([[inRoom]]);
  };
  await look();
  await served.killFront();
  await served.start();
  await look();
});
