/** Requests and answers as the ABI has them: BSATN records without their bodies. docs/wire/module-abi.md. */
import type { HttpAnswer, HttpHeaders, HttpRequest } from "@lightcone/host";
import { ByteReader, ByteWriter } from "@lightcone/sats";

const methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
const versions = ["0.9", "1.0", "1.1", "2", "3"];

/** Reads the record of a request. @throws whatever the reader says of bytes that are none */
export function readHttpRequest(record: Uint8Array, body: Uint8Array): HttpRequest {
  const input = new ByteReader(record, "the request");
  const tag = input.u8();
  const method = tag === methods.length ? input.string() : methods[tag];
  const headers: (readonly [string, Uint8Array])[] = [];
  for (let left = input.count(8); left > 0; left -= 1) headers.push([input.string(), input.byteArray()]);
  const timeout = input.u8();
  const timeoutMs = timeout === 0 ? Math.max(0, Number(input.i64()) / 1000) : undefined;
  const uri = input.string();
  const version = input.u8();
  if (method === undefined || timeout > 1 || version >= versions.length || input.at !== record.length)
    throw new TypeError("the request is no request");
  return { method, uri, headers, body, timeoutMs };
}

/** The record of an answer. */
export function writeHttpResponse({
  headers,
  version,
  status,
}: HttpAnswer & { readonly kind: "answered" }): Uint8Array {
  const out = new ByteWriter();
  writeHeaders(out, headers);
  const tag = versions.indexOf(version);
  out.u8(tag < 0 ? versions.indexOf("1.1") : tag);
  out.u16(status);
  return out.toBytes();
}

/** Why there is none. */
export function writeHttpFailure(reason: string): Uint8Array {
  const out = new ByteWriter();
  out.string(reason);
  return out.toBytes();
}

function writeHeaders(out: ByteWriter, headers: HttpHeaders): void {
  out.u32(headers.length);
  for (const [name, value] of headers) {
    out.string(name);
    out.byteArray(value);
  }
}
