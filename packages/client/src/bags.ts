/** The rows that came over one link, table by table: a message is in all of its tables, or in none. */
import type { RowListView } from "@lightcone/protocol";
import type { Catalog } from "./catalog.ts";
import { noChange, RowBag, type TableChange } from "./row-bag.ts";
import { Standing } from "./standing.ts";
import type { Rows } from "./wire.ts";

/** What calls that are on their way are expected to do, on top of the rows that are seen: `optimistic/`. */
export interface Guesses {
  /** Takes all of it off, in the midst of a message; with `only`, what lies on those. */
  lift(touched: Set<RowBag>, only?: ReadonlySet<RowBag>): void;
  /** Works it out again, from the rows as the message has made them. */
  lay(bags: Bags, touched: Set<RowBag>): void;
}

export interface BagsOptions {
  readonly catalog: Catalog;
  /** Of the hashes of rows: the same for bags that replace one another. */
  readonly seed: number;
  /** Whether the page can use a table. */
  readonly canUse: (accessor: string) => boolean;
  /** Whether anybody hears which rows of a table come and go. */
  readonly hears: (accessor: string) => boolean;
  readonly guesses: Guesses | undefined;
}

export class Bags {
  readonly #options: BagsOptions;
  readonly #bags = new Map<string, RowBag>();
  /** What its rows are of. */
  readonly standing = new Standing();
  /** Bags of the link before that this one goes on with, and what has come for them: seen when the bags change places. */
  readonly #kept = new Map<string, RowBag>();
  readonly #later: Rows[] = [];

  constructor(options: BagsOptions) {
    this.#options = options;
  }

  get(accessor: string): RowBag | undefined {
    return this.#bags.get(accessor);
  }

  /**
   * Applies a message. Gives what changed, by accessor.
   *
   * @param isSeen whether the application sees these rows, and so hears of changes
   * @throws {LightconeError} `Malformed`; nothing has changed then
   */
  apply(rows: readonly Rows[], isSeen: boolean): Map<string, TableChange> {
    const { hears } = this.#options;
    const guesses = isSeen ? this.#options.guesses : undefined;
    const now = isSeen || this.#kept.size === 0 ? rows : rows.filter((each) => !this.#isForLater(each));
    const touched = this.#take(now, guesses, undefined);
    const changes = new Map<string, TableChange>();
    for (const bag of touched) {
      const { accessor } = bag.table;
      const change = bag.settle(isSeen && hears(accessor));
      if (change !== noChange) changes.set(accessor, change);
    }
    return changes;
  }

  /** Puts rows off until the bags change places, if the application still sees their table as the link before had it. */
  #isForLater(rows: Rows): boolean {
    const isKept = this.#kept.has(this.#options.catalog.accessorOf(rows.table) ?? "");
    if (isKept) this.#later.push(rows);
    return isKept;
  }

  /**
   * Takes rows into their tables, all or none, below what is guessed. Gives the tables that it has touched.
   *
   * @param only where guesses lie on the rows that stay; undefined for all tables
   * @throws {LightconeError} `Malformed`; nothing has changed then
   */
  #take(
    rows: readonly Rows[],
    guesses: Guesses | undefined,
    only: ReadonlySet<RowBag> | undefined,
  ): ReadonlySet<RowBag> {
    const touched = new Set<RowBag>();
    try {
      guesses?.lift(touched, only);
      for (const { table, by, list } of rows) {
        const bag = this.bagOf(this.#options.catalog.accessorOf(table));
        if (bag === undefined) continue;
        touched.add(bag);
        bag.take(list, by);
      }
      for (const bag of touched) bag.check();
    } catch (error) {
      for (const bag of touched) bag.undo();
      throw error;
    }
    guesses?.lay(this, touched);
    return touched;
  }

  all(): Iterable<RowBag> {
    return this.#bags.values();
  }

  /** Looks at rows as the server has told them. */
  withoutGuesses<T>(look: () => T): T {
    const touched = new Set<RowBag>();
    this.#options.guesses?.lift(touched);
    try {
      return look();
    } finally {
      for (const bag of touched) bag.undo();
    }
  }

  /**
   * Puts rows into a table, each `count` times.
   *
   * @returns false when there is no such table
   * @throws {LightconeError} `Malformed` when they are none of its rows
   */
  fill(tableName: string, list: RowListView, count: number): boolean {
    const bag = this.bagOf(this.#options.catalog.accessorOf(tableName));
    bag?.take(list, count);
    bag?.check();
    bag?.settle(false);
    return bag !== undefined;
  }

  /** Goes on with the rows of the link before in some tables. @param tables their names on the wire */
  goOnWith(before: Bags, tables: readonly string[]): void {
    for (const name of tables) {
      const accessor = this.#options.catalog.accessorOf(name);
      const bag = before.#bags.get(accessor ?? "") ?? this.bagOf(accessor);
      if (bag !== undefined) this.#kept.set(bag.table.accessor, bag);
    }
  }

  /**
   * Takes the place of the bags of the link before. Gives the difference, by accessor.
   *
   * @throws {LightconeError} `Malformed` when what has come does not go with the rows of before; nothing has changed then
   */
  replace(before: Bags | undefined): Map<string, TableChange> {
    const { seed, hears, guesses } = this.#options;
    const kept = new Set(this.#kept.values());
    for (const [accessor, bag] of this.#kept) this.#bags.set(accessor, bag);
    this.#kept.clear();
    // What is guessed lies on the rows that stay; on the others it goes with them.
    const touched = this.#take(this.#later.splice(0), guesses, kept);
    const changes = new Map<string, TableChange>();
    const note = (accessor: string, change: TableChange): void => {
      if (change !== noChange) changes.set(accessor, change);
    };
    for (const bag of touched) {
      const change = bag.settle(kept.has(bag) && hears(bag.table.accessor));
      if (kept.has(bag)) note(bag.table.accessor, change);
    }
    for (const [accessor, bag] of this.#bags)
      if (!kept.has(bag)) note(accessor, bag.replace(before?.get(accessor), hears(accessor)));
    for (const [accessor, old] of before === undefined ? [] : before.#bags)
      if (!this.#bags.has(accessor)) note(accessor, new RowBag(old.table, seed).replace(old, hears(accessor)));
    return changes;
  }

  /** Undefined for a table that the client is not told of, or cannot use: its rows pass by. */
  bagOf(accessor: string | undefined): RowBag | undefined {
    const { catalog, seed, canUse } = this.#options;
    if (accessor === undefined) return undefined;
    const known = this.#bags.get(accessor);
    if (known !== undefined || !canUse(accessor)) return known;
    const bag = new RowBag(catalog.table(accessor), seed);
    this.#bags.set(accessor, bag);
    return bag;
  }
}
