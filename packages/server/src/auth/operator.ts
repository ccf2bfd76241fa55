/**
 * The operator: whoever can read the server's private key, which lies in its data directory. The key signs a token for
 * a subject that the server itself never gives to anybody, so the token proves that its bearer has the key.
 */
import { importPKCS8 } from "jose";
import { readWholeFile } from "@lightcone/base";
import type { Clock, FileSystem } from "@lightcone/base";
import { identityOf } from "./identity.ts";
import type { Identity } from "./identity.ts";
import { privateKeyFile } from "./keys.ts";
import { localAudience, localIssuer, signClaims } from "./tokens.ts";

/** The subjects of other tokens of the server are UUIDs. */
const operatorSubject = "operator";
const tokenSeconds = 60;

export const operatorIdentity: Identity = identityOf(localIssuer, operatorSubject);

/**
 * A token that makes its bearer the operator of the server with this data directory, for a minute.
 *
 * @throws {Error} when the key cannot be read
 */
export async function signOperatorToken(files: FileSystem, dataDirectory: string, clock: Clock): Promise<string> {
  const pem = new TextDecoder().decode(await readWholeFile(files, `${dataDirectory}/${privateKeyFile}`));
  const privateKey = await importPKCS8(pem, "ES256");
  const issuedAt = Math.floor(clock.nowMicros() / 1_000_000);
  const { token } = await signClaims(privateKey, {
    identity: operatorIdentity,
    subject: operatorSubject,
    issuer: localIssuer,
    audience: localAudience,
    issuedAt,
    expiresAt: issuedAt + tokenSeconds,
    notBefore: undefined,
    extra: {},
  });
  return token;
}
