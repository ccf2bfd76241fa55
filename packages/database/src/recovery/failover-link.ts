/**
 * A database that outlives its host: requests without an answer are held here, and handed to the next host when one
 * ends, or when the database wakes.
 *
 *   client ─▶ HeldConnection ─▶ host          while it runs
 *             (pending, subscribed) ─▶ Resume ─▶ next host
 *
 *   opening ─▶ awake ─┬─ ended unasked ─▶ opening
 *      ▲              └─ park ─▶ parking ─┬─▶ resting ──a message, a request, a due row──▶ opening
 *      │                                  └─ it has something to do ─▶ awake
 *      └── given up after some tries ─▶ failed
 *
 * See `resume.ts` for why no call runs twice. A connection that took unconfirmed results, or that was in the
 * middle of a message in parts, is closed instead: what it was sent may be undone.
 */
import { cutText, isDamage, isLightconeError, LightconeError, toldText, type Clock } from "@lightcone/base";
import { toHex } from "@lightcone/sats";
import { keyOfClient } from "../link/client.ts";
import type { FunctionEnd } from "../core/function-ends.ts";
import type {
  ConnectionHandle,
  ConnectionInfo,
  ConnectionSink,
  DatabaseLink,
  DatabaseRequest,
  Reply,
} from "../link/link.ts";
import { HeldConnection, type ConnectionHolder } from "./held-connection.ts";
import type { Rest, Resting, Stay, WakeReason } from "../link/rest.ts";
import { HostEnded, routeKey, type Condemned, type FrontResume, type Resume } from "./resume.ts";
import { failure, fatalText, refusal, text } from "../link/reply.ts";
import { RestartPace } from "./restart-pace.ts";
import { Retries } from "./retries.ts";
import { keyOfWork, WorkKind, workIdBytes, type Work } from "../link/work.ts";

export interface OpenedHost {
  readonly link: DatabaseLink;
  /** Handles of the resumed connections, in the order in which they were given. */
  readonly handles: readonly ConnectionHandle[];
  /** The last offset up to which every client has been sent everything. */
  readonly releasedOffset: number;
  /** Its process, if it has one of its own. */
  readonly pid?: number;
  /** What hosts have ended in, this one's predecessor included. */
  readonly ends?: readonly FunctionEnd[];
  /** The work that it has begun, of the work that it was given again (`keyOfWork`); left out when it does not say. */
  readonly begun?: ReadonlySet<string>;
  /** Whether it has finished that work. */
  readonly isThrough?: boolean;
}

export interface FailoverOptions {
  readonly openHost: (resume: Resume) => Promise<OpenedHost>;
  readonly clock: Clock;
  /** This front's name, where there are several. */
  readonly front?: string;
  /** The limit of a database's calls, as its hosts have it: to be told with it. */
  readonly reducerTimeoutMs: number;
  /** Ends of the host by the module's fault, in no function that could be named, after which it is not started again. */
  readonly crashesMax: number;
  /** Says what happened, for the server log. */
  readonly note: (message: string) => void;
  /** Decides when the database has a host; left out, it always has one. */
  readonly stay?: Stay | undefined;
}

/** The front of a server that has no others beside it. */
const onlyFront = "front";

/** After how long opening is tried once more, before the database counts as failed. */
const reopenDelaysMs: readonly number[] = [50, 250, 1000];
/** How many hosts may end while they have a request, where hosts do not say whether they had begun it. */
const askedMax = 2;

interface HeldRequest {
  readonly request: DatabaseRequest;
  readonly left: AbortSignal | undefined;
  readonly resolve: (reply: Reply) => void;
  /** Its name as work; undefined for a request that is not announced. */
  readonly work: Work | undefined;
  /** Hosts that it was given to. */
  askedCount: number;
}

/** Reasons to have a host though no client waits; most urgent first. */
const owedReasons = ["schedule", "leave", "look"] as const satisfies readonly WakeReason[];
type OwedReason = (typeof owedReasons)[number];

type State = "opening" | "awake" | "parking" | "resting" | "failed";

/** Opens a database that goes on when its host ends. */
export async function openFailoverLink(options: FailoverOptions, why: WakeReason = "call"): Promise<FailoverLink> {
  const link = new FailoverLink(options);
  await link.start(why);
  return link;
}

export class FailoverLink implements DatabaseLink, Resting, ConnectionHolder {
  readonly failed: Promise<Error>;
  private readonly options: FailoverOptions;
  private readonly connections = new Set<HeldConnection>();
  private readonly requests = new Set<HeldRequest>();
  private readonly retries = new Retries();
  private readonly pace: RestartPace;
  private state: State = "opening";
  private host: OpenedHost | undefined;
  /** Opens a host, or lets go of one. */
  private change: Promise<void> = Promise.resolve();
  /** Where the next host goes on. */
  private resumeOffset = -1;
  private condemned: readonly Condemned[] = [];
  private isCareful = false;
  private ends: readonly FunctionEnd[] = [];
  private requestCount = 0;
  /** Hosts that ended unasked, and how; also while they were about to be let go. */
  private readonly endedHosts = new WeakMap<OpenedHost, Error>();
  /** Why the next host is needed though nobody waits for it. */
  private readonly owed = new Set<OwedReason>();
  private stopping = false;
  private failure: LightconeError | undefined;
  private fail: (error: Error) => void = () => undefined;

  constructor(options: FailoverOptions) {
    this.failed = new Promise((resolve) => (this.fail = resolve));
    this.options = options;
    this.pace = new RestartPace(options.clock);
  }

  /** Gets its first host. @throws {Error} why there is none */
  async start(why: WakeReason): Promise<void> {
    this.change = this.bring(why, true).catch((error: unknown) => {
      // A host that somebody else ended says nothing of the database: it may have been a spare one, too.
      if (!(error instanceof HostEnded) || error.isModulesFault) throw error;
      this.options.note(`the host did not start: ${error.message}`);
      return this.bring(why, true);
    });
    await this.change;
  }

  connect(info: ConnectionInfo, sink: ConnectionSink): ConnectionHandle {
    const held = new HeldConnection(info, sink, this);
    if (this.failure !== undefined) {
      sink.close(1011, cutText(this.failure.told, 120));
      return held;
    }
    this.connections.add(held);
    if (this.host === undefined) this.wake("connect");
    else held.attach(this.host.link.connect(info, held), 0);
    return held;
  }

  request(request: DatabaseRequest, left?: AbortSignal): Promise<Reply> {
    if (request.kind === "publish") this.pace.startAfresh();
    if (this.failure !== undefined) return Promise.resolve(failure(this.failure));
    return new Promise((resolve) => {
      const held = this.hold(request, left, resolve);
      this.requests.add(held);
      if (this.host === undefined) this.wake("call");
      else this.ask(held, this.host);
    });
  }

  /** A host that has ended has nothing left to write, and what it wrote is there. */
  async flushLog(): Promise<void> {
    await this.host?.link.flushLog().catch(() => undefined);
  }

  async stop(withinMs: number): Promise<Rest | undefined> {
    this.stopping = true;
    this.pace.hurry();
    this.options.stay?.giveUp();
    // After this there is a host to stop, or there is none.
    await this.change.catch(() => undefined);
    const { stay } = this.options;
    const rest = await this.host?.link.stop(withinMs);
    stay?.left();
    if (rest !== undefined) await stay?.rested(rest, 0);
    const error = new LightconeError("DatabaseStopped", { reason: "the server is stopping" });
    for (const held of this.requests) this.answer(held, failure(error));
    return rest;
  }

  // --- what connections call

  get isResting(): boolean {
    return this.state === "resting" || this.state === "parking";
  }

  said(): void {
    this.wake("call");
  }

  over(held: HeldConnection): void {
    this.connections.delete(held);
    // The next host has to run its disconnect.
    if (this.host !== undefined || !held.wasKnown) return;
    this.wake("leave");
  }

  // --- rest

  get traffic(): number {
    return this.host?.link.traffic ?? 0;
  }

  get isIdle(): boolean {
    if (this.state !== "awake" || this.requests.size > 0) return false;
    for (const held of this.connections) if (!held.isIdle) return false;
    return true;
  }

  get pid(): number | undefined {
    return this.host?.pid;
  }

  async rest(): Promise<boolean> {
    const host = this.host;
    if (!this.isIdle || host?.link.park === undefined || this.stopping) return false;
    let isParked = false;
    this.change = this.parkHost(host, host.link.park()).then((is) => void (isParked = is));
    await this.change;
    return isParked;
  }

  /** Sees to it that the database has a host. Nothing if it has. */
  wake(why: WakeReason): void {
    if (isOwed(why) && this.state !== "awake") this.owed.add(why);
    if (this.state === "opening") this.options.stay?.hurry(why);
    if (this.state !== "resting" || this.stopping) return;
    this.state = "opening";
    this.change = this.startAgain(why);
  }

  private async parkHost(host: OpenedHost, parking: Promise<Rest | undefined>): Promise<boolean> {
    const { stay } = this.options;
    // From here on messages are held, as between two hosts.
    this.state = "parking";
    this.host = undefined;
    const connections = [...this.connections];
    const handles = connections.map((held) => held.pause());
    let rest: Rest | undefined;
    let ended: Error | undefined;
    try {
      rest = await parking;
      ended = rest === undefined ? this.endedHosts.get(host) : undefined;
    } catch {
      ended = await host.link.failed;
    }
    if (ended !== undefined) {
      await this.reopen(host, ended);
      return false;
    }
    if (rest === undefined) {
      this.state = "awake";
      this.host = host;
      connections.forEach((held, index) => {
        const handle = handles[index];
        if (handle !== undefined) held.reattach(handle);
      });
      this.tellNew(host, new Set(connections));
      return false;
    }
    stay?.left();
    this.resumeOffset = rest.offset;
    this.condemned = [];
    this.isCareful = false;
    this.retries.through();
    await stay?.rested(rest, this.connections.size);
    this.state = "resting";
    const why = this.whyAwake();
    if (why !== undefined) this.wake(why);
    return true;
  }

  /** Why a database that rests has to wake, if it has: something came while it went to rest. */
  private whyAwake(): WakeReason | undefined {
    if (this.requests.size > 0) return "call";
    for (const held of this.connections) if (!held.isIdle) return held.isGreeted ? "call" : "connect";
    return this.firstOwed;
  }

  private async startAgain(why: WakeReason): Promise<void> {
    try {
      await this.bring(why, false);
    } catch (error) {
      if (this.stopping) return;
      if (isLightconeError(error, "ServerBusy")) this.turnAway(error);
      else await this.tryAgain(error);
    }
  }

  /** The server has no room for a host: whoever waits is refused, and the database goes on resting. */
  private turnAway(error: LightconeError): void {
    this.state = "resting";
    for (const held of this.requests) this.answer(held, failure(error));
    for (const held of this.connections) if (!held.isIdle) held.close(1013, cutText(error.told, 120));
    if (this.firstOwed !== undefined) this.wake(this.firstOwed);
  }

  private get firstOwed(): OwedReason | undefined {
    return owedReasons.find((why) => this.owed.has(why));
  }

  // --- requests

  private hold(request: DatabaseRequest, left: AbortSignal | undefined, resolve: (reply: Reply) => void): HeldRequest {
    const held = { request, left, resolve, work: undefined, askedCount: 0 };
    switch (request.kind) {
      case "call":
      case "route":
      case "sql":
        return { ...held, work: { kind: WorkKind.message, id: keyOfClient(request.caller), number: 1 } };
      case "publish":
      case "plan": {
        const id = new Uint8Array(workIdBytes);
        new DataView(id.buffer).setFloat64(0, (this.requestCount += 1));
        return { ...held, request: { ...request, id }, work: { kind: WorkKind.program, id: toHex(id), number: 0 } };
      }
      default:
        return held;
    }
  }

  private ask(held: HeldRequest, host: OpenedHost): void {
    held.askedCount += 1;
    host.link.request(held.request, held.left).then(
      (reply) => {
        if (held.request.kind === "publish" && reply.status === 200) this.ends = [];
        this.answer(held, reply);
      },
      (error: unknown) => {
        // A request that died with its host is for the next; a host that goes on has refused it.
        if (this.host !== host) return;
        if (!isLightconeError(error)) {
          this.options.note(`a request failed: ${String(error)}`);
          this.answer(held, text(500, toldText(error)));
        } else if (error.code !== "CallUnknown" || this.stopping) this.answer(held, failure(error));
      },
    );
  }

  private answer(held: HeldRequest, reply: Reply): void {
    if (this.requests.delete(held)) held.resolve(reply);
  }

  // --- hosts

  /** Opens a host and hands it all that is held. @param isFirst whether there was none before */
  private async bring(why: WakeReason, isFirst: boolean): Promise<void> {
    const { stay, clock, openHost } = this.options;
    const opened = await stay?.enter(why);
    try {
      if (this.stopping) throw new LightconeError("DatabaseStopped", { reason: "the server is stopping" });
      const fromMs = clock.steadyMs();
      const connections = [...this.connections].filter((held) => held.isGreeted);
      const resume = isFirst ? [] : [this.resume(connections)];
      const host = await openHost(resume);
      this.ends = host.ends ?? this.ends;
      this.retries.counted();
      this.owed.clear();
      this.pace.opened();
      this.state = "awake";
      this.adopt(host);
      connections.forEach((held, index) => {
        const handle = host.handles[index];
        if (handle !== undefined) held.reattach(handle);
      });
      this.tellNew(host, new Set(connections));
      stay?.woke(this, clock.steadyMs() - fromMs, why);
    } finally {
      opened?.();
    }
  }

  /** Gives a host the connections that are new to it, and all requests. */
  private tellNew(host: OpenedHost, known: ReadonlySet<HeldConnection>): void {
    for (const held of this.connections) if (!known.has(held)) held.attach(host.link.connect(held.info, held), 0);
    for (const held of this.requests) this.ask(held, host);
  }

  private adopt(host: OpenedHost): void {
    this.host = host;
    host.link.failed.then((error) => {
      this.endedHosts.set(host, error);
      if (this.host === host && !this.stopping) this.change = this.reopen(host, error);
    }, unreachable);
  }

  private async reopen(ended: OpenedHost, error: Error): Promise<void> {
    this.host = undefined;
    this.state = "opening";
    this.options.stay?.left();
    this.options.note(`the host ended: ${error.message}`);
    this.takeStock(ended, error);
    const delayMs = this.pace.ended(error instanceof HostEnded && !error.isModulesFault);
    if (delayMs > 0)
      this.options.note(
        `its hosts are ended from outside, one after another: the next starts in ${delayMs / 1000} s. Look at what ends them, such as want of memory (the system's log says so).`,
      );
    await this.tryAgain(error, delayMs);
  }

  /** Looks up what the host that ended had been given, and decides what of that the next may run. */
  private takeStock(ended: OpenedHost, error: Error): void {
    this.resumeOffset = ended.releasedOffset;
    this.isCareful = true;
    if (ended.isThrough === true) this.retries.through();
    const hostEnded = error instanceof HostEnded ? error : undefined;
    if (hostEnded?.isModulesFault === true && hostEnded.suspect === undefined) this.pace.crashed();
    const given: Work[] = [];
    for (const held of this.connections) given.push(...held.givenWork());
    for (const { work, askedCount } of this.requests) if (work !== undefined && askedCount > 0) given.push(work);
    this.condemned = this.retries.ended(given, {
      error: hostEnded,
      begun: ended.begun,
      how: howOf(error),
    });
    const condemned = new Set(this.condemned.map(keyOfWork));
    for (const held of this.connections) held.detach(condemned.has(keyOfWork(held.connectWork)));
    for (const held of this.requests)
      if (held.work === undefined && held.askedCount >= askedMax)
        this.answer(held, failure(new LightconeError("CallUnknown", {})));
  }

  /** Opens the next host; gives up after some tries. */
  private async tryAgain(reason: unknown, firstDelayMs = 0): Promise<void> {
    const { crashesMax, note } = this.options;
    for (const delayMs of [firstDelayMs, ...reopenDelaysMs]) {
      const { crashCount } = this.pace;
      if (crashCount >= crashesMax) {
        this.giveUp(new LightconeError("Quarantined", { crashCount }));
        return;
      }
      await this.pace.wait(delayMs);
      if (this.stopping) return;
      try {
        await this.bring("again", false);
        return;
      } catch (error) {
        note(`the host did not start: ${String(error)}`);
        if (isLightconeError(error) && isDamage(error)) {
          this.giveUp(error);
          return;
        }
        if (!(error instanceof HostEnded) || !error.isModulesFault) continue;
        if (this.condemnView(error)) {
          await this.tryAgain(reason);
          return;
        }
        this.pace.crashed();
      }
    }
    const said = "its process ended and could not be started again";
    this.giveUp(new LightconeError("DatabaseStopped", { reason: said }, { cause: reason }));
  }

  /**
   * A host has ended while it was opened. It was at a view that it computed for who is subscribed: the next does without it.
   *
   * @returns false when it was at something else, or the view was to be left out already
   */
  private condemnView(error: HostEnded): boolean {
    if (error.suspect?.kind !== WorkKind.view) return false;
    const before = this.condemned.length;
    this.condemned = this.retries.endedAtStart(error.suspect, howOf(error));
    return this.condemned.length > before;
  }

  private resume(connections: readonly HeldConnection[]): FrontResume {
    const visits = [...this.requests].flatMap(({ request }) =>
      "caller" in request ? [{ ...request.caller, functionName: functionCalledBy(request) }] : [],
    );
    return {
      front: this.options.front ?? onlyFront,
      releasedOffset: this.resumeOffset,
      connections: connections.map((held) => held.resume()),
      visits,
      requestCount: [...this.requests].filter(({ work }) => work !== undefined).length,
      condemned: this.condemned,
      ends: this.ends,
      isCareful: this.isCareful,
    };
  }

  /** The reply to what the last host ended at: that it took too long, or that it broke. */
  private replyOfEnded(request: DatabaseRequest, { reason }: Condemned): Reply {
    if (reason !== "time" && reason !== "interrupted") return refusal(530, "ReducerCrashed", fatalText);
    const { reducerTimeoutMs: timeoutMs } = this.options;
    return failure(new LightconeError("ReducerTimedOut", { what: titleOf(request), timeoutMs }));
  }

  private giveUp(error: LightconeError): void {
    this.state = "failed";
    this.failure = error;
    for (const held of this.connections) held.close(1011, cutText(error.told, 120));
    const condemned = new Map(this.condemned.map((each) => [keyOfWork(each), each] as const));
    for (const held of this.requests) {
      const ended = held.work === undefined ? undefined : condemned.get(keyOfWork(held.work));
      this.answer(held, ended === undefined ? failure(error) : this.replyOfEnded(held.request, ended));
    }
    this.fail(error);
  }
}

/** What a request is called where no host is there to say what kind of function it calls. */
function titleOf(request: DatabaseRequest): string {
  const name = functionCalledBy(request);
  return name === undefined ? "the query" : `\`${name}\``;
}

function functionCalledBy(request: DatabaseRequest): string | undefined {
  if (request.kind === "route") return routeKey(request.method, request.path);
  return request.kind === "call" ? request.functionName : undefined;
}

/** How a host ended, for the module's log. */
function howOf(error: Error): string {
  return error.message.replace(/^the database's process ended: /, "");
}

function isOwed(why: WakeReason): why is OwedReason {
  return owedReasons.some((each) => each === why);
}

function unreachable(): void {
  // `failed` never rejects.
}
