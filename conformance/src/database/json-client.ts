import type { ConnectionHandle, ConnectionSink, DatabaseLink } from "@lightcone/database";
import { makeCaller } from "./local.ts";

/** A client of `v1.json` without a socket, whose messages are objects. */
export class JsonClient implements ConnectionSink {
  readonly caller = makeCaller(40);
  readonly queuedBytes = 0;
  readonly messages: Record<string, unknown>[] = [];
  answeredCount = 0;
  closed: string | undefined;
  private readonly handle: ConnectionHandle;
  private text = "";

  constructor(link: DatabaseLink, light = false) {
    const { caller } = this;
    this.handle = link.connect(
      { caller, token: "", protocol: "v1.json", compression: "none", light, confirmed: true },
      this,
    );
  }
  send(bytes: Uint8Array, at: number, length: number, last: boolean): void {
    this.text += new TextDecoder().decode(bytes.subarray(at, at + length));
    if (!last) return;
    this.messages.push(JSON.parse(this.text));
    this.text = "";
  }
  answered(count: number): void {
    this.answeredCount = count;
  }
  note(): void {}
  close(_code: number | undefined, reason: string): void {
    this.closed = reason;
  }
  /** @param message bytes are a frame of the binary form */
  say(message: object | Uint8Array): void {
    const isText = !(message instanceof Uint8Array);
    const bytes = isText ? new TextEncoder().encode(JSON.stringify(message)) : message;
    this.handle.receive(bytes, 0, bytes.length, isText);
  }
}
