/** Classes that the host throws at a module or knows a module's values by, made in the module's own realm. */
import { Errno } from "@lightcone/host";
import type { Sandbox } from "./sandbox.ts";

/** By the names that the SDK documents. */
const errorNames: Readonly<Record<string, number>> = {
  HostCallFailure: Errno.hostCallFailure,
  NotInTransaction: Errno.notInTransaction,
  BsatnDecodeError: Errno.bsatnDecode,
  NoSuchTable: Errno.noSuchTable,
  NoSuchIndex: Errno.noSuchIndex,
  NoSuchIter: Errno.noSuchIter,
  NoSuchConsoleTimer: Errno.noSuchConsoleTimer,
  NoSuchBytes: Errno.noSuchBytes,
  NoSpace: Errno.noSpace,
  WrongIndexAlgorithm: Errno.wrongIndexAlgorithm,
  BufferTooSmall: Errno.bufferTooSmall,
  UniqueAlreadyExists: Errno.uniqueAlreadyExists,
  ScheduleAtDelayTooLong: Errno.scheduleTooLong,
  IndexNotUnique: Errno.indexNotUnique,
  NoSuchRow: Errno.noSuchRow,
  AutoIncOverflow: Errno.autoIncOverflow,
  WouldBlockTransaction: Errno.wouldBlockTransaction,
  TransactionNotAnonymous: Errno.transactionNotAnonymous,
  TransactionIsReadOnly: Errno.transactionIsReadOnly,
  TransactionIsMut: Errno.transactionIsMut,
  HttpError: Errno.httpError,
};

const source = `
  const named = (made, name) => { Object.defineProperty(made.prototype, "name", { value: name }); return made; };
  const SenderError = named(class SenderError extends Error {}, "SenderError");
  const SpacetimeHostError = named(class SpacetimeHostError extends Error {}, "SpacetimeHostError");
  const errors = {};
  const byCode = [];
  for (const [name, code] of Object.entries(codes)) {
    byCode[code] = errors[name] = named({ [name]: class extends SpacetimeHostError {} }[name], name);
  }
  const open = Object.freeze({ tag: "unbounded" });
  class Range {
    constructor(from, to) { this.from = from ?? open; this.to = to ?? open; }
  }
  const fail = (code, text) => { throw new (byCode[code] ?? SpacetimeHostError)(text); };
  return { SenderError, SpacetimeHostError, errors, Range, fail };
`;

export interface GuestClasses {
  /** What a module throws to refuse a call. */
  readonly SenderError: new (message: string) => Error;
  readonly SpacetimeHostError: unknown;
  readonly errors: unknown;
  readonly Range: unknown;
  /** Throws the error class of an `Errno`. */
  readonly fail: (code: number, text: string) => never;
}

/** Classes of a module that was not bundled: those of the package that it imports. */
export interface OwnClasses {
  readonly SenderError: new (message: string) => Error;
  readonly SpacetimeHostError: new (message: string) => Error;
  readonly errors: Readonly<Record<string, new (message: string) => Error>>;
  readonly Range: unknown;
}

export function guestClassesOf({ SenderError, SpacetimeHostError, errors, Range }: OwnClasses): GuestClasses {
  const byCode = new Map(Object.entries(errorNames).map(([name, code]) => [code, name]));
  const fail = (code: number, text: string): never => {
    const Named = errors[byCode.get(code) ?? ""] ?? SpacetimeHostError;
    throw new Named(text);
  };
  return { SenderError, SpacetimeHostError, errors, Range, fail };
}

export function makeGuestClasses(sandbox: Sandbox): GuestClasses {
  return sandbox.harden(sandbox.compile(["codes"], source, "guest classes")(errorNames) as GuestClasses);
}
