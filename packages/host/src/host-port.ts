/**
 * What a module may ask of its database: the port that both module hosts call. Its rows are behind `DataPort`; what is
 * not about rows is added here.
 */
import type { DataPort } from "@lightcone/schema";
import type { ProcedureTransactions, ProcedureWaits } from "./procedure-port.ts";

/** Levels as the ABI numbers them. */
export const LogLevel = { error: 0, warn: 1, info: 2, debug: 3, trace: 4, panic: 101 } as const;
export type LogLevel = (typeof LogLevel)[keyof typeof LogLevel];

/** A line of a module's log, before the host adds time and function. */
export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly target?: string | undefined;
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  /** Frames of a panic, innermost first. */
  readonly trace?: readonly { readonly moduleName?: string; readonly functionName?: string }[] | undefined;
}

export interface HostPort extends DataPort {
  /** The database's identity: 32 bytes, little-endian. */
  readonly databaseIdentity: Uint8Array;

  /** The claims of the token that opened a connection (16 bytes, little-endian); undefined if none is known. */
  jwt(connection: Uint8Array): Uint8Array | undefined;
  log(line: LogLine): void;
  /** Runs a function soon, outside this transaction, as the database itself. Not rolled back. */
  scheduleNow(functionName: string, args: Uint8Array): void;
  /** Transactions of procedures, where the database runs procedures. */
  readonly procedureTransactions?: ProcedureTransactions | undefined;
  /** What they wait for, there. */
  readonly procedureWaits?: ProcedureWaits | undefined;
  /** Wall-clock microseconds, for console timers. */
  nowMicros(): number;
}
