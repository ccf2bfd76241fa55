/**
 * Goal: generated code changes on purpose only, and whoever asks for it can read it.
 * Method: what `dumpCode` is told of a codec's and a validator's code is compared with a golden text, which
 * `npm test -- packages/sats/src/compile.test.ts -u` writes anew; a process with the variable set makes a codec.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { codeText, watchCode } from "@lightcone/base";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { AlgebraicType } from "./index.ts";
import {
  array,
  identity,
  makeCompare,
  makeSkip,
  option,
  product,
  scheduleAt,
  sum,
  t,
  unit,
  validator,
} from "./index.ts";
import { valueCodec } from "./index.ts";

const types: Readonly<Record<string, AlgebraicType>> = {
  "fixed-row": product({ id: t.u32, balance: t.i128, owner: identity, isOpen: t.bool }),
  "mixed-row": product({ name: t.string, tags: array(t.string), bytes: array(t.u8), score: option(t.f64) }),
  sum: sum({ none: unit, at: scheduleAt, pair: product([t.u16, t.u16]) }),
};

test.each(Object.entries(types))("the code of type %s", async (name, type) => {
  const pieces: string[] = [];
  const stop = watchCode((code) => pieces.push(codeText(code)));
  valueCodec(type);
  validator(type);
  makeSkip(type);
  makeCompare(type);
  stop();
  await expect(pieces.join("\n")).toMatchFileSnapshot(`golden-code/${name}.txt`);
});

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "lightcone-code-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const program = `
  import { t, valueCodec } from ${JSON.stringify(new URL("index.ts", import.meta.url).href)};
  valueCodec(t.u16);
`;

/** Makes a codec in a process of its own; gives what it wrote to standard error. */
function run(dump: string): string {
  const env = { ...process.env, LIGHTCONE_DUMP_CODE: dump };
  const args = ["--input-type=module", "-e", program];
  const ended = spawnSync(process.execPath, args, { env, encoding: "utf8", timeout: 30_000 });
  expect([ended.status, ended.stdout]).toEqual([0, ""]);
  return ended.stderr;
}

test("LIGHTCONE_DUMP_CODE=DIRECTORY writes a file for each piece", () => {
  run(join(directory, "code"));
  const names = readdirSync(join(directory, "code")).toSorted();
  expect(names.map((name) => name.replace(/^\d+/, "PID"))).toEqual(["PID-0001-write.js", "PID-0002-read.js"]);
  expect(readFileSync(join(directory, "code", names[1] ?? ""), "utf8")).toContain("view.getUint16(");
});

test("LIGHTCONE_DUMP_CODE=- writes to standard error", () => {
  expect(run("-")).toContain("// read: readBool");
});

test.each(["/proc/lightcone/code", join(import.meta.filename, "code")])(
  "LIGHTCONE_DUMP_CODE=%s, where nothing can be made, is said once and hinders nothing",
  (dump) => {
    const said = run(dump).trimEnd().split("\n");
    expect(said).toEqual([expect.stringMatching(/^LIGHTCONE_DUMP_CODE=.*: no code is written: Error: E\w+:.*mkdir/)]);
  },
);

test("without it nothing is written", () => {
  expect(run("")).toBe("");
  expect(readdirSync(directory)).toEqual([]);
});
