/** What every table can do in `ctx.db`, whatever its indexes. */
import type { Fields, FieldsValue, Modifier, ModifiersOf, ValueOf } from "./type-builder.ts";

type Simplify<T> = { [K in keyof T]: T[K] } & {};
type KeysWith<F, M extends Modifier> = { [K in keyof F]: M extends ModifiersOf<F[K]> ? K : never }[keyof F];

/** A row, in which columns of option type may be left out or null. */
export type GivenRow<F extends Fields> = Simplify<
  { [K in Exclude<keyof F, KeysWith<F, "optional">>]: ValueOf<F[K]> } & {
    [K in KeysWith<F, "optional">]?: ValueOf<F[K]> | null;
  }
>;

/** What `insert` takes: a row, in which `autoInc` columns may be left out as well: they get the next number. */
export type NewRow<F extends Fields> = Simplify<
  { [K in Exclude<keyof F, KeysWith<F, "optional"> | KeysWith<F, "autoInc">>]: ValueOf<F[K]> } & {
    [K in KeysWith<F, "optional">]?: ValueOf<F[K]> | null;
  } & { [K in KeysWith<F, "autoInc">]?: ValueOf<F[K]> }
>;

/**
 * What every table can do in `ctx.db`, whatever its indexes. Indexes and unique columns are beside it, by their names.
 */
export interface TableMethods<F extends Fields> {
  /**
   * Adds a row and gives it back as it stands, with what `autoInc` columns got.
   * @throws `errors.UniqueAlreadyExists` when another row has the same value in a unique column
   */
  insert(row: NewRow<F>): FieldsValue<F>;
  /** Deletes the row that is equal in every column. Tells whether there was one. */
  delete(row: GivenRow<F>): boolean;
  count(): bigint;
  /** Every row, in no particular order but always the same one. Lazy. */
  iter(): IteratorObject<FieldsValue<F>, undefined>;
  [Symbol.iterator](): IteratorObject<FieldsValue<F>, undefined>;
  /** Deletes every row and says how many there were. */
  clear(): bigint;
}
