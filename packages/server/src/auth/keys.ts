/** The server's own signing keys: an ES256 pair in two PEM files, made when neither is there. */
import { exportPKCS8, exportSPKI, generateKeyPair, importPKCS8, importSPKI } from "jose";
import type { CryptoKey } from "jose";
import { readWholeFile, replaceWholeFile } from "@lightcone/base";
import type { FileSystem } from "@lightcone/base";

/** What signs and verifies local tokens. */
export interface SigningKeys {
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
  /** SubjectPublicKeyInfo, byte for byte as the file has it. */
  readonly publicPem: Uint8Array;
}

export const privateKeyFile = "id_ecdsa";
const publicKeyFile = "id_ecdsa.pub";
const pemBytesMax = 65_536;

/**
 * Reads the keys of a data directory, or makes them.
 *
 * @throws {Error} when only one of the two files is there, or one does not parse
 */
export async function openKeys(files: FileSystem, directory: string): Promise<SigningKeys> {
  const privatePath = `${directory}/${privateKeyFile}`;
  const publicPath = `${directory}/${publicKeyFile}`;
  const hasPrivate = await files.exists(privatePath);
  const hasPublic = await files.exists(publicPath);
  if (!hasPrivate && !hasPublic) await makeKeys(files, privatePath, publicPath);
  else if (!hasPublic)
    throw new Error(`Unable to read public key for JWT token verification: ${publicPath} is missing`);
  else if (!hasPrivate) throw new Error(`Unable to read private key for JWT token signing: ${privatePath} is missing`);

  const publicPem = await readWholeFile(files, publicPath, pemBytesMax);
  const privatePem = await readWholeFile(files, privatePath, pemBytesMax);
  const text = new TextDecoder();
  return {
    publicPem,
    publicKey: await importSPKI(text.decode(publicPem), "ES256").catch((cause: unknown) => {
      throw new Error(`Unable to read public key for JWT token verification: ${publicPath}`, { cause });
    }),
    privateKey: await importPKCS8(text.decode(privatePem), "ES256").catch((cause: unknown) => {
      throw new Error(`Unable to read private key for JWT token signing: ${privatePath}`, { cause });
    }),
  };
}

async function makeKeys(files: FileSystem, privatePath: string, publicPath: string): Promise<void> {
  const pair = await generateKeyPair("ES256", { extractable: true });
  const text = new TextEncoder();
  const privatePem = withFinalNewline(await exportPKCS8(pair.privateKey));
  const publicPem = withFinalNewline(await exportSPKI(pair.publicKey));
  await replaceWholeFile(files, privatePath, text.encode(privatePem));
  await replaceWholeFile(files, publicPath, text.encode(publicPem));
}

function withFinalNewline(pem: string): string {
  return pem.endsWith("\n") ? pem : `${pem}\n`;
}
