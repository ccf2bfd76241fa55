/**
 * What a token says: the rules that make a payload acceptable, and the one way this server writes one.
 *
 * The payload's text is handed to modules as it stands, so the order of keys here is part of the format:
 * `hex_identity`, `sub`, `iss`, `aud`, `iat`, `exp` (null when absent), then whatever else came in.
 */
import { identityFromHex, identityOf } from "./identity.ts";
import type { Identity } from "./identity.ts";

/** The claims that this server looks at. */
export interface Claims {
  readonly identity: Identity;
  readonly subject: string;
  readonly issuer: string;
  readonly audience: readonly string[];
  /** Seconds since the epoch. */
  readonly issuedAt: number;
  readonly expiresAt: number | undefined;
  /** Before it the token does not pass. Kept among the others. */
  readonly notBefore: number | undefined;
  /** Every other claim, in the order of the token. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** A token that is not accepted; the text goes to the client. Never holds a token or its payload. */
export class TokenRefused extends Error {
  override readonly name = "TokenRefused";
}

export const claimBytesMax = 128;
/** How long after its `exp`, and before its `nbf`, a token passes: clocks differ. */
const leewaySeconds = 60;

/** Reads a payload. @throws {TokenRefused} when a claim is missing, too long, or contradicts another */
export function readClaims(payload: string): Claims {
  const value = parseObject(payload);
  const { hex_identity: hexIdentity, sub, iss, aud, iat, exp, ...extra } = value;
  const subject = readText(sub, "sub");
  const issuer = readText(iss, "iss");
  const issuedAt = readSeconds(iat, "iat");
  const expiresAt = exp === undefined || exp === null ? undefined : readSeconds(exp, "exp");
  const audience = readAudience(aud);
  const { nbf } = extra;
  const notBefore = nbf === undefined || nbf === null ? undefined : readTime(nbf, "nbf");
  checkIssuer(issuer);
  checkLength("Subject", subject);
  const identity = identityOf(issuer, subject);
  if (hexIdentity !== undefined) checkIdentity(hexIdentity, identity);
  return { identity, subject, issuer, audience, issuedAt, expiresAt, notBefore, extra };
}

/** Only the issuer, from a payload that nobody has verified yet. */
export function readUnverifiedIssuer(payload: string): string {
  const issuer = readText(parseObject(payload)["iss"], "iss");
  checkIssuer(issuer);
  return issuer;
}

/** Writes claims as this server's tokens have them. */
export function writeClaims(claims: Claims): string {
  return JSON.stringify({
    hex_identity: claims.identity.hex,
    sub: claims.subject,
    iss: claims.issuer,
    aud: claims.audience,
    iat: claims.issuedAt,
    exp: claims.expiresAt ?? null,
    ...claims.extra,
  });
}

/** @throws {TokenRefused} when the token's time is over or has not come */
export function checkTime(claims: Claims, nowSeconds: number): void {
  if (claims.notBefore !== undefined && claims.notBefore - leewaySeconds > nowSeconds) {
    throw new TokenRefused("Invalid token: ImmatureSignature");
  }
  if (claims.expiresAt !== undefined && claims.expiresAt + leewaySeconds < nowSeconds) {
    throw new TokenRefused("Invalid token: ExpiredSignature");
  }
}

function parseObject(payload: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(payload);
  } catch (cause) {
    throw new TokenRefused("Invalid token: JSON error: the payload is not JSON", { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TokenRefused("Invalid token: JSON error: the payload is not an object");
  }
  // An object that JSON.parse made has string keys and unknown values.
  return value as Record<string, unknown>;
}

function readText(value: unknown, name: string): string {
  if (typeof value === "string") return value;
  throw new TokenRefused(
    value === undefined
      ? `Invalid token: JSON error: missing field \`${name}\``
      : `Invalid token: JSON error: \`${name}\` is not a string`,
  );
}

function readSeconds(value: unknown, name: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new TokenRefused(
    value === undefined
      ? `Invalid token: JSON error: missing field \`${name}\``
      : `Invalid token: JSON error: \`${name}\` is not a number of seconds`,
  );
}

/** As `readSeconds`, but with fractions, which other servers let pass. */
function readTime(value: unknown, name: string): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw new TokenRefused(`Invalid token: JSON error: \`${name}\` is not a number of seconds`);
}

function readAudience(value: unknown): readonly string[] {
  if (value === undefined || value === null) return [];
  if (typeof value === "string") return [value];
  if (Array.isArray(value) && value.every((entry) => typeof entry === "string")) return value;
  throw new TokenRefused("Invalid token: JSON error: `aud` is not a string or a list of strings");
}

/**
 * An identity is a hash of `iss|sub`. Subjects may have a `|` (Auth0's all have), so an issuer may not: then the first
 * one ends the issuer, and no two pairs make one text.
 */
function checkIssuer(issuer: string): void {
  checkLength("Issuer", issuer);
  if (issuer.includes("|")) throw new TokenRefused(`Issuer with a \`|\`: ${JSON.stringify(issuer)}`);
}

function checkLength(what: "Issuer" | "Subject", value: string): void {
  if (value === "") throw new TokenRefused(`${what} empty`);
  if (Buffer.byteLength(value) > claimBytesMax) throw new TokenRefused(`${what} too long: ${JSON.stringify(value)}`);
}

function checkIdentity(claimed: unknown, computed: Identity): void {
  const hex = typeof claimed === "string" ? identityFromHex(claimed)?.hex : undefined;
  if (hex === computed.hex) return;
  const shown = hex ?? "malformed";
  throw new TokenRefused(`Identity mismatch: token identity ${shown} does not match computed identity ${computed.hex}`);
}
