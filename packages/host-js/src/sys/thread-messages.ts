/**
 * What the database's thread and a procedure's say to each other. Only one of them runs at a time: whoever has said something waits
 * until the other has answered.
 *
 *   words = whose turn it is      Int32Array over shared memory; the messages themselves go by a port
 */
import type { MessagePort } from "node:worker_threads";
import type { HandlerCall, ProcedureCall, ProcedureOutcome } from "@lightcone/host";
import type { SandboxKind } from "../sandbox.ts";
import type { SysOperations } from "./operations.ts";
import type { SysProgram } from "./program.ts";

/** What a thread is started with. */
export interface ThreadData {
  readonly program: ThreadProgram;
  readonly identity: Uint8Array;
  readonly words: Int32Array;
  readonly port: MessagePort;
}

export interface ThreadProgram {
  readonly sys: SysProgram;
  /** The source map, as JSON. */
  readonly map: string | undefined;
  readonly sandbox: SandboxKind;
}

export type ToThread =
  | { readonly kind: "procedure"; readonly call: ProcedureCall }
  | { readonly kind: "handler"; readonly call: HandlerCall }
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "refused"; readonly code: number; readonly text: string }
  | { readonly kind: "threw"; readonly name: "RangeError" | "TypeError"; readonly text: string };

export type OperationName = keyof SysOperations;

export type FromThread =
  | { readonly kind: "asks"; readonly name: OperationName; readonly args: readonly unknown[] }
  | { readonly kind: "ended"; readonly outcome: ProcedureOutcome }
  /** The thread is of no use any more. */
  | { readonly kind: "failed"; readonly message: string };

export const turnWord = 0;
export const databasesTurn = 0;
export const threadsTurn = 1;

export const operationNames: readonly OperationName[] = [
  "tableId",
  "indexId",
  "count",
  "scan",
  "clear",
  "deleteEqual",
  "scanPoint",
  "deletePoint",
  "scanRange",
  "deleteRange",
  "insert",
  "update",
  "next",
  "closeIterator",
  "scheduleNow",
  "log",
  "startTimer",
  "endTimer",
  "jwt",
  "begin",
  "end",
  "request",
];
