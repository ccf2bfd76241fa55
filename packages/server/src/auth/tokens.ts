/**
 * Makes and checks tokens.
 *
 * A token is checked against the local key first, whatever its issuer: short-lived WebSocket tokens keep the
 * issuer of the token they were exchanged for. Only when that fails does its issuer decide: `localhost` is this
 * server, so the failure stands; any other is asked for its keys if the operator believes it.
 */
import { CompactSign, compactVerify, errors } from "jose";
import type { CryptoKey } from "jose";
import type { Clock, Random } from "@lightcone/base";
import type { ServerLimits } from "../limits.ts";
import { TokenRefused, checkTime, readClaims, readUnverifiedIssuer, writeClaims } from "./claims.ts";
import type { Claims } from "./claims.ts";
import { identityOf } from "./identity.ts";
import type { Identity } from "./identity.ts";
import type { IssuerKey, Issuers } from "./issuers.ts";
import type { SigningKeys } from "./keys.ts";
import { readTokenParts } from "./token-parts.ts";
import type { TokenParts } from "./token-parts.ts";

/** The issuer of every token that a server makes itself. */
export const localIssuer = "localhost";
export const localAudience: readonly string[] = ["spacetimedb"];
const webSocketTokenSeconds = 60;

/** Somebody who has shown a token, or got one. */
export interface Credentials {
  readonly identity: Identity;
  readonly token: string;
  /** The payload, exactly as signed. */
  readonly payload: string;
  readonly claims: Claims;
}

export interface TokenOptions {
  readonly keys: SigningKeys;
  readonly issuers: Issuers;
  /** What tokens of other issuers are for; any if empty. */
  readonly audiences: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: ServerLimits;
}

export class Tokens {
  private readonly options: TokenOptions;

  constructor(options: TokenOptions) {
    this.options = options;
  }

  /** A new identity with a token that never expires. Nothing is stored. */
  async mint(): Promise<Credentials> {
    const subject = this.subject();
    return this.sign({
      identity: identityOf(localIssuer, subject),
      subject,
      issuer: localIssuer,
      audience: localAudience,
      issuedAt: this.nowSeconds(),
      expiresAt: undefined,
      notBefore: undefined,
      extra: {},
    });
  }

  /** The identity of a new database: that of a token that is thrown away. */
  makeDatabaseIdentity(): Identity {
    return identityOf(localIssuer, this.subject());
  }

  /** The same claims for a minute, signed here; never for longer than they were good for. */
  async exchange(claims: Claims): Promise<Credentials> {
    const issuedAt = this.nowSeconds();
    const expiresAt = Math.min(claims.expiresAt ?? Infinity, issuedAt + webSocketTokenSeconds);
    return this.sign({ ...claims, issuedAt, expiresAt });
  }

  /** @throws {TokenRefused} when the token is not to be believed */
  async check(token: string): Promise<Credentials> {
    const parts = readTokenParts(token, this.options.limits.tokenCharactersMax);
    const failure = await failureToVerify(token, parts, this.options.keys.publicKey, "ES256");
    return failure === undefined ? this.accept(token, parts) : this.checkForeign(token, parts, failure);
  }

  private async checkForeign(token: string, parts: TokenParts, localFailure: TokenRefused): Promise<Credentials> {
    const issuer = readUnverifiedIssuer(parts.payload);
    if (issuer === localIssuer) throw localFailure;
    const { issuers } = this.options;
    const kept = await issuers.keysOf(issuer);
    let failure = await failureWith(kept, token, parts);
    // The issuer may have new keys. One that it names by an id that is known has not changed.
    const isKnown = parts.keyId !== undefined && kept.some(({ keyId }) => keyId === parts.keyId);
    if (failure !== undefined && !isKnown) {
      const fresh = await issuers.freshKeysOf(issuer);
      if (fresh !== kept) failure = await failureWith(fresh, token, parts);
    }
    if (failure !== undefined) throw failure;
    // The issuer that was asked is the one in the verified payload: both were read from the same text.
    const credentials = this.accept(token, parts);
    this.checkAudience(credentials.claims);
    return credentials;
  }

  private checkAudience({ audience }: Claims): void {
    const { audiences } = this.options;
    if (audiences.length === 0 || audience.some((each) => audiences.includes(each))) return;
    throw new TokenRefused("Invalid token: InvalidAudience");
  }

  private accept(token: string, parts: TokenParts): Credentials {
    const claims = readClaims(parts.payload);
    checkTime(claims, this.nowSeconds());
    return { identity: claims.identity, token, payload: parts.payload, claims };
  }

  private sign(claims: Claims): Promise<Credentials> {
    return signClaims(this.options.keys.privateKey, claims);
  }

  private nowSeconds(): number {
    return Math.floor(this.options.clock.nowMicros() / 1_000_000);
  }

  /** A random UUID, version 4. */
  private subject(): string {
    const bytes = new Uint8Array(16);
    this.options.random.fill(bytes);
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    const hex = Buffer.from(bytes).toString("hex");
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }
}

/** A token with these claims. */
export async function signClaims(privateKey: CryptoKey, claims: Claims): Promise<Credentials> {
  const payload = writeClaims(claims);
  const token = await new CompactSign(new TextEncoder().encode(payload))
    .setProtectedHeader({ typ: "JWT", alg: "ES256" })
    .sign(privateKey);
  return { identity: claims.identity, token, payload, claims };
}

/** Why the signature is of none of the keys that the token may mean; undefined if it is of one. */
async function failureWith(
  keys: readonly IssuerKey[],
  token: string,
  parts: TokenParts,
): Promise<TokenRefused | undefined> {
  let failure = new TokenRefused("Specified key ID not found in JWKs");
  for (const { keyId, key, algorithm } of keys) {
    if (parts.keyId !== undefined && keyId !== parts.keyId) continue;
    const refused = await failureToVerify(token, parts, key, algorithm);
    if (refused === undefined) return undefined;
    failure = refused;
  }
  return failure;
}

/** Why the signature is not that key's; undefined if it is. */
async function failureToVerify(
  token: string,
  parts: TokenParts,
  key: CryptoKey,
  algorithm: string,
): Promise<TokenRefused | undefined> {
  if (parts.algorithm !== algorithm) return new TokenRefused("Invalid token: InvalidAlgorithm");
  try {
    await compactVerify(token, key, { algorithms: [algorithm] });
    return undefined;
  } catch (cause) {
    if (cause instanceof errors.JWSSignatureVerificationFailed) {
      return new TokenRefused("Invalid token: InvalidSignature", { cause });
    }
    if (cause instanceof errors.JOSEError) return new TokenRefused("Invalid token: InvalidToken", { cause });
    throw cause;
  }
}
