/** The three parts of a compact token, before anybody trusts them. */
import { TokenRefused } from "./claims.ts";

/** A token taken apart. Nothing here is verified. */
export interface TokenParts {
  readonly algorithm: string;
  readonly keyId: string | undefined;
  /** The decoded second part, exactly as signed. */
  readonly payload: string;
}

/** @throws {TokenRefused} when it is not three parts of base64url around JSON */
export function readTokenParts(token: string, charactersMax: number): TokenParts {
  const parts = token.length > charactersMax ? [] : token.split(".");
  const [header, payload, signature] = parts;
  if (parts.length !== 3 || header === undefined || payload === undefined || signature === undefined) {
    throw new TokenRefused("Invalid token: InvalidToken");
  }
  const fields = parseHeader(decodePart(header));
  decodePart(signature);
  return { ...fields, payload: decodePart(payload) };
}

function parseHeader(text: string): Pick<TokenParts, "algorithm" | "keyId"> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new TokenRefused("Invalid token: JSON error: the header is not JSON", { cause });
  }
  if (typeof value !== "object" || value === null || !("alg" in value) || typeof value.alg !== "string") {
    throw new TokenRefused("Invalid token: JSON error: missing field `alg`");
  }
  const keyId = "kid" in value && typeof value.kid === "string" ? value.kid : undefined;
  return { algorithm: value.alg, keyId };
}

/** Decodes base64url without padding; `Buffer` alone would skip what it does not know. */
function decodePart(part: string): string {
  const bad = /[^A-Za-z0-9_-]/.exec(part);
  if (bad !== null) {
    throw new TokenRefused(
      `Invalid token: Base64 error: Invalid symbol ${part.charCodeAt(bad.index)}, offset ${bad.index}.`,
    );
  }
  if (part.length % 4 === 1)
    throw new TokenRefused(`Invalid token: Base64 error: Invalid input length: ${part.length}`);
  return Buffer.from(part, "base64url").toString("utf8");
}
