/**
 * Goal: only tokens that this server or a believed issuer signed pass, for as long as they say, and nobody who shows a
 *   token makes the server fetch what its operator has not named.
 * Method: tokens made with `jose` as a stranger would make them, a hand-moved clock, and real servers: one is an
 *   issuer, the other a trap that nobody may reach.
 */
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { SignJWT, UnsecuredJWT, exportJWK, generateKeyPair } from "jose";
import type { CryptoKey, JWK } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { realRandom } from "@lightcone/base";
import { makeServerLimits } from "../limits.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { MemoryFiles } from "../testing/memory-files.ts";
import { claimBytesMax } from "./claims.ts";
import { isPublicAddress, type Lookup } from "../outgoing/public-addresses.ts";
import { makeIssuerFetch } from "./issuer-fetch.ts";
import { Issuers } from "./issuers.ts";
import type { IssuersAllowed } from "./issuers.ts";
import { identityOf } from "./identity.ts";
import { openKeys } from "./keys.ts";
import type { SigningKeys } from "./keys.ts";
import { Tokens } from "./tokens.ts";

let keys: SigningKeys;
let es: { privateKey: CryptoKey; publicKey: CryptoKey };
let rs: { privateKey: CryptoKey; publicKey: CryptoKey };
let esJwk: JWK;
let rsJwk: JWK;

/** What the issuer answers: a document, a status, or nothing at all. */
type Answer =
  | object
  | "hang"
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body: string };
let site: Server;
let trap: Server;
let origin: string;
let issuer: string;
let trapPort: number;
let fetched: string[];
let trapped: string[];
let answer: (path: string) => Answer;

let clock: ManualClock;
let tokens: Tokens;

beforeAll(async () => {
  keys = await openKeys(new MemoryFiles(), "/data", false);
  es = await generateKeyPair("ES256", { extractable: true });
  rs = await generateKeyPair("RS256", { extractable: true });
  esJwk = { ...(await exportJWK(es.publicKey)), kid: "es" };
  rsJwk = { ...(await exportJWK(rs.publicKey)), kid: "rs", alg: "RS256" };
  site = await listen((request, response) => {
    fetched.push(request.url ?? "");
    const answered = answer(request.url ?? "");
    if (answered === "hang") return;
    const { status, headers, body } =
      "status" in answered
        ? { headers: {}, ...answered }
        : { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(answered) };
    response.writeHead(status, headers).end(body);
  });
  trap = await listen((request, response) => {
    trapped.push(request.url ?? "");
    // It would do as an issuer.
    const isKeys = request.url === "/keys";
    response.end(JSON.stringify(isKeys ? { keys: [esJwk] } : { jwks_uri: `http://${request.headers.host}/keys` }));
  });
  trapPort = portOf(trap);
  origin = `http://127.0.0.1:${portOf(site)}`;
  issuer = `${origin}/tenant/`;
});

afterAll(() => {
  for (const server of [site, trap]) {
    server.close();
    server.closeAllConnections();
  }
});

function listen(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  const server = createServer(handle);
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

// A server of TCP has an address that is no path.
const portOf = (server: Server): number => (server.address() as AddressInfo).port;

beforeEach(() => {
  clock = new ManualClock();
  fetched = [];
  trapped = [];
  answer = (path) =>
    path === "/tenant/.well-known/openid-configuration"
      ? { jwks_uri: `${origin}/keys` }
      : { keys: [esJwk, rsJwk, { kty: "oct", k: "AAAA", kid: "oct" }] };
  tokens = makeTokens([issuer]);
});

function makeTokens(allowed: IssuersAllowed, lookup?: Lookup, audiences: readonly string[] = []): Tokens {
  const limits = makeServerLimits({ issuerDocumentBytesMax: 4000, issuerCountMax: 3, issuerFetchesMax: 2 });
  const log = { warn: () => undefined };
  const issuers = new Issuers({ allowed, fetch: makeIssuerFetch(clock, lookup), clock, limits, log });
  return new Tokens({ keys, issuers, audiences, clock, random: realRandom, limits });
}

const nowSeconds = (): number => Math.floor(clock.nowMs / 1000);

interface Wanted {
  readonly claims?: Record<string, unknown>;
  readonly key?: CryptoKey;
  readonly alg?: string;
  readonly kid?: string;
}

function sign({ claims = {}, key = es.privateKey, alg = "ES256", kid }: Wanted): Promise<string> {
  return new SignJWT({ iss: issuer, sub: "ann", iat: nowSeconds(), ...claims })
    .setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }) })
    .sign(key);
}

describe("tokens of this server", () => {
  test("header, payload and order of keys, byte for byte", async () => {
    const { token, identity } = await tokens.mint();
    const [header, payload] = token.split(".").map((part) => Buffer.from(part, "base64url").toString());
    expect(header).toBe('{"typ":"JWT","alg":"ES256"}');
    expect(payload).toMatch(
      new RegExp(
        `^\\{"hex_identity":"${identity.hex}","sub":"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}","iss":"localhost","aud":\\["spacetimedb"\\],"iat":${nowSeconds()},"exp":null\\}$`,
      ),
    );
    const checked = await tokens.check(token);
    expect(checked.identity).toEqual(identity);
    expect(checked.payload).toBe(payload);
    clock.advance(1000 * 86_400 * 3650);
    await expect(tokens.check(token)).resolves.toMatchObject({ token });
  });

  test("the exchange keeps issuer and extra claims, and lasts a minute and the leeway", async () => {
    const foreign = await tokens.check(await sign({ claims: { role: "admin", aud: "me", exp: nowSeconds() + 3600 } }));
    const short = await tokens.exchange(foreign.claims);
    expect(JSON.parse(short.payload)).toEqual({
      hex_identity: foreign.identity.hex,
      sub: "ann",
      iss: issuer,
      aud: ["me"],
      iat: nowSeconds(),
      exp: nowSeconds() + 60,
      role: "admin",
    });
    fetched = [];
    clock.advance(119_000);
    await expect(tokens.check(short.token)).resolves.toMatchObject({ identity: foreign.identity });
    expect(fetched).toEqual([]);
    clock.advance(2000);
    await expect(tokens.check(short.token)).rejects.toMatchObject({ name: "TokenRefused" });
  });

  test.each<{
    readonly why: string;
    readonly claims: () => { exp?: number; iss?: string };
    readonly leftSeconds: number;
  }>([
    { why: "another's token with 5 s left", claims: () => ({ exp: nowSeconds() + 5 }), leftSeconds: 65 },
    { why: "another's token in its leeway", claims: () => ({ exp: nowSeconds() - 55 }), leftSeconds: 5 },
    { why: "a token of this server that was exchanged", claims: () => ({ iss: "localhost" }), leftSeconds: 120 },
  ])("row 18: exchanged again and again, $why ends when it would have", async ({ claims, leftSeconds }) => {
    const key = claims().iss === undefined ? es.privateKey : keys.privateKey;
    let { token } = await tokens.exchange((await tokens.check(await sign({ claims: claims(), key }))).claims);
    for (let second = 0; second < leftSeconds; second += 1) {
      clock.advance(1000);
      ({ token } = await tokens.exchange((await tokens.check(token)).claims));
    }
    clock.advance(1000);
    await expect(tokens.check(token)).rejects.toThrow("Invalid token: ExpiredSignature");
  });

  test("row 18: `nbf` counts, with leeway, and is kept through an exchange", async () => {
    const early = await sign({ claims: { nbf: nowSeconds() + 61.5 } });
    await expect(tokens.check(early)).rejects.toThrow("Invalid token: ImmatureSignature");
    clock.advance(2000);
    const credentials = await tokens.check(early);
    const short = await tokens.exchange(credentials.claims);
    expect(JSON.parse(short.payload)).toMatchObject({ nbf: nowSeconds() + 59.5 });
    clock.nowMs -= 2000;
    await expect(tokens.check(short.token)).rejects.toThrow("Invalid token: ImmatureSignature");
    await expect(tokens.check(await sign({ claims: { nbf: null } }))).resolves.toMatchObject({});
  });

  test("row 18: an issuer has no `|`, so no two make one identity; a subject may", async () => {
    const key = keys.privateKey;
    const auth0 = await tokens.check(await sign({ claims: { sub: "auth0|123" } }));
    expect(auth0.identity.hex).toBe(identityOf(issuer, "auth0|123").hex);
    expect(identityOf(`${issuer}|auth0`, "123").hex).toBe(auth0.identity.hex);
    // Signed here, as what an exchange made could once be.
    for (const iss of [`${issuer}|auth0`, "localhost|x"]) {
      await expect(tokens.check(await sign({ claims: { iss, sub: "123" }, key }))).rejects.toThrow("Issuer with a `|`");
      await expect(tokens.check(await sign({ claims: { iss, sub: "123" } }))).rejects.toThrow("Issuer with a `|`");
    }
    expect(() => makeTokens([`${issuer}|auth0`])).toThrow("a `|` cannot be in one");
  });

  test("expired, with leeway", async () => {
    const claims = { iss: "localhost", exp: nowSeconds() };
    const token = await sign({ claims, key: keys.privateKey });
    clock.advance(60_000);
    await expect(tokens.check(token)).resolves.toMatchObject({ token });
    clock.advance(1000);
    await expect(tokens.check(token)).rejects.toThrow("Invalid token: ExpiredSignature");
  });

  test("forged: signed by another, or with one character changed", async () => {
    await expect(sign({ claims: { iss: "localhost" } }).then((token) => tokens.check(token))).rejects.toThrow(
      "Invalid token: InvalidSignature",
    );
    const { token } = await tokens.mint();
    const [header = "", payload = "", signature = ""] = token.split(".");
    const other = (await tokens.mint()).token.split(".")[1] ?? "";
    await expect(tokens.check(`${header}.${other}.${signature}`)).rejects.toThrow("Invalid token: InvalidSignature");
    const unsigned = new UnsecuredJWT({ iss: "localhost", sub: "x", iat: 1 }).encode();
    await expect(tokens.check(unsigned)).rejects.toThrow("Invalid token: InvalidAlgorithm");
    await expect(tokens.check(`${header}.${payload}.`)).rejects.toMatchObject({ name: "TokenRefused" });
    expect(fetched).toEqual([]);
  });

  test.each([
    { why: "one part", token: "abc", text: "Invalid token: InvalidToken" },
    { why: "four parts", token: "a.b.c.d", text: "Invalid token: InvalidToken" },
    { why: "a length no base64 has", token: "x.y.z", text: "Invalid token: Base64 error: Invalid input length: 1" },
    { why: "a foreign symbol", token: "ab.c+.ab", text: /^Invalid token: (JSON|Base64) error/ },
    { why: "not JSON", token: "YWJj.YWJj.YWJj", text: /^Invalid token: JSON error/ },
    { why: "too long", token: `${"a".repeat(20_000)}.aa.aa`, text: "Invalid token: InvalidToken" },
  ])("malformed: $why", async ({ token, text }) => {
    await expect(tokens.check(token)).rejects.toThrow(text);
  });

  test.each([
    { why: "no subject", claims: { sub: undefined }, text: "missing field `sub`" },
    { why: "issue time is text", claims: { iat: "1" }, text: "`iat` is not a number of seconds" },
    {
      why: "subject over claimBytesMax",
      claims: { sub: "s".repeat(claimBytesMax + 1) },
      text: /^Subject too long: "s/,
    },
    { why: "length counts bytes", claims: { sub: "é".repeat(65) }, text: /^Subject too long: / },
    {
      why: "another's identity",
      claims: { hex_identity: "00".repeat(32) },
      text: /^Identity mismatch: token identity 0+ does not match/,
    },
    { why: "audience of numbers", claims: { aud: [1] }, text: "`aud`" },
    { why: "`nbf` is text", claims: { nbf: "1" }, text: "`nbf` is not a number of seconds" },
  ])("claims: $why", async ({ claims, text }) => {
    const token = await sign({ claims: { iss: "localhost", ...claims }, key: keys.privateKey });
    await expect(tokens.check(token)).rejects.toThrow(text);
  });
});

describe("tokens of other issuers", () => {
  test.each([
    { why: "no kid: every key is tried", wanted: {} },
    { why: "kid", wanted: { kid: "es" } },
    { why: "RS256", wanted: { kid: "rs", alg: "RS256" }, rsa: true },
  ])("accepted: $why", async ({ wanted, rsa }) => {
    const token = await sign(rsa === true ? { ...wanted, key: rs.privateKey } : wanted);
    await expect(tokens.check(token)).resolves.toMatchObject({ claims: { issuer, subject: "ann" } });
  });

  test("unknown kid, wrong kid, wrong kind of key", async () => {
    await expect(tokens.check(await sign({ kid: "other" }))).rejects.toThrow("Specified key ID not found in JWKs");
    await expect(tokens.check(await sign({ kid: "rs" }))).rejects.toThrow("Invalid token: InvalidAlgorithm");
    const secret = new TextEncoder().encode("0".repeat(32));
    const symmetric = await new SignJWT({ iss: issuer, sub: "ann", iat: 1 })
      .setProtectedHeader({ alg: "HS256", kid: "es" })
      .sign(secret);
    await expect(tokens.check(symmetric)).rejects.toThrow("Invalid token: InvalidAlgorithm");
  });

  test.each<{ readonly why: string; readonly respond: (path: string) => Answer }>([
    { why: "not found", respond: () => ({ status: 404, body: "no" }) },
    { why: "not JSON", respond: () => ({ status: 200, body: "no" }) },
    { why: "no key set address", respond: () => ({}) },
    { why: "an address that is a file", respond: () => ({ jwks_uri: "file:///etc/passwd" }) },
    { why: "an address that is none", respond: () => ({ jwks_uri: "//[" }) },
    { why: "too long", respond: () => ({ jwks_uri: `${origin}/keys`, pad: "x".repeat(5000) }) },
    { why: "unreachable", respond: () => ({ jwks_uri: "http://127.0.0.1:1/" }) },
    {
      why: "a key without a kid",
      respond: (path) => (path === "/keys" ? { keys: [{ kty: "EC" }] } : { jwks_uri: `${origin}/keys` }),
    },
  ])("discovery that fails ($why) is a refusal, and is tried again after a while", async ({ respond }) => {
    const good = answer;
    answer = respond;
    const token = await sign({});
    await expect(tokens.check(token)).rejects.toThrow(`Error fetching public key for issuer ${issuer}`);
    answer = good;
    fetched = [];
    await expect(tokens.check(token)).rejects.toThrow(`Error fetching public key for issuer ${issuer}`);
    expect(fetched).toEqual([]);
    clock.advance(5000);
    await expect(tokens.check(token)).resolves.toMatchObject({ token });
  });

  test("a discovery that hangs ends after `issuerFetchTimeoutMs`, and of others no more than `issuerFetchesMax` run", async () => {
    const others = ["a", "b", "c"].map((name) => `${origin}/${name}`);
    tokens = makeTokens(others);
    answer = () => "hang";
    const check = async (iss: string | undefined) => tokens.check(await sign({ claims: { iss } }));
    const hanging = others.slice(0, 2).map((iss) => expect(check(iss)).rejects.toThrow("Error fetching public key"));
    while (fetched.length < 2) await new Promise((resolve) => setImmediate(resolve));
    await expect(check(others[2])).rejects.toThrow("Error fetching public key");
    expect(fetched).toHaveLength(2);
    clock.advance(5000);
    await Promise.all(hanging);
  });

  test("first fetches are merged; keys are kept, refreshed in the background, and forgotten", async () => {
    const token = await sign({});
    await Promise.all([tokens.check(token), tokens.check(token), tokens.check(token)]);
    expect(fetched).toHaveLength(2);
    clock.advance(299_000);
    await tokens.check(token);
    expect(fetched).toHaveLength(2);
    clock.advance(2000);
    answer = () => ({ status: 500, body: "down" });
    await tokens.check(token);
    while (fetched.length < 3) await new Promise((resolve) => setImmediate(resolve));
    // The refresh failed: the old keys serve on.
    await expect(tokens.check(token)).resolves.toMatchObject({ token });
    clock.advance(7_200_000);
    await expect(tokens.check(token)).rejects.toThrow("Error fetching public key");
  });

  test("no more issuers are kept than `issuerCountMax`: the one unused for longest goes, and before it one that failed", async () => {
    answer = (path) => {
      if (path.startsWith("/bad")) return { status: 500, body: "down" };
      return path === "/keys" ? { keys: [esJwk] } : { jwks_uri: `${origin}/keys` };
    };
    tokens = makeTokens(["a", "b", "c", "d", "e", "bad"].map((name) => `${origin}/${name}`));
    const from = (name: string): Promise<unknown> =>
      sign({ claims: { iss: `${origin}/${name}` } }).then((token) => tokens.check(token));
    for (const name of ["a", "b", "c", "a", "d"]) await from(name);
    fetched = [];
    for (const name of ["c", "a", "d"]) await from(name);
    expect(fetched).toEqual([]);
    await from("b");
    expect(fetched).toHaveLength(2);
    await expect(from("bad")).rejects.toThrow("Error fetching");
    await from("e");
    fetched = [];
    for (const name of ["b", "d", "e"]) await from(name);
    expect(fetched).toEqual([]);
  });

  test("an operator's list of issuers counts byte for byte, and is of addresses", async () => {
    const strict = makeTokens([issuer.replace(/\/$/, "")]);
    await expect(strict.check(await sign({}))).rejects.toThrow("is not one that this server accepts");
    expect(fetched).toEqual([]);
    const { token } = await strict.mint();
    await expect(strict.check(token)).resolves.toMatchObject({ token });
    for (const listed of ["localhost", "ftp://a.test", "https://a:b@c.test"])
      expect(() => makeTokens([listed])).toThrow("not the http or https address");
  });
});

describe("row 18: nobody makes the server fetch what its operator has not named", () => {
  const resolvesTo =
    (address: string): Lookup =>
    (_name, _options, callback) =>
      callback(null, [{ address, family: address.includes(":") ? 6 : 4 }]);
  const redirect = (to: string): Answer => ({ status: 302, headers: { location: to }, body: "" });
  const trapUrl = (host = "127.0.0.1"): string => `http://${host}:${trapPort}`;

  interface Attack {
    readonly why: string;
    readonly allowed?: IssuersAllowed;
    readonly iss?: () => string;
    readonly lookup?: Lookup;
    readonly respond?: (path: string) => Answer;
  }

  test.each<Attack>([
    { why: "an issuer that is not listed", iss: trapUrl },
    { why: "none is listed", allowed: [], iss: trapUrl },
    { why: "any: a loopback address", allowed: "any", iss: trapUrl },
    { why: "any: a name of this machine", allowed: "any", iss: () => trapUrl("localhost") },
    { why: "any: short for a loopback address", allowed: "any", iss: () => trapUrl("127.1") },
    { why: "any: a loopback address as one number", allowed: "any", iss: () => trapUrl("2130706433") },
    { why: "any: the unspecified address", allowed: "any", iss: () => trapUrl("0.0.0.0") },
    { why: "any: IPv6 loopback", allowed: "any", iss: () => trapUrl("[::1]") },
    { why: "any: IPv4 within IPv6", allowed: "any", iss: () => trapUrl("[::ffff:127.0.0.1]") },
    {
      why: "any: a name that leads here",
      allowed: "any",
      iss: () => trapUrl("evil.test"),
      lookup: resolvesTo("127.0.0.1"),
    },
    { why: "a listed issuer that redirects", respond: () => redirect(`${trapUrl()}/.well-known/openid-configuration`) },
    {
      why: "a listed issuer whose key set redirects",
      respond: (path) => (path === "/keys" ? redirect(`${trapUrl()}/keys`) : { jwks_uri: `${origin}/keys` }),
    },
    {
      why: "a listed issuer that names another port of its host",
      respond: () => ({ jwks_uri: `${trapUrl()}/keys` }),
    },
    {
      why: "a listed issuer that names another private host",
      respond: () => ({ jwks_uri: `${trapUrl("localhost")}/keys` }),
    },
  ])("$why", async ({ allowed = [issuer], iss = () => issuer, lookup, respond }) => {
    if (respond !== undefined) answer = respond;
    const attacked = makeTokens(allowed, lookup);
    await expect(attacked.check(await sign({ claims: { iss: iss() } }))).rejects.toMatchObject({
      name: "TokenRefused",
    });
    expect(trapped).toEqual([]);
  });

  test("a listed issuer may be on a private network, under its name", async () => {
    const named = `http://issuer.test:${portOf(site)}/tenant`;
    answer = (path) => (path === "/keys" ? { keys: [esJwk] } : { jwks_uri: `http://issuer.test:${portOf(site)}/keys` });
    const inside = makeTokens([named], resolvesTo("127.0.0.1"));
    await expect(inside.check(await sign({ claims: { iss: named } }))).resolves.toMatchObject({
      claims: { issuer: named },
    });
    expect(fetched).toEqual(["/tenant/.well-known/openid-configuration", "/keys"]);
  });

  test.each([
    { address: "93.184.216.34", isPublic: true },
    { address: "8.8.8.8", isPublic: true },
    { address: "2606:4700::1111", isPublic: true },
    ...["0.1.2.3", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.31.0.1", "192.168.1.1"],
    ...["198.18.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "fc00::1", "fd00::1", "fe80::1", "ff02::1"],
    ...["::ffff:8.8.8.8", "::ffff:a9fe:a9fe", "64:ff9b::a00:1", "2002:a00:1::", "2001::1", "2001:db8::1", "no address"],
  ])("%s", (row) => {
    const { address, isPublic } = typeof row === "string" ? { address: row, isPublic: false } : row;
    expect(isPublicAddress(address)).toBe(isPublic);
  });
});

// Goal: whatever becomes of the key files of a directory that has data, they are not replaced.
// Method: a row per state of the two files, in a directory that is new and in one that is not.
describe("row 30: key files", () => {
  const names = ["id_ecdsa", "id_ecdsa.pub"] as const;
  const privateRefused = "Unable to read private key for JWT token signing";
  const publicRefused = "Unable to read public key for JWT token verification";
  const garbage = new TextEncoder().encode("-----BEGIN PUBLIC KEY-----\nnothing\n-----END PUBLIC KEY-----\n");
  type Pair = readonly [Uint8Array | undefined, Uint8Array | undefined];

  async function makePair(): Promise<readonly [Uint8Array, Uint8Array]> {
    const files = new MemoryFiles();
    await openKeys(files, "/data", false);
    const [privatePem, publicPem] = names.map((name) => files.files.get(`/data/${name}`));
    if (privatePem === undefined || publicPem === undefined) throw new Error("the pair was not made");
    return [privatePem, publicPem];
  }

  test.each<{
    why: string;
    state: (one: Pair, other: Pair) => Pair;
    new: string | undefined;
    founded: string | undefined;
  }>([
    { why: "both are there", state: (one) => one, new: undefined, founded: undefined },
    { why: "both are missing", state: () => [undefined, undefined], new: undefined, founded: privateRefused },
    { why: "the public one is missing", state: ([key]) => [key, undefined], new: undefined, founded: publicRefused },
    {
      why: "the private one is missing",
      state: ([, key]) => [undefined, key],
      new: privateRefused,
      founded: privateRefused,
    },
    { why: "they are of two pairs", state: ([a], [, b]) => [a, b], new: publicRefused, founded: publicRefused },
    { why: "the public one is none", state: ([a]) => [a, garbage], new: publicRefused, founded: publicRefused },
    { why: "the private one is none", state: ([, b]) => [garbage, b], new: privateRefused, founded: privateRefused },
    {
      why: "the private one is none, alone",
      state: () => [garbage, undefined],
      new: privateRefused,
      founded: publicRefused,
    },
  ])("$why", async ({ state, new: inNew, founded }) => {
    const one = await makePair();
    for (const [mustExist, refused] of [
      [false, inNew],
      [true, founded],
    ] as const) {
      const files = new MemoryFiles();
      const pair = state(one, await makePair());
      for (const [index, name] of names.entries()) {
        const content = pair[index];
        if (content !== undefined) files.files.set(`/data/${name}`, content);
      }
      const before = new Map(files.files);
      const opened = await openKeys(files, "/data", mustExist).catch((error: unknown) => error);
      if (refused !== undefined) {
        expect(opened).toMatchObject({ code: "SigningKeys", message: expect.stringContaining(refused) });
        expect(files.files).toEqual(before);
        continue;
      }
      // What was there is still there, and the half that was missing is its other half.
      expect(files.files.size).toBe(2);
      for (const [path, content] of before) expect(files.files.get(path)).toEqual(content);
      if (pair[0] !== undefined) expect(files.files.get("/data/id_ecdsa.pub")).toEqual(one[1]);
      expect(Buffer.from(files.files.get("/data/id_ecdsa.pub") ?? []).toString()).toMatch(
        /^-----BEGIN PUBLIC KEY-----\n[\s\S]+-----END PUBLIC KEY-----\n$/,
      );
    }
  });
});
