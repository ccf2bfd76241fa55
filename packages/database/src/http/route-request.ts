/**
 * Requests to the routes of a module: matched by path and method, and run by a handler as a procedure is. Nobody calls it: it
 * has no sender, and no client connects for it.
 */
import { errorFacts, LightconeError } from "@lightcone/base";
import { readHttpResponse, writeHttpRequest, type HttpHeaders, type ModuleInstance } from "@lightcone/host";
import { handlerOf, methodsOf, type ModuleDef } from "@lightcone/schema";
import { ProcedureRun, type RunResult, type RunTarget } from "../calls/procedure-run.ts";
import type { DatabaseContext } from "../core/context.ts";
import { functionTitle } from "../core/function-title.ts";
import { bytesOfClient } from "../link/client.ts";
import type { DatabaseRequest, Reply } from "../link/link.ts";
import { failure, refusal, text } from "../link/reply.ts";
import { WorkKind } from "../link/work.ts";
import type { RequestRun } from "./ephemeral-connection.ts";

type RouteRequest = DatabaseRequest & { readonly kind: "route" };

export class RouteRun implements RequestRun {
  readonly isPiecemeal = true;
  readonly connects = false;
  private readonly context: DatabaseContext;
  private readonly request: RouteRequest;
  private readonly left: AbortSignal | undefined;

  constructor(context: DatabaseContext, request: RouteRequest, left: AbortSignal | undefined) {
    this.context = context;
    this.request = request;
    this.left = left;
  }

  run(later: (reply: Reply) => void): Reply | undefined {
    const { context, request } = this;
    const { caller, peer, method, path } = request;
    const { module } = context;
    const name = module && handlerOf(module.def, method, path);
    if (module === undefined || name === undefined) return unserved(module?.def, path);
    const refused = context.ends.refusal(name) ?? context.procedures.refusal(peer);
    if (refused !== undefined) return failure(refused);
    let reply: Reply | undefined;
    let answer = (made: Reply): void => void (reply = made);
    const run = new ProcedureRun(context, {
      module,
      target: targetOf(module.def, name, request, context.limits.routeResponseBytesMax),
      sender: caller,
      caller: peer,
      timestampMicros: context.pipeline.nowMicros(),
      work: { kind: WorkKind.message, id: bytesOfClient(caller), number: 1 },
      isNoted: false,
      ended: (result) => answer(replyOf(result, method)),
    });
    run.start();
    answer = later;
    if (reply === undefined) this.endIfLeft(run);
    return reply;
  }

  /** One that waits while nobody is there to take its response holds a place for nothing. What it has committed stays. */
  private endIfLeft(run: ProcedureRun): void {
    const { left, context } = this;
    if (left === undefined) return;
    const what = functionTitle("handler", run.functionName);
    const why = "whoever sent the request has left";
    const end = (): void => run.cutShort(new LightconeError("ProcedureEnded", { what, why }));
    const leave = (): void => context.loop.push({ run: end, timedOut: end });
    if (left.aborted) leave();
    else left.addEventListener("abort", leave, { once: true });
  }

  settled(): Reply {
    return failure(new LightconeError("CallUnknown", {}));
  }
}

/** A path that other methods are served by names them. It is 404 all the same, as everywhere where modules have routes. */
function unserved(def: ModuleDef | undefined, path: string): Reply {
  const methods = def === undefined ? [] : methodsOf(def, path);
  const allow = methods.length === 0 ? {} : { allow: methods.join(", ") };
  return text(404, "Database has not registered a handler for this route", allow);
}

function targetOf(def: ModuleDef, name: string, request: RouteRequest, bytesMax: number): RunTarget {
  const { method, uri, headers, version, body } = request;
  const handlerId = def.httpHandlers.findIndex((each) => each.name === name);
  return {
    kind: "handler",
    name,
    entry: (instance: ModuleInstance, timestampMicros) =>
      instance.callHandler === undefined
        ? undefined
        : () =>
            instance.callHandler?.({
              handlerId,
              timestampMicros,
              request: writeHttpRequest(method, uri, headers, version),
              body,
            }),
    problemOf: (record, content) => responseProblem(record, content, bytesMax),
  };
}

const statusMin = 200;
const statusMax = 599;
const fieldName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** They are the connection's business, not the response's. */
const droppedFields = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade", "trailer", "te"]);

function responseProblem(record: Uint8Array, body: Uint8Array, bytesMax: number): string | undefined {
  const length = record.length + body.length;
  if (length > bytesMax) return `its response has ${length} bytes; routeResponseBytesMax is ${bytesMax}`;
  let response: { readonly status: number; readonly headers: HttpHeaders };
  try {
    response = readHttpResponse(record);
  } catch {
    return "it gave bytes that are no response";
  }
  const { status, headers } = response;
  if (status < statusMin || status > statusMax)
    return `its response has the status ${status}; there are ${statusMin} to ${statusMax}`;
  const wrong = headers.find(([name, value]) => !fieldName.test(name) || value.some(isNoFieldByte));
  return wrong && `its response has a header ${JSON.stringify(wrong[0])} that cannot be sent`;
}

function isNoFieldByte(byte: number): boolean {
  return (byte < 0x20 && byte !== 0x09) || byte === 0x7f;
}

function replyOf(result: RunResult, method: string): Reply {
  if (result.kind === "failed") {
    const { code, message } = result;
    const status = code === "ReducerFailed" || code === "ReducerCrashed" ? 500 : errorFacts(code).http;
    return refusal(status, code, message);
  }
  const { value, body } = result;
  const { status, headers } = readHttpResponse(value);
  const fields = headers
    .map(([name, bytes]) => [name.toLowerCase(), latin1(bytes)] as const)
    .filter(([name]) => !droppedFields.has(name) && (name !== "content-length" || method === "HEAD"));
  return { status, headers: {}, fields, body };
}

/** A header's bytes are characters. */
function latin1(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}
