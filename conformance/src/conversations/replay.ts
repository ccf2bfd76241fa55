/** Plays the clients of a recorded conversation against a running server, and says what came differently. */
import { once } from "node:events";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { toHex } from "@lightcone/sats";
import { WebSocket } from "ws";
import type { Served } from "../served.ts";
import { actualBinary, fillIn, matches, recordedBinary, toldInJson, type Names, type Told } from "./compare.ts";
import { cutPayload, type Exchange, type Step } from "./recording.ts";

/** What a connection hears. */
type Heard =
  | { readonly kind: "status"; readonly status: number; readonly headers: Headers; readonly body: string }
  | { readonly kind: "message"; readonly data: Uint8Array; readonly isBinary: boolean }
  | { readonly kind: "close"; readonly code: number | null; readonly reason: string; readonly isClean: boolean };
type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

const answerWithinMs = 30_000;
/** How long a step that has no answer, or a last one, is listened to, after the host and the sockets have answered. */
const quietMs = 300;

class Line {
  readonly heard: Heard[] = [];
  socket: WebSocket | undefined;
  wake: (() => void) | undefined;

  push(heard: Heard): void {
    this.heard.push(heard);
    this.wake?.();
  }

  async next(withinMs: number): Promise<Heard | undefined> {
    if (this.heard.length === 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, withinMs);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.wake = undefined;
    }
    return this.heard.shift();
  }
}

/** What was sent to a socket before has come when this is over. */
async function answered(socket: WebSocket): Promise<void> {
  if (socket.readyState !== WebSocket.OPEN) return;
  const over = new AbortController();
  const { signal } = over;
  const either = Promise.race([once(socket, "pong", { signal }), once(socket, "close", { signal })]);
  socket.ping();
  await either.finally(() => over.abort());
}

export interface ReplayOptions {
  /** Tables whose entries without rows are not looked for. */
  readonly tablesUnderRules: ReadonlySet<string>;
  /** Sends what HTTP steps ask for. */
  readonly http: (step: Step) => Promise<Response>;
  /** The name of the recording. */
  readonly protocol: string;
}

export class Replay {
  readonly names: Names;
  private readonly served: Served;
  private readonly options: ReplayOptions;
  private readonly lines = new Map<string, Line>();

  constructor(served: Served, names: Names, options: ReplayOptions) {
    this.served = served;
    this.names = names;
    this.options = options;
  }

  /** Performs what a client does; then, unless `isHeard` is false, compares what is heard. Gives the differences. */
  async play(exchange: Exchange): Promise<readonly string[]> {
    const problems = await this.act(exchange.act);
    const places = new Map<string, number>();
    for (const step of exchange.heard) {
      const client = step.client ?? "";
      places.set(client, (places.get(client) ?? 0) + 1);
      const heard = await this.line(client).next(answerWithinMs);
      const problem = this.compare(step, heard);
      if (problem !== undefined) problems.push(`${client} #${places.get(client)}: ${problem}`);
    }
    return problems;
  }

  async act(act: Step): Promise<string[]> {
    if (act.dir === "http") {
      const response = await this.options.http(act);
      const body = await response.text();
      return response.status === act.status ? [] : [`HTTP answered ${response.status} (${body}), not ${act.status}`];
    }
    const line = this.line(act.client ?? "");
    if (act.open !== undefined) await this.open(line, act.open);
    else if (act.close !== undefined) line.socket?.close(act.close.code ?? undefined);
    else if (act.text !== undefined) line.socket?.send(fillIn(act.text, this.names));
    else line.socket?.send(Buffer.from(act.hex ?? "", "hex"));
    return [];
  }

  /** Forgets what is heard until nothing comes any more. */
  async drain(): Promise<number> {
    let count = 0;
    for (;;) {
      await this.quiet();
      const before = count;
      for (const line of this.lines.values()) count += line.heard.splice(0).length;
      if (count === before) return count;
    }
  }

  /** What was said and not asked for. */
  async leftOver(): Promise<readonly string[]> {
    await this.quiet();
    return [...this.lines].flatMap(([client, line]) =>
      line.heard.splice(0).map((heard) => `${client}: ${show(heard)}`),
    );
  }

  end(): void {
    for (const { socket } of this.lines.values()) socket?.terminate();
  }

  private async quiet(): Promise<void> {
    await (await this.served.request("GET", "/v1/database/harbor/schema?version=9")).text();
    for (const { socket } of this.lines.values()) if (socket !== undefined) await answered(socket);
    await new Promise((resolve) => setTimeout(resolve, quietMs));
  }

  private line(client: string): Line {
    let line = this.lines.get(client);
    if (line === undefined) this.lines.set(client, (line = new Line()));
    return line;
  }

  private async open(line: Line, open: Step["open"] & {}): Promise<void> {
    const path = fillIn(open.request.replace(/^GET /, ""), this.names);
    const authorization = open["authorization"];
    const protocols = (open["sec-websocket-protocol"] ?? "").split(", ");
    const socket = new WebSocket(`${this.served.url.replace(/^http/, "ws")}${path}`, protocols, {
      headers: authorization === undefined ? {} : { authorization: fillIn(authorization, this.names) },
      perMessageDeflate: false,
    });
    line.socket = socket;
    const answered = new Promise<void>((resolve) => {
      socket.on("upgrade", ({ headers }) => {
        line.push({ kind: "status", status: 101, headers, body: "" });
        resolve();
      });
      socket.on("unexpected-response", (_request, response) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.on("end", () => {
          const { statusCode = 0, headers } = response;
          line.push({ kind: "status", status: statusCode, headers, body: Buffer.concat(parts).toString() });
          resolve();
        });
      });
    });
    socket.on("message", (data: Buffer, isBinary) => {
      const payload = Uint8Array.from(data);
      const isCut = this.options.protocol.startsWith("v3.") && isBinary && payload[0] === 0;
      for (const { bytes } of isCut ? cutPayload(payload) : [{ bytes: payload }])
        line.push({ kind: "message", data: bytes, isBinary });
    });
    socket.on("error", () => undefined);
    socket.on("close", (code, reason) => {
      const isClean = code !== 1006;
      if (socket.protocol !== "" || isClean)
        line.push({ kind: "close", code: code === 1005 ? null : code, reason: reason.toString(), isClean });
    });
    await answered;
  }

  private compare(step: Step, heard: Heard | undefined): string | undefined {
    if (heard === undefined) return `nothing came; expected ${brief(step)}`;
    if (step.status !== undefined) return this.compareStatus(step, heard);
    if (step.dropped === true)
      return heard.kind === "close" && !heard.isClean ? undefined : `expected a dropped socket, heard ${show(heard)}`;
    if (step.close !== undefined) {
      const { code, reason } = step.close;
      const isSame = heard.kind === "close" && heard.isClean && heard.code === code && heard.reason === (reason ?? "");
      return isSame ? undefined : `expected Close ${code} ${reason}, heard ${show(heard)}`;
    }
    if (heard.kind !== "message") return `expected ${brief(step)}, heard ${show(heard)}`;
    if (step.text !== undefined) {
      if (heard.isBinary) return "a binary message came on a text connection";
      const text = new TextDecoder().decode(heard.data);
      this.learnFromJson(step, text);
      return this.difference(toldInJson(fillIn(step.text, this.names)), toldInJson(text));
    }
    if (!heard.isBinary) return "a text message came on a binary connection";
    if (step.hex === undefined) return heard.data[0] === 0 ? undefined : "a compressed message came";
    return this.compareBinary(step, heard.data);
  }

  private compareBinary(step: Step, data: Uint8Array): string | undefined {
    const tag = Number.parseInt((step.hex ?? "").slice(0, 2), 16);
    if (data[0] !== tag) return `the compression byte is ${data[0]}, not ${tag}`;
    if (tag !== 0) {
      const payload = tag === 1 ? brotliDecompressSync(data.subarray(1)) : gunzipSync(data.subarray(1));
      const length = step.decoded?.payload_length;
      return payload.length === length ? undefined : `the payload has ${payload.length} bytes, not ${length}`;
    }
    const { protocol } = this.options;
    const actual = actualBinary(data.subarray(1), protocol);
    // The connection ids come with the first message.
    if (typeof actual === "object" && actual !== null && "token" in actual && typeof actual["connection"] === "string")
      this.names.set(`connection_id.${step.client}`, reversed(actual["connection"]));
    return this.difference(recordedBinary(step, this.names, protocol), actual);
  }

  private difference(expected: Told, actual: Told): string | undefined {
    const { tablesUnderRules } = this.options;
    const wanted = withoutTables(expected, (table) => {
      return tablesUnderRules.has(nameOf(table)) && !hasRows(table);
    });
    if (matches(wanted, actual)) return undefined;
    return `expected ${JSON.stringify(wanted)}\n  heard ${JSON.stringify(actual)}`;
  }

  private compareStatus(step: Step, heard: Heard): string | undefined {
    if (heard.kind !== "status") return `expected status ${step.status}, heard ${show(heard)}`;
    if (heard.status !== step.status) return `status ${heard.status} (${heard.body}), not ${step.status}`;
    for (const [name, value] of Object.entries(step.headers ?? {})) {
      const actual = heard.headers[name];
      const known = /^\{\{(identity|token)\.(\w+(?:\.short)?)\}\}$/.exec(value);
      if (known !== null && !this.names.has(value.slice(2, -2)) && typeof actual === "string")
        this.names.set(value.slice(2, -2), actual);
      const wanted = fillIn(value, this.names);
      if (actual !== wanted) return `header ${name} is ${String(actual)}, not ${wanted}`;
    }
    const body = fillIn(step.body ?? "", this.names);
    return heard.body === body ? undefined : `body ${heard.body}, not ${body}`;
  }

  private learnFromJson(step: Step, text: string): void {
    const id = /"__connection_id__":(\d+)\}\}\}$/.exec(text)?.[1];
    if (text.startsWith('{"IdentityToken"') && id !== undefined)
      this.names.set(`connection_id.${step.client}`, BigInt(id).toString(16).padStart(32, "0"));
  }
}

function reversed(hex: string): string {
  return (hex.match(/../g) ?? []).reverse().join("");
}

interface Table {
  readonly tableName?: string;
  readonly table_name?: string;
}

function nameOf(table: Table): string {
  return table.tableName ?? table.table_name ?? "";
}

function withoutTables(told: Told, isLeftOut: (table: Table) => boolean): Told {
  return JSON.parse(JSON.stringify(told), (key: string, value: unknown) =>
    key === "tables" && Array.isArray(value)
      ? value.filter((table: Table) => !isLeftOut(table))
      : key === "querySets" && Array.isArray(value)
        ? value.filter(({ tables }: { tables: readonly unknown[] }) => tables.length > 0)
        : value,
  );
}

/** Whether one of a table's lists of rows, whatever it is called, has a row. */
function hasRows(table: Table): boolean {
  return /"rows":\[[^\]]/.test(JSON.stringify(table));
}

function brief(step: Step): string {
  if (step.close !== undefined) return `Close ${step.close.code}`;
  return JSON.stringify(step.text ?? step.decoded ?? step.comment ?? step.status).slice(0, 300);
}

function show(heard: Heard): string {
  if (heard.kind === "close") return `${heard.isClean ? "Close" : "a dropped socket"} ${heard.code} ${heard.reason}`;
  if (heard.kind === "status") return `status ${heard.status} ${heard.body}`;
  if (!heard.isBinary) return new TextDecoder().decode(heard.data);
  return heard.data[0] === 0 ? `message ${toHex(heard.data.subarray(1))}` : `${heard.data.length} compressed bytes`;
}
