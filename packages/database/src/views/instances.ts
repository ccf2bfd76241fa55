/** The instances of views: each is a view for one caller, or an anonymous one for all. */
import type { LightconeError, RowRef, TableId } from "@lightcone/base";
import type { ReadSet } from "./read-set.ts";
import type { ViewTable } from "./relations.ts";

const none: readonly Instance[] = [];

export class Instance {
  of: ViewTable;
  readonly caller: Uint8Array;
  readonly key: string;
  /** Who is subscribed to it. */
  readonly users = new Set<object>();
  /** Instances that the last run read, each once. */
  inner: readonly Instance[] = none;
  /** Instances whose last run read this one. */
  readonly readers = new Set<Instance>();
  /** The rows that it has in the derived store: as the last run gave them, or a set where they are kept row by row. */
  rows: readonly RowRef[] | Set<RowRef> = [];
  /** What the last run read; undefined while its rows are not to be relied on. */
  reads: ReadSet | undefined;
  /** Why it has no rows that are up to date. */
  error: LightconeError | undefined;
  /** Failures in a row. */
  failures = 0;
  isQuarantined = false;
  /** Whether the present commit concerns it. */
  isTouched = false;
  isGone = false;

  constructor(of: ViewTable, caller: Uint8Array, key: string) {
    this.of = of;
    this.caller = caller;
    this.key = key;
  }

  /** Whether somebody is subscribed to it, or to what reads it. */
  get isFollowed(): boolean {
    if (this.users.size > 0) return true;
    const seen = new Set(this.readers);
    for (const reader of seen) {
      if (reader.users.size > 0) return true;
      for (const next of reader.readers) seen.add(next);
    }
    return false;
  }
}

export class Instances {
  private readonly byTable = new Map<TableId, Map<string, Instance>>();
  /** Those that nobody is subscribed to and no other reads, the longest unused first. */
  private readonly unused = new Set<Instance>();
  count = 0;

  of(of: ViewTable, caller: Uint8Array): Instance {
    let instances = this.byTable.get(of.schema.id);
    if (instances === undefined) this.byTable.set(of.schema.id, (instances = new Map()));
    const key = Buffer.from(caller.buffer, caller.byteOffset, caller.byteLength).toString("latin1");
    let instance = instances.get(key);
    if (instance === undefined) {
      instance = new Instance(of, caller.slice(), key);
      instances.set(key, instance);
      this.unused.add(instance);
      this.count += 1;
    }
    return instance;
  }

  *all(): Iterable<Instance> {
    for (const instances of this.byTable.values()) yield* instances.values();
  }

  hold(instance: Instance, user: object): void {
    instance.users.add(user);
    this.unused.delete(instance);
  }

  release(instance: Instance, user: object): void {
    instance.users.delete(user);
    this.noteUnused(instance);
  }

  /** Notes what the last run of an instance has read. */
  setReads(instance: Instance, reads: ReadSet, inner: readonly Instance[]): void {
    instance.reads = reads;
    instance.inner = inner;
    for (const each of inner) {
      each.readers.add(instance);
      this.unused.delete(each);
    }
  }

  /** Forgets it: the instance is not kept up to date. @returns what that was */
  forgetReads(instance: Instance): ReadSet | undefined {
    const { reads, inner } = instance;
    instance.reads = undefined;
    instance.inner = none;
    for (const each of inner) {
      each.readers.delete(instance);
      this.noteUnused(each);
    }
    return reads;
  }

  private noteUnused(instance: Instance): void {
    if (instance.users.size === 0 && instance.readers.size === 0 && !instance.isGone) this.unused.add(instance);
  }

  /** Forgets an instance; its rows are the caller's to take away. */
  remove(instance: Instance): void {
    const { schema } = instance.of;
    const instances = this.byTable.get(schema.id);
    if (instances?.delete(instance.key) !== true) return;
    if (instances.size === 0) this.byTable.delete(schema.id);
    this.unused.delete(instance);
    instance.isGone = true;
    this.count -= 1;
  }

  /** Lets go of the longest unused when there are more than `max`. @returns those whose rows are to be taken away */
  trim(max: number, except: ReadonlySet<Instance> = new Set()): readonly Instance[] {
    const gone: Instance[] = [];
    for (const instance of this.unused) {
      if (this.unused.size <= max) break;
      if (except.has(instance)) continue;
      this.remove(instance);
      gone.push(instance);
    }
    return gone;
  }
}
