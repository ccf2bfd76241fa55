/** The thread of a procedure: runs a bundle whose operations are done by the database's thread, which waits meanwhile. */
import { receiveMessageOnPort, workerData } from "node:worker_threads";
import { checkPromiseHooks } from "@lightcone/base/node";
import { openSesSandbox } from "../ses-sandbox.ts";
import { StackMapper } from "../stack-trace.ts";
import { openVmSandbox } from "../vm-sandbox.ts";
import { Bundle } from "./bundle.ts";
import type { Fail, SysOperations } from "./operations.ts";
import {
  databasesTurn,
  operationNames,
  threadsTurn,
  turnWord,
  type FromThread,
  type ThreadData,
  type ToThread,
} from "./thread-messages.ts";

// The database's thread makes it.
const { program, identity, words, port } = workerData as ThreadData;

function say(message: FromThread): void {
  port.postMessage(message);
  Atomics.store(words, turnWord, databasesTurn);
  Atomics.notify(words, turnWord);
}

/** Waits for what the database's thread says. */
function hear(): ToThread {
  while (Atomics.load(words, turnWord) !== threadsTurn) Atomics.wait(words, turnWord, databasesTurn);
  const heard: { readonly message: ToThread } | undefined = receiveMessageOnPort(port);
  if (heard === undefined) throw new Error("it is this thread's turn, and there is no message");
  return heard.message;
}

/** Each passes its arguments on; of a view, the bytes that it shows alone. */
function remoteOperations(fail: Fail): SysOperations {
  const ask = (name: FromThread & { readonly kind: "asks" }): unknown => {
    say(name);
    const answer = hear();
    if (answer.kind === "value") return answer.value;
    if (answer.kind === "refused") return fail(answer.code, answer.text);
    if (answer.kind === "threw") throw new (answer.name === "RangeError" ? RangeError : TypeError)(answer.text);
    throw new Error("a call came while another runs");
  };
  const own = (arg: unknown): unknown => (arg instanceof Uint8Array ? arg.slice() : arg);
  // The database's thread does each under the same name, with the same arguments.
  return Object.fromEntries(
    operationNames.map((name) => [
      name,
      (...args: readonly unknown[]) => ask({ kind: "asks", name, args: args.map(own) }),
    ]),
  ) as unknown as SysOperations;
}

function open(): Bundle {
  const sandbox = program.sandbox === "vm" ? openVmSandbox() : openSesSandbox();
  return new Bundle(program.sys, {
    sandbox,
    stacks: new StackMapper(program.map),
    identity: () => identity,
    operations: remoteOperations,
  });
}

/** Runs calls, one after the other, between two callbacks of the event loop: what waits is the thread itself. */
function serve(): void {
  try {
    const bundle = open();
    for (;;) {
      const heard = hear();
      if (heard.kind === "procedure") say({ kind: "ended", outcome: bundle.callProcedure(heard.call) });
      else if (heard.kind === "handler") say({ kind: "ended", outcome: bundle.callHandler(heard.call) });
      else throw new Error("an answer came without a question");
    }
  } catch (error) {
    say({ kind: "failed", message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}

await checkPromiseHooks();
setImmediate(serve);
