/**
 * The foreign issuers that are believed, and their keys, found by OpenID discovery and kept for a while.
 *
 * An operator lists issuers; without a list there are none. Keys are asked for at the issuer's own host, which may
 * then be on a private network, or at a public address that it names. Whoever shows a token can cause a fetch, so time
 * and bytes of a fetch, issuers kept and keys in a set are bounded; first fetches of one issuer are merged, and after a
 * failed one it is not asked again for `retryAfterMs`. A kept issuer is fetched again in the background when it is used
 * and `refreshAfterMs` have passed, and at once for a token whose key is not among those kept: issuers change their keys.
 */
import { importJWK } from "jose";
import type { CryptoKey, JWK } from "jose";
import { LightconeError, defined } from "@lightcone/base";
import type { Clock } from "@lightcone/base";
import type { ServerLimits } from "../limits.ts";
import type { ServerLog } from "../log.ts";
import { TokenRefused } from "./claims.ts";
import type { IssuerFetch } from "./issuer-fetch.ts";

/** The texts of `iss` that are believed, byte for byte; "any" believes each that is on the public internet. */
export type IssuersAllowed = "any" | readonly string[];

export interface IssuersOptions {
  readonly allowed: IssuersAllowed;
  readonly fetch: IssuerFetch;
  readonly clock: Clock;
  readonly limits: ServerLimits;
  readonly log: Pick<ServerLog, "warn">;
}

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
  failedAtMs: number | undefined;
  /** Settles when the keys that are being fetched again are kept, or are not to be had. */
  refreshing: Promise<void>;
}

const refreshAfterMs = 300_000;
const forgetAfterMs = 7_200_000;
const retryAfterMs = 5_000;
const keysMax = 64;

export class Issuers {
  private readonly options: IssuersOptions;
  /** By the exact text of `iss`; the order is that of use. */
  private readonly kept = new Map<string, Kept>();
  private fetchCount = 0;

  /** @throws {LightconeError} `BadRequest` when an issuer of the list is not the URL of one */
  constructor(options: IssuersOptions) {
    this.options = options;
    if (options.allowed !== "any") for (const issuer of options.allowed) checkListed(issuer);
  }

  /** The keys of an issuer. @throws {TokenRefused} when they cannot be had */
  async keysOf(issuer: string): Promise<readonly IssuerKey[]> {
    const { allowed, clock } = this.options;
    if (allowed !== "any" && !allowed.includes(issuer))
      throw new TokenRefused(`Issuer ${JSON.stringify(issuer)} is not one that this server accepts`);
    const nowMs = clock.steadyMs();
    this.forgetUnused(nowMs);
    let kept = this.kept.get(issuer);
    if (kept?.failedAtMs !== undefined && nowMs - kept.failedAtMs >= retryAfterMs) kept = undefined;
    kept ??= this.keep(issuer, nowMs);
    // Last used, last in order.
    this.kept.delete(issuer);
    this.kept.set(issuer, kept);
    kept.usedAtMs = nowMs;
    if (nowMs - kept.fetchedAtMs >= refreshAfterMs) this.refresh(issuer, kept, nowMs);
    return kept.keys;
  }

  /**
   * The keys of an issuer as they are now, for a token that none of those kept has signed. No issuer is asked more than
   * once in `retryAfterMs` for it: in between, and when it does not answer, the kept ones are what there is.
   */
  async freshKeysOf(issuer: string): Promise<readonly IssuerKey[]> {
    const kept = this.kept.get(issuer);
    if (kept === undefined) return this.keysOf(issuer);
    const nowMs = this.options.clock.steadyMs();
    if (nowMs - kept.fetchedAtMs >= retryAfterMs) this.refresh(issuer, kept, nowMs);
    await kept.refreshing;
    return (this.kept.get(issuer) ?? kept).keys;
  }

  private keep(issuer: string, nowMs: number): Kept {
    const { clock, limits } = this.options;
    if (this.kept.size >= limits.issuerCountMax) this.kept.delete(this.mostUseless());
    const keys = this.discover(issuer);
    const refreshing = Promise.resolve();
    const kept: Kept = { keys, fetchedAtMs: nowMs, usedAtMs: nowMs, failedAtMs: undefined, refreshing };
    keys.catch(() => (kept.failedAtMs = clock.steadyMs()));
    return kept;
  }

  /** One that failed, or else the one unused for longest. */
  private mostUseless(): string {
    let found: string | undefined;
    for (const [issuer, { failedAtMs }] of this.kept) {
      if (failedAtMs !== undefined) return issuer;
      found ??= issuer;
    }
    return defined(found, "an issuer that is kept");
  }

  private refresh(issuer: string, kept: Kept, nowMs: number): void {
    kept.fetchedAtMs = nowMs;
    kept.refreshing = this.discover(issuer).then(
      (keys) => {
        if (this.kept.get(issuer) === kept)
          this.kept.set(issuer, { ...kept, keys: Promise.resolve(keys), failedAtMs: undefined });
      },
      // The old keys stay; the next use after another interval tries again.
      () => undefined,
    );
  }

  private forgetUnused(nowMs: number): void {
    for (const [issuer, kept] of this.kept) {
      if (nowMs - kept.usedAtMs < forgetAfterMs) return;
      this.kept.delete(issuer);
    }
  }

  private async discover(issuer: string): Promise<readonly IssuerKey[]> {
    this.fetchCount += 1;
    try {
      const max = this.options.limits.issuerFetchesMax;
      if (this.fetchCount > max) throw new Error(`issuerFetchesMax: ${max} issuers are being asked`);
      const base = readUrl(issuer);
      const configuration = await this.get(
        new URL(`${issuer.replace(/\/+$/, "")}/.well-known/openid-configuration`),
        base,
      );
      const jwksUri = configuration["jwks_uri"];
      if (typeof jwksUri !== "string") throw new Error("the discovery document names no `jwks_uri`");
      return await readKeySet(await this.get(readUrl(jwksUri), base));
    } catch (cause) {
      this.options.log.warn({ issuer, err: cause }, "the keys of an issuer cannot be had");
      throw new TokenRefused(`Error fetching public key for issuer ${issuer}`, { cause });
    } finally {
      this.fetchCount -= 1;
    }
  }

  /** Fetches a JSON object that belongs to an issuer, within the limits. */
  private async get(url: URL, issuer: URL): Promise<Readonly<Record<string, unknown>>> {
    const { allowed, fetch, limits } = this.options;
    if (url.protocol === "http:" && issuer.protocol !== "http:") throw new Error(`${url.href} is not an https address`);
    const text = await fetch(url, {
      // The operator has named this host and port; where else the issuer sends us is not the operator's word.
      mayBePrivate: allowed !== "any" && url.host === issuer.host,
      timeoutMs: limits.issuerFetchTimeoutMs,
      bytesMax: limits.issuerDocumentBytesMax,
    });
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) throw new Error("the issuer's document is not an object");
    // JSON.parse made it, so its keys are strings and its values unknown.
    return value as Readonly<Record<string, unknown>>;
  }
}

/** @throws {Error} when it is no address that can be asked */
function readUrl(text: string): URL {
  const url = new URL(text);
  if (url.protocol !== "https:" && url.protocol !== "http:") throw new Error("not an http or https address");
  if (url.username !== "" || url.password !== "") throw new Error("an address with a user's name");
  return url;
}

function checkListed(issuer: string): void {
  const refuse = (reason: string, cause?: unknown): LightconeError =>
    new LightconeError("BadRequest", { reason: `issuer ${JSON.stringify(issuer)}: ${reason}` }, { cause });
  if (issuer.includes("|")) throw refuse("a `|` cannot be in one");
  try {
    readUrl(issuer);
  } catch (cause) {
    throw refuse("not the http or https address of one", cause);
  }
}

/** Every key must have an id, or the whole set is refused; kinds that verify nothing here are skipped. */
async function readKeySet(set: Readonly<Record<string, unknown>>): Promise<readonly IssuerKey[]> {
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
