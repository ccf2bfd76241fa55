/** Requests and answers as the ABI has them: BSATN records without their bodies. docs/wire/module-abi.md. */
import { ByteReader, ByteWriter } from "@lightcone/sats";
import type { HttpAnswer, HttpHeaders, HttpRequest } from "./procedure-port.ts";

const methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
const versions = ["0.9", "1.0", "1.1", "2", "3"];

/** Reads the record of a request. @throws whatever the reader says of bytes that are none */
export function readHttpRequest(record: Uint8Array, body: Uint8Array): HttpRequest & { readonly version: string } {
  const input = new ByteReader(record, "the request");
  const tag = input.u8();
  const method = tag === methods.length ? input.string() : methods[tag];
  const headers = readHeaders(input);
  const timeout = input.u8();
  const timeoutMs = timeout === 0 ? Math.max(0, Number(input.i64()) / 1000) : undefined;
  const uri = input.string();
  const version = versions[input.u8()];
  if (method === undefined || timeout > 1 || version === undefined || input.at !== record.length)
    throw new TypeError("the request is no request");
  return { method, uri, headers, body, timeoutMs, version };
}

/** The record of a request that names no time-out. @param version as `1.1` */
export function writeHttpRequest(method: string, uri: string, headers: HttpHeaders, version: string): Uint8Array {
  const out = new ByteWriter();
  const tag = methods.indexOf(method);
  out.u8(tag < 0 ? methods.length : tag);
  if (tag < 0) out.string(method);
  writeHeaders(out, headers);
  out.u8(1); // no time-out
  out.string(uri);
  writeVersion(out, version);
  return out.toBytes();
}

/** The record of an answer. */
export function writeHttpResponse({
  headers,
  version,
  status,
}: HttpAnswer & { readonly kind: "answered" }): Uint8Array {
  const out = new ByteWriter();
  writeHeaders(out, headers);
  writeVersion(out, version);
  out.u16(status);
  return out.toBytes();
}

/** Reads the record of an answer. @throws whatever the reader says of bytes that are none */
export function readHttpResponse(record: Uint8Array): { readonly status: number; readonly headers: HttpHeaders } {
  const input = new ByteReader(record, "the response");
  const headers = readHeaders(input);
  const version = input.u8();
  const status = input.u16();
  if (version >= versions.length || input.at !== record.length) throw new TypeError("the response is no response");
  return { status, headers };
}

/** Why there is none. */
export function writeHttpFailure(reason: string): Uint8Array {
  const out = new ByteWriter();
  out.string(reason);
  return out.toBytes();
}

function readHeaders(input: ByteReader): HttpHeaders {
  const headers: (readonly [string, Uint8Array])[] = [];
  for (let left = input.count(8); left > 0; left -= 1) headers.push([input.string(), input.byteArray()]);
  return headers;
}

function writeHeaders(out: ByteWriter, headers: HttpHeaders): void {
  out.u32(headers.length);
  for (const [name, value] of headers) {
    out.string(name);
    out.byteArray(value);
  }
}

function writeVersion(out: ByteWriter, version: string): void {
  const tag = versions.indexOf(version);
  out.u8(tag < 0 ? versions.indexOf("1.1") : tag);
}
