/**
 * What is compiled for a table's columns, kept by the list of their types: stores that have tables of the same definition, as
 * system tables are and the tables of tests are, compile it once. It has no state.
 */
import type { AlgebraicType } from "@lightcone/sats";

type Types = readonly AlgebraicType[];

const keptMax = 64;

export class MadeOnce<T> {
  private readonly known = new WeakMap<Types, Map<string, T>>();

  /** @param key what it is made of besides */
  of(types: Types, key: string, make: () => T): T {
    let made = this.known.get(types);
    if (made === undefined) this.known.set(types, (made = new Map()));
    let value = made.get(key);
    if (value !== undefined) return value;
    // Keys have a store's own seed in them.
    if (made.size >= keptMax) made.clear();
    made.set(key, (value = make()));
    return value;
  }
}

const typeLists = new WeakMap<readonly { readonly type: AlgebraicType }[], Types>();

/** The types of a definition's columns: the same list each time. */
export function columnTypesOf(columns: readonly { readonly type: AlgebraicType }[]): Types {
  let types = typeLists.get(columns);
  if (types === undefined) typeLists.set(columns, (types = columns.map(({ type }) => type)));
  return types;
}
