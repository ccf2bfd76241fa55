// Goal: row 17. A host that somebody has stopped does not hold its clients up for ever: it is ended, another answers, and the
// server's log says why; one that was let go on in time goes on.
// Method: real processes, stopped and let go on by signals; rows are compared.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { bundleModule } from "@lightcone/cli/bundle";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Served } from "../served.ts";

let served: Served;
let clockwork = "";
beforeAll(async () => {
  const entry = fileURLToPath(new URL("../database/modules/clockwork.ts", import.meta.url));
  clockwork = (await bundleModule(entry)).code;
  served = await Served.open({ logLevel: "warn", serverLimits: { stoppedHostMsMax: 2000, spareHostsMax: 1 } });
});
afterAll(() => served.stop());

const names = async (database: string): Promise<readonly unknown[]> =>
  (await served.sql(database, "SELECT name FROM job")).map(([name]) => name).toSorted();
const add = (database: string, name: string): Promise<Response> =>
  served.call(database, "every", JSON.stringify([name, { __time_duration_micros__: 3_600_000_000 }]));
const logged = (pattern: RegExp): Promise<unknown> =>
  expect.poll(() => served.log.filter((line) => pattern.test(line)).length).toBeGreaterThan(0);

/** The front's processes without a database. */
function spares(): readonly number[] {
  const children = readFileSync(`/proc/${served.pid}/task/${served.pid}/children`, "latin1")
    .trim()
    .split(" ")
    .map(Number);
  const taken = new Set(served.hosts.values());
  return children.filter(
    (pid) => !taken.has(pid) && readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("host-main"),
  );
}

describe.skipIf(process.platform !== "linux")(
  "row 17, stoppedHostMsMax: a host that is stopped",
  { timeout: 120_000 },
  () => {
    test("is ended, and its calls are answered by the next", async () => {
      const identity = await served.create("stopped", clockwork);
      expect((await add("stopped", "before")).status).toBe(200);
      const pid = served.hosts.get(identity) ?? 0;
      process.kill(pid, "SIGSTOP");
      expect((await add("stopped", "meanwhile")).status).toBe(200);
      expect(await names("stopped")).toEqual(["before", "meanwhile"]);
      expect(served.hosts.get(identity)).not.toBe(pid);
      await logged(new RegExp(`${identity}.*kill -CONT ${pid}`));
    });

    test("goes on when it is let in time", async () => {
      const identity = await served.create("goes-on", clockwork);
      const pid = served.hosts.get(identity) ?? 0;
      process.kill(pid, "SIGSTOP");
      const called = add("goes-on", "meanwhile");
      await logged(new RegExp(`${identity}.*kill -CONT ${pid}`));
      process.kill(pid, "SIGCONT");
      expect((await called).status).toBe(200);
      expect(await names("goes-on")).toEqual(["meanwhile"]);
      expect(served.hosts.get(identity)).toBe(pid);
    });

    test("before it has a database: the database opens in another", async () => {
      await expect.poll(() => spares().length).toBe(1);
      const [spare = 0] = spares();
      process.kill(spare, "SIGSTOP");
      const identity = await served.create("from-spare", clockwork);
      expect((await add("from-spare", "first")).status).toBe(200);
      expect(await names("from-spare")).toEqual(["first"]);
      expect(served.hosts.get(identity)).not.toBe(spare);
      await logged(new RegExp(`"pid":${spare},.*is ended`));
    });
  },
);
