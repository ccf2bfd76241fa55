/**
 * Goal: a setting is read from flag, environment and file, in this order; what does not read is named.
 * Method: rows of the three sources in a data directory of their own, and what comes out.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { resolveSettings, type StartFlags } from "./settings.ts";

const directory = mkdtempSync(join(tmpdir(), "lightcone-settings-"));
afterAll(() => rmSync(directory, { recursive: true }));

function settle(flags: StartFlags, env: NodeJS.ProcessEnv = {}, file = ""): ReturnType<typeof resolveSettings> {
  writeFileSync(join(directory, "config.toml"), file);
  return resolveSettings({ dataDir: directory, ...flags }, env, "unused");
}

const both = (port: number) => [
  { host: "127.0.0.1", port },
  { host: "::1", port },
];

describe("where it listens", () => {
  test.each([
    { text: "127.0.0.1:4000", listen: [{ host: "127.0.0.1", port: 4000 }] },
    { text: "0.0.0.0:80", listen: [{ host: "0.0.0.0", port: 80 }] },
    { text: "[::1]:4000", listen: [{ host: "::1", port: 4000 }] },
    { text: "db.example.com:4000", listen: [{ host: "db.example.com", port: 4000 }] },
    { text: "localhost:4000", listen: both(4000) },
    { text: "4000", listen: both(4000) },
  ])("$text", ({ text, listen }) => {
    expect(settle({ listenAddr: text }).listen).toEqual(listen);
  });

  test.each(["host", "127.0.0.1:", "127.0.0.1:99999", "::1:4000", "a:b:1"])("%j is refused", (text) => {
    expect(() => settle({ listenAddr: text })).toThrow("--listen-addr");
  });
});

test("the defaults: port 3000 of this machine, level info, no issuer but this server", () => {
  const settings = settle({});
  expect(settings).toMatchObject({
    listen: both(3000),
    logLevel: "info",
    issuers: [],
    procedureHttp: "public",
    inMemory: false,
    unknownKeys: [],
  });
});

test.each([
  { flags: { audiences: "shop,till" }, env: { LIGHTCONE_AUDIENCES: "bank" }, file: "", audiences: ["shop", "till"] },
  { flags: {}, env: {}, file: 'audiences = ["shop"]', audiences: ["shop"] },
  { flags: {}, env: {}, file: "", audiences: [] },
])("row 18: tokens of other issuers are for what $flags $env $file say", ({ flags, env, file, audiences }) => {
  expect(settle(flags, env, file).audiences).toEqual(audiences);
});

test.each([
  { why: "the file alone", flags: {}, env: {}, port: 1 },
  { why: "the environment over the file", flags: {}, env: { LIGHTCONE_LISTEN_ADDR: "127.0.0.1:2" }, port: 2 },
  {
    why: "the flag over both",
    flags: { listenAddr: "127.0.0.1:3" },
    env: { LIGHTCONE_LISTEN_ADDR: "127.0.0.1:2" },
    port: 3,
  },
])("$why", ({ flags, env, port }) => {
  expect(settle(flags, env, 'listen-addr = "127.0.0.1:1"').listen).toEqual([{ host: "127.0.0.1", port }]);
});

test.each([
  { flags: { issuers: "any" }, env: {}, file: "", issuers: "any" },
  {
    flags: {},
    env: { LIGHTCONE_ISSUERS: "https://a.test,https://b.test/" },
    file: "",
    issuers: ["https://a.test", "https://b.test/"],
  },
  { flags: {}, env: {}, file: 'issuers = ["https://a.test"]', issuers: ["https://a.test"] },
])("row 18: issuers are believed as $flags $env $file say", ({ flags, env, file, issuers }) => {
  expect(settle(flags, env, file).issuers).toEqual(issuers);
});

test.each([
  { flags: {}, env: {}, file: "", reach: "public" },
  { flags: { procedureHttp: "any" }, env: { LIGHTCONE_PROCEDURE_HTTP: "off" }, file: "", reach: "any" },
  { flags: {}, env: { LIGHTCONE_PROCEDURE_HTTP: "off" }, file: 'procedure-http = "any"', reach: "off" },
  { flags: {}, env: {}, file: 'procedure-http = "any"', reach: "any" },
])("row 9: procedures may send requests as $flags $env $file say", ({ flags, env, file, reach }) => {
  expect(settle(flags, env, file).procedureHttp).toBe(reach);
});

test("the data directory comes from the environment as well", () => {
  expect(resolveSettings({}, { LIGHTCONE_DATA_DIR: directory }, "unused").dataDirectory).toBe(directory);
});

test("limits reach the server and the databases, the flag last", () => {
  const file = '[limits]\nreducerTimeoutMs = 100\n[websocket]\nping-interval = "7s"\n[logs]\nlevel = "error"\n';
  const settings = settle(
    { limit: ["reducerTimeoutMs=1_000"] },
    { LIGHTCONE_LIMIT: "frameBytesMax=5,reducerTimeoutMs=3" },
    file,
  );
  expect(settings.databaseLimits).toEqual({ reducerTimeoutMs: 1000 });
  expect(settings.serverLimits).toMatchObject({ pingIntervalMs: 7000, frameBytesMax: 5 });
  expect(settings.logLevel).toBe("error");
});

test("a key that means nothing is told of", () => {
  expect(settle({}, {}, 'listn-addr = "x"\n[v8]\nheap = 1\n').unknownKeys).toEqual(["listn-addr", "v8.heap"]);
});

test.each([
  { flags: { logLevel: "loud" }, env: {}, file: "", says: "--log-level" },
  { flags: { procedureHttp: "yes" }, env: {}, file: "", says: "--procedure-http" },
  {
    flags: { issuers: "https://a.test,localhost" },
    env: {},
    file: "",
    says: '--issuers: "localhost" does not read; it takes addresses by comma',
  },
  { flags: {}, env: { LIGHTCONE_ISSUERS: "https://a.test/|b" }, file: "", says: "LIGHTCONE_ISSUERS" },
  { flags: { limit: ["frames=1"] }, env: {}, file: "", says: "there is no limit `frames`" },
  { flags: { limit: ["frameBytesMax"] }, env: {}, file: "", says: "NAME=VALUE" },
  { flags: { limit: ["frameBytesMax=big"] }, env: {}, file: "", says: "frameBytesMax" },
  { flags: {}, env: { LIGHTCONE_IN_MEMORY: "maybe" }, file: "", says: "LIGHTCONE_IN_MEMORY" },
  { flags: {}, env: {}, file: "= 1", says: "config.toml" },
  // What says it is named, not the flag that could have.
  { flags: {}, env: {}, file: "[limits]\nframes = 1", says: "config.toml: limits.frames: there is no limit `frames`" },
  { flags: {}, env: {}, file: '[limits]\nframeBytesMax = "big"', says: "config.toml: limits.frameBytesMax" },
  { flags: {}, env: {}, file: '[websocket]\nping-interval = "x"', says: "config.toml: websocket.ping-interval" },
  { flags: {}, env: {}, file: 'listen-addr = "x"', says: 'config.toml: listen-addr: "x" does not read' },
  { flags: {}, env: {}, file: '[logs]\nlevel = "x"', says: "config.toml: logs.level" },
  { flags: {}, env: { LIGHTCONE_LOG_LEVEL: "x" }, file: "", says: "LIGHTCONE_LOG_LEVEL" },
  { flags: {}, env: { LIGHTCONE_LIMIT: "frames=1" }, file: "", says: "LIGHTCONE_LIMIT frames: there is no limit" },
])("refuses $flags $env $file", ({ flags, env, file, says }) => {
  expect(() => settle(flags, env, file)).toThrow(says);
});
