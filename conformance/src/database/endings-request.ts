/** Requests of every kind, as the table of endings makes and reads them. */
import type { DatabaseLink } from "@lightcone/database";
import { ByteWriter } from "@lightcone/sats";
import type { ClientV2 } from "./client-v2.ts";
import type { JsonClient } from "./json-client.ts";
import type { LocalClient } from "./local.ts";

export const n = 41;

export function argsOf(value: number): Uint8Array {
  const out = new ByteWriter();
  out.u32(value);
  return out.toBytes();
}

/** How a request was answered. */
export type Answer = { readonly ok: true } | { readonly ok: false; readonly text: string } | "silent";

/** A request that can be made, and told apart from any other by its answer. */
export interface Request {
  /** The client that makes it; undefined over HTTP. */
  readonly client: LocalClient | JsonClient | ClientV2 | undefined;
  /** What its work is named by: the connection of the caller. */
  readonly caller: { readonly identity: Uint8Array; readonly connectionId: Uint8Array };
  /** The number of the message. */
  readonly number: number;
  /** Makes it. Resolves with how it was answered. */
  make(): Promise<Answer>;
}

export interface Kind {
  readonly kind: string;
  /** Rows of `thing` that it adds when it succeeds. */
  readonly adds?: number;
  /** Whether it writes: a full disk refuses it. */
  readonly writes?: boolean;
  /** Whether it runs `function`, and so which of the module's endings it has. */
  readonly calls?: "reducer" | "procedure";
  /** What stands before the text of an error that the function itself reported. */
  readonly ownErrors?: string;
  /** Not answered when it fails either: it was asked for. */
  readonly isQuiet?: boolean;
  /** Whether it looks at rows: a limit on them fails it. */
  readonly reads?: boolean;
  open(link: DatabaseLink, name: string): Promise<Request>;
}

export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export async function until(what: string, holds: () => boolean): Promise<void> {
  for (let left = 20_000; !holds(); left -= 1) {
    if (left === 0) throw new Error(`waited too long: ${what}`);
    await turn();
  }
}
