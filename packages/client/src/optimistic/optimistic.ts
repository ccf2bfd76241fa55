/** `optimistic`: reducers that a page runs by itself, at once, until the database has answered. */
import type { DbView, ReducerCtx, Wrong } from "@lightcone/module";
import type { GuessWorld } from "../guessing.ts";
import type { ClientReducers, ModuleExports, UntypedModule, ViewRows } from "../types.ts";
import { CallGuesses, type GuessFunction } from "./guesses.ts";
import { isObject, shown } from "../value-codec.ts";

type TablesOf<M extends ModuleExports> = M["default"]["tables"];

/** A view's rows. The database works them out from tables; a guess may write what it will come to. */
export interface GuessView<Row> {
  insert(row: Row): Row;
  /** Deletes the row that is equal in every column. Tells whether there was one. */
  delete(row: Row): boolean;
  count(): bigint;
  iter(): IteratorObject<Row, undefined>;
  [Symbol.iterator](): IteratorObject<Row, undefined>;
  clear(): bigint;
}

/**
 * What a guess is given: as the module's reducer, over the rows that the client has. `sender` and `connectionId` are the client's;
 * `timestamp` is the page's clock when the call was made; `random` has a seed of its own, the same each time that the call is
 * guessed again. What the database alone knows, its own identity and `senderAuth`, ends the guess.
 */
export type GuessCtx<M extends ModuleExports> = M extends UntypedModule
  ? UntypedCtx
  : Omit<ReducerCtx<TablesOf<M>>, "db"> & {
      readonly db: DbView<TablesOf<M>> & { readonly [K in keyof ViewRows<M>]: GuessView<ViewRows<M>[K]> };
    };

// oxlint-disable-next-line no-explicit-any -- tables of any name with indexes of any name, and arguments
type Any = Readonly<Record<string, any>>;
interface UntypedCtx extends Omit<ReducerCtx, "db" | "as"> {
  readonly db: Any;
}

/** What a function gives that is not async: it is of no use to a guess. */
type NoPromise =
  | void
  | undefined
  | null
  | string
  | number
  | bigint
  | boolean
  | { readonly then?: Wrong<"a guess is made at once: keep it free of async">; readonly [other: string]: unknown };

type ArgsOf<Call> = Call extends (...args: infer A) => unknown
  ? A extends []
    ? Record<never, never>
    : NonNullable<A[0]>
  : never;

/** Functions by the names of the reducers whose calls they guess. */
export type OptimisticReducers<M extends ModuleExports> = M extends UntypedModule
  ? Readonly<Record<string, (ctx: UntypedCtx, args: Any) => NoPromise>>
  : { readonly [K in keyof ClientReducers<M>]?: (ctx: GuessCtx<M>, args: ArgsOf<ClientReducers<M>[K]>) => NoPromise };

declare const optimisticBrand: unique symbol;
/** What `optimistic` makes, for `connect`. */
export interface Optimistic {
  readonly [optimisticBrand]: true;
}

/**
 * Reducers whose calls are shown before the database has answered: for the option `optimistic` of `connect`.
 *
 * Each is the module's own reducer, imported from a file that may be in the page, or a function beside it that does about the
 * same to the rows that the page has. What it does is seen at once, and is worked out again whenever those rows change. With the
 * answer it goes: the rows of the database are in its place, or the error is told.
 *
 * @throws {TypeError} naming what is no function
 * @example
 * const db = connect<typeof board>({
 *   uri, database: "board",
 *   optimistic: optimistic<typeof board>({
 *     moveCard: (ctx, { id, column }) => {
 *       const card = ctx.db.card.id.find(id);
 *       if (card !== null) ctx.db.card.id.update({ ...card, column });
 *     },
 *   }),
 * });
 */
export function optimistic<M extends ModuleExports = UntypedModule>(reducers: OptimisticReducers<M>): Optimistic {
  const given: unknown = reducers; // plain JavaScript has no compiler that would say what is wrong with it
  if (!isObject(given)) throw new TypeError(`optimistic takes functions by the names of reducers, not ${shown(given)}`);
  const functions: Record<string, GuessFunction> = {};
  for (const [name, run] of Object.entries<unknown>({ ...given })) {
    if (typeof run !== "function")
      throw new TypeError(`optimistic: \`${name}\` is a function (ctx, args) => { … }, not ${shown(run)}`);
    functions[name] = run as GuessFunction;
  }
  const make = (world: GuessWorld): CallGuesses => new CallGuesses(world, functions);
  // The page knows nothing of what it makes.
  return make as unknown as Optimistic;
}
