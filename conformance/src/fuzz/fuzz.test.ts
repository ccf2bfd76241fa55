// Goal: issue 9, "Bad input". Whatever is sent in the place of a description, a program, a host call, a frame, a statement or the head of a
// request is refused with a code or taken, and what is there goes on.
// Method: the corpus of conformance/vectors/fuzz, then a share of made inputs by a fixed seed, in `npm run soak` for ten minutes; `npm run fuzz` draws others.
import { runCount, testSeed } from "@lightcone/base/testing";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { buildModule } from "@lightcone/host-wasm/testing";
import { emptyRawV10, encodeRawV10 } from "@lightcone/schema";
import { t } from "@lightcone/sats";
import { expect, test } from "vitest";
import { returningProgram } from "../database/returning-guest.ts";
import { Served } from "../served.ts";
import { corpus, fuzz, targets } from "./run.ts";

const seed = testSeed(9);
/** Inputs for each, so that none takes more than a second or two. */
const counts: Readonly<Record<string, number>> = {
  descriptions: 2000,
  programs: 400,
  hostCalls: 80,
  frames: 600,
  statements: 800,
  heads: 30,
};

/** `npm run soak` goes on for so long in all. */
const soakMs = process.env["LIGHTCONE_RUNS"] === undefined ? 0 : 600_000;

test.each(Object.entries(targets))("row bad input: %s", { timeout: 900_000 }, async (name, target) => {
  const count = runCount(counts[name] ?? 100);
  const untilMs = performance.now() + soakMs / Object.keys(targets).length;
  const goesOn = (number: number): boolean => number <= count || performance.now() < untilMs;
  expect(await fuzz(name, target, { seed, from: 1, goesOn })).toBeGreaterThanOrEqual(count);
});

/** A description of one table with so many columns. */
function wideDescription(columnCount: number): Uint8Array {
  const elements = Array.from({ length: columnCount }, (_, at) => ({ name: `c${at}`, type: t.u8 }));
  return encodeRawV10({
    ...emptyRawV10,
    typespace: [{ kind: "Product", elements }],
    types: [{ scope: [], name: "Wide", ref: 0, customOrdering: true }],
    tables: [
      {
        name: "wide",
        typeRef: 0,
        primaryKey: [],
        indexes: [],
        constraints: [],
        sequences: [],
        kind: "user",
        access: "public",
        defaults: [],
        isEvent: false,
      },
    ],
  });
}

test("row bad input: modules with such descriptions are refused by a server with what is wrong, and it goes on", async () => {
  const served = await Served.open();
  try {
    await served.publish("fuzzed", returningProgram, "Wasm");
    const folder = join(corpus, "descriptions");
    const cases = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))] as const);
    for (const [name, description] of [...cases, ["10⁵ columns", wideDescription(100_000)] as const]) {
      const program = buildModule({ description, memory: { min: 64 } });
      for (const database of name === "10⁵ columns" ? ["fuzzed", "fresh"] : ["fuzzed"]) {
        const answer = await served.request("PUT", `/v1/database/${database}?host_type=Wasm`, program);
        const told = await answer.text();
        expect([name, answer.status, answer.headers.get("lightcone-error")]).toEqual([
          name,
          400,
          expect.stringMatching(/^(?:SchemaInvalid|ModuleInvalid|TooDeep)$/),
        ]);
        expect(told.length, name).toBeGreaterThan(20);
      }
      expect(await (await served.call("fuzzed", "look", "[1]")).text()).toBe("[1]");
    }
  } finally {
    await served.stop();
  }
});
