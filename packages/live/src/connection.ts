/** A client's connection, for who shows it. */
import type { Client, ConnectionState, LightconeError } from "@lightcone/client";
import type { AnyClient } from "./live-queries.ts";

/** A client's connection as it is shown: the same object until something in it is another. */
export interface LiveConnection extends Pick<Client, "identity" | "connectionId"> {
  readonly state: ConnectionState;
  /** Why it was lost, or could not be made. */
  readonly reason: string | undefined;
  /** What ended the client, if the application did not. */
  readonly error: LightconeError | undefined;
}

const before: LiveConnection = {
  state: "connecting",
  reason: undefined,
  error: undefined,
  identity: undefined,
  connectionId: undefined,
};

/** What a client's connection is now: the same object until it is another. */
export class ConnectionWatch {
  readonly #client: AnyClient;
  #reason: string | undefined;
  #seen = before;

  constructor(client: AnyClient) {
    this.#client = client;
  }

  readonly now = (): LiveConnection => {
    const client = this.#client;
    const { state, error, connectionId } = client;
    const seen = this.#seen;
    // Of a new connection it is a new object.
    const isKnown = seen.identity !== undefined && client.identity?.isEqual(seen.identity) === true;
    const identity = isKnown ? seen.identity : client.identity;
    const now: LiveConnection = { state, reason: this.#reason, error, identity, connectionId };
    const isOther = state !== seen.state || now.reason !== seen.reason || connectionId !== seen.connectionId;
    if (isOther || error !== seen.error || identity !== seen.identity) this.#seen = now;
    return this.#seen;
  };

  /** What a server shows, and a page at first. */
  readonly first = (): LiveConnection => before;

  readonly watch = (run: () => void): (() => void) =>
    this.#client.onState((_, reason) => {
      this.#reason = reason;
      run();
    });
}
