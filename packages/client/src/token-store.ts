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
 * connect({ uri, database: "chat", module: chat, tokenStore: webTokenStore(localStorage, "chat.token") });
 */
export function webTokenStore(storage: WebStorage, key: string): TokenStore {
  return {
    get: () => storage.getItem(key) ?? undefined,
    set: (token) => storage.setItem(key, token),
    remove: () => storage.removeItem(key),
  };
}
