// Goal: row 6: a stranger's long word, looked up in stored text by ordinary code, holds nobody up: its call is answered
// in its time or fails alone, the host goes on, and others' calls come through between.
// Method: a server with host processes. A stranger sends the words that take native searches longest (half an hour and
// more for each of these), in one burst with the owner's small calls.
import { fileURLToPath } from "node:url";
import { bundleModule } from "@lightcone/cli/bundle";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Served } from "../served.ts";

let served: Served;
beforeAll(async () => {
  served = await Served.open({ databaseLimits: { reducerTimeoutMs: 20_000 } });
  const entry = fileURLToPath(new URL("./modules/search.ts", import.meta.url));
  await served.publish("search", (await bundleModule(entry)).code, "Js");
});
afterAll(() => served.stop());

const half = "a".repeat(200_000);
const word = `${half}b${half}`;

describe("row 6: a long word", () => {
  test.each([
    { how: "includes", status: 200, count: 0 },
    { how: "indexOf", status: 200, count: -1 },
    { how: "lastIndexOf", status: 200, count: -1 },
    { how: "split", status: 200, count: 1 },
    { how: "replaceAll", status: 200, count: 4_000_000 },
    { how: "pattern", status: 530, count: undefined },
  ])("by $how", async ({ how, status, count }) => {
    if ((await served.sql("search", "SELECT id FROM page")).length === 0)
      expect((await served.call("search", "write", `["a",4000000]`)).status).toBe(200);
    const before = [...served.hosts];
    const { token }: { token: string } = JSON.parse(await (await served.request("POST", "/v1/identity")).text());
    const [looked, wrote] = await Promise.all([
      served.call("search", "search", JSON.stringify([how, word]), token),
      served.call("search", "search", `["${how}","zz"]`),
    ]);
    expect([looked.status, wrote.status]).toEqual([status, 200]);
    const found = await served.sql("search", `SELECT count FROM found WHERE how = '${how}'`);
    const short = { includes: 0, indexOf: -1, lastIndexOf: -1, split: 1, replaceAll: 4_000_000, pattern: 0 }[how];
    expect(found.map(([value]) => value).toSorted()).toEqual(count === undefined ? [short] : [count, short].toSorted());
    expect([...served.hosts], "no host ended").toEqual(before);
  });

  test("more elements than there can be are refused in words", async () => {
    expect((await served.call("search", "make_many", "[4294967295]")).status).toBe(530);
    const log = await (await served.request("GET", "/v1/database/search/logs?num_lines=5")).text();
    expect(log).toContain("RangeError: 4294967295 elements at once; 67108864 are the limit");
    expect(log).toContain("search.ts:");
  });
});
