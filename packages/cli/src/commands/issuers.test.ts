// Goal: row 18: a token of an issuer whom the operator believes makes its bearer somebody, and no other token does,
// whatever the issuer does meanwhile: change its keys, end, keep silent, flood.
// Method: an issuer as a process, asked over HTTP for its tokens, and a real server that finds its keys by discovery;
// commands with settings of their own, and a module that writes down who called it.
import { createHmac } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { identityFromClaims } from "@lightcone/sats";
import { Place, type Running } from "../testing/command.ts";

const place = new Place();
const script = fileURLToPath(new URL("../../../server/src/testing/issuer.ts", import.meta.url));
const moduleText = `import { schema, t, table } from "lightcone/module";
const app = schema({ caller: table({ public: true }, { who: t.identity(), claims: t.string() }) });
export default app;
export const come = app.reducer({}, (ctx) => {
  ctx.db.caller.insert({ who: ctx.sender, claims: JSON.stringify(ctx.senderAuth.jwt?.fullPayload ?? null) });
});
`;
let server: Running;
let url = "";
let issuer: Running;
let iss = "";
let stranger: Running;

/** Starts an issuer. @returns its address */
async function startIssuer(): Promise<readonly [Running, string]> {
  const running = place.open(process.execPath, [script]);
  return [running, (await running.saying(/^(http:\S+)\n/))[1] ?? ""];
}

async function startServer(issuers: string, ...more: readonly string[]): Promise<void> {
  const limits = ["issuerFetchTimeoutMs=300ms", "issuerDocumentBytesMax=20000"].flatMap((each) => ["--limit", each]);
  const flags = ["-l", "127.0.0.1:0", "--data-dir", place.path("data"), "--issuers", issuers, ...limits, ...more];
  server = place.start("start", ...flags, "--log-level", "warn");
  url = (await server.saying(/listening on (http:\S+)/))[1] ?? "";
  place.env["LIGHTCONE_SERVER"] = url;
}

async function stopServer(): Promise<void> {
  server.child.kill("SIGTERM");
  await server.ended;
}

async function ask(address: string, body = ""): Promise<string> {
  return (await fetch(address, { method: "POST", body })).text();
}

const now = (): number => Math.floor(Date.now() / 1000);
interface Wish {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly algorithm?: string;
  readonly keyId?: string;
  readonly from?: string;
}
const tokenOf = ({ claims = {}, from = iss, ...rest }: Wish = {}): Promise<string> =>
  ask(`${from}/token`, JSON.stringify({ claims: { sub: "ann", aud: "shop", iat: now(), ...claims }, ...rest }));

/** What the server says to a token: its status, and why. */
async function shown(token: string): Promise<string> {
  const answer = await fetch(`${url}/v1/ping`, { headers: { authorization: `Bearer ${token}` } });
  return `${answer.status} ${await answer.text()}`.trim();
}

/** A token with another head or payload, and what signature it is given. */
function forged(token: string, head: object, sign: (text: string) => string): string {
  const [, payload = ""] = token.split(".");
  const text = `${Buffer.from(JSON.stringify(head)).toString("base64url")}.${payload}`;
  return `${text}.${sign(text)}`;
}

beforeAll(async () => {
  [[issuer, iss], [stranger]] = await Promise.all([startIssuer(), startIssuer()]);
  await startServer(iss);
  mkdirSync(place.path("door"));
  writeFileSync(join(place.path("door"), "module.ts"), moduleText);
});
afterAll(() => place.close());

describe("row 18: an issuer that is believed", () => {
  test("its tokens make one somebody: to the command, to a database, to the module", async () => {
    const ann = identityFromClaims(iss, "ann").toHexString();
    const login = await place.run("login", "--token", await tokenOf({ claims: { role: "admin" }, algorithm: "RS256" }));
    expect(login).toMatchObject({ code: 0, out: "Token saved.\n" });
    expect((await place.run("login", "show")).out).toBe(`You are logged in as ${ann}\n`);
    expect(await place.run("publish", "door", "-p", place.path("door"))).toMatchObject({ code: 0 });
    expect((await place.run("list", "--json")).out).toMatch(/"names":\["door"\],"role":"owner"/);
    expect(await place.run("call", "door", "come")).toMatchObject({ code: 0 });
    const { out } = await place.run("sql", "door", "SELECT * FROM caller", "--json");
    const [{ who, claims }] = JSON.parse(out) as [{ who: string; claims: string }];
    expect([who, JSON.parse(claims)]).toEqual([ann, expect.objectContaining({ iss, sub: "ann", role: "admin" })]);
    // The same person by another token of another key, over a WebSocket.
    const follower = place.start("subscribe", "door", "SELECT * FROM caller", "--print-initial-update", "-n", "0");
    expect((await follower.ended).out).toContain(ann);
    expect((await place.run("logout", "-y")).out).toBe(
      `Skipping confirmation due to --yes\nLogged out (identity ${ann}).\n`,
    );
  });

  test.each<{ readonly why: string; readonly wish: () => Wish; readonly says: string }>([
    { why: "good", wish: () => ({}), says: "200" },
    { why: "ended, but within a minute", wish: () => ({ claims: { exp: now() - 30 } }), says: "200" },
    { why: "ended", wish: () => ({ claims: { exp: now() - 90 } }), says: "401 Invalid token: ExpiredSignature" },
    { why: "to begin, but within a minute", wish: () => ({ claims: { nbf: now() + 30 } }), says: "200" },
    { why: "to begin", wish: () => ({ claims: { nbf: now() + 120 } }), says: "401 Invalid token: ImmatureSignature" },
    {
      why: "of a key that is another's",
      wish: () => ({ keyId: "RS256-1" }),
      says: "401 Invalid token: InvalidAlgorithm",
    },
    { why: "of nobody", wish: () => ({ claims: { sub: "" } }), says: "401 Subject empty" },
    {
      why: "without a subject",
      wish: () => ({ claims: { sub: undefined } }),
      says: "401 Invalid token: JSON error: missing field `sub`",
    },
  ])("a token that is $why: $says", async ({ wish, says }) => {
    expect(await shown(await tokenOf(wish()))).toBe(says);
  });

  test("no token passes that the issuer has not signed", async () => {
    const token = await tokenOf();
    const kid = "ES256-1";
    const keys: { keys: readonly object[] } = JSON.parse(await (await fetch(`${iss}/keys`)).text());
    const secret = JSON.stringify(keys.keys[0]);
    const hmac = (text: string): string => createHmac("sha256", secret).update(text).digest("base64url");
    expect(await shown(forged(token, { alg: "HS256", kid }, hmac))).toBe("401 Invalid token: InvalidAlgorithm");
    expect(await shown(forged(token, { alg: "none", kid }, () => ""))).toMatch(/^401 Invalid token/);
    expect(await shown(forged(token, { alg: "ES256", kid }, () => "A".repeat(86)))).toBe(
      "401 Invalid token: InvalidSignature",
    );
    // Of an issuer whom nobody listed, who is not even asked.
    const from = (stranger.out.split("\n")[0] ?? "").trim();
    expect(await shown(await tokenOf({ from }))).toMatch(/^401 Issuer "http:\S+" is not one that this server accepts$/);
    expect(await ask(`${from}/mode`, "well")).toBe("0");
    // What says that it is ours, and is another's.
    expect(await shown(await tokenOf({ from, claims: { iss } }))).toMatch(/^401 (Invalid token|Specified key ID)/);
    expect(await shown(await tokenOf({ claims: { iss: "localhost" } }))).toBe("401 Invalid token: InvalidSignature");
  });

  test("an issuer that changes its keys: new tokens pass, old ones do not", async () => {
    const old = await tokenOf();
    expect(await shown(old)).toBe("200");
    await ask(`${iss}/rotate`);
    const fresh = await tokenOf();
    // It is asked again once it has not been for a few seconds.
    await expect.poll(() => shown(fresh)).toBe("200");
    expect(await shown(old)).toBe("401 Specified key ID not found in JWKs");
    // Whoever invents names of keys does not have it asked each time.
    const before = Number(await ask(`${iss}/mode`, "well"));
    const invented = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => shown(await tokenOf({ keyId: `made-up-${index}` }))),
    );
    expect(new Set(invented)).toEqual(new Set(["401 Specified key ID not found in JWKs"]));
    expect(Number(await ask(`${iss}/mode`, "well")) - before).toBeLessThanOrEqual(4);
  });

  test("an issuer that ends: tokens whose key is known go on", async () => {
    const token = await tokenOf();
    issuer.child.kill("SIGSTOP");
    expect(await shown(token)).toBe("200");
    issuer.child.kill("SIGCONT");
  });

  test.each(["never", "huge", "moved"])(
    "an issuer that answers %s is given up, and asked again later",
    async (mode) => {
      await stopServer();
      await ask(`${iss}/mode`, mode);
      await startServer(iss);
      const token = await tokenOf();
      expect(await shown(token)).toBe(`401 Error fetching public key for issuer ${iss}`);
      await ask(`${iss}/mode`, "well");
      await expect.poll(() => shown(token)).toBe("200");
      // Said once for each time that it was asked, with the reason.
      const reasons = {
        never: "no answer within 300 ms",
        huge: "is over 20000 bytes",
        moved: "redirects are not followed",
      };
      expect(server.out + server.err).toContain(reasons[mode as keyof typeof reasons]);
    },
  );

  test("`--issuers any` believes nobody in a private network; and who is down is nobody's keys", async () => {
    await stopServer();
    const before = await ask(`${iss}/mode`, "well");
    await startServer("any");
    expect(await shown(await tokenOf())).toBe(`401 Error fetching public key for issuer ${iss}`);
    expect(await ask(`${iss}/mode`, "well")).toBe(before);
    await stopServer();
    await startServer("http://127.0.0.1:1");
    const token = await tokenOf({ claims: { iss: "http://127.0.0.1:1" } });
    expect(await shown(token)).toBe("401 Error fetching public key for issuer http://127.0.0.1:1");
  });

  test("`--audiences`: tokens that are for something else do not pass", async () => {
    await stopServer();
    await startServer(iss, "--audiences", "shop,till");
    expect(await shown(await tokenOf())).toBe("200");
    expect(await shown(await tokenOf({ claims: { aud: ["bank", "till"] } }))).toBe("200");
    for (const aud of ["bank", ["bank"], [], undefined])
      expect(await shown(await tokenOf({ claims: { aud } }))).toBe("401 Invalid token: InvalidAudience");
    // The server's own are for itself.
    const { token }: { token: string } = JSON.parse(await ask(`${url}/v1/identity`));
    expect(await shown(token)).toBe("200");
  });
});

test("row 18: the server's own tokens are ES256, by the key that it shows", async () => {
  const { token, identity }: { token: string; identity: string } = JSON.parse(await ask(`${url}/v1/identity`));
  const [head = "", payload = "", signature = ""] = token.split(".");
  expect(JSON.parse(Buffer.from(head, "base64url").toString())).toEqual({ typ: "JWT", alg: "ES256" });
  expect(JSON.parse(Buffer.from(payload, "base64url").toString())).toMatchObject({
    hex_identity: identity,
    iss: "localhost",
  });
  const pem = await (await fetch(`${url}/v1/identity/public-key`)).text();
  const der = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ""), "base64");
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("spki", der, algorithm, false, ["verify"]);
  const signed = new TextEncoder().encode(`${head}.${payload}`);
  expect(await crypto.subtle.verify(algorithm, key, Buffer.from(signature, "base64url"), signed)).toBe(true);
});
