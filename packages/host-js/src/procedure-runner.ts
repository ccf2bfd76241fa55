/**
 * Runs the procedures and HTTP handlers of one instance, one at a time: asynchronous functions, in steps.
 *
 *   call ─▶ step: the body, then its microtasks ─▶ settled? ended
 *            ▲                                       │ no
 *            └── the port lets a wait go on ◀────────┘ something is waited for; else it would never end
 *
 * Whatever the body awaits is in the end a promise that was made here: no code of the module runs but in a step.
 */
import { types } from "node:util";
import { modulePromises, type Rejection, type WorkInParts } from "@lightcone/base/node";
import {
  Errno,
  readHttpRequest,
  writeHttpResponse,
  type HandlerCall,
  type HostPort,
  type HttpAnswer,
  type ProcedureCall,
  type ProcedureOutcome,
} from "@lightcone/host";
import { ByteWriter, TimeDuration, Timestamp, type ValueCodec } from "@lightcone/sats";
import { CallContext, type CallFacts, type ContextParts } from "./context.ts";
import type { GuestClasses } from "./guest-classes.ts";
import { procedureHttp, type GuestHeaders, type ProcedureHttpMade } from "./procedure-http.ts";
import type { Sandbox } from "./sandbox.ts";
import { byAlias, type Part } from "./parts.ts";
import type { HandlerShape } from "./shapes.ts";

export interface BoundProcedure {
  readonly name: string;
  /** What it is a procedure of. */
  readonly part: Part;
  readonly body: (ctx: unknown, args: unknown) => unknown;
  readonly args: ValueCodec;
  /** Undefined for a unit: whatever the body gives then is no value. */
  readonly returns: ValueCodec | undefined;
}

/** What the runner has of its instance. */
export interface RunnerSite {
  readonly sandbox: Sandbox;
  readonly port: HostPort;
  readonly classes: GuestClasses;
  readonly part: Part;
  /** The context that transactions are given, and its objects by the module that they are for. */
  readonly transaction: CallContext;
  readonly transactionContexts: ReadonlyMap<Part, object>;
  readArgs(codec: ValueCodec, args: Uint8Array): unknown;
  /** How what was thrown ends a call. @throws what is the host's own */
  failed(error: unknown): Refused;
  /** How a rejection that nobody handled does. */
  rejected(rejection: Rejection): Refused;
  /** Where a promise was made, as text. */
  placeOf(madeUnder: string | undefined): string;
}

export type Refused = Exclude<ProcedureOutcome, { readonly kind: "ok" }>;

/** The procedure or the handler that runs. */
interface Run {
  readonly name: string;
  readonly call: CallFacts;
  readonly context: CallContext;
  /** What its value is. */
  readonly returned: (value: unknown) => ProcedureOutcome;
  readonly part: WorkInParts;
  /** What it waits for. */
  waitCount: number;
  settled: { readonly value: unknown } | { readonly error: unknown } | undefined;
}

interface Deferred {
  readonly promise: unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** What is made in the module's realm. */
interface Made {
  readonly defer: () => Deferred;
  readonly watch: (value: unknown, done: (value: unknown) => void, failed: (error: unknown) => void) => void;
  readonly errorOf: (code: number, text: string) => unknown;
}
const madeSource = `
return {
  defer: () => Promise.withResolvers(),
  watch: (value, done, failed) => { Promise.resolve(value).then(done, failed); },
  errorOf: (code, text) => { try { fail(code, text); } catch (error) { return error; } },
};
`;

const nobody = new Uint8Array(32);
const noConnection = new Uint8Array(16);
const noResponse: ProcedureOutcome = { kind: "panic", message: "the handler gave what is no response", fatal: false };
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const ok = (value: Uint8Array): ProcedureOutcome => ({ kind: "ok", value });
const waitsInTransaction = "nothing waits within a transaction: do it before withTx, or behind it";

export class ProcedureRunner {
  /** Whether something is left that would wake in a later call. */
  isSpent = false;
  private readonly site: RunnerSite;
  private readonly context: CallContext;
  /** Made by the first handler. */
  private madeHandlerContext: CallContext | undefined;
  /** What procedures of each module are given. */
  private readonly contexts = new Map<Part, object>();
  private readonly made: Made;
  private readonly http: ProcedureHttpMade;
  private run: Run | undefined;
  private isInTransaction = false;

  constructor(site: RunnerSite) {
    this.site = site;
    const { sandbox, port, classes } = site;
    // The source is ours and gives that.
    this.made = sandbox.compile(["fail"], madeSource, "procedures")(classes.fail) as Made;
    this.http = sandbox.compile(["ask", "encode", "decode"], procedureHttp, "ctx.http")(
      (method: string, uri: string, headers: GuestHeaders, body: Uint8Array, timeout: unknown) =>
        this.request(method, uri, headers, body, timeout),
      (text: string) => encoder.encode(text),
      (bytes: Uint8Array) => decoder.decode(bytes),
    ) as ProcedureHttpMade;
    this.context = new CallContext(sandbox, port, (parts, made) =>
      this.literalOf(site.part, parts, made, this.contexts),
    );
    this.contexts.set(site.part, this.context.ctx);
  }

  private literalOf(
    part: Part,
    parts: ContextParts,
    made: (own: object) => object,
    contexts: Map<Part, object> = new Map(),
  ): object {
    const { random, newUuidV4, newUuidV7 } = parts;
    const as = byAlias(part, (within) => {
      const ctx = made(this.literalOf(within, parts, made, contexts));
      contexts.set(within, ctx);
      return ctx;
    });
    return {
      http: { fetch: this.http.fetch },
      withTx: (body: unknown) => this.withTx(part, body),
      sleep: (how: unknown) => this.sleep(how),
      as,
      random,
      newUuidV4,
      newUuidV7,
    };
  }

  call(procedure: BoundProcedure, call: ProcedureCall): ProcedureOutcome | undefined {
    const { name, part, body, args } = procedure; // called without a receiver: `this` is nothing of ours
    return this.begin(
      { name: `procedure ${name}`, call, context: this.context, returned: (value) => this.returned(procedure, value) },
      (ctx) => body(this.contexts.get(part) ?? ctx, this.site.readArgs(args, call.args)),
    );
  }

  callHandler(
    handler: HandlerShape,
    { request, body: sent, timestampMicros }: HandlerCall,
  ): ProcedureOutcome | undefined {
    const { exportName, body, requestOf, plainResponse } = handler;
    const { uri, method, version, headers } = readHttpRequest(request, sent);
    const fields = headers.map(([name, value]) => [name, textOf(value)] as const);
    const plain = { method, uri, version, headers: fields, body: sent.slice() };
    return this.begin(
      {
        name: `HTTP handler ${exportName}`,
        call: { sender: nobody, connection: noConnection, timestampMicros },
        context: this.handlerContext,
        returned: (value) => this.responded(() => plainResponse(value)),
      },
      (ctx) => body(ctx, requestOf(plain)),
    );
  }

  /** What handlers are given: nobody calls them. */
  private get handlerContext(): CallContext {
    const { sandbox, port } = this.site;
    return (this.madeHandlerContext ??= new CallContext(
      sandbox,
      port,
      (parts, made) => this.literalOf(this.site.part, parts, made),
      false,
    ));
  }

  private begin(
    what: Pick<Run, "name" | "call" | "context" | "returned">,
    enter: (ctx: object) => unknown,
  ): ProcedureOutcome | undefined {
    const run: Run = { ...what, part: modulePromises.plan(), waitCount: 0, settled: undefined };
    this.run = run;
    this.isInTransaction = false;
    run.context.begin(run.call);
    return this.step(run, () => {
      const result = enter(run.context.ctx);
      this.made.watch(
        result,
        (value) => (run.settled = { value }),
        (error) => (run.settled = { error }),
      );
    });
  }

  /** Runs a part of it, and the microtasks that come of that. */
  private step(run: Run, enter: () => void): ProcedureOutcome | undefined {
    modulePromises.beginPart(run.part);
    try {
      enter();
    } catch (error) {
      run.settled = { error };
    }
    modulePromises.end();
    const { rejection, open } = modulePromises.settle(run.part);
    const outcome = this.outcomeOf(run, rejection, open?.madeUnder);
    if (outcome === undefined) return undefined;
    this.run = undefined;
    if (run.part.open.size > 0 || run.waitCount > 0) this.isSpent = true;
    return outcome;
  }

  private outcomeOf(
    run: Run,
    rejection: Rejection | undefined,
    madeUnder: string | undefined,
  ): ProcedureOutcome | undefined {
    const { site } = this;
    const { settled, name } = run;
    if (settled !== undefined && "error" in settled) return site.failed(settled.error);
    if (rejection !== undefined) return site.rejected(rejection);
    if (settled !== undefined) return run.returned(settled.value);
    if (run.waitCount > 0) return undefined;
    const message = `${name} waits for a promise${site.placeOf(madeUnder)} that nothing will settle: what it waits for comes of ctx.sleep and ctx.http.fetch`;
    this.isSpent = true;
    return { kind: "panic", message, fatal: true };
  }

  private returned({ name, returns }: BoundProcedure, value: unknown): ProcedureOutcome {
    if (returns === undefined) return ok(new Uint8Array(0));
    const out = new ByteWriter();
    try {
      returns.write(out, value);
    } catch (error) {
      const refused = this.site.failed(error);
      return refused.kind === "panic"
        ? { ...refused, message: `procedure ${name} returned what is not of its type: ${refused.message}` }
        : refused;
    }
    return ok(out.toBytes());
  }

  /** A response, as the bundle's own class tells it. */
  private responded(read: () => unknown): ProcedureOutcome {
    let parts: readonly unknown[];
    try {
      const plain = read();
      if (typeof plain !== "object" || plain === null) return noResponse;
      parts = [Reflect.get(plain, "status"), Reflect.get(plain, "headers"), Reflect.get(plain, "body")];
    } catch (error) {
      return this.site.failed(error);
    }
    const [status, headers, body] = parts;
    if (typeof status !== "number" || !(status >= 0 && status <= 0xffff) || !types.isUint8Array(body))
      return noResponse;
    const fields = Array.isArray(headers) ? headers.map(fieldOf) : [undefined];
    const whole = fields.filter((field) => field !== undefined);
    if (whole.length < fields.length) return noResponse;
    const facts = {
      kind: "answered",
      status: Math.trunc(status),
      headers: whole,
      version: "1.1",
      uri: "",
      body,
    } as const;
    return { kind: "ok", value: writeHttpResponse(facts), body: new Uint8Array(body) };
  }

  // --- what the context offers

  private running(): Run {
    if (this.run === undefined) throw new TypeError("a context only answers while its function runs");
    return this.run;
  }

  /** Runs `body` in a transaction: kept when it returns, undone when it throws. */
  private withTx(part: Part, body: unknown): unknown {
    const { port, classes, transaction, transactionContexts } = this.site;
    const { call } = this.running();
    const { procedureTransactions: transactions } = port;
    if (typeof body !== "function") throw new TypeError("withTx takes a function: (tx) => { … }");
    if (transactions === undefined) throw new TypeError("there are no transactions here");
    const micros = transactions.begin();
    if (micros < 0) classes.fail(-micros, "a transaction is open already: do both in one withTx");
    this.isInTransaction = true;
    transaction.begin({ ...call, timestampMicros: micros });
    let result: unknown;
    try {
      result = (body as (tx: object) => unknown)(transactionContexts.get(part) ?? transaction.ctx);
      if (isThenable(result))
        throw new TypeError(
          "the function of withTx returned a promise: a transaction runs to its end at once. Await before withTx, or behind it",
        );
    } catch (error) {
      this.isInTransaction = false;
      transactions.abort();
      throw error;
    }
    this.isInTransaction = false;
    transactions.commit();
    return result;
  }

  private sleep(how: unknown): unknown {
    const { port } = this.site;
    this.mayWait();
    const untilMicros =
      how instanceof Timestamp
        ? Number(how.microsSinceUnixEpoch)
        : how instanceof TimeDuration
          ? port.nowMicros() + Number(how.micros)
          : undefined;
    if (untilMicros === undefined || !Number.isFinite(untilMicros))
      throw new TypeError("ctx.sleep takes how long, a TimeDuration, or until when, a Timestamp");
    return this.wait<number>(
      (goOn) => port.procedureWaits?.sleepUntil(untilMicros, goOn),
      (nowMicros, { resolve }) => {
        this.running().context.moveTo(nowMicros);
        resolve(undefined);
      },
    );
  }

  private request(method: string, uri: string, given: GuestHeaders, body: Uint8Array, timeout: unknown): unknown {
    this.mayWait();
    if (timeout !== undefined && !(timeout instanceof TimeDuration && Number.isFinite(Number(timeout.micros))))
      throw new TypeError("a request's timeout is a TimeDuration");
    const timeoutMs = timeout === undefined ? undefined : Math.max(0, Number(timeout.micros) / 1000);
    const headers = given.map(([name, value]) => [name, bytesOf(value)] as const);
    return this.wait<HttpAnswer>(
      (goOn) => this.site.port.procedureWaits?.request({ method, uri, headers, body, timeoutMs }, goOn),
      (answer, { resolve, reject }) => {
        if (answer.kind === "failed") reject(this.made.errorOf(Errno.httpError, answer.reason));
        else {
          const { status, version, uri: url, headers: fields, body: bytes } = answer;
          resolve(
            this.http.response(
              status,
              version,
              url,
              fields.map(([name, value]) => [name, textOf(value)] as const),
              bytes,
            ),
          );
        }
      },
    );
  }

  private mayWait(): void {
    const { classes } = this.site;
    this.running();
    if (this.isInTransaction) classes.fail(Errno.wouldBlockTransaction, waitsInTransaction);
  }

  /** A promise of the module's realm that is settled in a step of its own. */
  private wait<T>(
    begin: (goOn: (what: T) => ProcedureOutcome | undefined) => void,
    settle: (what: T, deferred: Deferred) => void,
  ): unknown {
    const run = this.running();
    const deferred = this.made.defer();
    begin((what) => {
      run.waitCount -= 1;
      return this.step(run, () => settle(what, deferred));
    });
    run.waitCount += 1;
    return deferred.promise;
  }
}

export function isThenable(value: unknown): boolean {
  return ((typeof value === "object" && value !== null) || typeof value === "function") && "then" in value;
}

function fieldOf(pair: unknown): readonly [name: string, value: Uint8Array] | undefined {
  const [name, value]: readonly unknown[] = Array.isArray(pair) ? pair : [];
  return typeof name === "string" && typeof value === "string" ? [name, bytesOf(value)] : undefined;
}

/** A header's characters are bytes. */
function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function textOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}
