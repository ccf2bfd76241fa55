/**
 * The keys of foreign issuers, found by OpenID discovery and kept for a while.
 *
 * Anybody can name an issuer in a token, so everything here is bounded: time and bytes of a fetch, issuers kept,
 * keys in a set. First fetches of one issuer are merged; a failed one is not kept. A kept issuer is fetched
 * again in the background when it is used and `refreshAfterMs` have passed.
 */
import { importJWK } from "jose";
import type { CryptoKey, JWK } from "jose";
import type { Clock } from "@lightcone/base";
import type { ServerLimits } from "../limits.ts";
import { TokenRefused } from "./claims.ts";

export type Fetch = (
  url: string,
  init: { readonly signal: AbortSignal; readonly redirect: "follow" },
) => Promise<Response>;

/** A key with the one algorithm it may verify. */
export interface IssuerKey {
  readonly keyId: string;
  readonly algorithm: "ES256" | "RS256";
  readonly key: CryptoKey;
}

interface Kept {
  readonly keys: Promise<readonly IssuerKey[]>;
  fetchedAtMs: number;
  usedAtMs: number;
}

const refreshAfterMs = 300_000;
const forgetAfterMs = 7_200_000;
const keysMax = 64;

export class Issuers {
  readonly #fetch: Fetch;
  readonly #clock: Clock;
  readonly #limits: ServerLimits;
  /** By the exact text of `iss`; the order is that of use. */
  readonly #kept = new Map<string, Kept>();

  constructor(fetch: Fetch, clock: Clock, limits: ServerLimits) {
    this.#fetch = fetch;
    this.#clock = clock;
    this.#limits = limits;
  }

  /** The keys of an issuer. @throws {TokenRefused} when they cannot be had */
  async keysOf(issuer: string): Promise<readonly IssuerKey[]> {
    const nowMs = this.#clock.steadyMs();
    this.#forgetUnused(nowMs);
    const kept = this.#kept.get(issuer) ?? this.#keep(issuer, nowMs);
    // Last used, last in order.
    this.#kept.delete(issuer);
    this.#kept.set(issuer, kept);
    kept.usedAtMs = nowMs;
    if (nowMs - kept.fetchedAtMs >= refreshAfterMs) this.#refresh(issuer, kept, nowMs);
    return kept.keys;
  }

  #keep(issuer: string, nowMs: number): Kept {
    for (const unused of this.#kept.keys()) {
      if (this.#kept.size < this.#limits.issuerCountMax) break;
      this.#kept.delete(unused);
    }
    const keys = this.#discover(issuer);
    const kept = { keys, fetchedAtMs: nowMs, usedAtMs: nowMs };
    keys.catch(() => {
      if (this.#kept.get(issuer)?.keys === keys) this.#kept.delete(issuer);
    });
    return kept;
  }

  #refresh(issuer: string, kept: Kept, nowMs: number): void {
    kept.fetchedAtMs = nowMs;
    this.#discover(issuer).then(
      (keys) => {
        if (this.#kept.get(issuer) === kept) {
          this.#kept.set(issuer, { keys: Promise.resolve(keys), fetchedAtMs: nowMs, usedAtMs: kept.usedAtMs });
        }
      },
      // The old keys stay; the next use after another interval tries again.
      () => undefined,
    );
  }

  #forgetUnused(nowMs: number): void {
    for (const [issuer, kept] of this.#kept) {
      if (nowMs - kept.usedAtMs < forgetAfterMs) return;
      this.#kept.delete(issuer);
    }
  }

  async #discover(issuer: string): Promise<readonly IssuerKey[]> {
    try {
      const url = `${issuer.replace(/\/+$/, "")}/.well-known/openid-configuration`;
      const configuration = await this.#get(url);
      const jwksUri: unknown = configuration["jwks_uri"];
      if (typeof jwksUri !== "string") throw new Error("the discovery document names no `jwks_uri`");
      return await readKeySet(await this.#get(jwksUri));
    } catch (cause) {
      throw new TokenRefused(`Error fetching public key for issuer ${issuer}`, { cause });
    }
  }

  /** Fetches a JSON object, within the limits. */
  async #get(url: string): Promise<Record<string, unknown>> {
    const { protocol } = new URL(url);
    if (protocol !== "https:" && protocol !== "http:") throw new Error("not an http or https address");
    const abort = new AbortController();
    const cancel = this.#clock.after(this.#limits.issuerFetchTimeoutMs, () => abort.abort());
    try {
      const response = await this.#fetch(url, { signal: abort.signal, redirect: "follow" });
      if (!response.ok) throw new Error(`the issuer answered ${response.status}`);
      const value: unknown = JSON.parse(await readBounded(response, this.#limits.issuerDocumentBytesMax));
      if (typeof value !== "object" || value === null) throw new Error("the issuer's document is not an object");
      // JSON.parse made it, so its keys are strings and its values unknown.
      return value as Record<string, unknown>;
    } finally {
      cancel();
      abort.abort();
    }
  }
}

async function readBounded(response: Response, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new Error(`the issuer's document is over ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Every key must have an id, or the whole set is refused; kinds that verify nothing here are skipped. */
async function readKeySet(set: Record<string, unknown>): Promise<readonly IssuerKey[]> {
  const keys: unknown = set["keys"];
  if (!Array.isArray(keys) || keys.length > keysMax)
    throw new Error("the key set has no list of keys, or too long a one");
  const read: IssuerKey[] = [];
  for (const entry of keys as readonly unknown[]) {
    if (typeof entry !== "object" || entry === null) throw new Error("a key is not an object");
    const jwk: JWK = entry;
    if (typeof jwk.kid !== "string") throw new Error("a key has no `kid`");
    const algorithm = jwk.kty === "RSA" ? "RS256" : jwk.kty === "EC" && jwk.crv === "P-256" ? "ES256" : undefined;
    if (algorithm === undefined || (jwk.alg !== undefined && jwk.alg !== algorithm)) continue;
    const key = await importJWK({ ...jwk, ext: true }, algorithm);
    // Only `oct` keys come back as bytes, and those were skipped.
    if (!(key instanceof Uint8Array)) read.push({ keyId: jwk.kid, algorithm, key });
  }
  return read;
}
