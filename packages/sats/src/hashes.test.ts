// Goal: identities, connection ids, hashes and tokens are spelt as the vectors say.
// Method: every entry of `auth.json` that this package answers for.
import { expect, test } from "vitest";
import {
  ByteReader,
  connectionId,
  ConnectionId,
  encodeUtf8,
  fromHex,
  hasIdentityChecksum,
  hashFromJson,
  hashToJson,
  Identity,
  identity,
  identityFromClaims,
  migrationToken,
  programHash,
  toHex,
  valueCodec,
} from "./index.ts";
import { readVectors } from "./testing/vector-values.ts";

interface Vectors {
  readonly identities: readonly { iss: string; sub: string; identity_hex: string; identity_bsatn_le_hex: string }[];
  readonly checksum_checks: readonly { identity_hex: string; valid: boolean }[];
  readonly connection_ids: readonly { hex: string; u128_decimal: string; bsatn_le_hex: string }[];
  readonly hash_json: { vectors: readonly { input_utf8: string; keccak256_hex: string; json: string }[] };
  readonly migration_token: Readonly<
    Record<
      "database_identity" | "old_module_hash_hex" | "new_module_hash_hex" | "token_bytes_hex" | "token_json",
      string
    >
  >;
}
const vectors = readVectors<Vectors>("auth.json");

test.each(vectors.identities)("identity of $iss | $sub", (vector) => {
  const derived = identityFromClaims(vector.iss, vector.sub);
  expect(derived.toHexString()).toBe(vector.identity_hex);
  expect(toHex(derived.toUint8Array())).toBe(vector.identity_bsatn_le_hex);
  expect(hasIdentityChecksum(derived)).toBe(true);
  const read = valueCodec<Identity>(identity).read(new ByteReader(fromHex(vector.identity_bsatn_le_hex)));
  expect(read.isEqual(Identity.fromString(vector.identity_hex))).toBe(true);
});

test.each(vectors.checksum_checks)("checksum of $identity_hex: $valid", ({ identity_hex: hex, valid }) => {
  expect(hasIdentityChecksum(Identity.fromString(hex))).toBe(valid);
});

test.each(vectors.connection_ids)("connection id $hex", (vector) => {
  const read = valueCodec<ConnectionId>(connectionId).read(new ByteReader(fromHex(vector.bsatn_le_hex)));
  expect(read.toHexString()).toBe(vector.hex);
  expect(read.__connection_id__).toBe(BigInt(vector.u128_decimal));
  expect(ConnectionId.fromString(vector.hex).isEqual(read)).toBe(true);
  expect(toHex(read.toUint8Array())).toBe(vector.bsatn_le_hex);
});

test.each(vectors.hash_json.vectors)("hash of '$input_utf8'", (vector) => {
  const hash = programHash(encodeUtf8(vector.input_utf8));
  expect(toHex(hash)).toBe(vector.keccak256_hex);
  expect(hashToJson(hash)).toBe(vector.json);
  expect(hashFromJson(vector.json)).toEqual(new Uint8Array(hash));
});

test("a token for a breaking publish", () => {
  const vector = vectors.migration_token;
  const token = migrationToken(vector.database_identity, vector.old_module_hash_hex, vector.new_module_hash_hex);
  expect(toHex(token)).toBe(vector.token_bytes_hex);
  expect(hashToJson(token)).toBe(vector.token_json);
});
