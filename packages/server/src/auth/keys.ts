/**
 * The server's own signing keys: an ES256 pair in two PEM files, made when a data directory is founded.
 *
 * Whoever holds a token that they signed is who it says, so keys that are lost are never replaced unasked: the owners
 * of all databases would be strangers.
 */
import { createPublicKey } from "node:crypto";
import { exportPKCS8, generateKeyPair, importPKCS8, importSPKI } from "jose";
import type { CryptoKey } from "jose";
import { LightconeError, readWholeFile, replaceWholeFile } from "@lightcone/base";
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
 * @param mustExist whether missing keys are lost
 * @throws {LightconeError} `SigningKeys` when a file is missing that should be there, or the two are not a sound pair
 */
export async function openKeys(files: FileSystem, directory: string, mustExist: boolean): Promise<SigningKeys> {
  const privatePath = `${directory}/${privateKeyFile}`;
  const publicPath = `${directory}/${publicKeyFile}`;
  const hasPrivate = await files.exists(privatePath);
  const hasPublic = await files.exists(publicPath);
  if (!mustExist && !hasPublic) {
    if (!hasPrivate) await writePrivateKey(files, privatePath);
    // The private key goes first: one that stands alone in a new directory was left by a start that was cut short.
    await writePublicKey(files, privatePath, publicPath);
  } else if (!hasPrivate) throw privateRefused(privatePath, "the file is missing");
  else if (!hasPublic) throw publicRefused(publicPath, "the file is missing");

  const publicPem = await readWholeFile(files, publicPath, pemBytesMax);
  const privatePem = await readWholeFile(files, privatePath, pemBytesMax);
  const publicKey = await importSPKI(text(publicPem), "ES256").catch((cause: unknown) => {
    throw publicRefused(publicPath, "it is no public key", cause);
  });
  const privateKey = await importPKCS8(text(privatePem), "ES256").catch((cause: unknown) => {
    throw privateRefused(privatePath, "it is no private key", cause);
  });
  if (!createPublicKey(text(privatePem)).equals(createPublicKey(text(publicPem))))
    throw publicRefused(publicPath, `it is not the other half of ${privateKeyFile}`);
  return { publicPem, publicKey, privateKey };
}

/** Makes a new pair. What is there of the present one is kept under other names, which are given back. */
export async function replaceKeys(files: FileSystem, directory: string): Promise<readonly string[]> {
  const kept: string[] = [];
  for (const name of [privateKeyFile, publicKeyFile]) {
    const path = `${directory}/${name}`;
    if (!(await files.exists(path))) continue;
    let number = 1;
    while (await files.exists(`${path}.old${number}`)) number += 1;
    await files.rename(path, `${path}.old${number}`);
    kept.push(`${name}.old${number}`);
  }
  await writePrivateKey(files, `${directory}/${privateKeyFile}`);
  await writePublicKey(files, `${directory}/${privateKeyFile}`, `${directory}/${publicKeyFile}`);
  return kept;
}

async function writePrivateKey(files: FileSystem, path: string): Promise<void> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  await replaceWholeFile(files, path, pem(await exportPKCS8(privateKey)));
}

/** Writes the public half of the private key's file. */
async function writePublicKey(files: FileSystem, privatePath: string, publicPath: string): Promise<void> {
  const privateText = text(await readWholeFile(files, privatePath, pemBytesMax));
  let publicText: string;
  try {
    publicText = createPublicKey(privateText).export({ type: "spki", format: "pem" }).toString();
  } catch (cause) {
    throw privateRefused(privatePath, "it is no private key", cause);
  }
  await replaceWholeFile(files, publicPath, pem(publicText));
}

function privateRefused(file: string, reason: string, cause?: unknown): LightconeError {
  const use = "Unable to read private key for JWT token signing";
  return new LightconeError("SigningKeys", { use, file, reason }, { cause });
}

function publicRefused(file: string, reason: string, cause?: unknown): LightconeError {
  const use = "Unable to read public key for JWT token verification";
  return new LightconeError("SigningKeys", { use, file, reason }, { cause });
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function pem(content: string): Uint8Array {
  return new TextEncoder().encode(content.endsWith("\n") ? content : `${content}\n`);
}
