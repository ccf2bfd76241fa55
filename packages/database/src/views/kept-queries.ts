/**
 * Query views that are kept row by row: those whose function has read nothing, and whose query is over one table. A commit's
 * changed rows find the instances whose rows they are, as they find the queries of subscribers; neither is a function called nor
 * a query run again.
 */
import { asRowRef, assert, type RowRef } from "@lightcone/base";
import type { Commit } from "@lightcone/engine";
import { LiveQueries, type DeltaPart, type LiveQuery } from "@lightcone/query";
import type { SelectPlan } from "@lightcone/sql";
import type { Instance } from "./instances.ts";
import { callerBytes, type Relations } from "./relations.ts";

/** A query with the values of its parameters. */
export interface Kept {
  readonly plan: SelectPlan;
  readonly values: readonly Uint8Array[];
}

export class KeptQueries {
  private readonly relations: Relations;
  private readonly live: LiveQueries<Instance>;
  private readonly queries = new Map<Instance, LiveQuery<Instance>>();
  /** What the last commit has changed of them. */
  private readonly changes = new Map<Instance, readonly DeltaPart[]>();
  private row = new Uint8Array(256);

  constructor(relations: Relations, seed: number) {
    this.relations = relations;
    this.live = new LiveQueries(relations, { seed });
  }

  get bytes(): number {
    return this.live.bytes;
  }

  /** The rows of an instance are those of a query, as of now. */
  keep(instance: Instance, { plan, values }: Kept): void {
    if (this.queries.has(instance)) return;
    this.queries.set(instance, this.live.subscribe(plan, values, instance));
  }

  forget(instance: Instance): void {
    const query = this.queries.get(instance);
    if (query === undefined) return;
    this.live.unsubscribe(query, instance);
    this.queries.delete(instance);
    this.changes.delete(instance);
  }

  /** Takes a commit. Gives the instances that it changes. */
  advance(commit: Commit, give: (instance: Instance) => void): void {
    if (this.live.isIdle) return;
    this.live.advance(commit);
    this.live.forEachDelta(({ subscribers }, parts) => {
      for (const instance of subscribers.keys()) {
        this.changes.set(instance, parts);
        give(instance);
      }
    });
  }

  /** The commit is over. */
  settle(): void {
    if (this.changes.size === 0) return;
    this.changes.clear();
    this.live.settle();
  }

  /** Whether the last commit has changed an instance, in a way that `apply` carries over. */
  has(instance: Instance): boolean {
    return this.changes.has(instance);
  }

  /**
   * Makes an instance's rows what they are after the commit.
   *
   * @param rows of the instance, which are changed
   * @param undo what takes that back, the last first
   * @returns false, and nothing is changed, when they would be too many
   * @throws {LightconeError} `OutOfMemory`
   */
  apply(instance: Instance, rows: Set<RowRef>, rowsMax: number, undo: (() => void)[]): boolean {
    const { derived } = this.relations;
    const { table } = instance.of;
    const parts = this.changes.get(instance) ?? [];
    const size = parts.reduce((count, { inserts, deletes }) => count + inserts.count - deletes.count, rows.size);
    if (size > rowsMax) return false;
    for (const { deletes } of parts)
      for (const ref of deletes.refs.subarray(0, deletes.count)) {
        const there = table.findRow(this.row, 0, this.copy(asRowRef(ref), instance.caller));
        assert(there !== -1 && rows.delete(there), "a row that goes is there");
        undo.push(() => rows.add(there));
        derived.tx.deleteRow(table.id, there);
      }
    for (const { inserts } of parts)
      for (const ref of inserts.refs.subarray(0, inserts.count)) {
        const length = this.copy(asRowRef(ref), instance.caller);
        assert(derived.tx.insert(table.id, this.row, 0, length) >= 0, "a row that comes can be there");
        const there = asRowRef(table.findRow(this.row, 0, length));
        rows.add(there);
        undo.push(() => rows.delete(there));
      }
    return true;
  }

  /** Takes a row of a table as the view has it, with the caller behind it. @returns its length */
  private copy(ref: RowRef, caller: Uint8Array): number {
    const { relations } = this;
    relations.resolve(ref);
    const { bytes, at, length } = relations.row;
    if (length + callerBytes > this.row.length) this.row = new Uint8Array((length + callerBytes) * 2);
    this.row.set(bytes.subarray(at, at + length));
    this.row.set(caller, length);
    return length + callerBytes;
  }
}
