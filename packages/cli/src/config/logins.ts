/**
 * Tokens, by server. A login belongs to a place and to the key that signed it: the place, so that a token is
 * never sent elsewhere; the key, so that two data directories served from one port each keep their own.
 * Servers of this machine count as one place, whichever port they have.
 */
import { createHash } from "node:crypto";
import { identityFromClaims } from "@lightcone/sats";
import { CliFailure } from "../failure.ts";
import type { CliConfig, SavedLogin } from "./cli-config.ts";
import { isLocal } from "./servers.ts";

/** The place that a server's logins are kept under. */
export function placeOf(url: string): string {
  return isLocal(url) ? "local" : new URL(url).origin;
}

/** A short name of a server's public key. */
export function fingerprint(publicKey: string): string {
  return createHash("sha256").update(publicKey).digest("hex").slice(0, 32);
}

export function findLogin(config: CliConfig, url: string, key: string): SavedLogin | undefined {
  const place = placeOf(url);
  return config.logins.find((login) => login.server === place && login.key === key);
}

/** The settings with `token` in place of what was saved for that server; without one if left out. */
export function withLogin(config: CliConfig, url: string, key: string, token: string | undefined): CliConfig {
  const place = placeOf(url);
  const others = config.logins.filter((login) => login.server !== place || login.key !== key);
  return { ...config, logins: token === undefined ? others : [...others, { server: place, key, token }] };
}

/** Whose token it is: as it says itself, or as its issuer and subject make it. @throws {CliFailure} when it names nobody */
export function identityOfToken(token: string): string {
  try {
    const payload: { hex_identity?: unknown; iss?: unknown; sub?: unknown } = JSON.parse(
      Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"),
    );
    const { hex_identity: hex, iss, sub } = payload;
    if (typeof hex === "string") return hex;
    if (typeof iss === "string" && typeof sub === "string") return identityFromClaims(iss, sub).toHexString();
  } catch {
    // Not a token; the failure below says so.
  }
  throw new CliFailure("the saved token does not say whose it is", {
    hint: "Log in again: lightcone logout, then lightcone login",
  });
}
