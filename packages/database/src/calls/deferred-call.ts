/** Calls that a module defers: they run soon, in transactions of their own, as calls of the database itself. */
import { CommitKind } from "@lightcone/engine";
import { LogLevel } from "@lightcone/host";
import { ownCall } from "../core/call.ts";
import type { DatabaseContext } from "../core/context.ts";
import type { Job } from "../core/job-loop.ts";
import { idOfNumber, noWorkId, WorkKind } from "../link/work.ts";
import { noted } from "../recovery/noted.ts";
import { abandonNoted, callReducer } from "./reducer-call.ts";

export function deferredCall(context: DatabaseContext, functionName: string, args: Uint8Array): Job {
  let id = noWorkId;
  return {
    run(): void {
      const reducer = context.module?.reducer(functionName);
      const view = new DataView(args.buffer, args.byteOffset, args.byteLength);
      if (reducer === undefined || reducer.validate(args, view, 0, args.length) !== args.length) {
        context.log.note(LogLevel.warn, `no reducer ${functionName} takes what was scheduled for it`);
        return;
      }
      const quarantine = context.ends.refusal(functionName);
      if (quarantine !== undefined) {
        const what = "What a function wanted to have run soon is left out";
        context.log.writeEnd({ level: LogLevel.warn, message: `${quarantine.message}. ${what}.` }, functionName);
        return;
      }
      id = idOfNumber(reducer.def.id);
      noted(context, WorkKind.deferred, id, 0, () => {
        const call = ownCall(context.identity, CommitKind.internal).of(reducer, context.pipeline.nowMicros(), args);
        callReducer(context, call, reducer);
      });
    },
    timedOut: () => void abandonNoted(context, WorkKind.deferred, id, 0),
  };
}
