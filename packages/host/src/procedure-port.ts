/** What a procedure may ask of its database beyond rows: transactions of its own, time that passes, and the network. */

/** How a procedure or an HTTP handler ended. */
export type ProcedureOutcome =
  /** The value it returned: BSATN at its declared type, not checked yet. */
  | {
      readonly kind: "ok";
      readonly value: Uint8Array;
      /** Of a handler, whose value is the record of its response: the response's body. */
      readonly body?: Uint8Array;
    }
  /** The module refused the call; the text is for the caller. */
  | { readonly kind: "error"; readonly message: string }
  | { readonly kind: "panic"; readonly message: string; readonly fatal: boolean };

/** How a procedure begins and ends transactions of its own. Results below zero are negated `Errno`s. */
export interface ProcedureTransactions {
  /** Begins one; gives its time in microseconds since the Unix epoch. */
  begin(): number;
  /** Ends it and keeps what it wrote; 0 when that went well. */
  commit(): number;
  /** Ends it and forgets what it wrote; 0. */
  abort(): number;
}

/**
 * Lets a procedure go on with what it waited for, in a job of its own. Gives its outcome if it has ended with that; undefined
 * while it waits on.
 */
export type GoOn<T> = (what: T) => ProcedureOutcome | undefined;

/**
 * What a procedure waits for. Neither of these calls back before it returns, nor after the procedure has ended. A module host asks
 * outside of transactions only.
 */
export interface ProcedureWaits {
  /** Waits until the clock says so; at once for a time that is past. `goOn` is told what it says then. */
  sleepUntil(micros: number, goOn: GoOn<number>): void;
  /** Sends a request once all that the procedure can have seen is durable. */
  request(request: HttpRequest, goOn: GoOn<HttpAnswer>): void;
}

/** Header fields in their order. Names repeat where a field does. */
export type HttpHeaders = readonly (readonly [name: string, value: Uint8Array])[];

export interface HttpRequest {
  readonly method: string;
  readonly uri: string;
  readonly headers: HttpHeaders;
  readonly body: Uint8Array;
  /** From the first look-up to the end of the answer's body; undefined for the usual. */
  readonly timeoutMs: number | undefined;
}

export type HttpAnswer =
  /** Whatever its status. */
  | {
      readonly kind: "answered";
      readonly status: number;
      /** As `1.1`. */
      readonly version: string;
      /** Where it came from in the end. */
      readonly uri: string;
      readonly headers: HttpHeaders;
      readonly body: Uint8Array;
    }
  /** The text names no more of the request's address than its host. */
  | { readonly kind: "failed"; readonly reason: string };

/** What bounds a request. */
export interface HttpRules {
  readonly timeoutMs: number;
  /** Of the answer's body. */
  readonly bytesMax: number;
}

/** Sends requests for procedures: where it may connect to is its own to say. */
export interface HttpClient {
  /** @returns gives the request up; `answered` is not called after that */
  send(request: HttpRequest, rules: HttpRules, answered: (answer: HttpAnswer) => void): () => void;
}
