/** Where a client keeps the token that makes it the same identity next time. */

export interface TokenStore {
  get(): string | undefined;
  set(token: string): void;
  remove(): void;
}

/** `localStorage`, `sessionStorage`, or what has their shape. */
interface WebStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/**
 * Keeps the token in the browser: with `localStorage` one identity for the whole profile, with
 * `sessionStorage` one for each tab.
 *
 * @example
 * connect<typeof chat>({ uri, database: "chat", tokenStore: webTokenStore(localStorage, "chat.token") });
 */
export function webTokenStore(storage: WebStorage, key: string): TokenStore {
  return {
    get: () => storage.getItem(key) ?? undefined,
    set: (token) => storage.setItem(key, token),
    remove: () => storage.removeItem(key),
  };
}

/** A token, or what gives one. */
export type GivenToken = string | (() => string | Promise<string>);

/**
 * The token to show: the one given; else what this client goes by already; else the one kept.
 *
 * A client without a token gets a new identity. When several pages start at once without one, the identity whose token is kept
 * wins: each page looks in the store when it is greeted, and again when the schema has come, before it has asked for anything, and
 * connects as that identity.
 */
export class Tokens {
  readonly isGiven: boolean;
  readonly #given: GivenToken | undefined;
  readonly #store: TokenStore | undefined;
  #latest: string | undefined;
  /** Made for this client, which has done nothing by it yet. */
  #new: string | undefined;
  /** What the server did not take. */
  #refused: string | undefined;

  constructor(given: GivenToken | undefined, store: TokenStore | undefined) {
    this.isGiven = given !== undefined;
    this.#given = given;
    this.#store = store;
    if (typeof given === "string") this.#latest = given;
  }

  /** What was shown or given last. */
  get last(): string | undefined {
    return this.#latest;
  }

  next(): string | undefined | Promise<string> {
    const given = typeof this.#given === "function" ? this.#given() : this.#given;
    if (given instanceof Promise)
      return given.then((token) => {
        this.#latest = token;
        return token;
      });
    this.#latest = given ?? this.#latest ?? this.#kept();
    return this.#latest;
  }

  /** The server does not take it. What another page keeps meanwhile stays. */
  forget(): void {
    this.#refused = this.#latest;
    this.#latest = undefined;
    if (this.#kept() === undefined) this.#store?.remove();
  }

  /** Of a token that was shown, a server gives back a short-lived one: not to be kept. */
  granted(token: string): void {
    if (this.#latest !== undefined) return;
    this.#latest = this.#new = token;
    if (this.#kept() === undefined) this.#store?.set(token);
  }

  /** Whether the client stays who it is: else another page was somebody new before it, and it is to connect as that one. */
  settle(): boolean {
    const own = this.#new;
    if (own === undefined) return true;
    this.#new = undefined;
    this.#latest = this.#kept() ?? own;
    return this.#latest === own;
  }

  #kept(): string | undefined {
    const token = this.#store?.get();
    return token === this.#refused ? undefined : token;
  }
}
