/**
 * Goal: a command finds the server that was meant, and sends a token only where it came from.
 * Method: names against a configuration; logins saved and looked up across places and keys; files good and bad.
 */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { configPathOf, readConfig, writeConfig, type CliConfig } from "./cli-config.ts";
import { findLogin, identityOfToken, placeOf, withLogin } from "./logins.ts";
import { resolveServer } from "./servers.ts";

const directory = mkdtempSync(join(tmpdir(), "lightcone-config-"));
afterAll(() => rmSync(directory, { recursive: true }));

const config: CliConfig = {
  default_server: "ours",
  server_configs: [
    { nickname: "local", host: "127.0.0.1:3000", protocol: "http" },
    { nickname: "ours", host: "db.example.com", protocol: "https" },
  ],
  logins: [],
};

test.each([
  { named: undefined, url: "https://db.example.com" },
  { named: "local", url: "http://127.0.0.1:3000" },
  { named: "db.example.com", url: "https://db.example.com" },
  { named: "http://other:1/", url: "http://other:1" },
  { named: "other:4000", url: "http://other:4000" },
])("--server $named is $url", ({ named, url }) => {
  expect(resolveServer(config, named)).toBe(url);
});

test("a server that nobody saved is refused", () => {
  expect(() => resolveServer(config, "nowhere")).toThrow("No such saved server configuration: nowhere");
});

test("a login is found at its place and under its key, and nowhere else", () => {
  let saved = withLogin(config, "http://127.0.0.1:3000", "k1", "t1");
  saved = withLogin(saved, "http://127.0.0.1:3000", "k2", "t2");
  saved = withLogin(saved, "https://db.example.com", "k1", "t3");
  const token = (url: string, key: string): string | undefined => findLogin(saved, url, key)?.token;
  expect(token("http://127.0.0.1:3000", "k1")).toBe("t1");
  expect(token("http://localhost:4000", "k1")).toBe("t1");
  expect(token("http://[::1]:3000", "k2")).toBe("t2");
  expect(token("https://db.example.com", "k1")).toBe("t3");
  expect(token("https://evil.example.com", "k1")).toBeUndefined();
  expect(token("http://db.example.com", "k1")).toBeUndefined();
  expect(
    findLogin(withLogin(saved, "http://localhost", "k1", undefined), "http://127.0.0.1:3000", "k1"),
  ).toBeUndefined();
});

test("places", () => {
  expect(placeOf("http://127.0.0.1:4000")).toBe("local");
  expect(placeOf("https://db.example.com:8443")).toBe("https://db.example.com:8443");
});

test("a token says whose it is, whatever characters its payload needs", () => {
  const payload = Buffer.from(JSON.stringify({ hex_identity: "c2", sub: "??>>ÿ" })).toString("base64url");
  expect(identityOfToken(`h.${payload}.s`)).toBe("c2");
  expect(() => identityOfToken("nonsense")).toThrow("whose it is");
});

test("settings are written for their owner alone and read back", () => {
  const path = join(directory, "sub", "cli.toml");
  const saved = withLogin(config, "http://localhost", "k", "t");
  writeConfig(path, saved);
  expect(readConfig(path)).toEqual(saved);
  expect(statSync(path).mode & 0o077).toBe(0);
  expect(readFileSync(path, "utf8")).toContain("[[server_configs]]");
});

test("without a file there is the local server", () => {
  expect(resolveServer(readConfig(join(directory, "none.toml")), undefined)).toBe("http://127.0.0.1:3000");
});

test.each([
  "= 1",
  "logins = 3",
  '[[server_configs]]\nhost = "h"\nprotocol = "ftp"\n',
  '[[logins]]\nserver = "local"\n',
])("a file that says %j is named", (text) => {
  const path = join(directory, "bad.toml");
  writeFileSync(path, text);
  expect(() => readConfig(path)).toThrow(`config file ${path} is invalid`);
});

test.each([
  { flags: { configPath: "/a/b.toml" }, env: { LIGHTCONE_CONFIG_PATH: "/c" }, path: "/a/b.toml" },
  { flags: {}, env: { LIGHTCONE_CONFIG_PATH: "/c.toml", XDG_CONFIG_HOME: "/x" }, path: "/c.toml" },
  { flags: { rootDir: "/r" }, env: { XDG_CONFIG_HOME: "/x" }, path: "/r/config/cli.toml" },
  { flags: {}, env: { XDG_CONFIG_HOME: "/x" }, path: "/x/lightcone/cli.toml" },
])("settings are at $path", ({ flags, env, path }) => {
  expect(configPathOf(flags, env)).toBe(path);
});
