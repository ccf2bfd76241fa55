/** Calls that a module defers: they run soon, in transactions of their own, as calls of the database itself. */
import { CommitKind } from "@lightcone/engine";
import { LogLevel } from "@lightcone/host";
import { noBytes, ownCall } from "../core/call.ts";
import type { DatabaseContext } from "../core/context.ts";
import type { Job } from "../core/job-loop.ts";
import { idOfReducer, WorkKind } from "../link/work.ts";
import { mustBeWhole, noted } from "../recovery/noted.ts";
import { abandonCall, callReducer } from "./reducer-call.ts";

export class DeferredCallJob implements Job {
  private readonly context: DatabaseContext;
  private readonly functionName: string;
  private readonly args: Uint8Array;
  private id: Uint8Array = noBytes;

  constructor(context: DatabaseContext, functionName: string, args: Uint8Array) {
    this.context = context;
    this.functionName = functionName;
    this.args = args;
  }

  run(): void {
    const { context } = this;
    const reducer = context.module?.reducer(this.functionName);
    const view = new DataView(this.args.buffer, this.args.byteOffset, this.args.byteLength);
    if (reducer === undefined || reducer.validate(this.args, view, 0, this.args.length) !== this.args.length) {
      context.log.note(LogLevel.warn, `no reducer ${this.functionName} takes what was scheduled for it`);
      return;
    }
    const quarantine = context.ends.refusal(this.functionName);
    if (quarantine !== undefined) {
      const what = "What a function wanted to have run soon is left out";
      context.log.writeEnd({ level: LogLevel.warn, message: `${quarantine.message}. ${what}.` }, this.functionName);
      return;
    }
    this.id = idOfReducer(reducer.def.id);
    noted(context, WorkKind.deferred, this.id, 0, () => {
      const call = ownCall(context.identity, CommitKind.internal).of(reducer, context.pipeline.nowMicros(), this.args);
      callReducer(context, call, reducer);
    });
  }

  timedOut(): void {
    this.context.activity.end();
    abandonCall(this.context);
    mustBeWhole(this.context, WorkKind.deferred, this.id, 0);
  }
}
