/**
 * A set of queries as the next host restores it. Replaying the message that made the set would not do: which queries it
 * shares depends on sets that may have ended since, and what `SELECT * FROM *` stands for on the tables there were.
 *
 *   requestId u32 | has an id u8 | queryId u32 | count u32 | (statement | rest of its text | number u32 | isShared u8)…
 */
import { ByteReader, ByteWriter } from "@lightcone/sats";
import type { TextQuery } from "./text-queries.ts";

/** What is kept of a query. */
export type KeptQuery = Pick<TextQuery, "text" | "statement" | "number" | "isShared">;

/** What is kept of a set. */
export interface KeptSet {
  readonly requestId: number;
  /** Undefined for the legacy set. */
  readonly queryId: number | undefined;
  readonly queries: readonly KeptQuery[];
}

export function encodeSet({ requestId, queryId, queries }: KeptSet): Uint8Array {
  const out = new ByteWriter();
  out.u32(requestId);
  out.bool(queryId !== undefined);
  out.u32(queryId ?? 0);
  out.u32(queries.length);
  for (const { text, statement, number, isShared } of queries) {
    out.string(statement);
    out.string(text.slice(statement.length));
    out.u32(number);
    out.bool(isShared);
  }
  return out.toBytes();
}

export function decodeSet(state: Uint8Array): KeptSet {
  const input = new ByteReader(state, "a set of queries");
  const requestId = input.u32();
  const hasId = input.bool();
  const queryId = input.u32();
  const queries: KeptQuery[] = [];
  for (let count = input.count(13); count > 0; count -= 1) {
    const statement = input.string();
    const text = statement + input.string();
    queries.push({ text, statement, number: input.u32(), isShared: input.bool() });
  }
  return { requestId, queryId: hasId ? queryId : undefined, queries };
}
