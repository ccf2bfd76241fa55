/**
 * A database that outlives its host: what clients have asked and not been answered is held here, and handed
 * to the next host when one ends.
 *
 *   client ─▶ HeldConnection ─▶ host          while it runs
 *             (pending, subscribed) ─▶ Resume ─▶ next host
 *
 * See `resume.ts` for why no call runs twice. A connection that took unconfirmed results, or that was in the
 * middle of a message in parts, is closed instead: what it was told may never have been.
 */
import { cutText, isLightconeError, LightconeError, toldText, type Clock } from "@lightcone/base";
import { keyOfClient } from "./client.ts";
import type { ConnectionHandle, ConnectionInfo, ConnectionSink, DatabaseLink, DatabaseRequest, Reply } from "./link.ts";
import { HeldConnection } from "./held-connection.ts";
import { HostEnded, type Resume, type Suspect } from "./resume.ts";
import { failure, fatalText, refusal, text } from "./reply.ts";
import { WorkKind } from "./work.ts";

/** A host as it was opened. */
export interface OpenedHost {
  readonly link: DatabaseLink;
  /** Handles of the resumed connections, in the order in which they were given. */
  readonly handles: readonly ConnectionHandle[];
  /** The last offset of which every client has been told. */
  readonly releasedOffset: number;
}

export interface ResilientOptions {
  readonly openHost: (resume: Resume | undefined) => Promise<OpenedHost>;
  readonly clock: Clock;
  /** Ends of the host by the module's fault after which it is not started again. */
  readonly crashesMax: number;
  /** Says what happened, for the server log. */
  readonly note: (message: string) => void;
}

/** How often opening is tried again, and after how long, before the database counts as failed. */
const reopenDelaysMs: readonly number[] = [0, 50, 250, 1000];

interface HeldRequest {
  readonly request: DatabaseRequest;
  readonly resolve: (reply: Reply) => void;
}

/** Opens a database that goes on when its host ends. */
export async function openResilient(options: ResilientOptions): Promise<ResilientLink> {
  return new ResilientLink(options, await options.openHost(undefined));
}

export class ResilientLink implements DatabaseLink {
  readonly failed: Promise<Error>;
  readonly #options: ResilientOptions;
  readonly #connections = new Set<HeldConnection>();
  readonly #requests = new Set<HeldRequest>();
  #host: OpenedHost | undefined;
  #crashCount = 0;
  #stopping = false;
  #fail: (error: Error) => void = () => undefined;

  constructor(options: ResilientOptions, host: OpenedHost) {
    this.failed = new Promise((resolve) => (this.#fail = resolve));
    this.#options = options;
    this.#adopt(host);
  }

  connect(info: ConnectionInfo, sink: ConnectionSink): ConnectionHandle {
    const held: HeldConnection = new HeldConnection(info, sink, () => this.#connections.delete(held));
    this.#connections.add(held);
    if (this.#host !== undefined) held.attach(this.#host.link.connect(info, held), 0);
    return held;
  }

  request(request: DatabaseRequest): Promise<Reply> {
    // A new program is a new chance.
    if (request.kind === "publish") this.#crashCount = 0;
    return new Promise((resolve) => {
      const held: HeldRequest = { request, resolve };
      this.#requests.add(held);
      this.#ask(held);
    });
  }

  /** A host that has ended has nothing left to write, and what it wrote is there. */
  async flushLog(): Promise<void> {
    await this.#host?.link.flushLog().catch(() => undefined);
  }

  async stop(withinMs: number): Promise<void> {
    this.#stopping = true;
    await this.#host?.link.stop(withinMs);
  }

  #ask(held: HeldRequest): void {
    const host = this.#host;
    if (host === undefined) return; // the next host is asked
    host.link.request(held.request).then(
      (reply) => this.#answer(held, reply),
      (error: unknown) => {
        // A request that died with its host is for the next; a host that goes on has refused it.
        if (this.#host !== host) return;
        if (!isLightconeError(error)) this.#answer(held, text(500, toldText(error)));
        else if (error.code !== "CallUnknown" || this.#stopping) this.#answer(held, failure(error));
      },
    );
  }

  #answer(held: HeldRequest, reply: Reply): void {
    if (this.#requests.delete(held)) held.resolve(reply);
  }

  #adopt(host: OpenedHost): void {
    this.#host = host;
    host.link.failed.then((error) => {
      if (this.#host === host && !this.#stopping) void this.#reopen(host, error);
    }, unreachable);
  }

  async #reopen(ended: OpenedHost, error: Error): Promise<void> {
    this.#host = undefined;
    const suspect = error instanceof HostEnded ? error.suspect : undefined;
    if (error instanceof HostEnded && error.isModulesFault) this.#crashCount++;
    this.#options.note(`the host ended: ${error.message}`);
    for (const held of this.#connections) {
      held.detach();
      // Who ended the host by coming is not let in by the next.
      if (suspect?.kind === WorkKind.connect && keyOfClient(held.info.caller) === suspect.id)
        held.close(1011, fatalText);
    }
    if (this.#crashCount >= this.#options.crashesMax) {
      this.#giveUp(new LightconeError("Quarantined", { crashCount: this.#crashCount }), suspect);
      return;
    }
    for (const delayMs of reopenDelaysMs) {
      await new Promise<void>((resolve) => this.#options.clock.after(delayMs, resolve));
      if (this.#stopping) return;
      const connections = [...this.#connections].filter((held) => held.isGreeted);
      try {
        const host = await this.#options.openHost(this.#resume(ended, connections, suspect));
        this.#resumed(host, connections);
        return;
      } catch (cause) {
        this.#options.note(`the host did not start: ${String(cause)}`);
      }
    }
    const reason = "its process ended and could not be started again";
    this.#giveUp(new LightconeError("DatabaseStopped", { reason }, { cause: error }), suspect);
  }

  #resume(ended: OpenedHost, connections: readonly HeldConnection[], suspect: Suspect | undefined): Resume {
    const visits = [...this.#requests].flatMap(({ request }) => ("caller" in request ? [request.caller] : []));
    const { releasedOffset } = ended;
    return { releasedOffset, connections: connections.map((held) => held.resume()), visits, suspect };
  }

  #resumed(host: OpenedHost, connections: readonly HeldConnection[]): void {
    this.#adopt(host);
    connections.forEach((held, index) => {
      const handle = host.handles[index];
      if (handle !== undefined) held.reattach(handle);
    });
    const resumed = new Set(connections);
    for (const held of this.#connections) if (!resumed.has(held)) held.attach(host.link.connect(held.info, held), 0);
    for (const held of this.#requests) this.#ask(held);
  }

  #giveUp(error: LightconeError, suspect: Suspect | undefined): void {
    for (const held of this.#connections) held.close(1011, cutText(error.told, 120));
    for (const held of this.#requests) {
      const { request } = held;
      const endedHost = "caller" in request && keyOfClient(request.caller) === suspect?.id;
      this.#answer(held, endedHost ? refusal(530, "ReducerCrashed", fatalText) : failure(error));
    }
    this.#fail(error);
  }
}

function unreachable(): void {
  // `failed` never rejects.
}
