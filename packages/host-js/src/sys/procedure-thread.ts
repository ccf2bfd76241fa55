/**
 * A procedure's thread, as the database's thread has it. The official package waits for the answer to a request within the call that
 * sends it, so whoever runs it stands still: a thread of its own, which is entered and left like a coroutine.
 *
 *   call ─▶ the thread runs ─▶ asks for an operation ─▶ done here, at once ─▶ the thread runs on
 *                            ├▶ asks for a request ───▶ this thread goes on with other jobs until the answer is there
 *                            └▶ has ended
 *
 * Within a transaction this thread waits for as long as a job may take, as it does while a reducer runs. Outside of one it looks after
 * other jobs every so often, since a thread may be starting, may compute for long, or may have died.
 */
import { LightconeError } from "@lightcone/base";
import {
  Errno,
  readHttpRequest,
  writeHttpResponse,
  type HandlerCall,
  type HostPort,
  type HttpRequest,
  type ProcedureCall,
  type ProcedureOutcome,
} from "@lightcone/host";
import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from "node:worker_threads";
import { Operations, waitsInTransaction } from "./operations.ts";
import {
  databasesTurn,
  operationNames,
  threadsTurn,
  turnWord,
  type FromThread,
  type ThreadData,
  type ThreadProgram,
  type ToThread,
} from "./thread-messages.ts";

export interface ThreadLimits {
  /** Threads of procedures that there may be in a process. */
  readonly threadsMax: number;
  /** How long a procedure may run between two things that it waits for. */
  readonly stepMs: number;
  readonly memoryBytesMax: number;
}

/** This thread waits for so long, and then looks after other jobs for so long; it waits less where it had to do so before. */
const firstSliceMs = 2;
const sliceMs = 0.3;
const restMicros = 1000;

/** An operation that was refused, on its way to the thread. */
class Refusal extends Error {
  readonly code: number;

  constructor(code: number, text: string) {
    super(text);
    this.code = code;
  }
}

export class ProcedureThread {
  /** Those of this process that have not ended. */
  static count = 0;
  /** Whether it runs nothing any more. */
  isOver = false;
  private readonly port: HostPort;
  private readonly limits: ThreadLimits;
  private readonly operations: Operations;
  private readonly words = new Int32Array(new SharedArrayBuffer(4));
  private readonly messages: MessagePort;
  private readonly worker: Worker;
  /** Of the present step, the time that this thread looked after other jobs included. */
  private stepFromMs = 0;
  private hasLookedAway = false;
  private problem = "nobody knows why";
  private whenEnded = (): void => undefined;

  constructor(program: ThreadProgram, port: HostPort, limits: ThreadLimits) {
    this.port = port;
    this.limits = limits;
    this.operations = new Operations(port, (code, text) => {
      throw new Refusal(code, text);
    });
    const { port1, port2 } = new MessageChannel();
    this.messages = port1;
    const data: ThreadData = { program, identity: port.databaseIdentity.slice(), words: this.words, port: port2 };
    this.worker = new Worker(new URL("./procedure-main.ts", import.meta.url), {
      workerData: data,
      transferList: [port2],
      resourceLimits: { maxOldGenerationSizeMb: Math.ceil(limits.memoryBytesMax / 2 ** 20) },
    });
    ProcedureThread.count += 1;
    this.worker.unref();
    port1.unref();
    // Its memory has run out, or it has failed in a way of its own.
    this.worker.on("error", (error) => (this.problem = error instanceof Error ? error.message : String(error)));
    this.worker.once("exit", () => {
      ProcedureThread.count -= 1;
      this.isOver = true;
    });
  }

  /** @param ended is called when it can be given another call */
  callProcedure(call: ProcedureCall, ended: () => void): ProcedureOutcome | undefined {
    this.whenEnded = ended;
    return this.enter({ kind: "procedure", call: { ...call, args: call.args.slice() } });
  }

  callHandler(call: HandlerCall, ended: () => void): ProcedureOutcome | undefined {
    this.whenEnded = ended;
    return this.enter({ kind: "handler", call: { ...call, request: call.request.slice(), body: call.body.slice() } });
  }

  /** Ends it, wherever it is. */
  close(): void {
    this.isOver = true;
    void this.worker.terminate();
  }

  private enter(call: ToThread): ProcedureOutcome | undefined {
    this.operations.phase = "procedure";
    this.stepFromMs = performance.now();
    this.say(call);
    return this.serve();
  }

  private say(message: ToThread): void {
    this.hasLookedAway = false;
    this.messages.postMessage(message);
    Atomics.store(this.words, turnWord, threadsTurn);
    Atomics.notify(this.words, turnWord);
  }

  /** Does what the thread asks for, until it has ended or waits for something. */
  private serve(): ProcedureOutcome | undefined {
    for (;;) {
      const message = this.hear();
      if (message === undefined) return this.lookAway();
      if (message.kind === "failed") {
        this.close();
        return this.ended({ kind: "panic", message: message.message, fatal: true });
      }
      if (message.kind === "ended") return this.ended(message.outcome);
      if (message.name === "request") {
        const refused = this.request(message.args);
        if (refused === undefined) return undefined;
        this.say(refused);
      } else this.say(this.done(message));
    }
  }

  /** Undefined while the thread runs on. */
  private hear(): FromThread | undefined {
    while (Atomics.load(this.words, turnWord) !== databasesTurn) {
      const waited = Atomics.wait(this.words, turnWord, threadsTurn, this.hasLookedAway ? sliceMs : firstSliceMs);
      if (waited === "timed-out" && !this.operations.isInTransaction && this.port.procedureWaits !== undefined)
        return undefined;
    }
    const heard: { readonly message: FromThread } | undefined = receiveMessageOnPort(this.messages);
    return heard?.message ?? { kind: "failed", message: "the procedure's thread gave its turn up and said nothing" };
  }

  /** Lets other jobs run while the thread runs on. */
  private lookAway(): ProcedureOutcome | undefined {
    const { stepMs, memoryBytesMax } = this.limits;
    if (this.isOver) {
      const message = `the procedure's thread has ended: ${this.problem}; it has ${Math.ceil(memoryBytesMax / 2 ** 20)} MiB of memory (moduleMemoryPagesMax)`;
      return this.ended({ kind: "panic", message, fatal: true });
    }
    if (performance.now() - this.stepFromMs > stepMs) {
      this.close();
      throw new LightconeError("ReducerTimedOut", { what: "the function", timeoutMs: stepMs });
    }
    this.hasLookedAway = true;
    this.port.procedureWaits?.sleepUntil(this.port.nowMicros() + restMicros, () => this.serve());
    return undefined;
  }

  private ended(outcome: ProcedureOutcome): ProcedureOutcome {
    this.operations.endCall();
    if (outcome.kind === "panic" && outcome.fatal) this.close();
    this.whenEnded();
    return outcome;
  }

  private done({ name, args }: Extract<FromThread, { readonly kind: "asks" }>): ToThread {
    if (!operationNames.includes(name))
      throw new LightconeError("ModuleInvalid", { reason: "its thread is not its own" });
    try {
      // The thread calls each with its own arguments, of the same types.
      const operation = this.operations[name] as unknown as (...values: readonly unknown[]) => unknown;
      return { kind: "value", value: ownOf(operation.apply(this.operations, args as unknown[])) };
    } catch (error) {
      if (error instanceof Refusal) return { kind: "refused", code: error.code, text: error.message };
      if (error instanceof RangeError || error instanceof TypeError)
        return { kind: "threw", name: error instanceof RangeError ? "RangeError" : "TypeError", text: error.message };
      throw error; // a limit that is met, or a bug of ours: it ends the procedure
    }
  }

  /** Sends a request. Gives what refuses it; undefined when it is on its way. */
  private request([record, body]: readonly unknown[]): ToThread | undefined {
    const { port } = this;
    if (port.procedureWaits === undefined)
      return { kind: "refused", code: Errno.httpError, text: "there are no requests here" };
    if (this.operations.isInTransaction)
      return { kind: "refused", code: Errno.wouldBlockTransaction, text: waitsInTransaction };
    let request: HttpRequest;
    try {
      request = readHttpRequest(record as Uint8Array, body as Uint8Array);
    } catch {
      return { kind: "refused", code: Errno.bsatnDecode, text: "the request is no request" };
    }
    port.procedureWaits.request(request, (answer) => {
      this.stepFromMs = performance.now();
      this.say(
        answer.kind === "failed"
          ? { kind: "refused", code: Errno.httpError, text: answer.reason }
          : { kind: "value", value: [writeHttpResponse(answer), ownOf(answer.body)] },
      );
      return this.serve();
    });
    return undefined;
  }
}

/** A value to give away: bytes are copied, and no more of them than it has. */
function ownOf(value: unknown): unknown {
  if (value instanceof Uint8Array) return value.slice();
  if (typeof value !== "object" || value === null || !("bytes" in value)) return value;
  return { ...value, bytes: ownOf(value.bytes) };
}
