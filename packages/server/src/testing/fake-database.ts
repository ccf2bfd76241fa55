/**
 * A database for tests of the front: it echoes. A frame `drop`, `close`, `flood`, `big`, `slow`, `keep`, `drop1` or
 * `fail` asks for that behaviour; anything else comes back as it was. The front never looks inside a frame, so nothing more is needed.
 */
import { unreachable } from "@lightcone/base";
import type {
  ConnectionHandle,
  ConnectionInfo,
  ConnectionSink,
  DatabaseLink,
  DatabaseRequest,
  Reply,
  FrontResume,
  Resume,
  ResumedConnection,
} from "@lightcone/database/front";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class FakeDatabase implements DatabaseLink {
  readonly connections = new Set<FakeConnection>();
  readonly requests: DatabaseRequest[] = [];
  readonly infos: ConnectionInfo[] = [];
  readonly failed: Promise<Error>;
  fail: (error: Error) => void = () => undefined;
  stopped = 0;
  flushes = 0;
  program: Uint8Array = new Uint8Array(0);
  private released: (() => void) | undefined;

  constructor() {
    this.failed = new Promise((resolve) => (this.fail = resolve));
  }

  connect(info: ConnectionInfo, sink: ConnectionSink): ConnectionHandle {
    this.infos.push(info);
    const connection = new FakeConnection(this, sink);
    this.connections.add(connection);
    return connection;
  }

  /** Takes back connections: each is told what it was subscribed to, and gets its pending messages run. */
  resume(resume: Resume): readonly ConnectionHandle[] {
    return resume.flatMap((front) => front.connections.map((connection) => this.resumeOne(front, connection)));
  }

  private resumeOne({ releasedOffset }: FrontResume, connection: ResumedConnection): ConnectionHandle {
    const { info, sink, subscribed, pending, received } = connection;
    const handle = this.connect(info, sink);
    const numbers = subscribed.map((part) => `${part.message} ${decoder.decode(part.state)}`).join(" ");
    const greeting = encoder.encode(`resumed at ${releasedOffset} after ${received}, subscribed ${numbers}`);
    sink.send(greeting, 0, greeting.length, true);
    for (const { bytes, isText } of pending) handle.receive(bytes, 0, bytes.length, isText);
    return handle;
  }

  async request(request: DatabaseRequest): Promise<Reply> {
    this.requests.push(request);
    switch (request.kind) {
      case "publish": {
        const program = decoder.decode(request.program);
        if (program.startsWith("bad")) return reply(500, program);
        if (program === "refused") return reply(400, "Database update rejected: refused");
        this.program = request.program;
        return reply(200, "");
      }
      case "program":
        return { status: 200, headers: {}, body: this.program };
      case "call":
        if (request.functionName === "crash") throw new Error("inner", { cause: new Error("cause") });
        if (request.functionName === "fail") return reply(530, "no");
        if (request.functionName === "hang") await new Promise<void>((resolve) => (this.released = resolve));
        return reply(200, "", { "spacetime-energy-used": "0" });
      case "route":
        return {
          ...reply(200, JSON.stringify([request.method, request.path, request.uri, request.version])),
          fields: request.headers.map(([name, value]) => [`got-${name}`, new TextDecoder("latin1").decode(value)]),
          body: request.body,
        };
      case "sql":
        return reply(200, JSON.stringify([{ rows: [], text: request.text, owner: request.caller.isOwner }]), {
          "content-type": "application/json",
        });
      case "schema":
        return reply(200, JSON.stringify({ form: request.form }), { "content-type": "application/json" });
      case "plan":
        return reply(200, JSON.stringify({ AutoMigrate: { migrate_plan: request.style } }), {
          "content-type": "application/json",
        });
      case "snapshot":
        return reply(200, `{"offset":41}`, { "content-type": "application/json" });
      default:
        return unreachable(request);
    }
  }

  async flushLog(): Promise<void> {
    this.flushes += 1;
  }

  async stop(): Promise<undefined> {
    this.stopped += 1;
    this.released?.();
    return undefined;
  }
}

function reply(status: number, body: string, headers: Record<string, string> = {}): Reply {
  return {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", ...headers },
    body: encoder.encode(body),
  };
}

/** How many bytes `flood` sends and `big` holds. */
export const floodMessages = 100;
export const bigBytes = 1_000_000;
/** The byte at a place of `big`. */
export const bigByte = (at: number): number => (at * 31) % 251;

export class FakeConnection implements ConnectionHandle {
  readonly sink: ConnectionSink;
  readonly received: { readonly bytes: Uint8Array; readonly isText: boolean }[] = [];
  closedCount = 0;
  ready = true;
  isIdle = false;
  onReady: (() => void) | undefined;
  private readonly database: FakeDatabase;

  constructor(database: FakeDatabase, sink: ConnectionSink) {
    this.database = database;
    this.sink = sink;
  }

  receive(bytes: Uint8Array, at: number, length: number, isText: boolean): void {
    const message = bytes.slice(at, at + length);
    this.received.push({ bytes: message, isText });
    const sink = this.sink;
    switch (length < 8 ? decoder.decode(message) : "") {
      case "drop":
        sink.close(undefined, "");
        break;
      case "close":
        sink.close(1013, "too many requests");
        break;
      case "flood":
        for (let i = 0; i < floodMessages; i += 1)
          sink.send(encoder.encode(`flood ${i}`), 0, encoder.encode(`flood ${i}`).length, true);
        break;
      case "big": {
        // In parts, from the middle of a larger buffer.
        const big = Uint8Array.from({ length: bigBytes + 20 }, (_, at) => bigByte(at - 10));
        for (let from = 0; from < bigBytes; from += 300_000) {
          const size = Math.min(300_000, bigBytes - from);
          sink.send(big, 10 + from, size, from + size === bigBytes);
        }
        break;
      }
      case "keep":
        sink.note({ kind: "kept", message: this.received.length, state: encoder.encode("as it is") });
        break;
      case "drop1":
        sink.note({ kind: "dropped", message: 1 });
        sink.note({ kind: "behind" });
        sink.note({ kind: "level" });
        break;
      case "slow":
        this.ready = false;
        break;
      case "fail":
        this.database.fail(new Error("asked to"));
        break;
      default:
        sink.send(message, 0, message.length, true);
    }
    sink.answered(this.received.length);
  }

  /** Takes more again. */
  resume(): void {
    this.ready = true;
    this.onReady?.();
  }

  closed(): void {
    this.closedCount += 1;
    this.database.connections.delete(this);
  }
}
