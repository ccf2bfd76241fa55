// Goal: row 17. A database that cannot be opened costs no process for each who asks for it, says the same to each, and
// is back by itself: for who asks once its files are, and for its scheduled rows, with nobody there.
// Method: a real server, whose databases lose a part of their files, or whose files somebody else holds. It says of each
// process which database it is to open.
import { renameSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleModule } from "@lightcone/cli/bundle";
import { realClock } from "@lightcone/base";
import { lockDirectory } from "@lightcone/base/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RawClient } from "../raw-client.ts";
import { Served } from "../served.ts";

const askersCount = 30;
/** Tries in so many milliseconds: one at once, the next after 1, 2, 4 … s more; and one at the end. */
const triesMax = (ms: number): number => 2 + Math.floor(Math.log2(1 + ms / 1000));

let served: Served;
let clockwork = "";
beforeAll(async () => {
  served = await Served.open({
    logLevel: "silent",
    serverLimits: { parkAfterMs: 300, parkWakeTimesMin: 0, spareHostsMax: 1 },
  });
  const entry = fileURLToPath(new URL("../database/modules/clockwork.ts", import.meta.url));
  clockwork = (await bundleModule(entry)).code;
});
afterAll(() => served.stop());

const tries = (identity: string): number => served.openings.get(identity) ?? 0;

/** Strangers ask for a database that does not open, over HTTP and by sockets. */
async function ask(database: string): Promise<void> {
  for (let number = 0; number < askersCount; number += 1) {
    const response = await fetch(`${served.url}/v1/database/${database}/sql`, {
      method: "POST",
      body: "SELECT * FROM ran",
    });
    expect([response.status, response.headers.get("lightcone-error")]).toEqual([500, "Corrupt"]);
    await expect(RawClient.open(served.url, database)).rejects.toThrow("500");
  }
}

describe("row 17: a database that cannot be opened", () => {
  test.each([
    { when: "since its server started", name: "lost-at-start", isAtRest: false },
    { when: "since it went to rest", name: "lost-at-rest", isAtRest: true },
  ])("$when: few processes try, and it is back once its files are", async ({ name, isAtRest }) => {
    const identity = await served.create(name, clockwork);
    expect((await served.call(name, "cancel", '["nobody"]')).status).toBe(200);
    if (isAtRest) await expect.poll(() => served.isAwake(identity)).toBe(false);
    else await served.stopFront();
    const log = join(await served.directoryOf(identity), "log");
    renameSync(log, `${log}.lost`);
    if (!isAtRest) await served.start();
    const before = tries(identity);
    const fromMs = performance.now();
    if (isAtRest) {
      // Whoever is there when it is found out is told so as well.
      const response = await served.call(name, "cancel", '["nobody"]');
      expect([response.status, response.headers.get("lightcone-error")]).toEqual([500, "Corrupt"]);
    }
    await ask(name);
    expect(tries(identity) - before).toBeGreaterThan(0);
    expect(tries(identity) - before).toBeLessThanOrEqual(triesMax(performance.now() - fromMs));
    renameSync(`${log}.lost`, log);
    await expect
      .poll(async () => (await served.call(name, "cancel", '["nobody"]')).status, { timeout: 120_000 })
      .toBe(200);
    // From here on a try is a try again.
    await expect.poll(() => served.isAwake(identity)).toBe(false);
    expect((await served.call(name, "cancel", '["nobody"]')).status).toBe(200);
  });

  test("a new program is a reason to try at once, and says why not", async () => {
    const identity = await served.create("lost-and-published", clockwork);
    await expect.poll(() => served.isAwake(identity)).toBe(false);
    const log = join(await served.directoryOf(identity), "log");
    renameSync(log, `${log}.lost`);
    await ask("lost-and-published");
    const before = tries(identity);
    const publish = () => served.request("PUT", "/v1/database/lost-and-published?host_type=Js", clockwork);
    expect((await publish()).headers.get("lightcone-error")).toBe("Corrupt");
    expect(tries(identity)).toBe(before + 1);
    renameSync(`${log}.lost`, log);
    expect((await publish()).status).toBe(200);
  });

  test("because somebody else holds its files: its rows run once they are free, with nobody there", async () => {
    const identity = await served.create("held", clockwork);
    const dueMicros = Date.now() * 1000 + 2e6;
    const at = `{"__timestamp_micros_since_unix_epoch__": ${dueMicros}}`;
    expect((await served.call("held", "once", `["tick", ${at}]`)).status).toBe(200);
    await served.stopFront();
    const lock = await lockDirectory(await served.directoryOf(identity), { clock: realClock, waitMs: 0 });
    await served.start();
    const before = tries(identity);
    await expect.poll(() => tries(identity)).toBeGreaterThan(before);
    await expect.poll(() => served.isAwake(identity)).toBe(false);
    await lock.release();
    const tried = tries(identity);
    // Ten seconds after the first try, twenty after the second.
    await expect.poll(() => tries(identity), { timeout: 120_000 }).toBeGreaterThan(tried);
    // Nobody has asked for it by now.
    await expect.poll(async () => (await served.sql("held", "SELECT name FROM ran")).flat()).toEqual(["tick"]);
  });
});
