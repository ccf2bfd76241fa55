/** What every table can do in `ctx.db`, whatever its indexes. */
import type { Fields, FieldsValue, ModifiersOf, ValueOf } from "./type-builder.ts";

type Simplify<T> = { [K in keyof T]: T[K] } & {};
type OptionalKeys<F> = { [K in keyof F]: "optional" extends ModifiersOf<F[K]> ? K : never }[keyof F];

/** What `insert` takes: a row, in which columns of option type may be left out or null. */
export type NewRow<F extends Fields> = Simplify<
  { [K in Exclude<keyof F, OptionalKeys<F>>]: ValueOf<F[K]> } & { [K in OptionalKeys<F>]?: ValueOf<F[K]> | null }
>;

export interface TableMethods<F extends Fields> {
  /**
   * Adds a row and gives it back as it stands, with what `autoInc` columns got.
   * @throws `errors.UniqueAlreadyExists` when another row has the same value in a unique column
   */
  insert(row: NewRow<F>): FieldsValue<F>;
  /** Deletes the row that is equal in every column. Tells whether there was one. */
  delete(row: NewRow<F>): boolean;
  count(): bigint;
  /** Every row, in no particular order but always the same one. Lazy. */
  iter(): IteratorObject<FieldsValue<F>, undefined>;
  [Symbol.iterator](): IteratorObject<FieldsValue<F>, undefined>;
  /** Deletes every row and says how many there were. */
  clear(): bigint;
}
