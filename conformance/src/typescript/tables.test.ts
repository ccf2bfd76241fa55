// Goal: every method of every kind of handle does what its documentation says, against the real engine.
// Method: scripts of the module run in order on one database; each says what it got.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { EngineDatabase } from "../wasm/engine-database.ts";
import { openModule, sandboxes } from "./bundled.ts";

const sourceLines = readFileSync(new URL("modules/everything.ts", import.meta.url), "utf8").split("\n");
const lineOf = (text: string): number => sourceLines.findIndex((line) => line.includes(text)) + 1;

const steps: readonly { script: string; gives: string | RegExp }[] = [
  { script: "count", gives: "0" },
  { script: "fill", gives: "1 2 3 4 5" },
  { script: "count", gives: "5" },
  { script: "iterate", gives: "ann bob cy dee eve" },
  { script: "helpers", gives: "bob" },
  { script: "early out", gives: "ann" },
  { script: "find", gives: "bob" },
  { script: "find none", gives: "null" },
  { script: "find by name", gives: "3" },
  { script: "find pair", gives: "dee" },
  { script: "filter level", gives: "bob cy" },
  { script: "filter range", gives: "eve ann" },
  { script: "filter open range", gives: "bob cy dee" },
  { script: "filter hash", gives: "bob eve" },
  { script: "filter team", gives: "ann bob dee" },
  { script: "filter prefix", gives: "bob" },
  { script: "filter whole", gives: "bob" },
  { script: "filter prefix range", gives: "bob dee" },
  { script: "filter last range", gives: "dee" },
  { script: "filter first range", gives: "eve cy" },
  { script: "filter slot", gives: "eve" },
  { script: "update", gives: `{"id":2,"name":"bob","team":"red","level":2,"seat":2,"note":"new","added":0}` },
  { script: "update by name", gives: "undefined" },
  { script: "update none", gives: "NoSuchRow" },
  { script: "same name", gives: "UniqueAlreadyExists caught" },
  { script: "same pair", gives: "UniqueAlreadyExists caught" },
  { script: "wrong type", gives: "TypeError" },
  { script: "too large", gives: "TypeError" },
  { script: "missing column", gives: "TypeError" },
  { script: "no row", gives: "TypeError" },
  { script: "wrong key", gives: "TypeError" },
  { script: "long key", gives: "TypeError" },
  { script: "short pair", gives: "TypeError" },
  { script: "bad bound", gives: "TypeError" },
  { script: "maker of rows", gives: "TypeError" },
  { script: "count", gives: "5" },
  { script: "delete", gives: "true" },
  { script: "delete none", gives: "false" },
  { script: "delete row", gives: "true false" },
  { script: "delete range", gives: "1" },
  { script: "delete prefix", gives: "1" },
  { script: "delete hash", gives: "1" },
  { script: "count", gives: "0" },
  { script: "fill", gives: /^\d+ \d+/ },
  { script: "write while walking", gives: "5" },
  { script: "getter that inserts", gives: "from a getter" },
  { script: "count", gives: "7" },
  { script: "clear", gives: "7 0" },
  { script: "event", gives: "flash" },
  { script: "random", gives: /^0\.\d+ [1-6]$/ },
];

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
