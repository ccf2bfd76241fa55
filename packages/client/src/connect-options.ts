/** The options of `connect`, and what is wrong with some, said by option: plain JavaScript has no compiler that would. */
import { isDatabaseName, type LightconeError } from "@lightcone/base";
import type { BuiltSchema } from "./catalog.ts";
import type { ConnectionState } from "./connection.ts";
import type { Optimistic } from "./optimistic/optimistic.ts";
import type { Persist } from "./persist/persist.ts";
import type { Platform } from "./platform.ts";
import type { WebSocketClass } from "./real-platform.ts";
import type { GivenToken, TokenStore } from "./token-store.ts";
import { isObject, shown } from "./value-codec.ts";

/** What `connect` takes. What is wrong with one of them is thrown by `connect`, with its name. */
export interface ConnectOptions {
  /** The server: `http://127.0.0.1:3000`, or any other scheme of `http`, `https`, `ws`, `wss`. */
  readonly uri: string;
  /** The database's name or identity. */
  readonly database: string;
  /**
   * The schema that this page was built with: the file that `"schema"` in lightcone.json names, whole (`import * as schema
   * from …`), or what `lightcone generate --lang json` writes. With it, what the database has otherwise by now fails by its
   * name (`VersionDiffers`), from the first connection on. Without it the first schema that the server tells stands for it,
   * so that only what is published while the page is open is found.
   */
  readonly schema?: BuiltSchema | object;
  /**
   * Whom to connect as: a token, or what gives one, which is asked before each connection, so that one that has run out is
   * replaced. Without it, and nothing in the store, the server makes a new identity.
   */
  readonly token?: GivenToken;
  /** Where the token is kept for the next time. */
  readonly tokenStore?: TokenStore;
  /** Whether to see only what is durable. Left to the server when left out. */
  readonly confirmed?: boolean;
  /** Reducers that are run here at once, until the database has answered: `optimistic({ … })`. */
  readonly optimistic?: Optimistic;
  /** Keeps the rows for the next start: `persist(indexedDbStore())`, or `persist(fileStore(path))`. */
  readonly persist?: Persist;
  readonly onState?: (state: ConnectionState, reason?: string) => void;
  /**
   * Runs when the client cannot go on: there is no such database (`NoSuchDatabase`), the token is not believed
   * (`Unauthorized`), the module does not want this client (`Refused`, with its text), the server speaks another
   * language (`Malformed`); the error's `hint` says what to do. The state is `closed` then.
   *
   * Runs also, and the client goes on, when a subscription that was applied is refused later, or is refused and nobody
   * looks at its `applied`, or a table that the page uses is not there, or not what the page was built with
   * (`VersionDiffers`).
   *
   * Without it, what the client goes on after is written with `console.error`, once. What ended the client is thrown
   * where nobody catches it, which ends a Node process, unless something waits for the connection: that it rejects in
   * any case. A server that cannot be reached is no error: it is tried again, see `onState`.
   */
  readonly onError?: (error: LightconeError) => void;
  /** The class to use where there is no global one, as in Node 20: `import { WebSocket } from "ws"`. */
  readonly WebSocket?: WebSocketClass;
  /** Another world than the page's or process's own: for tests. */
  readonly platform?: Platform;
}

/** Every option: its type, and what it is. Pages carry these words, so they are few. */
const options: Readonly<Record<keyof ConnectOptions, readonly [type: string, what: string]>> = {
  uri: ["string", 'the server\'s address, such as "http://127.0.0.1:3000"'],
  database: ["string", "the database's name (lower-case letters, digits, single - or _ between them) or identity"],
  schema: ["object", "a schema that Lightcone wrote"],
  token: ["string or function", "a token, as `db.token` has it, or a function that gives one"],
  tokenStore: ["object", "an object, as `webTokenStore` makes one"],
  confirmed: ["boolean", "a boolean"],
  optimistic: ["function", "what `optimistic({ … })` makes"],
  persist: ["function", "what `persist(…)` makes"],
  onState: ["function", "a function"],
  onError: ["function", "a function"],
  WebSocket: ["function", "a class"],
  platform: ["object", "an object"],
};

/** @throws {TypeError} naming the option */
export function checkOptions(given: ConnectOptions): void {
  if (!isObject(given)) throw new TypeError(`connect takes one object, { uri, database }, not ${shown(given)}`);
  for (const name of Object.keys(given))
    if (!Object.hasOwn(options, name))
      throw new TypeError(`connect has no option \`${name}\`; there are ${Object.keys(options).join(", ")}`);
  for (const [name, [type, what]] of Object.entries(options)) {
    const value: unknown = Reflect.get(given, name);
    const isNeeded = name === "uri" || name === "database";
    if (isNeeded && (value === undefined || value === "")) throw new TypeError(`connect needs \`${name}\`: ${what}`);
    const isGood =
      type.split(" or ").includes(typeof value) &&
      value !== null &&
      (name !== "uri" || isAddress(given.uri)) &&
      (name !== "database" || isDatabaseName(given.database));
    if (value !== undefined && !isGood)
      throw new TypeError(`the option \`${name}\` of connect is ${what}, not ${shown(value)}`);
  }
}

const isAddress = (uri: string): boolean => URL.canParse(uri) && /^(?:https?|wss?):$/.test(new URL(uri).protocol);
