// Goal: every method of every kind of handle does what its documentation says, against the real engine.
// Method: scripts of the module run in order on one database; each says what it got.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { EngineDatabase } from "../wasm/engine-database.ts";
import { openModule, sandboxes } from "./bundled.ts";
import { steps } from "./table-steps.ts";

const sourceLines = readFileSync(new URL("modules/everything.ts", import.meta.url), "utf8").split("\n");
const lineOf = (text: string): number => sourceLines.findIndex((line) => line.includes(text)) + 1;

function say(database: EngineDatabase, script: string): string {
  const before = database.logs.length;
  expect(database.call("run", [script])).toEqual({ kind: "ok" });
  return database.logs
    .slice(before)
    .map(({ message }) => message)
    .join("\n");
}

describe.each(sandboxes)("%s", (sandbox) => {
  test("every method of every handle", async () => {
    const database = await openModule("modules/everything.ts", sandbox);
    const said = steps.map(({ script }) => [script, say(database, script)]);
    expect(said).toEqual(
      steps.map(({ script, gives }) => [script, typeof gives === "string" ? gives : expect.stringMatching(gives)]),
    );
  });

  test("row 33: indexes that would be spelled alike are each their own", async () => {
    const database = await openModule("modules/alike.ts", sandbox);
    expect(database.call("run")).toEqual({ kind: "ok" });
    expect(database.logs.map(({ message }) => message)).toEqual(["3 2 7 6 6 null"]);
  });

  test("chance is the same when a call is run again", async () => {
    const first = await openModule("modules/everything.ts", sandbox);
    const second = await openModule("modules/everything.ts", sandbox);
    expect(say(first, "random")).toBe(say(second, "random"));
  });

  test("a refused call leaves nothing, and its text goes to the caller", async () => {
    const database = await openModule("modules/everything.ts", sandbox);
    expect(database.call("refuse", ["because"])).toEqual({ kind: "error", message: "because" });
    expect(database.call("run", ["nested call"])).toEqual({ kind: "error", message: "nested" });
    expect(database.call("run", ["nothing"])).toEqual({ kind: "error", message: "no script nothing" });
    expect(database.rows("players")).toEqual([]);
  });

  test("an error shows the author's file and line", async () => {
    const database = await openModule("modules/everything.ts", sandbox);
    const outcome = database.call("run", ["fault"]);
    const line = lineOf("return nothing.deep.er");
    expect(outcome).toEqual({
      kind: "panic",
      fatal: false,
      message: expect.stringMatching(
        new RegExp(
          `^TypeError: Cannot read properties of null \\(reading 'deep'\\)\n {4}at fault \\(everything.ts:${line}:\\d+\\)\n {4}at run \\(everything.ts:\\d+:\\d+\\)$`,
        ),
      ),
    });
  });

  test("row 28: so does an error that is logged, alone or within something", async () => {
    const database = await openModule("modules/everything.ts", sandbox);
    expect(database.call("run", ["caught fault"])).toEqual({ kind: "ok" });
    const [said, last] = database.logs.slice(-2).map(({ message }) => message);
    const at = `everything.ts:${lineOf("return nothing.deep.er")}:`;
    expect(said?.split(at)).toHaveLength(3);
    expect(said).toMatch(
      /^caught: TypeError: Cannot read properties of null \(reading 'deep'\)\n {4}at .*everything\.ts/,
    );
    expect(said).not.toMatch(/lightcone-module\.js|file:|node:/);
    expect(last).toBe("false");
  });

  test("log lines have the author's file and line", async () => {
    const database = await openModule("modules/everything.ts", sandbox);
    database.call("hello");
    expect(database.logs.at(-1)).toMatchObject({ level: 2, file: "everything.ts", line: lineOf("export const hello") });
  });
});
