/**
 * What stands in a batch. Each message is a kind and its fields; none carries a length, both ends being one release.
 *
 *   front → host   connect key info · frame key isText bytes · closed key · taken key bytes
 *                  request id request · left id · flushLog id · stop withinMs · park
 *                  open record resume
 *   host → front   payload bytes · deliveries count (key, payload | last)… · close key code reason
 *                  note key note · answered key count · credit key bytes
 *                  reply id reply · replyFailed id error · opened ends · openFailed error · stopped rest · failed error
 *                  warm · parked rest · operator level message
 *
 * A payload is sent once for all its receivers: payloads are numbered within their batch, and deliveries name them.
 */
import { LightconeError, errorCodes, unreachable } from "@lightcone/base";
import type { ErrorCode } from "@lightcone/base";
import type { ByteReader, ByteWriter } from "@lightcone/sats";
import { readHttpRequest, writeHttpRequest } from "@lightcone/host";
import { HostEnded, wireProtocols } from "@lightcone/database/front";
import type {
  Caller,
  Compression,
  ConnectionInfo,
  ConnectionSink,
  DatabaseRequest,
  HostType,
  KeptPart,
  NumberedMessage,
  Reply,
  Rest,
  FrontResume,
  Resume,
  ResumedConnection,
  ResumeNote,
  Visitor,
} from "@lightcone/database/front";

export const toHost = {
  open: 1,
  connect: 2,
  frame: 3,
  closed: 4,
  taken: 5,
  request: 6,
  flushLog: 7,
  stop: 8,
  park: 9,
  left: 10,
} as const;

export const toFront = {
  opened: 32,
  openFailed: 33,
  payload: 34,
  deliveries: 35,
  close: 36,
  answered: 37,
  note: 38,
  credit: 39,
  reply: 40,
  replyFailed: 41,
  stopped: 42,
  failed: 43,
  warm: 44,
  parked: 45,
  operator: 46,
} as const;

/** Set in a delivery's payload number when it ends its message. */
export const lastBit = 0x8000_0000;
/** Stands for "none" where a u32 may be missing. */
const none = 0xffff_ffff;

const compressions: readonly Compression[] = ["none", "gzip", "brotli"];
const noteKinds: readonly ResumeNote["kind"][] = ["kept", "dropped", "waits", "done", "behind", "level"];
const hostTypes: readonly HostType[] = ["wasm", "js"];
const schemaForms: readonly (DatabaseRequest & { readonly kind: "schema" })["form"][] = ["9", "10", "client"];
const requestKinds: readonly DatabaseRequest["kind"][] = [
  "call",
  "route",
  "sql",
  "schema",
  "publish",
  "plan",
  "program",
  "snapshot",
];

function writeWord<Word extends string>(out: ByteWriter, words: readonly Word[], word: Word): void {
  out.u8(words.indexOf(word));
}

function readWord<Word extends string>(input: ByteReader, words: readonly Word[]): Word {
  const word = words[input.u8()];
  return word ?? input.fail("unknown word");
}

function writeOptional(out: ByteWriter, value: number | undefined): void {
  out.u32(value ?? none);
}

function readOptional(input: ByteReader): number | undefined {
  const value = input.u32();
  return value === none ? undefined : value;
}

function writeCaller(out: ByteWriter, caller: Caller): void {
  out.byteArray(caller.identity);
  out.byteArray(caller.connectionId);
  out.string(caller.claims);
  out.bool(caller.isOwner);
}

function readCaller(input: ByteReader): Caller {
  const identity = input.byteArray();
  const connectionId = input.byteArray();
  return { identity, connectionId, claims: input.string(), isOwner: input.bool() };
}

export function writeInfo(out: ByteWriter, info: ConnectionInfo): void {
  writeCaller(out, info.caller);
  out.string(info.token);
  writeWord(out, wireProtocols, info.protocol);
  writeWord(out, compressions, info.compression);
  out.bool(info.light);
  out.bool(info.confirmed);
  out.bool(info.results === true);
}

export function readInfo(input: ByteReader): ConnectionInfo {
  const caller = readCaller(input);
  const token = input.string();
  const protocol = readWord(input, wireProtocols);
  const compression = readWord(input, compressions);
  const light = input.bool();
  const confirmed = input.bool();
  return { caller, token, protocol, compression, light, confirmed, results: input.bool() };
}

export function writeRequest(out: ByteWriter, request: DatabaseRequest): void {
  writeWord(out, requestKinds, request.kind);
  switch (request.kind) {
    case "call":
      writeCaller(out, request.caller);
      out.string(request.functionName);
      out.string(request.args);
      return;
    case "route":
      writeCaller(out, request.caller);
      out.string(request.peer);
      out.string(request.method);
      out.string(request.path);
      out.byteArray(writeHttpRequest(request.method, request.uri, request.headers, request.version));
      out.byteArray(request.body);
      return;
    case "sql":
      writeCaller(out, request.caller);
      out.string(request.text);
      out.bool(request.confirmed);
      return;
    case "schema":
      writeWord(out, schemaForms, request.form);
      return;
    case "publish":
      out.byteArray(request.program);
      writeWord(out, hostTypes, request.hostType);
      out.bool(request.breakClients);
      out.bool(request.migrationToken !== undefined);
      out.string(request.migrationToken ?? "");
      out.bool(request.dropsData ?? false);
      out.byteArray(request.id ?? noId);
      return;
    case "plan":
      out.byteArray(request.program);
      writeWord(out, hostTypes, request.hostType);
      out.bool(request.style === "ansi");
      out.bool(request.dropsData ?? false);
      out.bool(request.isDetailed ?? false);
      out.byteArray(request.id ?? noId);
      return;
    case "program":
    case "snapshot":
  }
}

export function readRequest(input: ByteReader): DatabaseRequest {
  const kind = readWord(input, requestKinds);
  switch (kind) {
    case "call":
      return { kind, caller: readCaller(input), functionName: input.string(), args: input.string() };
    case "route": {
      const caller = readCaller(input);
      const peer = input.string();
      const method = input.string();
      const path = input.string();
      const record = input.byteArray();
      const body = input.byteArray();
      const { uri, headers, version } = readHttpRequest(record, body);
      return { kind, caller, peer, method, path, uri, headers, version, body };
    }
    case "sql":
      return { kind, caller: readCaller(input), text: input.string(), confirmed: input.bool() };
    case "schema":
      return { kind, form: readWord(input, schemaForms) };
    case "publish": {
      const program = input.byteArray();
      const hostType = readWord(input, hostTypes);
      const breakClients = input.bool();
      const hasToken = input.bool();
      const migrationToken = input.string();
      const dropsData = input.bool();
      const id = input.byteArray();
      return { kind, program, hostType, breakClients, dropsData, ...(hasToken ? { migrationToken } : {}), ...idOf(id) };
    }
    case "plan": {
      const program = input.byteArray();
      const hostType = readWord(input, hostTypes);
      const style = input.bool() ? "ansi" : "plain";
      const dropsData = input.bool();
      const isDetailed = input.bool();
      return { kind, program, hostType, style, dropsData, isDetailed, ...idOf(input.byteArray()) };
    }
    case "program":
    case "snapshot":
      return { kind };
    default:
      return unreachable(kind);
  }
}

const noId = new Uint8Array(0);

function idOf(id: Uint8Array): { readonly id?: Uint8Array } {
  return id.length === 0 ? {} : { id };
}

/** Undefined when there is none. */
export function writeRest(out: ByteWriter, rest: Rest | undefined): void {
  out.bool(rest !== undefined);
  if (rest === undefined) return;
  out.f64(rest.offset);
  out.f64(rest.nextDueMicros ?? NaN);
}

export function readRest(input: ByteReader): Rest | undefined {
  if (!input.bool()) return undefined;
  const offset = input.f64();
  const nextDueMicros = input.f64();
  return { offset, nextDueMicros: Number.isNaN(nextDueMicros) ? undefined : nextDueMicros };
}

export function writeReply(out: ByteWriter, reply: Reply): void {
  out.u16(reply.status);
  const headers = Object.entries(reply.headers);
  out.u16(headers.length);
  for (const [name, value] of headers) {
    out.string(name);
    out.string(value);
  }
  const { fields = [] } = reply;
  out.u32(fields.length);
  for (const [name, value] of fields) {
    out.string(name);
    out.string(value);
  }
  out.byteArray(reply.body);
}

export function readReply(input: ByteReader): Reply {
  const status = input.u16();
  const headers: Record<string, string> = {};
  for (let count = input.u16(); count > 0; count -= 1) {
    const name = input.string();
    headers[name] = input.string();
  }
  const fields = Array.from({ length: input.u32() }, () => [input.string(), input.string()] as const);
  const body = input.byteArray();
  return fields.length === 0 ? { status, headers, body } : { status, headers, fields, body };
}

export function writeClose(out: ByteWriter, code: number | undefined, reason: string): void {
  writeOptional(out, code);
  out.string(reason);
}

export function readClose(input: ByteReader): { readonly code: number | undefined; readonly reason: string } {
  return { code: readOptional(input), reason: input.string() };
}

export function writeNote(out: ByteWriter, note: ResumeNote): void {
  writeWord(out, noteKinds, note.kind);
  if (note.kind === "kept") writePart(out, note);
  else if ("message" in note) out.u32(note.message);
}

export function readNote(input: ByteReader): ResumeNote {
  const kind = readWord(input, noteKinds);
  if (kind === "kept") return { kind, ...readPart(input) };
  return kind === "behind" || kind === "level" ? { kind } : { kind, message: input.u32() };
}

/** An error with its code and detail, if it has any, and the texts of its causes. */
export function writeError(out: ByteWriter, error: unknown): void {
  const isKnown = error instanceof LightconeError;
  const isEnd = error instanceof HostEnded;
  out.string(isKnown ? error.code : isEnd ? error.name : "");
  out.string(isKnown ? JSON.stringify(error.detail) : isEnd ? JSON.stringify(endOf(error)) : "");
  out.string(error instanceof Error ? error.message : String(error));
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  out.bool(cause !== undefined);
  if (cause !== undefined) out.string(cause instanceof Error ? cause.message : JSON.stringify(cause));
}

function endOf({ suspect, isModulesFault }: HostEnded): Pick<HostEnded, "suspect" | "isModulesFault"> {
  return { suspect, isModulesFault };
}

export function readError(input: ByteReader): Error {
  const code = input.string();
  const detail = input.string();
  const message = input.string();
  const options = input.bool() ? { cause: new Error(input.string()) } : undefined;
  if (code === "HostEnded") {
    const { suspect, isModulesFault }: ReturnType<typeof endOf> = JSON.parse(detail);
    return new HostEnded(message, suspect, isModulesFault, options);
  }
  const known: ErrorCode | undefined = errorCodes.find((candidate) => candidate === code);
  if (known === undefined) return new Error(message, options);
  // The other end is this release: the detail belongs to the code.
  return new LightconeError(known, JSON.parse(detail) as never, options);
}

/** Resumed connections go by their keys, given in the same order. */
export function writeResume(out: ByteWriter, resume: Resume, keys: readonly number[]): void {
  out.u32(resume.length);
  let index = 0;
  for (const { front, releasedOffset, requestCount, condemned, ends, isCareful, connections, visits } of resume) {
    out.string(front);
    out.f64(releasedOffset);
    out.u32(requestCount);
    out.string(JSON.stringify({ condemned, ends }));
    out.bool(isCareful);
    out.u32(connections.length);
    for (const connection of connections) {
      out.u32(keys[index] ?? 0);
      index += 1;
      writeInfo(out, connection.info);
      writeParts(out, connection.subscribed);
      writeNumbered(out, connection.pending);
      out.u32(connection.received);
    }
    out.u32(visits.length);
    for (const { identity, connectionId, functionName } of visits) {
      out.byteArray(identity);
      out.byteArray(connectionId);
      out.bool(functionName !== undefined);
      out.string(functionName ?? "");
    }
  }
}

/** @param sinkOf makes the sink of the connection with that key */
export function readResume(input: ByteReader, sinkOf: (key: number) => ConnectionSink): Resume {
  const fronts: FrontResume[] = [];
  for (let count = input.count(1); count > 0; count -= 1) fronts.push(readFrontResume(input, sinkOf));
  return fronts;
}

function readFrontResume(input: ByteReader, sinkOf: (key: number) => ConnectionSink): FrontResume {
  const front = input.string();
  const releasedOffset = input.f64();
  const requestCount = input.u32();
  const { condemned, ends }: Pick<FrontResume, "condemned" | "ends"> = JSON.parse(input.string());
  const isCareful = input.bool();
  const connections: ResumedConnection[] = [];
  for (let count = input.count(1); count > 0; count -= 1) {
    const sink = sinkOf(input.u32());
    const info = readInfo(input);
    const subscribed = readParts(input);
    const pending = readNumbered(input);
    connections.push({ info, sink, subscribed, pending, received: input.u32() });
  }
  const visits: Visitor[] = [];
  for (let count = input.count(13); count > 0; count -= 1) {
    const client = { identity: input.byteArray(), connectionId: input.byteArray() };
    const isCall = input.bool();
    const functionName = input.string();
    visits.push({ ...client, functionName: isCall ? functionName : undefined });
  }
  return { front, releasedOffset, connections, visits, requestCount, condemned, ends, isCareful };
}

function writeParts(out: ByteWriter, parts: readonly KeptPart[]): void {
  out.u32(parts.length);
  for (const part of parts) writePart(out, part);
}

function readParts(input: ByteReader): readonly KeptPart[] {
  const parts: KeptPart[] = [];
  for (let count = input.count(8); count > 0; count -= 1) parts.push(readPart(input));
  return parts;
}

function writePart(out: ByteWriter, { message, state }: KeptPart): void {
  out.u32(message);
  out.byteArray(state);
}

function readPart(input: ByteReader): KeptPart {
  return { message: input.u32(), state: input.byteArray() };
}

function writeNumbered(out: ByteWriter, messages: readonly NumberedMessage[]): void {
  out.u32(messages.length);
  for (const message of messages) {
    out.u32(message.number);
    out.bool(message.isText);
    out.byteArray(message.bytes);
  }
}

function readNumbered(input: ByteReader): readonly NumberedMessage[] {
  const messages: NumberedMessage[] = [];
  for (let count = input.count(9); count > 0; count -= 1) {
    const number = input.u32();
    const isText = input.bool();
    messages.push({ number, isText, bytes: input.byteArray() });
  }
  return messages;
}
