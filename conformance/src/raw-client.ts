/** A client that speaks frames: sends what it is told, hands out what comes, in order. */
import { ByteWriter } from "@lightcone/sats";
import {
  clientTag,
  decodeServerMessage,
  encodeClientMessage,
  type ClientMessage,
  type ServerMessage,
} from "@lightcone/protocol";
import { WebSocket } from "ws";

export interface RawClientOptions {
  readonly token?: string | undefined;
  readonly query?: string | undefined;
}

export class RawClient {
  private readonly socket: WebSocket;
  private readonly messages: ServerMessage[] = [];
  private wake: (() => void) | undefined;
  /** Why the connection is over; undefined while it is not. */
  closed: { readonly code: number; readonly reason: string } | undefined;
  readonly over: Promise<void>;
  private taker: ((message: ServerMessage) => void) | undefined;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data: Buffer) => {
      const message = decodeServerMessage(data.subarray(1)); // the first byte says: not compressed
      if (this.taker !== undefined) this.taker(message);
      else this.messages.push(message);
      this.wake?.();
    });
    socket.on("error", () => undefined);
    this.over = new Promise((resolve) => {
      socket.on("close", (code, reason) => {
        this.closed = { code, reason: reason.toString() };
        this.wake?.();
        resolve();
      });
    });
  }

  /** Connects over `v1.bsatn` and waits until the socket is open. */
  static async open(base: string, database: string, options: RawClientOptions = {}): Promise<RawClient> {
    const url = `${base.replace(/^http/, "ws")}/v1/database/${database}/subscribe?compression=None&confirmed=true${options.query ?? ""}`;
    const headers = options.token === undefined ? {} : { authorization: `Bearer ${options.token}` };
    const socket = new WebSocket(url, "v1.bsatn.spacetimedb", { headers, perMessageDeflate: false });
    const client = new RawClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    return client;
  }

  /** Takes every message from now on, what has come and was not taken first. */
  set onMessage(run: (message: ServerMessage) => void) {
    this.taker = run;
    for (const message of this.messages.splice(0)) run(message);
  }

  /** The next message; undefined when the connection ended instead. */
  async next(): Promise<ServerMessage | undefined> {
    while (this.messages.length === 0) {
      if (this.closed !== undefined) return undefined;
      await new Promise<void>((resolve) => (this.wake = resolve));
      this.wake = undefined;
    }
    return this.messages.shift();
  }

  say(message: ClientMessage): void {
    const out = new ByteWriter();
    encodeClientMessage(out, message);
    this.send(out.toBytes());
  }

  send(frame: Uint8Array): void {
    this.socket.send(frame);
  }

  call(reducer: string, args: Uint8Array, requestId: number, flags = 0): void {
    const out = new ByteWriter(args.length + reducer.length + 16);
    out.u8(clientTag.CallReducer);
    out.string(reducer);
    out.byteArray(args);
    out.u32(requestId);
    out.u8(flags);
    this.send(out.toBytes());
  }

  subscribe(queries: readonly string[], requestId: number, queryId: number): void {
    this.say({ kind: "SubscribeMulti", queries, requestId, queryId });
  }

  close(): void {
    this.socket.close();
  }
}
