/** The contract between a connection and `optimistic/`, which guesses what its calls will do. */
import type { ConnectionId, Identity } from "@lightcone/sats";
import type { Guesses } from "./bags.ts";
import type { Catalog } from "./catalog.ts";
import type { Platform } from "./platform.ts";
import type { Query } from "./subscription.ts";

/** The guess of one call, which is shown until the call is answered. */
export interface Guess {
  /** The call is on its way, or waits for a connection. Again changes nothing. */
  begin(): void;
  /** Nothing comes of the call. */
  end(): void;
}

/** A connection, as `optimistic/` sees it. */
export interface GuessWorld {
  readonly catalog: Catalog;
  readonly platform: Platform;
  readonly connection: { readonly identity: Identity | undefined; readonly connectionId: ConnectionId | undefined };
  /** What is subscribed to. */
  queries(): Iterable<Query>;
  /** Works all guesses out again, and tells what has changed. */
  show(): void;
}

/** What a connection asks of `optimistic/`. */
export interface PendingGuesses extends Guesses {
  /** Undefined for a reducer that is not guessed. */
  guess(reducer: string, args: unknown): Guess | undefined;
  /** The call was answered, by the message that is seen next. */
  answered(guess: Guess): void;
  /** Withdraws all guesses that end meanwhile in one step. */
  together(run: () => void): void;
  /** Ends all of them. */
  close(): void;
  /** @throws {TypeError} while rows are between two states */
  checkRead(): void;
}
