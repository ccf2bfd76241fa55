/** A table as the application holds it: its rows as of now, and who is told when they change. */
import type { RowBag, TableChange } from "./row-bag.ts";
import { listen } from "./listeners.ts";

type RowListener = (row: object) => void;
type UpdateListener = (before: object, after: object) => void;

/** Where the rows are. */
interface TableSource {
  bag(accessor: string): RowBag | undefined;
  /** Notes that somebody listens, so that it is told if nothing will ever come. */
  use(accessor: string): void;
}

export class TableView {
  readonly accessor: string;
  readonly #table: TableSource;
  readonly #tell: (run: () => void) => void;
  readonly #inserts = new Set<{ readonly run: RowListener }>();
  readonly #deletes = new Set<{ readonly run: RowListener }>();
  readonly #updates = new Set<{ readonly run: UpdateListener }>();
  readonly #changes = new Set<{ readonly run: () => void }>();
  #listed: readonly object[] | undefined;

  /** @param tell runs a listener, and reports what it throws */
  constructor(accessor: string, table: TableSource, tell: (run: () => void) => void) {
    this.accessor = accessor;
    this.#table = table;
    this.#tell = tell;
  }

  get size(): number {
    return this.rows().length;
  }
  rows(): readonly object[] {
    this.#listed ??= [...(this.#table.bag(this.accessor)?.rows() ?? [])];
    return this.#listed;
  }
  get(key: unknown): object | undefined {
    return this.#table.bag(this.accessor)?.find(key);
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

  /** The rows are others now. */
  forget(): void {
    this.#listed = undefined;
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
