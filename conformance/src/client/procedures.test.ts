// Goal: our client calls procedures by the module's own types, and says of each what happened: its value when its rows are there, or why
// there is none.
// Method: the module of procedures on a server of its own process, real sockets, the typed client; the host killed for real.
import { fileURLToPath } from "node:url";
import { connect, isLightconeError, type Client } from "lightcone/client";
import { bundleModule } from "@lightcone/cli/bundle";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type * as errands from "../database/modules/errands.ts";
import { Served } from "../served.ts";

let served: Served;
let clients: Client<typeof errands>[] = [];

beforeAll(async () => {
  served = await Served.open({ databaseLimits: { procedureTimeoutMs: 20_000 } });
  const { code } = await bundleModule(fileURLToPath(new URL("../database/modules/errands.ts", import.meta.url)));
  await served.publish("errands", code, "Js");
});
afterEach(() => {
  for (const client of clients) client.close();
  clients = [];
});
afterAll(() => served.stop());

function open(): Client<typeof errands> {
  const client = connect<typeof errands>({ uri: served.url, database: "errands", onError: () => undefined });
  clients.push(client);
  return client;
}

/** How a promise ended. */
const endOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    (value) => `gives ${String(value)}`,
    (error: unknown) => (isLightconeError(error) ? `${error.code}: ${error.message}` : String(error)),
  );

describe("row 9: procedures of our client", () => {
  test("values of their types, also asked for before the connection is there", async () => {
    const db = open();
    expect(await db.procedures.sum({ a: 4_294_967_295, b: 2 })).toBe(4_294_967_297n);
    const page = await db.procedures.fetch({
      method: "GET",
      url: "http://127.0.0.1:1/",
      headers: [],
      body: new Uint8Array(0),
      timeoutMs: 0n,
    });
    expect(page).toEqual({
      err: expect.stringMatching(/^127\.0\.0\.1:1: 127\.0\.0\.1 is not a public address: .*--procedure-http any$/),
    });
  });

  test("its rows are in the tables when it has ended, and those of others that ran meanwhile", async () => {
    const db = open();
    await db.subscribe(db.tables.done).applied;
    const order: string[] = [];
    const slept = db.procedures.noteAndNap({ what: "mine", millis: 400n }).then((what) => order.push(what));
    await db.reducers.write({ what: "meanwhile" }).then(() => order.push("meanwhile"));
    await slept;
    expect(order).toEqual(["meanwhile", "mine"]);
    const rows = new Set(db.tables.done.rows().map(({ what }) => what));
    expect(["mine begins", "meanwhile", "mine ends"].every((what) => rows.has(what))).toBe(true);
  });

  test("refused, broken, out of time, no such procedure, wrong arguments: each by its own words", async () => {
    const db = open();
    expect(await endOf(db.procedures.odd({ what: "refuses" }))).toBe("ProcedureFailed: not today");
    expect(await endOf(db.procedures.napAndPanic({ millis: 1n }))).toBe(
      "ProcedureFailed: The instance encountered a fatal error.",
    );
    expect(await endOf(db.procedures.napAndNote({ what: "x", millis: 60_000n }))).toMatch(
      /^ProcedureFailed: procedure `nap_and_note` would not end within 20 s/,
    );
    expect(await endOf(db.procedures.sum({ a: 1 } as never))).toMatch(/^BadArguments: /);
    const untyped = connect({ uri: served.url, database: "errands" });
    expect(await endOf(untyped.procedures["nowhere"]?.() ?? Promise.resolve())).toMatch(
      /^VersionDiffers: .*there is no procedure `nowhere` for clients; there are .*napAndNote/,
    );
    // One that a table schedules is the database's to call.
    expect(await endOf(untyped.procedures["runErrand"]?.({}) ?? Promise.resolve())).toMatch(/^VersionDiffers: /);
    untyped.close();
  });

  test("whose host ends: begun again if nobody can have noticed, told otherwise; of one that is lost nobody knows", async () => {
    const db = open();
    await db.subscribe(db.tables.done).applied;
    const again = endOf(db.procedures.napAndNote({ what: "again", millis: 1000n }));
    const noticed = endOf(db.procedures.noteAndNap({ what: "noticed", millis: 60n * 100n }));
    const begun = (): boolean => db.tables.done.rows().some(({ what }) => what === "noticed begins");
    await expect.poll(begun, { timeout: 30_000 }).toBe(true);
    served.killHost();
    expect(await again).toBe("gives again");
    expect(await noticed).toMatch(/^ProcedureFailed: the database started again while the procedure ran/);
    expect(db.tables.done.rows().filter(({ what }) => what === "again").length).toBe(1);
    const lost = endOf(db.procedures.napAndNote({ what: "lost", millis: 10_000n }));
    await db.reducers.write({ what: "sent" });
    db.close();
    expect(await lost).toMatch(/^ConnectionLost: `napAndNote` was not answered/);
  });
});
