/** The options of `connect`, and what is wrong with some, said by option: plain JavaScript has no compiler that would. */
import type { LightconeError } from "@lightcone/base";
import type { ConnectionState } from "./connection.ts";
import type { Platform } from "./platform.ts";
import type { WebSocketClass } from "./real-platform.ts";
import type { TokenStore } from "./token-store.ts";
import { isObject, shown } from "./value-codec.ts";

export interface ConnectOptions {
  /** The server: `http://127.0.0.1:3000`, or any other scheme of `http`, `https`, `ws`, `wss`. */
  readonly uri: string;
  /** The database's name or identity. */
  readonly database: string;
  /**
   * The schema that this page was built with, as `lightcone generate --lang json` writes it. With it, what the database
   * has otherwise by now fails by its name (`VersionDiffers`), from the first connection on. Without it the first schema
   * that the server tells stands for it, so that only what is published while the page is open is found.
   */
  readonly schema?: object;
  /** Whom to connect as. Without it, and nothing in the store, the server makes a new identity. */
  readonly token?: string;
  /** Where the token is kept for the next time. */
  readonly tokenStore?: TokenStore;
  /** Whether to see only what is durable. Left to the server when left out. */
  readonly confirmed?: boolean;
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

/** Every option, and what it should be where that can be told. */
const options: Readonly<Record<keyof ConnectOptions, { readonly type?: string; readonly what?: string }>> = {
  uri: { type: "string", what: 'the server\'s address, such as "http://127.0.0.1:3000"' },
  database: { type: "string", what: "the database's name or identity" },
  schema: { type: "object", what: "the object that `lightcone generate --lang json` wrote" },
  token: { type: "string", what: "a token, as `db.token` has it or `lightcone login show --token` prints it" },
  tokenStore: { type: "object", what: "an object with `get`, `set` and `remove`, as `webTokenStore` makes one" },
  confirmed: { type: "boolean", what: "a boolean" },
  onState: { type: "function", what: "a function" },
  onError: { type: "function", what: "a function" },
  WebSocket: { type: "function", what: "a class, as `ws` has one" },
  platform: {},
};
const needed: readonly (keyof ConnectOptions)[] = ["uri", "database"];
const schemes: readonly string[] = ["http:", "https:", "ws:", "wss:"];

/** @throws {TypeError} */
export function checkOptions(given: ConnectOptions): void {
  if (!isObject(given)) throw new TypeError(`connect takes one object, { uri, database }, not ${shown(given)}`);
  const names = Object.keys(options);
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(options, name));
  if (unknown !== undefined)
    throw new TypeError(`connect has no option \`${unknown}\`; there are ${names.slice(0, -1).join(", ")}`);
  for (const [name, { type, what }] of Object.entries(options)) {
    const value: unknown = Reflect.get(given, name);
    if (value === undefined && !needed.some((one) => one === name)) continue;
    if (value === undefined || value === "") throw new TypeError(`connect needs \`${name}\`: ${what}`);
    if (type !== undefined && (typeof value !== type || value === null)) wrong(name, value);
  }
  if (!URL.canParse(given.uri) || !schemes.includes(new URL(given.uri).protocol)) wrong("uri", given.uri);
}

function wrong(name: string, value: unknown): never {
  const { what } = options[name as keyof ConnectOptions]; // a key of it
  throw new TypeError(`the option \`${name}\` of connect is ${what}, not ${shown(value)}`);
}
