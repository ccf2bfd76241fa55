/** The envelope of a description: a byte that says the version, then the description, then nothing. */
import { LightconeError } from "@lightcone/base";
import { ByteReader, ByteWriter } from "@lightcone/sats";
import type { RawModuleDef, RawModuleDefV10, RawModuleDefV9 } from "./raw-module-def.ts";
import { readRawV10, writeRawV10 } from "./raw-v10.ts";
import { readRawV9, writeRawV9 } from "./raw-v9.ts";

const tagV8 = 0;
const tagV9 = 1;
const tagV10 = 2;

/**
 * Decodes what a module says it is.
 *
 * @throws {LightconeError} `Malformed` or `TooDeep` when the bytes are no description;
 *   `ModuleInvalid` when they are one of a version that is not taken
 */
export function decodeModuleDef(bytes: Uint8Array): RawModuleDef {
  const input = new ByteReader(bytes, "the module's description");
  const tag = input.u8();
  switch (tag) {
    case tagV8:
      throw new LightconeError("ModuleInvalid", {
        reason: "it describes itself in version 8, which predates 1.0; build it with an SDK of 1.x or 2.x",
      });
    case tagV9: {
      const raw = readRawV9(input);
      input.expectEnd();
      return raw;
    }
    case tagV10: {
      const raw = readRawV10(input);
      input.expectEnd();
      return raw;
    }
    default:
      throw new LightconeError("ModuleInvalid", {
        reason: `it describes itself in a version that this release does not know (tag ${tag})`,
      });
  }
}

/** Encodes a V9 description with its envelope. */
export function encodeRawV9(raw: RawModuleDefV9): Uint8Array {
  const out = new ByteWriter();
  out.u8(tagV9);
  writeRawV9(out, raw);
  return out.toBytes();
}

/** Encodes a V10 description with its envelope. */
export function encodeRawV10(raw: RawModuleDefV10): Uint8Array {
  const out = new ByteWriter();
  out.u8(tagV10);
  writeRawV10(out, raw);
  return out.toBytes();
}
