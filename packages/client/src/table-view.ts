/** A table as the application holds it: its rows as of now, and who is told when they change. */
import type { RowBag, TableChange } from "./row-bag.ts";
import { listen } from "./listeners.ts";
import { RowQuery } from "./row-query.ts";

type RowListener = (row: object) => void;
type UpdateListener = (before: object, after: object) => void;

/** Where the rows are. */
interface TableSource {
  bag(accessor: string): RowBag | undefined;
  /** Notes that somebody listens, so that it is told if nothing will ever come. */
  use(accessor: string): void;
}

const none: readonly object[] = [];

export class TableView {
  readonly accessor: string;
  readonly #table: TableSource;
  readonly #tell: (run: () => void) => void;
  readonly #inserts = new Set<{ readonly run: RowListener }>();
  readonly #deletes = new Set<{ readonly run: RowListener }>();
  readonly #updates = new Set<{ readonly run: UpdateListener }>();
  readonly #changes = new Set<{ readonly run: () => void }>();

  /** @param tell runs a listener, and reports what it throws */
  constructor(accessor: string, table: TableSource, tell: (run: () => void) => void) {
    this.accessor = accessor;
    this.#table = table;
    this.#tell = tell;
  }

  get bag(): RowBag | undefined {
    return this.#table.bag(this.accessor);
  }
  where(wanted: object): RowQuery {
    return new RowQuery(this).where(wanted);
  }
  orderBy(column: string, direction?: "asc" | "desc"): RowQuery {
    return new RowQuery(this).orderBy(column, direction);
  }
  limit(count: number): RowQuery {
    return new RowQuery(this).limit(count);
  }
  get size(): number {
    return this.bag?.size ?? 0;
  }
  rows(): readonly object[] {
    return this.bag?.rows() ?? none;
  }
  get(key: unknown): object | undefined {
    return this.bag?.find(key);
  }
  onInsert(run: RowListener): () => void {
    return this.#listen(this.#inserts, run);
  }
  onDelete(run: RowListener): () => void {
    return this.#listen(this.#deletes, run);
  }
  onUpdate(run: UpdateListener): () => void {
    return this.#listen(this.#updates, run);
  }
  onChange(run: () => void): () => void {
    return this.#listen(this.#changes, run);
  }

  #listen<L>(listeners: Set<{ readonly run: L }>, run: L): () => void {
    this.#table.use(this.accessor);
    return listen(listeners, run);
  }

  /** Whether anybody hears which rows come and go. */
  get isHeard(): boolean {
    return this.#inserts.size + this.#deletes.size + this.#updates.size > 0;
  }

  announce({ events, inserts, deletes, updates }: TableChange): void {
    for (const row of deletes) for (const { run } of this.#deletes) this.#tell(() => run(row));
    for (const { before, after } of updates) for (const { run } of this.#updates) this.#tell(() => run(before, after));
    for (const row of [...inserts, ...events]) for (const { run } of this.#inserts) this.#tell(() => run(row));
  }

  announceChange(): void {
    for (const { run } of this.#changes) this.#tell(run);
  }
}
