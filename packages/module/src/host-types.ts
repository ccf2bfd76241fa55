/** The types of what the host provides: classes whose objects it recognises. Both sides of `#host` stand on them. */

export interface SenderErrorClass {
  new (message: string): Error;
  readonly prototype: Error;
}

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

export type HostErrors = { readonly [Name in ErrorName]: HostErrorClass };

export type Bound<T> =
  | { readonly tag: "included"; readonly value: T }
  | { readonly tag: "excluded"; readonly value: T }
  | { readonly tag: "unbounded" };

export interface Range<T> {
  readonly from: Bound<T>;
  readonly to: Bound<T>;
}

export interface RangeClass {
  new <T>(from?: Bound<T> | null, to?: Bound<T> | null): Range<T>;
}
