/**
 * Sets of queries that one message made, as the next host restores them: what `SELECT * FROM *` stands for depends on the tables
 * there were.
 *
 *   (querySetId u32 | count u32 | (statement | rest of its text)…)…
 */
import { ByteReader, ByteWriter } from "@lightcone/sats";
import type { WantedQuery } from "../query-texts.ts";

/** What is kept of a set. */
export interface KeptSet {
  readonly querySetId: number;
  readonly queries: readonly Pick<WantedQuery, "text" | "statement">[];
}

export function encodeSets(sets: Iterable<KeptSet>): Uint8Array {
  const out = new ByteWriter();
  for (const { querySetId, queries } of sets) {
    out.u32(querySetId);
    out.u32(queries.length);
    for (const { text, statement } of queries) {
      out.string(statement);
      out.string(text.slice(statement.length));
    }
  }
  return out.toBytes();
}

export function decodeSets(state: Uint8Array): readonly KeptSet[] {
  const input = new ByteReader(state, "sets of queries");
  const sets: KeptSet[] = [];
  while (input.remaining > 0) {
    const querySetId = input.u32();
    const queries: KeptSet["queries"][number][] = [];
    for (let count = input.count(8); count > 0; count -= 1) {
      const statement = input.string();
      queries.push({ statement, text: statement + input.string() });
    }
    sets.push({ querySetId, queries });
  }
  return sets;
}
