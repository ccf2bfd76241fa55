/** What a connection and those who guess what its calls will do ask of one another: `optimistic/` guesses. */
import type { ConnectionId, Identity } from "@lightcone/sats";
import type { Guesses } from "./bags.ts";
import type { Catalog } from "./catalog.ts";
import type { Platform } from "./platform.ts";
import type { Query } from "./subscription.ts";

/** What a call is expected to do, which is seen until it is known: `optimistic/`. */
export interface Guess {
  /** The call is on its way, or waits for a connection. Again changes nothing. */
  begin(): void;
  /** Nothing comes of the call. */
  end(): void;
}

/** What guesses are made from. */
export interface GuessWorld {
  readonly catalog: Catalog;
  readonly platform: Platform;
  readonly connection: { readonly identity: Identity | undefined; readonly connectionId: ConnectionId | undefined };
  /** What is subscribed to. */
  queries(): Iterable<Query>;
  /** Brings what is seen up to date with them, and tells the difference. */
  show(): void;
}

export interface PendingGuesses extends Guesses {
  /** Undefined for a reducer that is not guessed. */
  guess(reducer: string, args: unknown): Guess | undefined;
  /** The call was answered, by the message that is seen next. */
  answered(guess: Guess): void;
  /** Takes what ends meanwhile away in one step. */
  together(run: () => void): void;
  /** Ends all of them. */
  close(): void;
  /** @throws {TypeError} while rows are between two states */
  checkRead(): void;
}
