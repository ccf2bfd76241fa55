/**
 * Who this window is. Each tab is a person of its own, so that two windows can talk: its token lives in
 * `sessionStorage`. With `?as=NAME` it is NAME's, kept in `localStorage` for every window that says so.
 */
import { webTokenStore, type TokenStore } from "lightcone/client";

const suggestions =
  "Hypatia Tycho Caroline Vera Chandra Annie Edwin Henrietta Kepler Jocelyn Minkowski Maria Emmy".split(" ");

export interface Who {
  readonly tokenStore: TokenStore;
  /** The name to go by without asking; undefined when the person has not said one yet. */
  name: string | undefined;
}

export function readWho(address: URL): Who {
  const as = address.searchParams.get("as")?.trim();
  if (as !== undefined && as !== "") return { tokenStore: webTokenStore(localStorage, `chat.token.${as}`), name: as };
  return {
    tokenStore: webTokenStore(sessionStorage, "chat.token"),
    get name() {
      return sessionStorage.getItem("chat.name") ?? undefined;
    },
    set name(name) {
      sessionStorage.setItem("chat.name", name ?? "");
      localStorage.setItem("chat.name", name ?? "");
    },
  };
}

/** A name to begin with: the last one used in this browser, unless someone here goes by it. */
export function suggestName(taken: ReadonlySet<string>): string {
  const last = localStorage.getItem("chat.name");
  if (last !== null && last !== "" && !taken.has(last)) return last;
  const free = suggestions.filter((name) => !taken.has(name));
  return free[Math.floor(Math.random() * free.length)] ?? "";
}
