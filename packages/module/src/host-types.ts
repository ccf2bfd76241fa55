/** The types of what the host provides: classes whose objects it recognises. Both sides of `#host` stand on them. */

export interface SenderErrorClass {
  new (message: string): Error;
  readonly prototype: Error;
}

/** A class of what the database throws at a module: caught by `instanceof`. */
export interface HostErrorClass {
  new (message: string): Error;
  readonly prototype: Error;
}

type ErrorName =
  | "HostCallFailure"
  | "NotInTransaction"
  | "BsatnDecodeError"
  | "NoSuchTable"
  | "NoSuchIndex"
  | "NoSuchIter"
  | "NoSuchConsoleTimer"
  | "NoSuchBytes"
  | "NoSpace"
  | "WrongIndexAlgorithm"
  | "BufferTooSmall"
  | "UniqueAlreadyExists"
  | "ScheduleAtDelayTooLong"
  | "IndexNotUnique"
  | "NoSuchRow"
  | "AutoIncOverflow"
  | "WouldBlockTransaction"
  | "TransactionNotAnonymous"
  | "TransactionIsReadOnly"
  | "TransactionIsMut"
  | "HttpError";

/** The classes of `errors`, by their names. */
export type HostErrors = { readonly [Name in ErrorName]: HostErrorClass };

/** One end of a `Range`: with its value, without it, or none. */
export type Bound<T> =
  | { readonly tag: "included"; readonly value: T }
  | { readonly tag: "excluded"; readonly value: T }
  | { readonly tag: "unbounded" };

export interface Range<T> {
  readonly from: Bound<T>;
  readonly to: Bound<T>;
}

/** The class `Range`: from a bound to a bound; one that is left out or null is none. */
export interface RangeClass {
  new <T>(from?: Bound<T> | null, to?: Bound<T> | null): Range<T>;
}
