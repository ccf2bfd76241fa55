// Goal: row 22. Whatever `clientConnected` does, the owner gets at the database: statements, calls, logs and a program
// that mends it; and everybody else is told why not.
// Method: a real server and a module that locks everybody out in each way there is; the owner does each thing there is.
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleModule } from "../../../packages/cli/src/build/bundle.ts";
import { RawClient } from "../raw-client.ts";
import { Served } from "../served.ts";

let served: Served;
let program: string;
let stranger: string;
beforeAll(async () => {
  served = await Served.open({ databaseLimits: { reducerTimeoutMs: 2000 } });
  program = (await bundleModule(fileURLToPath(new URL("./modules/locked.ts", import.meta.url)))).code;
  const response = await fetch(`${served.url}/v1/identity`, { method: "POST" });
  ({ token: stranger } = JSON.parse(await response.text()));
});
afterAll(() => served.stop());

const late = { code: 1011, reason: "reducer `come` took longer than 2 s (reducerTimeoutMs) and was ended" };

describe("row 22: clientConnected", () => {
  test.each([
    { how: "refuses", status: 403, close: { code: 4403, reason: "nobody comes in" } },
    { how: "breaks", status: 403, close: { code: 1011, reason: "The instance encountered a fatal error." } },
    { how: "loops", status: 503, close: late },
    { how: "hangs", status: 503, close: late },
  ])("$how: the owner gets in, and nobody else", async ({ how, status, close }) => {
    const database = `locked-${how}`;
    // Another text each time, so that publishing it again is a new chance for it.
    await served.publish(database, `${program}\n// ${how}`, "Js");
    expect((await served.call(database, "lock", `["${how}"]`)).status).toBe(200);

    expect(await served.sql(database, "SELECT how FROM mode")).toEqual([[how]]);
    expect((await served.call(database, "lock", `["${how}"]`)).status).toBe(200);
    await served.publish(database, `${program}\n// ${how}, again`, "Js");
    expect((await served.call(database, "lock", `["${how}"]`, stranger)).status).toBe(status);
    await served.publish(database, `${program}\n// ${how}, and again`, "Js");
    const client = await RawClient.open(served.url, database);
    await client.over;
    expect(client.closed).toEqual(close);
    expect(await client.next()).toBeUndefined();

    await served.publish(database, `${program}\n// ${how}, mended`, "Js");
    const logs = await served.request("GET", `/v1/database/${database}/logs`);
    expect(logs.status).toBe(200);
    expect(await logs.text()).toContain("Database updated");
    expect((await served.call(database, "lock", `["not at all"]`)).status).toBe(200);
    const welcome = await RawClient.open(served.url, database);
    expect((await welcome.next())?.kind).toBe("IdentityToken");
    welcome.close();
    // Nobody who was kept out is counted as there.
    const there = await served.sql(database, "SELECT identity FROM st_client");
    expect(there.length).toBeLessThanOrEqual(2);
  });
});
