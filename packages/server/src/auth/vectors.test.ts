/**
 * Goal: identities, claims, hashes and names are those of the recorded vectors.
 * Method: every entry of `auth.json`.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { databaseNameProblem } from "../registry/database-name.ts";
import { readClaims } from "./claims.ts";
import { hashToJson, identityFromHex, identityOf, programHash } from "./identity.ts";

interface Vectors {
  readonly identities: readonly { iss: string; sub: string; identity_hex: string; identity_bsatn_le_hex: string }[];
  readonly checksum_checks: readonly { identity_hex: string }[];
  readonly claim_limits: readonly {
    iss_len: number;
    sub_len: number;
    ok: boolean;
    error?: string;
    error_prefix?: string;
  }[];
  readonly hash_json: { readonly vectors: readonly { input_utf8: string; keccak256_hex: string; json: string }[] };
  readonly database_names: {
    readonly accept: readonly string[];
    readonly reject: readonly { name: string; error: string }[];
  };
}

const file = new URL("../../../../conformance/vectors/auth.json", import.meta.url);
const vectors: Vectors = JSON.parse(readFileSync(file, "utf8"));

test.each(vectors.identities)("identity of $iss and $sub", ({ iss, sub, identity_hex, identity_bsatn_le_hex }) => {
  const identity = identityOf(iss, sub);
  expect(identity.hex).toBe(identity_hex);
  expect(Buffer.from(identity.bytes).toString("hex")).toBe(identity_bsatn_le_hex);
  expect(identityFromHex(`0x${identity_hex.toUpperCase()}`)).toEqual(identity);
});

test.each(vectors.checksum_checks)("$identity_hex is an identity, its checksum unseen", ({ identity_hex }) => {
  expect(identityFromHex(identity_hex)?.hex).toBe(identity_hex);
});

test.each(vectors.claim_limits)("issuer of $iss_len and subject of $sub_len: $ok", (row) => {
  const payload = JSON.stringify({ iss: "i".repeat(row.iss_len), sub: "s".repeat(row.sub_len), iat: 1 });
  const outcome = (): string => {
    try {
      return `issuer of ${readClaims(payload).issuer.length}`;
    } catch (error) {
      return error instanceof Error ? error.message : "";
    }
  };
  const wanted = row.ok ? `issuer of ${row.iss_len}` : (row.error ?? row.error_prefix ?? "?");
  expect(outcome().slice(0, wanted.length)).toBe(wanted);
});

test.each(vectors.hash_json.vectors)("hash of '$input_utf8'", ({ input_utf8, keccak256_hex, json }) => {
  expect(programHash(new TextEncoder().encode(input_utf8))).toBe(keccak256_hex);
  expect(hashToJson(keccak256_hex)).toBe(json);
});

describe("database names", () => {
  test.each(vectors.database_names.accept)("%s", (name) => {
    expect(databaseNameProblem(name)).toBeUndefined();
  });
  test.each(vectors.database_names.reject)("'$name': $error", ({ name, error }) => {
    expect(databaseNameProblem(name)).toBe(error);
  });
});
