/** All open WebSockets: one flush per turn of the event loop, one timer for pings and silence, one way to close all. */
import type { Socket } from "node:net";
import type { Clock } from "@lightcone/base";
import type { IncomingBytes } from "../incoming-bytes.ts";
import type { ServerLimits } from "../limits.ts";
import { gatherMs, WebSocketConnection } from "./connection.ts";
import type { ConnectionOwner } from "./connection.ts";

/** How often the table looks at the time. */
const sweepIntervalMs = 1000;

/** Which connections are closed together: identities, 64 hex digits each. */
export interface ConnectionGroup {
  readonly database: string;
  readonly client: string;
}

export class ConnectionTable implements ConnectionOwner {
  readonly clock: Clock;
  readonly limits: ServerLimits;
  readonly incoming: IncomingBytes;
  private readonly connections = new Map<WebSocketConnection, ConnectionGroup>();
  private dirty: WebSocketConnection[] = [];
  private gathering: WebSocketConnection[] = [];
  private cancelSweep: (() => void) | undefined;
  private whenEmpty: (() => void) | undefined;

  constructor(clock: Clock, limits: ServerLimits, incoming: IncomingBytes) {
    this.clock = clock;
    this.limits = limits;
    this.incoming = incoming;
  }

  get count(): number {
    return this.connections.size;
  }

  /** Takes a socket whose upgrade has been answered. */
  open(socket: Socket, group: ConnectionGroup, isText: boolean): WebSocketConnection {
    const connection = new WebSocketConnection(socket, this, isText);
    this.connections.set(connection, group);
    if (this.cancelSweep === undefined) this.sweepLater();
    return connection;
  }

  flushLater(connection: WebSocketConnection): void {
    if (this.dirty.length === 0) setImmediate(() => this.flush());
    this.dirty.push(connection);
  }

  gather(connection: WebSocketConnection): void {
    if (this.gathering.length === 0) this.clock.after(gatherMs, () => this.flushGathered());
    this.gathering.push(connection);
  }

  forget(connection: WebSocketConnection): void {
    this.connections.delete(connection);
    if (this.connections.size > 0) return;
    this.cancelSweep?.();
    this.cancelSweep = undefined;
    this.whenEmpty?.();
  }

  /** Closes every connection of a database, or only those of one client's identity. */
  closeGroup(database: string, code: number, reason: string, client?: string): void {
    for (const [connection, group] of this.connections)
      if (group.database === database && (client === undefined || group.client === client))
        connection.close(code, reason);
  }

  /** Closes every connection; resolves when all sockets are gone. */
  async closeAll(code: number, reason: string): Promise<void> {
    for (const connection of this.connections.keys()) connection.close(code, reason);
    if (this.connections.size === 0) return;
    await new Promise<void>((resolve) => (this.whenEmpty = resolve));
  }

  private flush(): void {
    const dirty = this.dirty;
    this.dirty = [];
    const nowMs = this.clock.steadyMs();
    for (const connection of dirty) connection.flush(nowMs);
  }

  private flushGathered(): void {
    const gathering = this.gathering;
    this.gathering = [];
    const nowMs = this.clock.steadyMs();
    for (const connection of gathering) connection.flushGathered(nowMs);
  }

  private sweepLater(): void {
    this.cancelSweep = this.clock.after(sweepIntervalMs, () => {
      const nowMs = this.clock.steadyMs();
      for (const connection of this.connections.keys()) connection.sweep(nowMs);
      this.cancelSweep = undefined;
      if (this.connections.size > 0) this.sweepLater();
    });
  }
}
