/**
 * Names of the work that a database's thread does. They still mean something when the thread is gone: whoever starts the
 * next host must know what not to run again.
 */
import { fromHex } from "@lightcone/sats";
import { clientBytes } from "./client.ts";

export const WorkKind = {
  /** A client's message: the client (`bytesOfClient`), and the message's number from 1. A request over HTTP is message 1. */
  message: 1,
  /** A client comes: the client. */
  connect: 2,
  /** A client goes: the client. */
  disconnect: 3,
  /** A scheduled row is run: its table's id as u32 and its own as u64, little-endian. */
  schedule: 4,
  /** A program is taken in or looked at: the request's id. The number is how far it has come: `ProgramPhase`. */
  program: 5,
  /** A reducer that a module asked to run soon: its number in the module as u32. It is not run by the next host. */
  deferred: 6,
  /** A view is computed, as part of what else runs: its id as u32. Its number is 1 while what a host before had is restored. */
  view: 7,
} as const;
export type WorkKind = (typeof WorkKind)[keyof typeof WorkKind];

/** How far a program has come; it is one piece of work all the same. */
export const ProgramPhase = {
  starts: 0,
  /** Its function runs: the one that carries rows over, or `init`. */
  runsFunction: 1,
} as const;

/** Bytes that name a piece of work among those of its kind. */
export const workIdBytes: number = clientBytes;

/** Of what is not asked for by anybody. */
export const noWorkId: Uint8Array = new Uint8Array(workIdBytes);

export interface Work {
  readonly kind: WorkKind;
  /** `workIdBytes` bytes as hex. */
  readonly id: string;
  /** The number of a message; 1 for a view that is restored; else 0. */
  readonly number: number;
}

/** What a scheduled row's work is named by. */
export function idOfRow({ tableId, rowId }: RowName): Uint8Array {
  const id = new Uint8Array(workIdBytes);
  const view = new DataView(id.buffer);
  view.setUint32(0, tableId, true);
  view.setBigUint64(4, rowId, true);
  return id;
}

/** The row that an id names, as hex. */
export function rowOfId(id: string): RowName {
  const view = new DataView(fromHex(id).buffer);
  return { tableId: view.getUint32(0, true), rowId: view.getBigUint64(4, true) };
}

export interface RowName {
  readonly tableId: number;
  /** The row's u64 primary key. */
  readonly rowId: bigint;
}

/** What a deferred call is named by, its reducer's number in the module, and what a view is named by. */
export function idOfNumber(number: number): Uint8Array {
  const id = new Uint8Array(workIdBytes);
  new DataView(id.buffer).setUint32(0, number, true);
  return id;
}

/** The number of the reducer or view that such an id names, as hex. */
export function numberOfId(id: string): number {
  return new DataView(fromHex(id).buffer).getUint32(0, true);
}

/** A piece of work among all, as a key of maps. */
export function keyOfWork({ kind, id, number }: Work): string {
  return kind === WorkKind.program ? `${kind} ${id}` : `${kind} ${id} ${number}`;
}

/** Why a host ended: by itself, or because it had to be ended. */
export type EndReason =
  /** It ended by itself, or somebody outside ended it. */
  | "crash"
  /** It took more memory than a host may. */
  | "memory"
  /** A call had had its time and could not be interrupted. */
  | "time";

/** Hears what runs, so that what ended a host can be named afterwards. */
export interface Activity {
  /** `id` has `workIdBytes` bytes. */
  begin(kind: WorkKind, id: Uint8Array, number: number): void;
  /** It is over, whichever way. */
  end(): void;
  /** A part of what runs begins, or the next part. If it ends the process, it is to blame alone. */
  beginPart(kind: WorkKind, id: Uint8Array, number: number): void;
  /** The parts are over; what they are of goes on. */
  endParts(): void;
  /**
   * Whether each piece of work is announced before it begins, and has a turn of its own: so if the host ends, it is known at
   * what, and what had begun.
   */
  closely(isClose: boolean): void;
}
