/**
 * Goal: only tokens that this server or a believed issuer signed pass, for as long as they say.
 * Method: tokens made with `jose` as a stranger would make them, a hand-moved clock, an issuer behind a fake fetch.
 */
import { SignJWT, UnsecuredJWT, exportJWK, generateKeyPair } from "jose";
import type { CryptoKey, JWK } from "jose";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { realRandom } from "@lightcone/base";
import { makeServerLimits } from "../limits.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { MemoryFiles } from "../testing/memory-files.ts";
import { claimBytesMax } from "./claims.ts";
import { Issuers } from "./issuers.ts";
import { openKeys } from "./keys.ts";
import type { SigningKeys } from "./keys.ts";
import { Tokens } from "./tokens.ts";

const issuer = "https://issuer.test/tenant/";
let keys: SigningKeys;
let es: { privateKey: CryptoKey; publicKey: CryptoKey };
let rs: { privateKey: CryptoKey; publicKey: CryptoKey };
let esJwk: JWK;
let rsJwk: JWK;

let clock: ManualClock;
let fetched: string[];
let answer: (url: string) => Response | Promise<Response>;
let tokens: Tokens;

beforeAll(async () => {
  keys = await openKeys(new MemoryFiles(), "/data");
  es = await generateKeyPair("ES256", { extractable: true });
  rs = await generateKeyPair("RS256", { extractable: true });
  esJwk = { ...(await exportJWK(es.publicKey)), kid: "es" };
  rsJwk = { ...(await exportJWK(rs.publicKey)), kid: "rs", alg: "RS256" };
});

beforeEach(() => {
  clock = new ManualClock();
  fetched = [];
  answer = (url) =>
    url === "https://issuer.test/tenant/.well-known/openid-configuration"
      ? Response.json({ jwks_uri: "https://issuer.test/keys" })
      : Response.json({ keys: [esJwk, rsJwk, { kty: "oct", k: "AAAA", kid: "oct" }] });
  tokens = makeTokens("any");
});

function makeTokens(issuersAllowed: "any" | readonly string[]): Tokens {
  const limits = makeServerLimits({ issuerDocumentBytesMax: 4000, issuerCountMax: 3 });
  const fetch = async (url: string, init: { signal: AbortSignal }): Promise<Response> => {
    fetched.push(url);
    const aborted = new Promise<never>((_, reject) => {
      init.signal.addEventListener("abort", () => reject(new Error("aborted")));
    });
    return Promise.race([answer(url), aborted]);
  };
  const issuers = new Issuers(fetch, clock, limits);
  return new Tokens({ keys, issuers, issuersAllowed, clock, random: realRandom, limits });
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
    const foreign = await tokens.check(await sign({ claims: { role: "admin", aud: "me", exp: nowSeconds() + 5 } }));
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

  test.each([
    { why: "not found", respond: () => new Response("no", { status: 404 }) },
    { why: "not JSON", respond: () => new Response("no") },
    { why: "no key set address", respond: () => Response.json({}) },
    { why: "an address that is a file", respond: () => Response.json({ jwks_uri: "file:///etc/passwd" }) },
    { why: "too long", respond: () => Response.json({ jwks_uri: "https://issuer.test/keys", pad: "x".repeat(5000) }) },
    { why: "unreachable", respond: () => Promise.reject(new Error("ECONNREFUSED")) },
    {
      why: "a key without a kid",
      respond: (url: string) =>
        url.endsWith("keys")
          ? Response.json({ keys: [{ kty: "EC" }] })
          : Response.json({ jwks_uri: "https://issuer.test/keys" }),
    },
  ])("discovery that fails ($why) is a refusal, and is tried again", async ({ respond }) => {
    const good = answer;
    answer = respond;
    const token = await sign({});
    await expect(tokens.check(token)).rejects.toThrow(`Error fetching public key for issuer ${issuer}`);
    answer = good;
    await expect(tokens.check(token)).resolves.toMatchObject({ token });
  });

  test("a discovery that hangs ends after `issuerFetchTimeoutMs`", async () => {
    answer = () => new Promise(() => undefined);
    const checking = tokens.check(await sign({}));
    while (fetched.length === 0) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(5000);
    await expect(checking).rejects.toThrow("Error fetching public key");
  });

  test("first fetches are merged; keys are kept, refreshed in the background, and forgotten", async () => {
    const token = await sign({});
    await Promise.all([tokens.check(token), tokens.check(token), tokens.check(token)]);
    expect(fetched).toHaveLength(2);
    clock.advance(299_000);
    await tokens.check(token);
    expect(fetched).toHaveLength(2);
    clock.advance(2000);
    answer = () => new Response("down", { status: 500 });
    await tokens.check(token);
    expect(fetched).toHaveLength(3);
    // The refresh failed: the old keys serve on.
    await expect(tokens.check(token)).resolves.toMatchObject({ token });
    clock.advance(7_200_000);
    await expect(tokens.check(token)).rejects.toThrow("Error fetching public key");
  });

  test("no more issuers are kept than `issuerCountMax`: the one unused for longest goes", async () => {
    answer = (url) =>
      url.endsWith("openid-configuration")
        ? Response.json({ jwks_uri: `${url}/keys` })
        : Response.json({ keys: [esJwk] });
    const from = (name: string): Promise<unknown> =>
      sign({ claims: { iss: `https://${name}.test` } }).then((token) => tokens.check(token));
    for (const name of ["a", "b", "c", "a", "d"]) await from(name);
    fetched = [];
    for (const name of ["c", "a", "d"]) await from(name);
    expect(fetched).toEqual([]);
    await from("b");
    expect(fetched).toHaveLength(2);
  });

  test("an operator's list of issuers", async () => {
    const strict = makeTokens(["https://other.test"]);
    await expect(strict.check(await sign({}))).rejects.toMatchObject({ name: "TokenRefused" });
    expect(fetched).toEqual([]);
    await expect(makeTokens([issuer]).check(await sign({}))).resolves.toMatchObject({});
    const { token } = await strict.mint();
    await expect(strict.check(token)).resolves.toMatchObject({ token });
  });
});

describe("key files", () => {
  test("made once, read again; one of two is a start-up error", async () => {
    const files = new MemoryFiles();
    const first = await openKeys(files, "/data");
    const second = await openKeys(files, "/data");
    expect(second.publicPem).toEqual(first.publicPem);
    expect(Buffer.from(first.publicPem).toString()).toMatch(
      /^-----BEGIN PUBLIC KEY-----\n[\s\S]+-----END PUBLIC KEY-----\n$/,
    );
    const privatePem = files.files.get("/data/id_ecdsa");
    files.files.delete("/data/id_ecdsa");
    await expect(openKeys(files, "/data")).rejects.toThrow("Unable to read private key for JWT token signing");
    files.files.set("/data/id_ecdsa", privatePem ?? new Uint8Array(0));
    files.files.delete("/data/id_ecdsa.pub");
    await expect(openKeys(files, "/data")).rejects.toThrow("Unable to read public key for JWT token verification");
  });
});
