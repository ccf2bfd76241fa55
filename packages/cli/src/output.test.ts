// Goal: F4. Output that cannot be written is a failure, told on the standard error stream; a reader who has read enough is none.
// Method: commands as processes, with and without a server, whose standard output is a device that is always full, or a pipe
// that nobody reads.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bin, Place } from "./testing/command.ts";

const place = new Place();
let server = "";
beforeAll(async () => {
  const running = place.start("start", "--in-memory", "--listen-addr", "127.0.0.1:0");
  [, server = ""] = await running.saying(/(http:\/\/127\.0\.0\.1:\d+)/);
  mkdirSync(place.path("module"));
  writeFileSync(place.path("module/module.ts"), moduleText);
  const published = await place.run("publish", "told", "-p", place.path("module"), "-s", server, "--yes");
  expect({ code: published.code, err: published.err }).toMatchObject({ code: 0 });
});
afterAll(() => place.close());

const moduleText = `
import { schema, t, table } from "lightcone/module";
const told = schema({ word: table({ public: true }, { text: t.string() }) });
export default told;
export const init = told.init((ctx) => { console.info("born"); ctx.db.word.insert({ text: "once" }); });
`;

const commands: readonly (readonly string[])[] = [
  ["--help"],
  ["version"],
  ["server", "list"],
  ["server", "ping", "SERVER"],
  ["sql", "-s", "SERVER", "told", "SELECT * FROM word"],
  ["logs", "-s", "SERVER", "told"],
  ["describe", "-s", "SERVER", "told", "--json"],
  ["list", "-s", "SERVER"],
];

describe.skipIf(!existsSync("/dev/full"))("F4: lightcone", () => {
  test.each(commands)("%s %s %s", async (...args) => {
    const given = args.map((each) => (each === "SERVER" ? server : each));
    const through = (script: string): ReturnType<Place["run"]> =>
      place.open("bash", ["-c", script, process.execPath, bin, ...given]).ended;
    const full = await through('"$0" "$@" > /dev/full');
    expect(full.err).toMatch(/^Error: the output could not be written: ENOSPC/);
    expect(full.code).toBe(1);
    const closed = await through('set -o pipefail; "$0" "$@" | :');
    expect([closed.err, closed.code]).toEqual(["", 0]);
  });
});
