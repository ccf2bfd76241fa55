/** What can be shown live: a table, a view, or what else has rows that change and a subscription that brings them. */
import type { LightconeError, SubscriptionHandle } from "@lightcone/client";

/** Rows as a client has them now. A table of `db.tables` is one. */
export interface Source<Row> {
  readonly accessor: string;
  /** What is here of it. The same array until something changes, and the same rows where they are unchanged. */
  rows(): readonly Row[];
  /** Runs when `rows()` may be others. Returns what ends that. */
  onChange(run: () => void): () => void;
}

/** A table whose rows have a primary key. */
export interface KeyedSource<Row, Key> extends Source<Row> {
  get(key: Key): Row | undefined;
}

/** What a live query shows, and what it goes by. */
export interface Shown<Row> extends Pick<Source<Row>, "rows" | "onChange"> {
  /** What has one key has the same rows. */
  readonly key: string;
  subscribe(): SubscriptionHandle;
  /** Whether the rows are here by another subscription. */
  isHere(): boolean;
}

/** One row of a table. */
export function rowOf<Row, Key>(
  table: KeyedSource<Row, Key>,
  key: Key,
  { subscribe, isHere }: Pick<Shown<Row>, "subscribe" | "isHere">,
): Shown<Row> {
  let row: Row | undefined;
  let rows: readonly Row[] = [];
  return {
    key: `${table.accessor} ${textOf(key)}`,
    rows: () => {
      const now = table.get(key);
      if (now !== row) rows = now === undefined ? [] : [now];
      row = now;
      return rows;
    },
    onChange: (run) => table.onChange(run),
    subscribe,
    isHere,
  };
}

/** Other keys of one table have another text: they are numbers, texts, or objects of one class. */
const textOf = (key: unknown): string =>
  typeof key === "object" && key !== null && "tag" in key ? String(key.tag) : String(key);

/** What a live query shows. */
export interface LiveRows<Row> {
  readonly rows: readonly Row[];
  /** Whether `rows` are all of them: until then they are what other queries have brought. */
  readonly ready: boolean;
  /** Why there are none, or will be no others. */
  readonly error: LightconeError | undefined;
}

export const noRows: LiveRows<never> = { rows: [], ready: false, error: undefined };
