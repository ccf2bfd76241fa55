/**
 * `ctx`: one frozen object per instance, whose getters answer for the call that runs.
 *
 * Values are made when they are asked for, and kept for the rest of the call.
 */
import type { HostPort, ReducerCall } from "@lightcone/host";
import { ConnectionId, Identity, Timestamp, readU128 } from "@lightcone/sats";
import { makeAuth } from "./caller-auth.ts";
import { makeUuids, type UuidMakers } from "./new-uuids.ts";
import { RandomSource, randomSource } from "./random.ts";
import type { Sandbox } from "./sandbox.ts";

/** Who calls, and when. */
export type CallFacts = Pick<ReducerCall, "sender" | "connection" | "timestampMicros">;

/** What every context has that is made once for all calls, in the module's realm. */
export interface ContextParts extends UuidMakers {
  readonly random: unknown;
}

export class CallContext {
  /** What functions are given. */
  readonly ctx: object;
  private call: CallFacts | undefined;
  private sender: Identity | undefined;
  private connectionId: ConnectionId | null | undefined;
  private timestamp: Timestamp | undefined;
  private senderAuth: unknown;
  private readonly chance = new RandomSource();
  private isSeeded = false;
  /** How many UUIDs of version 7 the call has made. */
  private uuidCount = 0;

  /**
   * @param literal gives what is there besides who calls, and when; a literal of its own, see below. `made` makes another context of
   *   another one, for a module within
   * @param hasCaller whether somebody calls
   */
  constructor(
    sandbox: Sandbox,
    port: HostPort,
    literal: (parts: ContextParts, made: (own: object) => object) => object,
    hasCaller = true,
  ) {
    const random = sandbox.compile(["uint32"], randomSource, "ctx.random")(() => this.uint32());
    const uuids = makeUuids(sandbox, {
      uint32: () => this.uint32(),
      micros: () => this.running().timestampMicros,
      count: () => this.uuidCount++,
    });
    const authOf = makeAuth(sandbox);
    const senderAuth = (): unknown => {
      if (this.senderAuth !== undefined) return this.senderAuth;
      const { connection, sender: caller } = this.running();
      // Of a request to a route nobody is the caller, which is not the database.
      const isInternal = this.connection() === null && !caller.every((byte) => byte === 0);
      return (this.senderAuth = authOf(isInternal, isInternal ? undefined : port.jwt(connection), sender()));
    };
    const identity = (): Identity => Identity.fromBytes(port.databaseIdentity.slice());
    const sender = (): Identity => (this.sender ??= Identity.fromBytes(this.running().sender.slice()));
    const connectionId = (): ConnectionId | null => this.connection();
    const timestamp = (): Timestamp => (this.timestamp ??= new Timestamp(BigInt(this.running().timestampMicros)));
    // Not a literal with getters, or one that is spread, which is a dictionary to V8: every `ctx.db` would be looked up.
    const answers = getters(
      hasCaller
        ? { sender, senderAuth, connectionId, timestamp, identity, databaseIdentity: identity }
        : { timestamp, identity },
    );
    const made = (own: object): object => sandbox.harden(Object.defineProperties(own, answers));
    this.ctx = made(literal({ random, ...uuids }, made));
  }

  /** From here on the getters answer for `call`. */
  begin(call: CallFacts): void {
    this.call = call;
    this.sender = undefined;
    this.connectionId = undefined;
    this.timestamp = undefined;
    this.senderAuth = undefined;
    this.isSeeded = false;
    this.uuidCount = 0;
  }

  /** Time has passed: the clock says so. Chance goes on as it was seeded. */
  moveTo(timestampMicros: number): void {
    this.call = { ...this.running(), timestampMicros };
    this.timestamp = undefined;
  }

  private running(): CallFacts {
    if (this.call === undefined) throw new TypeError("a context only answers while its function runs");
    return this.call;
  }

  private connection(): ConnectionId | null {
    if (this.connectionId === undefined) {
      const { connection } = this.running();
      this.connectionId = ConnectionId.nullIfZero(
        new ConnectionId(readU128(new DataView(connection.buffer, connection.byteOffset, 16), 0)),
      );
    }
    return this.connectionId;
  }

  private uint32(): number {
    if (!this.isSeeded) {
      const { timestampMicros, sender } = this.running();
      this.chance.seed(timestampMicros, sender);
      this.isSeeded = true;
    }
    return this.chance.uint32();
  }
}

/** Properties that answer anew each time. */
function getters(all: Readonly<Record<string, () => unknown>>): PropertyDescriptorMap {
  return Object.fromEntries(Object.entries(all).map(([name, get]) => [name, { get, enumerable: true }]));
}
