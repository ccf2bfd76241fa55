// Goal: a session runs its messages in order and answers each once, whatever becomes of it, and knows no message.
// Method: a session over a real loop, log and durability queue, with a protocol of this test whose messages are words; no
// module runs. What the sink is given is looked at whole: messages, notes, numbers of answered messages, the close.
import { LightconeError } from "@lightcone/base";
import { CommitKind } from "@lightcone/engine";
import { beforeEach, describe, expect, test } from "vitest";
import { Call } from "../core/call.ts";
import type { ConnectionInfo, ConnectionSink, KeptPart, ResumeNote } from "../link/link.ts";
import type { Piece } from "../link/piece.ts";
import type { Settled } from "../recovery/replay.ts";
import type { NumberedMessage, ResumedConnection } from "../recovery/resume.ts";
import { SlicedRead } from "../subscriptions/sliced-read.ts";
import { openParts, testCaller, type TestModuleSketch, type TestParts } from "../testing/index.ts";
import type { Channel, ClientRequest, Conversation, Frame, PutOff, Wire } from "../wire/wire.ts";
import { DurabilityQueue } from "./durability-queue.ts";
import { GatheredAnswers } from "./gathered-answers.ts";
import { Session } from "./session.ts";

const encoder = new TextEncoder();
const piece = (text: string): Piece => ({ bytes: encoder.encode(text), at: 0, length: encoder.encode(text).length });
const textOf = ({ bytes, at, length }: Frame): string => new TextDecoder().decode(bytes.subarray(at, at + length));

/** A protocol of words: `later X`, which is put off until the test says so, `echo X`, `parts X Y`, `keep`, `quiet`, `loop`, `answer then loop`, `slices`, and noise. */
class WordWire implements Wire {
  readonly parts: TestParts;
  readonly ran: string[] = [];
  readonly putOff = new Map<string, PutOff>();

  constructor(parts: TestParts) {
    this.parts = parts;
  }

  open(channel: Channel): Conversation {
    return new Words(this, channel);
  }

  functionCalledBy(): undefined {
    return undefined;
  }
}

class Words implements Conversation {
  private readonly wire: WordWire;
  private readonly channel: Channel;

  constructor(wire: WordWire, channel: Channel) {
    this.wire = wire;
    this.channel = channel;
  }

  sendIdentity(): void {
    this.channel.send(piece("welcome"));
  }

  readsOnly(): boolean {
    return false;
  }

  run(request: ClientRequest): void {
    const text = textOf(request);
    const [word, ...rest] = text.split(" ");
    this.wire.ran.push(text);
    switch (word) {
      case "later":
        if (this.wire.putOff.delete(text)) request.send(piece(rest.join(" ")));
        else this.wire.putOff.set(text, request.putOff());
        break;
      case "echo":
        request.send(piece(rest.join(" ")));
        break;
      case "parts":
        request.sendParts(rest.map(piece));
        break;
      case "keep":
        this.channel.note({ kind: "kept", message: request.number, state: encoder.encode("as it is") });
        request.send(piece("kept"));
        break;
      case "quiet":
        request.send(undefined);
        break;
      case "answer":
        request.send(piece("answered"));
        for (;;);
      case "loop":
        for (;;);
      case "slices": {
        const read = new SlicedRead(this.wire.parts.context, [], testCaller(1));
        // Whole only when it is looked at for the second time, as a long read is.
        let looks = 0;
        Object.defineProperty(read, "isWhole", { get: () => ++looks > 1 });
        request.sendInSlices({
          read,
          encode: () => [piece("one "), piece("two")],
          fail: piece,
          note: { kind: "kept", message: request.number, state: encoder.encode("as it is") },
        });
        break;
      }
      default:
        throw new LightconeError("Malformed", { what: "a word", at: 0, reason: `\`${text}\` is none` });
    }
  }

  fail(request: ClientRequest, text: string, micros: number): void {
    request.send(piece(`failed after ${micros}: ${text}`));
  }

  restore(parts: readonly KeptPart[]): boolean {
    return parts.every(({ message, state }) => {
      const text = new TextDecoder().decode(state);
      this.wire.ran.push(`restored ${message}: ${text}`);
      return text !== "gone";
    });
  }

  callOf(): Call {
    return new Call(CommitKind.reducer, testCaller(1));
  }

  accessChanged(): void {
    this.channel.send(piece("access changed"));
  }

  close(): void {
    this.wire.ran.push("(closed)");
  }
}

/** Notes what it is given, in order. */
class Sink implements ConnectionSink {
  readonly heard: string[] = [];
  queuedBytes = 0;
  private part = "";

  send(bytes: Uint8Array, at: number, length: number, last: boolean): void {
    this.part += textOf({ bytes, at, length, isText: false });
    if (!last) return;
    this.heard.push(this.part);
    this.part = "";
  }

  answered(messageCount: number): void {
    this.heard.push(`#${messageCount}`);
  }

  note(note: ResumeNote): void {
    this.heard.push("message" in note ? `${note.kind} ${note.message}` : note.kind);
  }

  close(code: number | undefined, reason: string): void {
    this.heard.push(`close ${code} ${reason}`);
  }
}

let parts: TestParts;
let wire: WordWire;
let durability: DurabilityQueue;
let sink: Sink;

async function begin(module?: TestModuleSketch, limits = {}): Promise<void> {
  parts = await openParts(module, limits);
  wire = new WordWire(parts);
  durability = new DurabilityQueue();
  sink = new Sink();
}

const infoOf = (confirmed: boolean): ConnectionInfo => ({
  caller: testCaller(1),
  token: "token",
  protocol: "v1.bsatn",
  compression: "none",
  light: false,
  confirmed,
});

function open(resumed?: ResumedConnection, confirmed = false): Session {
  return new Session(parts.context, durability, new GatheredAnswers(), wire, infoOf(confirmed), sink, resumed);
}

const say = (session: Session, ...texts: readonly string[]): void => {
  for (const text of texts) session.receive(encoder.encode(text), 0, text.length, false);
};

const held = (number: number, text: string): NumberedMessage => ({
  number,
  bytes: encoder.encode(text),
  isText: false,
});

beforeEach(() => begin());

/** For what does not end: no other job takes so long. */
const loops = { reducerTimeoutMs: 300 };

describe("a message that is put off", () => {
  test("is run again when it can be, and what came after it follows in its order, whatever becomes of each", async () => {
    await begin(undefined, loops);
    const session = open();
    say(session, "echo a", "later b", "echo c", "loop", "later d", "echo e");
    await parts.settle();
    say(session, "echo f");
    await parts.settle();
    expect(sink.heard).toEqual(["welcome", "a", "#1"]);
    expect(wire.ran).toEqual(["echo a", "later b"]);
    session.send(piece("an update"));
    wire.putOff.get("later b")?.resume();
    say(session, "echo g");
    await parts.settle();
    const failed = expect.stringMatching(/^failed after 300000: /);
    const first = ["welcome", "a", "#1", "an update", "b", "#2", "c", "#3", failed, "#4"];
    expect(sink.heard).toEqual(first);
    expect(wire.ran.at(-1)).toBe("later d");
    wire.putOff.get("later d")?.resume();
    await parts.settle();
    expect(sink.heard.slice(first.length)).toEqual(["d", "#5", "e", "#6", "f", "#7", "g", "#8"]);
    say(session, "echo h");
    await parts.settle();
    expect(sink.heard.slice(-2)).toEqual(["h", "#9"]);
  });

  test("is not run for a client that has gone", async () => {
    const session = open();
    say(session, "later a", "echo b");
    await parts.settle();
    const putOff = wire.putOff.get("later a");
    expect(putOff?.isOver).toBe(false);
    session.closed();
    expect(putOff?.isOver).toBe(true);
    putOff?.resume();
    await parts.settle();
    expect(wire.ran).toEqual(["later a", "(closed)"]);
    expect(sink.heard).toEqual(["welcome"]);
  });
});

describe("a session", () => {
  test("tells the client who it is, then answers its messages in order", async () => {
    const session = open();
    say(session, "echo a", "parts b c", "quiet", "keep");
    await parts.settle();
    expect(sink.heard).toEqual(["welcome", "a", "#1", "bc", "#2", "#3", "kept 4", "kept", "#4"]);
    expect(session.isClosed).toBe(false);
  });

  test("a message that cannot be read ends the connection, and those behind it do not run", async () => {
    const session = open();
    say(session, "echo a", "noise", "echo b");
    await parts.settle();
    expect(sink.heard.slice(0, 3)).toEqual(["welcome", "a", "#1"]);
    expect(sink.heard.slice(3)).toEqual([expect.stringMatching(/^close 1011 .*noise/)]);
    expect(wire.ran).toEqual(["echo a", "noise", "(closed)"]);
    expect(parts.broken).toBeUndefined();
  });

  test("a message that does not end fails by itself; the next runs", async () => {
    await begin(undefined, loops);
    const session = open();
    say(session, "loop", "echo b");
    await parts.settle();
    expect(sink.heard).toEqual(["welcome", expect.stringMatching(/^failed after 300000: /), "#1", "b", "#2"]);
    expect((await parts.lines()).length).toBe(1);
  });

  test("a message that was answered before it was ended is not answered again", async () => {
    await begin(undefined, loops);
    const session = open();
    say(session, "answer then loop", "echo b");
    await parts.settle();
    expect(sink.heard).toEqual(["welcome", "answered", "#1", "b", "#2"]);
  });

  test("what is confirmed waits until it is durable, in order", async () => {
    const session = open(undefined, true);
    say(session, "echo a", "keep");
    await parts.settle();
    expect(sink.heard).toEqual([]);
    durability.release(parts.context.pipeline.offset);
    expect(sink.heard).toEqual(["welcome", "a", "#1", "kept 2", "kept", "#2"]);
  });

  test("what is sent behind an answer in slices follows it", async () => {
    const session = open();
    say(session, "slices", "echo b", "keep");
    await parts.settle();
    expect(sink.heard).toEqual([
      ...["welcome", "behind", "kept 1", "one two", "#1", "b", "#2", "kept 3", "kept", "#3", "level"],
    ]);
    expect(session.isStreaming).toBe(false);
  });

  test("asks to be read no further while much waits, and ends a client that goes on", async () => {
    await begin(undefined, { connectionQueueMax: 1500 });
    const session = open();
    let readyCount = 0;
    session.onReady = () => (readyCount += 1);
    for (let count = 0; count < 1024; count += 1) say(session, "quiet");
    expect(session.ready).toBe(false);
    await parts.settle();
    expect([session.ready, readyCount]).toEqual([true, 1]);
    for (let count = 0; count <= 1500; count += 1) say(session, "quiet");
    expect(sink.heard.at(-1)).toBe("close 1013 too many requests");
    await parts.settle();
    expect(wire.ran.filter((text) => text === "quiet").length).toBe(1024);
  });

  test("ends a client that does not take what it is sent, without a close frame", async () => {
    const session = open();
    await parts.settle();
    sink.queuedBytes = parts.context.limits.connectionBufferBytesMax + 1;
    say(session, "echo a");
    await parts.settle();
    expect(sink.heard).toEqual(["welcome", "close undefined "]);
  });

  test("finishes once all that was answered has left", async () => {
    const session = open(undefined, true);
    say(session, "echo a");
    await parts.settle();
    session.finish(1001, "another version");
    say(session, "echo never");
    await parts.settle();
    expect(sink.heard).toEqual([]);
    durability.release(parts.context.pipeline.offset);
    expect(sink.heard).toEqual(["welcome", "a", "#1", "close 1001 another version"]);
  });
});

describe("the module's connect reducer", () => {
  test("refuses: the connection is over, and its messages do not run", async () => {
    await begin({ reducers: { come: { lifecycle: "connect", run: () => ({ kind: "error", message: "not you" }) } } });
    const session = open();
    say(session, "echo a");
    await parts.settle();
    expect(sink.heard.length).toBe(1);
    expect(sink.heard[0]).toMatch(/^close /);
    expect(wire.ran).toEqual([]);
    expect(session.isClosed).toBe(true);
  });

  test("does not end: the client is not let in", async () => {
    await begin(
      {
        reducers: {
          come: {
            lifecycle: "connect",
            run: () => {
              for (;;);
            },
          },
        },
      },
      loops,
    );
    open();
    await parts.settle();
    expect(sink.heard).toEqual([expect.stringMatching(/^close 1011 /)]);
  });
});

describe("going on where a host ended", () => {
  const resumed = (subscribed: readonly KeptPart[], pending: readonly NumberedMessage[]): ResumedConnection => ({
    info: infoOf(false),
    sink,
    subscribed,
    pending,
    received: 9,
  });

  const kept = (message: number, text: string): KeptPart => ({ message, state: encoder.encode(text) });

  test("subscriptions are restored without sending, and numbers go on", async () => {
    const session = open(resumed([kept(2, "a"), kept(5, "b")], []));
    expect(wire.ran).toEqual(["restored 2: a", "restored 5: b"]);
    expect(sink.heard).toEqual([]);
    say(session, "echo a");
    await parts.settle();
    expect(sink.heard).toEqual(["a", "#10"]);
  });

  test("a subscription that cannot be restored ends the connection", () => {
    const session = open(resumed([kept(2, "gone")], []));
    expect(session.isClosed).toBe(true);
    expect(sink.heard).toEqual(["close 1011 the database started again"]);
  });

  test("each pending message is answered once, in order, as what became of it asks", async () => {
    const pending = [
      held(3, "echo in the log"),
      held(4, "echo runs"),
      held(5, "echo in the log too"),
      held(6, "echo half done"),
      held(7, "echo ended the host"),
      held(8, "echo runs too"),
    ];
    const connection = resumed([], pending);
    const session = open(connection);
    const settled = (kind: CommitKind): Settled => ({ kind, inserted: 1, deleted: 0 });
    const inLog = new Map([
      [3, settled(CommitKind.reducer)],
      [5, settled(CommitKind.reducer)],
      [6, settled(CommitKind.procedure)],
    ]);
    const failure = new LightconeError("DatabaseStopped", { reason: "it ended a host" });
    session.resumePending(connection, inLog, new Map([[7, failure]]));
    expect(sink.heard, "what is in the log has been told with its commit").toEqual(["#3"]);
    await parts.settle();
    expect(sink.heard.slice(1)).toEqual([
      ...["runs", "#4", "#5"],
      ...[expect.stringMatching(/^failed after 0: .*started again/), "#6"],
      ...[expect.stringMatching(/^failed after 0: .*it ended a host/), "#7"],
      ...["runs too", "#8"],
    ]);
    expect(wire.ran).toEqual(["echo runs", "echo runs too"]);
  });
});
