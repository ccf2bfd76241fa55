/** A table as the application holds it: its rows as of now, and who is told when they change. */
import type { RowBag, TableChange } from "./row-bag.ts";

type RowListener = (row: object) => void;
type UpdateListener = (before: object, after: object) => void;

function add<L>(listeners: Set<{ readonly run: L }>, run: L): () => void {
  const listener = { run }; // one for each call, so that a function given twice runs twice
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

export class TableView {
  readonly name: string;
  readonly #bag: () => RowBag;
  readonly #tell: (run: () => void) => void;
  readonly #inserts = new Set<{ readonly run: RowListener }>();
  readonly #deletes = new Set<{ readonly run: RowListener }>();
  readonly #updates = new Set<{ readonly run: UpdateListener }>();
  readonly #changes = new Set<{ readonly run: () => void }>();
  #rows: readonly object[] | undefined;

  /** @param tell runs a listener, and reports what it throws */
  constructor(name: string, bag: () => RowBag, tell: (run: () => void) => void) {
    this.name = name;
    this.#bag = bag;
    this.#tell = tell;
  }

  get size(): number {
    return this.rows().length;
  }
  rows(): readonly object[] {
    this.#rows ??= [...this.#bag().rows()];
    return this.#rows;
  }
  get(key: unknown): object | undefined {
    return this.#bag().find(key);
  }
  onInsert(run: RowListener): () => void {
    return add(this.#inserts, run);
  }
  onDelete(run: RowListener): () => void {
    return add(this.#deletes, run);
  }
  onUpdate(run: UpdateListener): () => void {
    return add(this.#updates, run);
  }
  onChange(run: () => void): () => void {
    return add(this.#changes, run);
  }

  /** The rows are others now. */
  forget(): void {
    this.#rows = undefined;
  }

  announce({ inserts, deletes, updates }: TableChange): void {
    for (const row of deletes) for (const { run } of this.#deletes) this.#tell(() => run(row));
    for (const { before, after } of updates) for (const { run } of this.#updates) this.#tell(() => run(before, after));
    for (const row of inserts) for (const { run } of this.#inserts) this.#tell(() => run(row));
  }

  announceChange(): void {
    for (const { run } of this.#changes) this.#tell(run);
  }
}
