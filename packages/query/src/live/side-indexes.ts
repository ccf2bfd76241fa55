/** The side indexes in use: one per table and column, shared by the templates that need it. */
import { defined } from "@lightcone/base";
import type { Commit, Store } from "@lightcone/engine";
import type { SelectPlan } from "@lightcone/sql";
import { edgesOf, hashedEdge } from "./probe.ts";
import { SideIndex, type HashRow } from "./side-index.ts";

export class SideIndexes {
  private readonly store: Store;
  private readonly byTable = new Map<number, Set<SideIndex>>();

  constructor(store: Store) {
    this.store = store;
  }

  /** The index on the joined column of one side of a plan, made if there is none. Cost: a walk of the table. */
  acquire(plan: SelectPlan, side: 0 | 1, hashRow: HashRow): SideIndex {
    const id = defined(plan.sources[side], "the source").table.id;
    const table = defined(this.store.table(id), "the table");
    const column = hashedEdge(edgesOf(plan, side)).own;
    let indexes = this.byTable.get(id);
    if (indexes === undefined) this.byTable.set(id, (indexes = new Set()));
    let index = [...indexes].find((each) => each.column === column && each.version === table.version);
    if (index === undefined) indexes.add((index = new SideIndex(this.store, table, column, hashRow)));
    index.useCount += 1;
    return index;
  }

  release(index: SideIndex): void {
    index.useCount -= 1;
    if (index.useCount > 0) return;
    const indexes = this.byTable.get(index.table);
    indexes?.delete(index);
    if (indexes?.size === 0) this.byTable.delete(index.table);
  }

  /** Must run before the templates do: they probe the new state. */
  advance({ deltas }: Commit): void {
    if (this.byTable.size === 0) return;
    for (const { table, deletes, inserts } of deltas) {
      if (table.def.isEvent) continue; // empty after every commit
      for (const index of this.byTable.get(table.id) ?? []) index.advance(deletes, inserts);
    }
  }
}
