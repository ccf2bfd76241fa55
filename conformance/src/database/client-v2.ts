import type { ConnectionHandle, ConnectionInfo, ConnectionSink, DatabaseLink, WireProtocol } from "@lightcone/database";
import { lightcone, v2, v3 } from "@lightcone/protocol";
import { ByteWriter } from "@lightcone/sats";
import { makeCaller } from "./local.ts";

/** The protocols that have its messages. */
export type LaterProtocol = Exclude<WireProtocol, "v1.bsatn" | "v1.json">;

/** A client of `v2.bsatn`, `v3.bsatn` or our own sub-protocol without a socket. */
export class ClientV2 implements ConnectionSink {
  readonly caller: ConnectionInfo["caller"];
  readonly queuedBytes = 0;
  readonly messages: v2.ServerMessage[] = [];
  private readonly isOwn: boolean;
  /** How many payloads have come. */
  payloadCount = 0;
  answeredCount = 0;
  closed: string | undefined;
  private readonly handle: ConnectionHandle;
  private parts: Uint8Array[] = [];

  constructor(link: DatabaseLink, protocol: LaterProtocol, options: Partial<ConnectionInfo> = {}) {
    this.isOwn = protocol === "v1.bsatn.lightcone";
    this.caller = options.caller ?? makeCaller(42);
    this.handle = link.connect(
      { caller: this.caller, token: "", protocol, compression: "none", light: false, confirmed: true, ...options },
      this,
    );
  }

  send(bytes: Uint8Array, at: number, length: number, last: boolean): void {
    this.parts.push(bytes.slice(at, at + length));
    if (!last) return;
    const payload = Buffer.concat(this.parts);
    this.parts = [];
    this.payloadCount += 1;
    const said = Uint8Array.from(payload).subarray(1);
    if (!this.isOwn) this.messages.push(...v3.decodeServerPayload(said));
    else
      for (const { message } of lightcone.decodeServerPayload(said))
        // Nobody asks for it here.
        if (message.kind !== "Resumed") this.messages.push(message);
  }

  answered(count: number): void {
    this.answeredCount = count;
  }

  note(): void {}

  close(_code: number | undefined, reason: string): void {
    this.closed = reason;
  }

  /** Says messages in one payload. */
  say(...messages: readonly v2.ClientMessage[]): void {
    const out = new ByteWriter();
    for (const message of messages) v2.encodeClientMessage(out, message);
    this.sayBytes(out.toBytes());
  }

  sayBytes(bytes: Uint8Array): void {
    this.handle.receive(bytes, 0, bytes.length, false);
  }

  sayText(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.handle.receive(bytes, 0, bytes.length, true);
  }

  leave(): void {
    this.handle.closed();
  }
}
