// Goal: row 14: no command gives away databases unasked: the only key to them is kept until its owner says otherwise.
// Method: the commands as processes against a server, by an identity that owns databases and by one that owns none.
import { join } from "node:path";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Place, repository } from "../testing/command.ts";

const place = new Place();
afterAll(() => place.close());
const chat = join(repository, "examples/chat/module");
let token: string;

async function run(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await place.run(...args);
  expect({ code, err }).toMatchObject({ code: 0 });
  return out;
}

const settings = (): string => readFileSync(place.path("config/lightcone/cli.toml"), "utf8");

beforeAll(async () => {
  const server = place.start("start", "-l", "127.0.0.1:0", "--in-memory", "--log-level", "warn");
  place.env["LIGHTCONE_SERVER"] = (await server.saying(/listening on (http:\S+)/))[1] ?? "";
});

describe("row 14: the only key to one's databases", () => {
  test("who owns nothing logs out unasked", async () => {
    await run("login");
    expect(await run("logout")).toMatch(/^Logged out \(identity c200/);
  });

  test("logout says what would be lost, and keeps it", async () => {
    await run("publish", "my_shop", "-p", chat);
    token = /is (ey\S+)/.exec(await run("login", "show", "--token"))?.[1] ?? "";
    const before = settings();
    const { code, err } = await place.run("logout");
    expect(code).toBe(1);
    expect(err).toMatch(/^c200\w+ owns on http:\S+: my_shop\.\n/);
    expect(err).toMatch(/kept here and nowhere else[^]*login show --token[^]*lightcone owner my_shop --to IDENTITY/);
    expect(err).toMatch(
      /Forget this identity, and lose the database\? [^]*Error: Nothing is changed: [^]*\n\nHint: Pass --yes/,
    );
    expect(settings()).toBe(before);
  });

  test("so does a login with another token", async () => {
    const other = JSON.parse(
      await (await fetch(`${place.env["LIGHTCONE_SERVER"]}/v1/identity`, { method: "POST" })).text(),
    ) as { readonly token: string };
    const refused = await place.run("login", "--token", other.token);
    expect(refused).toMatchObject({ code: 1, err: expect.stringMatching(/owns on http:\S+: my_shop\./) });
    // One's own token loses nothing.
    expect(await run("login", "--token", token)).toBe("Token saved.\n");
    expect(await run("list")).toMatch(/my_shop/);
  });

  test("--yes forgets it, and the token that was put away brings it back", async () => {
    expect(await run("logout", "--yes")).toMatch(/Logged out \(identity c200/);
    const { code, err } = await place.run("publish", "my_shop", "-p", chat);
    expect(code).toBe(1);
    expect(err).toMatch(/Hint: .*on the server's machine `lightcone owner`/);
    await run("login", "--token", token, "--yes");
    expect(await run("publish", "my_shop", "-p", chat)).toMatch(/Updated database with name: my_shop/);
  });
});
