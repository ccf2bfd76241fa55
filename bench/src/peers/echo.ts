/**
 * The limit of the transport: a host that answers each frame with as many bytes as a transfer is answered with, and
 * does nothing else. Front, pipe and processes are the ones that a database has.
 */
import { once } from "node:events";
import type { ConnectionHandle, ConnectionInfo, ConnectionSink, DatabaseLink, Reply } from "@lightcone/database/front";
import { beginTransactionUpdate, endTransactionUpdate, writeIdentityToken } from "@lightcone/protocol";
import { ByteWriter } from "@lightcone/sats";

const chunkBytes = 256 * 1024;
const answer = makeAnswer();

/** What the committed transfer of a client that subscribes to nothing is answered with. */
function makeAnswer(): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter();
  beginTransactionUpdate(out);
  out.u32(0);
  endTransactionUpdate(out, {
    timestampMicros: 0,
    sender: new Uint8Array(32),
    connection: new Uint8Array(16),
    functionName: "transfer",
    reducerId: 0,
    args: new Uint8Array(16),
    requestId: 0,
    durationMicros: 0,
  });
  return out.toBytes();
}

class EchoConnection implements ConnectionHandle {
  readonly ready = true;
  onReady: (() => void) | undefined;
  private readonly sink: ConnectionSink;
  private readonly link: EchoLink;
  private count = 0;

  constructor(link: EchoLink, sink: ConnectionSink) {
    this.link = link;
    this.sink = sink;
  }

  receive(): void {
    const out = this.link.room();
    const at = out.length;
    out.raw(answer);
    this.sink.send(out.bytes, at, answer.length, true);
    this.sink.answered((this.count += 1));
  }

  closed(): void {}
}

class EchoLink implements DatabaseLink {
  readonly failed: Promise<Error> = once(new EventTarget(), "never").then(() => new Error("unreachable"));
  private chunk = new ByteWriter(chunkBytes);

  /** Each answer has bytes of its own, as a database's answers have. */
  room(): ByteWriter {
    if (this.chunk.length + answer.length > chunkBytes) this.chunk = new ByteWriter(chunkBytes);
    return this.chunk;
  }

  connect({ caller, token }: ConnectionInfo, sink: ConnectionSink): ConnectionHandle {
    const greeting = new ByteWriter();
    writeIdentityToken(greeting, caller.identity, token, caller.connectionId);
    sink.send(greeting.toBytes(), 0, greeting.length, true);
    return new EchoConnection(this, sink);
  }

  request(): Promise<Reply> {
    return Promise.resolve({ status: 200, headers: {}, body: new Uint8Array(0) });
  }

  flushLog(): Promise<void> {
    return Promise.resolve(); // An echo has nothing to log.
  }

  stop(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
}

export function openHostDatabase(): Promise<{ link: DatabaseLink; handles: readonly ConnectionHandle[] }> {
  return Promise.resolve({ link: new EchoLink(), handles: [] });
}
