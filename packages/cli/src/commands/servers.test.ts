// Goal: row 12: servers are saved, edited, compared and cleared as their users ask for it, and nothing else is.
// Method: the command as a process, its file of settings read; two real servers.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Place, type Running } from "../testing/command.ts";

const place = new Place();
const config = place.path("config/lightcone/cli.toml");
let server: Running;
let url = "";

async function start(data: string, address = "127.0.0.1:0"): Promise<void> {
  server = place.start("start", "-l", address, "--data-dir", place.path(data), "--log-level", "warn");
  url = (await server.saying(/listening on (http:\S+)/))[1] ?? "";
}

async function stop(): Promise<void> {
  server.child.kill("SIGTERM");
  await server.ended;
}

async function run(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await place.run(...args);
  expect({ code, err }).toMatchObject({ code: 0 });
  return out;
}

const list = async (): Promise<readonly Record<string, unknown>[]> => JSON.parse(await run("server", "list", "--json"));

beforeAll(() => start("first"));
afterAll(() => place.close());

describe("row 12: server", () => {
  test("add keeps the key, and fingerprint compares it", async () => {
    const out = await run("server", "add", "--url", `${url}/`, "ours", "--default");
    const [, print = ""] = /^For server ours, got fingerprint:\n([\da-f]{32})\nNickname: ours\n/.exec(out) ?? [];
    expect(print).not.toBe("");
    expect(readFileSync(config, "utf8")).toMatch(/nickname = "ours"[^]*ecdsa_public_key = "-----BEGIN PUBLIC KEY-----/);
    expect(await list()).toContainEqual({
      nickname: "ours",
      host: new URL(url).host,
      protocol: "http",
      fingerprint: print,
      default: true,
    });
    expect(await run("server", "fingerprint", "ours")).toBe(`Fingerprint is unchanged for server ours:\n${print}\n`);
  });

  test("add without the key: fingerprint says that there is none, and keeps it", async () => {
    await run("server", "add", "--url", url.replace("127.0.0.1", "localhost"), "bare", "--no-fingerprint");
    expect(await run("server", "fingerprint", "bare")).toMatch(/No saved fingerprint for server bare\.\n$/);
    expect(await run("server", "fingerprint", "bare")).toMatch(/^Fingerprint is unchanged/);
  });

  test("another server at the address is told of, and its key is kept only if that is wanted", async () => {
    const host = new URL(url).host;
    await stop();
    await start("second");
    // It has another port, so that nobody can take it meanwhile.
    writeFileSync(config, readFileSync(config, "utf8").replaceAll(`"${host}"`, `"${new URL(url).host}"`));
    const before = readFileSync(config, "utf8");
    const unsure = await place.run("server", "fingerprint", "ours");
    expect([unsure.code, unsure.out]).toEqual([1, expect.stringMatching(/Fingerprint has changed for server ours\./)]);
    expect(await place.answered("n\n", "server", "fingerprint", "ours")).toMatchObject({
      code: 1,
      err: expect.stringMatching(/Continue\? \[y\/N\] n\nError: Aborted\n$/),
    });
    expect(readFileSync(config, "utf8")).toBe(before);
    expect(await place.answered("y\n", "server", "fingerprint", "ours")).toMatchObject({ code: 0 });
    expect(await run("server", "fingerprint", "ours")).toMatch(/^Fingerprint is unchanged/);
  });

  test("edit: nickname and address, the default stays the default, and logins stay where they were", async () => {
    await run("login", "-s", "ours");
    const who = await run("login", "show", "-s", "ours");
    const logins = /\[\[logins\]\][^]*/.exec(readFileSync(config, "utf8"))?.[0];
    expect(await place.answered("no\n", "server", "edit", "ours", "--new-name", "theirs")).toMatchObject({ code: 1 });
    expect(await run("server", "edit", "ours", "--new-name", "theirs", "-y")).toMatch(
      /^Changing nickname from ours to theirs\nSkipping confirmation due to --yes\n$/,
    );
    expect(await run("login", "show")).toBe(who);
    const elsewhere = url.replace("127.0.0.1", "[::1]").replace(/:(\d+)$/, ":1");
    expect(await run("server", "edit", "theirs", "--url", elsewhere, "--no-fingerprint", "-y")).toMatch(
      /^Changing host from 127\.0\.0\.1:\d+ to \[::1\]:1\n/,
    );
    expect((await list()).find(({ default: isDefault }) => isDefault)).toEqual({
      nickname: "theirs",
      host: "[::1]:1",
      protocol: "http",
      default: true,
    });
    const back = await run("server", "edit", "theirs", "--url", url, "-y");
    expect(back).toMatch(/For server http:\S+, got fingerprint:\n[\da-f]{32}\n/);
    expect(/\[\[logins\]\][^]*/.exec(readFileSync(config, "utf8"))?.[0]).toBe(logins);
  });

  test.each([
    { args: ["edit", "theirs"], code: 2, err: /nothing is to be changed/ },
    { args: ["edit", "nobody", "--new-name", "x"], code: 1, err: /No such saved server configuration: nobody/ },
    { args: ["edit", "theirs", "--new-name", "local", "-y"], code: 1, err: /Server local is already saved/ },
    { args: ["edit", "theirs", "--url", "ftp://x", "--new-name", "y"], code: 1, err: /Invalid url: ftp:\/\/x/ },
    { args: ["edit", "theirs", "--url", "http://127.0.0.1:1", "-y"], code: 1, err: /could not be reached/ },
  ])("$args is refused, and changes nothing", async ({ args, code, err }) => {
    const before = readFileSync(config, "utf8");
    expect(await place.run("server", ...args)).toMatchObject({ code, err: expect.stringMatching(err) });
    expect(readFileSync(config, "utf8")).toBe(before);
  });

  test("`start` listens where cli.toml says, unless it is told otherwise", async () => {
    await stop();
    writeFileSync(config, `listen_addr = "127.0.0.1:0"\n${readFileSync(config, "utf8")}`);
    server = place.start("start", "--data-dir", place.path("first"), "--log-level", "warn");
    url = (await server.saying(/listening on (http:\S+)/))[1] ?? "";
    expect(new URL(url).port).not.toBe("3000");
    // What was not ours to change is still there after a command has written the file.
    await run("server", "remove", "bare");
    expect(readFileSync(config, "utf8")).toContain('listen_addr = "127.0.0.1:0"');
  });

  test("clear deletes all data of a server that is stopped, asks before, and touches nothing else", async () => {
    const data = ["--data-dir", place.path("first")];
    const running = await place.run("server", "clear", ...data, "-y");
    expect([running.code, running.err]).toEqual([1, expect.stringMatching(/in use by process[^]*Stop the server/)]);
    await stop();
    expect(await place.answered("n\n", "server", "clear", ...data)).toMatchObject({ code: 1 });
    expect(existsSync(place.path("first/id_ecdsa"))).toBe(true);
    expect(await place.answered("y\n", "server", "clear", ...data)).toMatchObject({
      code: 0,
      out: `Database path: ${place.path("first")}\nDeleted database: ${place.path("first")}\n`,
    });
    expect(existsSync(place.path("first/id_ecdsa"))).toBe(false);
    expect(await run("server", "clear", "--data-dir", place.path("none"), "-y")).toMatch(/^Local database not found/);
    mkdirSync(place.path("papers"));
    writeFileSync(place.path("papers/letter"), "dear");
    const refused = await place.run("server", "clear", "--data-dir", place.path("papers"), "-y");
    expect([refused.code, refused.err]).toEqual([1, expect.stringMatching(/no server's data/)]);
    expect(existsSync(place.path("papers/letter"))).toBe(true);
    // A cleared directory is a new server's.
    await start("first");
    expect(await run("login", "show", "-s", url)).toMatch(/^You are not logged in/);
  });
});
