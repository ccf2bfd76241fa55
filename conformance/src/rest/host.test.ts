// Goal: row 17. A host runs what was built, with the flags that keep it small, in a checkout too; and has its watching
// thread, which takes a third of it, only once it is busy.
// Method: a real server that runs from sources; the system says what a host was started with, and which threads it has.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { bundleModule } from "@lightcone/cli/bundle";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Served } from "../served.ts";

let served: Served;
let pid = 0;
beforeAll(async () => {
  served = await Served.open();
  const entry = fileURLToPath(new URL("../database/modules/clockwork.ts", import.meta.url));
  const identity = await served.create("quiet", (await bundleModule(entry)).code);
  pid = served.hosts.get(identity) ?? 0;
});
afterAll(() => served.stop());

const words = (file: string): readonly string[] => readFileSync(`/proc/${pid}/${file}`, "latin1").split("\0");
const threads = (): readonly string[] =>
  readdirSync(`/proc/${pid}/task`).map((task) => readFileSync(`/proc/${pid}/task/${task}/comm`, "latin1").trim());

describe.skipIf(process.platform !== "linux")("row 17: a host", () => {
  test("runs built JavaScript, with a small young generation and one arena", () => {
    const [, ...line] = words("cmdline");
    expect(line.find((word) => !word.startsWith("--"))).toMatch(/host-main\.js$/);
    expect(line).toContain("--max-semi-space-size=4");
    expect(words("environ")).toContain("MALLOC_ARENA_MAX=1");
  });

  test("has its watching thread once it is busy, and not before", async () => {
    const call = (): Promise<Response> => served.call("quiet", "cancel", '["nobody"]');
    for (let count = 0; count < 5; count += 1) expect((await call()).status).toBe(200);
    expect(threads()).not.toContain("WorkerThread");
    await expect
      .poll(
        async () => {
          await Promise.all(Array.from({ length: 200 }, call));
          return threads();
        },
        { timeout: 30_000 },
      )
      .toContain("WorkerThread");
  });
});
