// Goal: row 12: `sql --interactive` runs what is typed or piped, statement by statement, and goes on after one that fails.
// Method: the command at a terminal that `script` makes, with keys; and with a pipe.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bin, Place, repository, Running } from "../testing/command.ts";
import { isOpen } from "./sql-prompt.ts";

const place = new Place();
const hasScript = spawnSync("script", ["--version"]).status === 0;
const history = place.path("config/lightcone/sql_history");

beforeAll(async () => {
  const flags = ["-l", "127.0.0.1:0", "--data-dir", place.path("data"), "--log-level", "warn"];
  const server = place.start("start", ...flags);
  place.env["LIGHTCONE_SERVER"] = (await server.saying(/listening on (http:\S+)/))[1] ?? "";
  mkdirSync(place.path("shop"));
  const text = `import { schema, t, table } from "lightcone/module";
    export default schema({ product: table({ public: true }, { id: t.u32().primaryKey(), title: t.string() }) });`;
  writeFileSync(join(place.path("shop"), "module.ts"), text);
  expect(await place.run("publish", "shop", "-p", place.path("shop"))).toMatchObject({ code: 0 });
});
afterAll(() => place.close());

test.each([
  ["SELECT 1", false],
  ["SELECT (1", true],
  ["INSERT INTO a VALUES (1, ')')", false],
  ["INSERT INTO a VALUES (1, 'it''s", true],
  ["INSERT INTO a VALUES (1, 'it''s (')", false],
  ['SELECT "a', true],
  [")", false],
])("%s: whether it goes on in the next line is %s", (text, open) => {
  expect(isOpen(text)).toBe(open);
});

describe("row 12: statements that are piped", () => {
  test("run one after another, over lines where a bracket or a quote is open", async () => {
    const input =
      "INSERT INTO product (id, title) VALUES (\n  1, 'two\nlines')\n\nSELECT id FROM product\nSELECT COUNT(*) AS n FROM product";
    expect(await place.answered(input, "sql", "shop", "--interactive")).toEqual({
      code: 0,
      out: "1 row inserted\n id\n----\n 1\n n\n---\n 1\n",
      err: "",
    });
    const asJson = await place.answered(
      "SELECT title FROM product\n.exit\nSELEC\n",
      "sql",
      "shop",
      "--interactive",
      "--json",
    );
    expect(asJson).toMatchObject({ code: 0, out: '[\n  {"title":"two\\nlines"}\n]\n' });
  });

  test("go on after one that fails, and the failure is told at the end", async () => {
    const ended = await place.answered("SELEC\nSELECT id FROM product\n", "sql", "shop", "--interactive");
    expect(ended).toMatchObject({ code: 1, out: " id\n----\n 1\n" });
    expect(ended.err).toMatch(/^Error: The statement was refused\n[^]*Error: 1 of the statements failed\n$/);
  });
});

describe.skipIf(!hasScript)("row 12: statements that are typed", () => {
  function open(): { readonly running: Running; readonly type: (keys: string) => void } {
    const line = `stty cols 100; ${process.execPath} ${bin} sql shop --interactive`;
    const child = spawn("script", ["-qec", line, "/dev/null"], {
      cwd: repository,
      env: { ...place.env, TERM: "xterm" },
    });
    return { running: new Running(child), type: (keys) => void child.stdin.write(keys) };
  }

  test("are answered with rows and their time; a failure is red and ends nothing; Tab completes; Ctrl-D ends", async () => {
    const { running, type } = open();
    await running.saying(/\.exit or Ctrl-D ends\.\r\n[^]*shop> /);
    // A Tab within what is pasted is one.
    type("SELECT id FROM prod\t");
    await running.saying(/FROM product/);
    type("\r");
    await running.saying(/ 1\r\n\(1 row\) \[server: [\d.]+ms\]\r\nRoundtrip time: [\d.]+ms/);
    type("SELEC\r");
    await running.saying(/statement was refused/);
    type("SELECT title FROM product WHERE (id = 1\r");
    await running.saying(/ {4}> /);
    type(")\r");
    await running.saying(/two\\nlines/);
    type("\u0004");
    const ended = await running.ended;
    expect([ended.code, ended.out]).toEqual([0, expect.stringMatching(/Aborted!\r\n$/)]);
  });

  test("are there the next time, for their user alone", async () => {
    expect(readFileSync(history, "utf8")).toMatch(
      /^\)\nSELECT title FROM product WHERE \(id = 1\nSELEC\nSELECT id FROM product\n$/,
    );
    expect(statSync(history).mode & 0o077).toBe(0);
    const { running, type } = open();
    await running.saying(/shop> /);
    type("\u001b[A".repeat(4));
    await running.saying(/SELECT id FROM product/);
    type("\r");
    await running.saying(/\(1 row\)/);
    type(".exit\r");
    expect(await running.ended).toMatchObject({ code: 0, out: expect.not.stringContaining("Aborted") });
  });
});
