/** The work at which the host before ended: what becomes of it, and its line in the module's log, with what to do. */
import { asTableId, LightconeError, type TableId } from "@lightcone/base";
import { LogLevel } from "@lightcone/host";
import { functionTitle } from "../core/function-title.ts";
import { keyOfClient } from "../link/client.ts";
import type { Condemned, NumberedMessage, Resume, ResumedConnection } from "./resume.ts";
import { handlerOf } from "@lightcone/schema";
import type { DatabaseContext } from "../core/context.ts";
import { keyOfWork, numberOfId, ProgramPhase, WorkKind } from "../link/work.ts";
import type { CondemnedViews } from "../views/view-site.ts";

/** Who knows what a piece of work runs. */
export interface WorkNames {
  /** The reducer that a scheduled row is run by. */
  scheduledFunction(id: string): string | undefined;
  /** Whether a scheduled row is run again and again. */
  isRepeated(id: string): boolean;
  /** The function that a client's message calls. */
  calledFunction(connection: ResumedConnection, message: NumberedMessage): string | undefined;
}

export class CondemnedWork implements CondemnedViews {
  private readonly all: readonly Condemned[];
  /** Views that are not run, with why, as long as what the host before had been given is gone through. */
  private views: readonly Condemned[];
  /** A description of each, by `keyOfWork`. */
  private readonly titles = new Map<string, string>();
  private timeoutMs = 0;

  constructor(resume: Resume) {
    this.all = resume.flatMap(({ condemned }) => condemned);
    this.views = this.all.filter(({ kind }) => kind === WorkKind.view);
  }

  /** What a host did at the restoring of a view's rows, it would do at any time. */
  has(view: TableId, isRestoring: boolean): boolean {
    return this.views.some(({ id, number }) => numberOfId(id) === view && (number === 1 || !isRestoring));
  }

  /** All that the host before had been given has been gone through: who asks for a view anew may have it tried. */
  through(): void {
    this.views = [];
  }

  /** What names the condemned of a kind. */
  ids(kind: WorkKind): ReadonlySet<string> {
    return new Set(this.all.filter((each) => each.kind === kind).map(({ id }) => id));
  }

  /** How a client's messages fail, by their numbers. */
  messagesOf(key: string): ReadonlyMap<number, LightconeError> {
    const own = this.all.filter(({ kind, id }) => kind === WorkKind.message && id === key);
    return own.length === 0 ? none : new Map(own.map((each) => [each.number, this.failureOf(each)]));
  }

  /** How a piece of work fails: by the limit that it met, or else as broken. @param what it is, where it runs no function */
  failureOf(work: Condemned, what = "the query"): LightconeError {
    if (work.reason !== "time" && work.reason !== "interrupted") return new LightconeError("ReducerCrashed", {});
    const { timeoutMs } = this;
    return new LightconeError("ReducerTimedOut", { what: this.titles.get(keyOfWork(work)) ?? what, timeoutMs });
  }

  find(kind: WorkKind, id: string): Condemned | undefined {
    return this.all.find((each) => each.kind === kind && each.id === id);
  }

  /** Notes each in the module's log, counts what a host ended in, and has clients refused that may not come. */
  note(context: DatabaseContext, names: WorkNames, resume: Resume): void {
    this.timeoutMs = context.limits.reducerTimeoutMs;
    for (const condemned of this.all) {
      const said = routeHandler(context, functionOf(condemned, context, names, resume));
      // A client may call a function that does not exist.
      const name = said !== undefined && hasFunction(context, said) ? said : undefined;
      if (name !== undefined) this.titles.set(keyOfWork(condemned), titleOf(name, context));
      if (condemned.kind === WorkKind.connect) context.condemnedClients.set(condemned.id, this.failureOf(condemned));
      const isRepeated = condemned.kind === WorkKind.schedule && names.isRepeated(condemned.id);
      // Which function of a program it was is known when that is looked at again.
      if (isInFunction(condemned)) continue;
      const message = lineOf(condemned, condemned.kind === WorkKind.view ? told : isRepeated ? undoneRepeated : undone);
      if (name === undefined) context.log.note(LogLevel.error, `a query, or the start of a program: ${message}`);
      else context.log.writeEnd({ level: LogLevel.error, message }, name);
      if (condemned.isModulesFault && name !== undefined) context.ends.add(name);
    }
  }
}

/** Whether a program had come to the function that it runs when it is taken in. */
export function isInFunction({ kind, number }: Condemned): boolean {
  return kind === WorkKind.program && number === ProgramPhase.runsFunction;
}

const none: ReadonlyMap<number, LightconeError> = new Map();

function titleOf(name: string, { module }: DatabaseContext): string {
  const has = (functions: readonly { readonly name: string }[] | undefined): boolean =>
    functions?.some((each) => each.name === name) === true;
  if (has(module?.def.reducers)) return functionTitle("reducer", name);
  return functionTitle(has(module?.def.procedures) ? "procedure" : "handler", name);
}

/** The handler of a route (`routeKey`); any other name as it is. */
function routeHandler({ module }: DatabaseContext, name: string | undefined): string | undefined {
  const [method = "", path] = name?.split(" ") ?? [];
  return path === undefined || module === undefined ? name : handlerOf(module.def, method, path);
}

function hasFunction({ module }: DatabaseContext, name: string): boolean {
  const { reducers = [], procedures = [], httpHandlers = [], views = [] } = module?.def ?? {};
  const functions = [...reducers, ...procedures, ...httpHandlers, ...views];
  return functions.some((each) => each.name === name);
}

/** The function that runs for a piece of work; undefined when it is none of the module's. */
function functionOf(work: Condemned, context: DatabaseContext, names: WorkNames, resume: Resume): string | undefined {
  switch (work.kind) {
    case WorkKind.connect:
      return context.module?.lifecycle("connect")?.def.name;
    case WorkKind.disconnect:
      return context.module?.lifecycle("disconnect")?.def.name;
    case WorkKind.schedule:
      return names.scheduledFunction(work.id);
    case WorkKind.deferred:
      return context.module?.reducers.find(({ def }) => def.id === numberOfId(work.id))?.def.name;
    case WorkKind.view:
      return context.relations.view(asTableId(numberOfId(work.id)))?.view.name;
    case WorkKind.program:
      return undefined;
    case WorkKind.message: {
      const visitor = resume.flatMap(({ visits }) => visits).find((each) => keyOfClient(each) === work.id);
      if (visitor !== undefined) return visitor.functionName;
      const connection = resume
        .flatMap(({ connections }) => connections)
        .find(({ info }) => keyOfClient(info.caller) === work.id);
      const message = connection?.pending.find(({ number }) => number === work.number);
      return connection === undefined || message === undefined ? undefined : names.calledFunction(connection, message);
    }
  }
}

const told = "Who is subscribed to it is told. After some such ends it is refused for a while.";
const undone = "All that it had changed is undone, and it is not run again.";
const undoneRepeated = "All that it had changed is undone, and it is not run again before its row's next time.";

/** @param then what becomes of it */
export function lineOf({ kind, reason, how }: Condemned, then = undone): string {
  const limit = kind === WorkKind.view ? "viewTimeoutMs" : "reducerTimeoutMs";
  switch (reason) {
    case "memory":
      return `it took more memory than a database's process may (\`hostMemoryBytesMax\`), and was ended with the process. ${then} Let it keep less at once, or raise the limit.`;
    case "time":
      return `it went on after its time (\`${limit}\`) inside one operation that cannot be interrupted, such as a search or a fill over something huge, and was ended with the process. ${then} Bound what it works on.`;
    case "interrupted":
      return `it had its time (\`${limit}\`) while a change was half-way, which ended its process as well. ${then} Do less at a time, or raise the limit.`;
    case "crash":
      return `its process ended while it ran (${how}${causeOf(how)}). ${then}`;
    case "twice":
      return `it had begun, or was about to, when its process ended (${how}), and so it was before. It is not tried again.`;
  }
}

/** What ends a process so, as a rule. */
function causeOf(how: string): string {
  if (/SIGABRT|SIGTRAP|code 13[34]/.test(how)) return ": a full JavaScript heap, as a rule; let it keep less at once";
  return how.includes("SIGKILL") ? ": somebody ended it, or the system did for want of memory" : "";
}
