/**
 * Compression of whole payloads from server to client: docs/wire/websocket-v1.md. Needs Node; nothing else here does.
 *
 *   payload = tag u8 (0 none, 1 Brotli, 2 gzip) | message, compressed as the tag says
 *
 * Asking for gzip is a permission, not a wish, because official TypeScript clients process compressed
 * frames out of order: it is used only where the operator says so. Brotli is for those who asked, or left
 * the choice to the server.
 */
import { LightconeError } from "@lightcone/base";
import { brotliCompressSync, brotliDecompressSync, constants, gunzipSync, gzipSync } from "node:zlib";

export type Compression = "none" | "gzip" | "brotli";

export const compressionTag = { none: 0, brotli: 1, gzip: 2 } as const;

/** Messages up to this size are not compressed: it would not pay. */
export const uncompressedBytesMax = 1024;

/** The most that a compressed payload may unfold to. */
const decompressedBytesMax = 256 * 1024 * 1024;

export interface CompressionOptions {
  /** Whether a client that permits gzip gets it. */
  readonly gzip: boolean;
}

/**
 * Compresses a payload as the connection asked, where the rule says so.
 *
 * @param payload tag 0, then the message
 * @returns the payload to send: `payload` itself when it stays as it is
 */
export function compressPayload(
  asked: Compression,
  payload: Uint8Array,
  options: CompressionOptions = { gzip: false },
): Uint8Array {
  if (asked === "none" || payload.length - 1 <= uncompressedBytesMax) return payload;
  if (asked === "gzip" && !options.gzip) return payload;
  const message = payload.subarray(1);
  const compressed =
    asked === "gzip"
      ? gzipSync(message, { level: 1 })
      : brotliCompressSync(message, {
          params: {
            [constants.BROTLI_PARAM_QUALITY]: 1,
            [constants.BROTLI_PARAM_SIZE_HINT]: message.length,
          },
        });
  const out = new Uint8Array(compressed.length + 1);
  out[0] = compressionTag[asked];
  out.set(compressed, 1);
  return out;
}

/**
 * The message of a payload, whatever its tag says.
 *
 * @throws {LightconeError} `Malformed` for an unknown tag, damaged data, or more than `decompressedBytesMax`
 */
export function decompressPayload(payload: Uint8Array): Uint8Array {
  switch (payload[0]) {
    case compressionTag.none:
      return payload.subarray(1);
    case compressionTag.brotli:
      return decompress("brotli", payload.subarray(1));
    case compressionTag.gzip:
      return decompress("gzip", payload.subarray(1));
    default:
      throw new LightconeError("Malformed", {
        what: "payload",
        reason: `no compression has tag ${payload[0] ?? "(none)"}`,
        at: 0,
      });
  }
}

/** Undoes compression of bytes without a tag, up to `bytesMax`. */
export function decompress(
  kind: "brotli" | "gzip",
  bytes: Uint8Array,
  bytesMax: number = decompressedBytesMax,
): Uint8Array {
  const limits = { maxOutputLength: bytesMax };
  try {
    return kind === "brotli" ? brotliDecompressSync(bytes, limits) : gunzipSync(bytes, limits);
  } catch (cause) {
    throw new LightconeError(
      "Malformed",
      { what: "payload", reason: `it is not ${kind}, or unfolds to too much` },
      { cause },
    );
  }
}
