/** The connections of a database, and what happens to all of them. */
import type { DatabaseContext } from "../core/context.ts";
import type { ConnectionInfo, ConnectionSink, WireProtocol } from "../link/link.ts";
import type { ResumedConnection } from "../recovery/resume.ts";
import type { Wire } from "../wire/wire.ts";
import type { DurabilityQueue } from "./durability-queue.ts";
import type { GatheredAnswers } from "./gathered-answers.ts";
import { Session } from "./session.ts";

/** Why clients of a version before are disconnected; they find what differs in the schema when they come again. */
const otherVersion = "module exited: a version that breaks clients of the one before was published";

export class Sessions {
  private readonly context: DatabaseContext;
  private readonly durability: DurabilityQueue;
  private readonly gathered: GatheredAnswers;
  private readonly wires: Readonly<Record<WireProtocol, Wire>>;
  private readonly open = new Set<Session>();

  constructor(
    context: DatabaseContext,
    durability: DurabilityQueue,
    gathered: GatheredAnswers,
    wires: Readonly<Record<WireProtocol, Wire>>,
  ) {
    this.context = context;
    this.durability = durability;
    this.gathered = gathered;
    this.wires = wires;
  }

  /** @param resumed where the connection stood with a host that ended; it is new without */
  add(info: ConnectionInfo, sink: ConnectionSink, resumed?: ResumedConnection): Session {
    const { context, durability, gathered, wires } = this;
    const session = new Session(context, durability, gathered, wires[info.protocol], info, sink, resumed);
    if (session.isClosed) return session;
    this.open.add(session);
    session.onClosed = () => this.open.delete(session);
    return session;
  }

  get isStreaming(): boolean {
    for (const session of this.open) if (session.isStreaming) return true;
    return false;
  }

  /**
   * A publish was carried out. Where it breaks clients all connections end, once all that was answered has left: none is
   * told that a subscription is over, which may be good again when its client comes back. Where it does not, subscriptions
   * to what may not be read any more end.
   */
  programChanged(disconnects: boolean): void {
    this.context.critical.run(() => {
      for (const session of this.open)
        if (disconnects) session.finish(1001, otherVersion);
        else session.accessChanged();
    });
  }

  end(code: number, reason: string): void {
    for (const session of this.open) session.end(code, reason);
  }
}
