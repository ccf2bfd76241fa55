/**
 * A set of queries as the next host restores it: what `SELECT * FROM *` stands for depends on the tables there were.
 *
 *   querySetId u32 | count u32 | (statement | rest of its text)…
 */
import { ByteReader, ByteWriter } from "@lightcone/sats";
import type { WantedQuery } from "../query-texts.ts";

/** What is kept of a set. */
export interface KeptSet {
  readonly querySetId: number;
  readonly queries: readonly Pick<WantedQuery, "text" | "statement">[];
}

export function encodeSet({ querySetId, queries }: KeptSet): Uint8Array {
  const out = new ByteWriter();
  out.u32(querySetId);
  out.u32(queries.length);
  for (const { text, statement } of queries) {
    out.string(statement);
    out.string(text.slice(statement.length));
  }
  return out.toBytes();
}

export function decodeSet(state: Uint8Array): KeptSet {
  const input = new ByteReader(state, "a set of queries");
  const querySetId = input.u32();
  const queries: KeptSet["queries"][number][] = [];
  for (let count = input.count(8); count > 0; count -= 1) {
    const statement = input.string();
    queries.push({ statement, text: statement + input.string() });
  }
  return { querySetId, queries };
}
