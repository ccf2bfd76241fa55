// Goal: issue 9, row CLI. A module that goes from version 1 of the official library to version 2 asks first, and what answers may be piped.
// Method: the two descriptions in WebAssembly, published by the command to a server of its own, with an answer on standard input each.
import { mkdirSync, writeFileSync } from "node:fs";
import { encodeRawV10, encodeRawV9, emptyRawV10 } from "@lightcone/schema";
import { buildModule } from "@lightcone/host-wasm/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bin, Place } from "../testing/command.ts";

const emptyRawV9 = {
  version: 9,
  typespace: [],
  tables: [],
  reducers: [],
  types: [],
  miscExports: [],
  rowLevelRules: [],
} as const;

let place: Place;
let url = "";
beforeAll(async () => {
  place = new Place();
  writeFileSync(place.path("1.wasm"), buildModule({ description: encodeRawV9(emptyRawV9) }));
  writeFileSync(place.path("2.wasm"), buildModule({ description: encodeRawV10(emptyRawV10) }));
  const data = ["--data-dir", place.path("data"), "--log-level", "silent"];
  const server = place.start("start", "--listen-addr", "127.0.0.1:0", ...data);
  [, url = ""] = await server.saying(/listening on (\S+)/);
});
afterAll(() => place.close());

const publish = (line: 1 | 2, input: string, ...more: readonly string[]) =>
  place.answered(input, "publish", "old", "-b", place.path(`${line}.wasm`), "-s", url, ...more);
test("a major version: `upgrade` is typed, and nothing else goes on", async () => {
  expect(await publish(1, "")).toMatchObject({ code: 0 });
  for (const [answer, why] of [
    ["", "there is no terminal to ask at"],
    ["y\n", "Aborting because major version upgrade was not accepted."],
  ] as const) {
    const said = await publish(2, answer);
    expect([said.code, said.out]).toEqual([
      1,
      expect.stringContaining("from a module of version 1 of the official library"),
    ]);
    expect(said.err).toContain(why);
  }
  expect(await publish(2, "upgrade\n")).toMatchObject({ code: 0 });
  // It is one now: nothing is asked.
  expect((await publish(2, "")).out).not.toContain("version 1 of the official library");
});

test("`--yes=migrate` accepts it", async () => {
  expect(await publish(1, "", "-c", "-y")).toMatchObject({ code: 0 });
  expect(await publish(2, "", "--yes=migrate")).toMatchObject({ code: 0 });
});

test("issue 9, row CLI: a project of several databases is published whole, or by name", async () => {
  mkdirSync(place.path("project"));
  const text = (env: string) => `{ server: "${url}", children: [
    { database: "${env}one", "bin-path": "../1.wasm" },
    { database: "${env}two", "bin-path": "../2.wasm" },
  ] }`;
  writeFileSync(place.path("project/spacetime.json"), text(""));
  writeFileSync(place.path("project/spacetime.test.json"), text("test-"));
  const inside = (...args: readonly string[]) =>
    place.open(process.execPath, [bin, ...args], { cwd: place.path("project") }).ended;
  const made = async (...args: readonly string[]): Promise<readonly (string | undefined)[]> => {
    const { out } = await inside("publish", ...args);
    return [...out.matchAll(/database with name: (\S+),/g)].map(([, name]) => name);
  };
  expect(await made()).toEqual(["one", "two"]);
  expect(await made("two")).toEqual(["two"]);
  expect(await made("--env", "test")).toEqual(["test-one", "test-two"]);
  expect(await made("--env=test", "*-one")).toEqual(["test-one"]);
  const other = await inside("publish", "three");
  expect([other.code, other.err]).toEqual([2, expect.stringContaining("Available databases: one, two")]);
  const flag = await inside("publish", "-b", place.path("1.wasm"));
  expect([flag.code, flag.err]).toEqual([2, expect.stringContaining("several databases are meant")]);
  expect((await inside("publish", "three", "--no-config", "-b", place.path("1.wasm"), "-s", url)).code).toBe(0);
});
