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

/** The token to show: the one given; else the one kept; else, where nothing keeps it, what the last connection was given. */
export class Tokens {
  readonly isGiven: boolean;
  readonly #given: GivenToken | undefined;
  readonly #store: TokenStore | undefined;
  #latest: string | undefined;

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
    this.#latest = given ?? this.#store?.get() ?? this.#latest;
    return this.#latest;
  }

  forget(): void {
    this.#store?.remove();
    this.#latest = undefined;
  }

  /** Of a token that was shown, a server gives back a short-lived one: not to be kept. */
  granted(token: string): void {
    if (this.#latest !== undefined) return;
    this.#latest = token;
    this.#store?.set(token);
  }
}
