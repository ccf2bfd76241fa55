/**
 * Cuts a turn's delta into parts: the change of each query, where equal changes are one object.
 *
 * As tuples arrive, queries move through a tree. A node stands for the sequence of tuples that a query has got so far:
 *
 *   (nothing) ─▶ +a ─▶ −b        queries 1 and 7 got +a and −b, query 3 got +a alone
 *        └─────▶ −b              query 5
 *
 * All queries at a node share a part, and no lists are compared for that. A node remembers its last child only, which
 * suffices because a tuple is added for all of its queries in a row. A join can give two queries the same tuples in a
 * different order; they end at different nodes, and their parts are found equal by a hash of the consolidated content.
 */
import { empty } from "@lightcone/base";
import type { RefList, RowRefs } from "@lightcone/engine";
import type { TableSchema } from "@lightcone/schema";
import type { Delta } from "./delta.ts";
import { cancelSorted, RefListPool, reverse, sort } from "../code/ref-list.ts";
import type { RelationDelta } from "./relation.ts";

/**
 * What the caller has made of a part for one form of a message, kept for all who are told of it. These are fields since a
 * store into an array takes V8's general way in a process that is locked down.
 */
export interface EncodedForm {
  /** The part itself. */
  part: unknown;
  /** The message that has it alone, and another such. */
  whole: unknown;
  light: unknown;
}

const emptyForm = (): EncodedForm => ({ part: undefined, whole: undefined, light: undefined });

/** An equal change of some queries of a template in one turn. */
export class DeltaPart implements RelationDelta {
  /** Unique among the parts of a turn. */
  number = 0;
  /** How many receivers it was given to, where that is one; more for a query that may have several. */
  receivers = 0;
  /** The table that the rows are of. */
  table: TableSchema;
  /** Each row as often as its count changed. */
  deletes: RowRefs = none;
  inserts: RowRefs = none;
  /** What the caller encoded from it, by forms of the caller's choice; nothing at first. */
  readonly encoded: readonly [EncodedForm, EncodedForm, EncodedForm] = [emptyForm(), emptyForm(), emptyForm()];
  /** A list of this part only, for queries whose delta it is. */
  readonly alone: readonly DeltaPart[] = [this];
  /** What `deletes` and `inserts` are, unless they are lists of others; empty between turns. */
  ownDeletes: RefList | undefined;
  ownInserts: RefList | undefined;

  constructor(table: TableSchema) {
    this.table = table;
  }

  /** Whether more than one may be told of it, so that what is made of it is worth keeping. */
  get isShared(): boolean {
    return this.receivers > 1;
  }

  get isEmpty(): boolean {
    return this.deletes.count + this.inserts.count === 0;
  }
}

const none: RowRefs = { refs: new Uint32Array(0), count: 0 };

/** A pool of parts: those of one turn are reused in later ones. */
export class PartPool {
  private readonly used: DeltaPart[] = [];
  private readonly free: DeltaPart[] = [];
  private readonly lists = new RefListPool();

  /** A part that refers to lists of others. */
  share(table: TableSchema, { deletes, inserts }: RelationDelta): DeltaPart {
    const part = this.take(table);
    part.deletes = deletes;
    part.inserts = inserts;
    return part;
  }

  take(table: TableSchema): DeltaPart {
    const part = this.free.pop() ?? new DeltaPart(table);
    part.table = table;
    part.number = this.used.length;
    part.receivers = 0;
    this.used.push(part);
    return part;
  }

  /** The part of a number. */
  numbered(number: number): DeltaPart {
    return this.used[number] as DeltaPart; // numbers are of parts that were taken
  }

  /** The list that inserts (or deletes) of a part are added to. */
  list(part: DeltaPart, isInsert: boolean): RefList {
    if (isInsert) {
      part.inserts = part.ownInserts ??= this.lists.take();
      return part.ownInserts;
    }
    part.deletes = part.ownDeletes ??= this.lists.take();
    return part.ownDeletes;
  }

  /** Ends the turn: its parts are no longer valid. */
  settle(): void {
    for (const part of this.used) {
      if (part.ownDeletes !== undefined) part.ownDeletes = this.emptied(part.ownDeletes);
      if (part.ownInserts !== undefined) part.ownInserts = this.emptied(part.ownInserts);
      part.deletes = none;
      part.inserts = none;
      for (let form = 0; form < part.encoded.length; form += 1) clearForm(part.encoded[form] as EncodedForm); // below the length
      if (this.free.length < keptPartsMax) this.free.push(part);
    }
    empty(this.used);
  }

  /** A short list stays with its part, a longer one goes back to the pool. */
  private emptied(list: RefList): RefList | undefined {
    list.count = 0;
    if (list.refs.length <= keptRefsMax) return list;
    this.lists.give(list);
    return undefined;
  }
}

function clearForm(form: EncodedForm): void {
  form.part = undefined;
  form.whole = undefined;
  form.light = undefined;
}

/** Up to so many tuples are compared by their queries. */
const fewMax = 8;
const keptPartsMax = 16_384;
/** A part keeps a list of so many. */
const keptRefsMax = 8;
const keptNodesMax = 65_536;

/** Takes the part of the query at a position. */
export type GivePart = (query: number, part: DeltaPart) => void;

export class PartCutter {
  private readonly pool: PartPool;
  private readonly table: TableSchema;
  /** By node: its parent, its tuple's row and weight, and its last child. The root is 0. */
  private parents = new Int32Array(16);
  private rows = new Uint32Array(16);
  private weights = new Int32Array(16);
  private children = new Int32Array(16);
  private nodeCount = 1;
  /** By node: the number of its part + 1; 0 for none yet. */
  private partNumbers = new Int32Array(16);
  /** The nodes of few tuples. */
  private readonly few = new Int32Array(fewMax);
  /** By a query's position: its node in the tree; 0 between turns. */
  private nodes = new Int32Array(16);
  /** The queries that are not at the root. */
  private reached = new Int32Array(16);
  /** Parts by the hash of their content, with open addressing: their position in `made`, + 1. */
  private slots = new Int32Array(0);
  private readonly made: DeltaPart[] = [];

  /** @param table that the result's rows are of */
  constructor(pool: PartPool, table: TableSchema) {
    this.pool = pool;
    this.table = table;
  }

  /**
   * Cuts a delta of tuples of one row, and gives each changed query its part.
   *
   * @param queryCount of the template
   * @param isConsolidated whether a row occurs once at most for a query
   */
  cut(delta: Delta, queryCount: number, isConsolidated: boolean, give: GivePart): void {
    if (delta.count === 1) return this.cutOne(delta, give);
    if (delta.count <= fewMax) {
      if (isConsolidated && isApart(delta)) this.cutApart(delta, give);
      else this.cutFew(delta, isConsolidated, give);
      return;
    }
    this.makeRoom(queryCount, delta.count);
    const { nodes, reached } = this;
    let reachedCount = 0;
    for (let i = 0; i < delta.count; i += 1) {
      const query = delta.queries[i] ?? 0;
      const node = nodes[query] ?? 0;
      if (node === 0) reached[reachedCount++] = query;
      nodes[query] = this.child(node, delta.refs[i] ?? 0, delta.weights[i] ?? 0);
    }
    const isShared = !isConsolidated && reachedCount > 1;
    if (isShared) this.openSlots(reachedCount);
    for (let i = 0; i < reachedCount; i += 1) {
      const query = reached[i] ?? 0;
      const node = nodes[query] ?? 0;
      const part = this.partOf(node, isConsolidated, isShared);
      nodes[query] = 0;
      if (!part.isEmpty) give(query, part);
    }
    this.clear();
  }

  /**
   * The same for few tuples, whose queries are compared with each other: with very many queries the place of each in a
   * table of them would be a miss of the cache.
   */
  private cutFew(delta: Delta, isConsolidated: boolean, give: GivePart): void {
    const { few } = this;
    const { queries, count } = delta;
    let reachedCount = 0;
    for (let i = 0; i < count; i += 1) {
      let before = i - 1;
      while (before >= 0 && queries[before] !== queries[i]) before -= 1;
      if (before < 0) reachedCount += 1;
      const node = before < 0 ? 0 : (few[before] ?? 0);
      few[i] = this.child(node, delta.refs[i] ?? 0, delta.weights[i] ?? 0);
    }
    const isShared = !isConsolidated && reachedCount > 1;
    if (isShared) this.openSlots(reachedCount);
    for (let i = 0; i < count; i += 1) {
      let later = i + 1;
      while (later < count && queries[later] !== queries[i]) later += 1;
      // A query's last tuple has the node of them all.
      if (later < count) continue;
      const part = this.partOf(few[i] ?? 0, isConsolidated, isShared);
      if (!part.isEmpty) give(queries[i] ?? 0, part);
    }
    this.clear();
  }

  /** Few tuples of which none is of two queries, as where each row is of one: no two parts are equal, and no tree is needed. */
  private cutApart({ refs, weights, queries, count }: Delta, give: GivePart): void {
    const { pool } = this;
    for (let i = 0; i < count; i += 1) {
      const query = queries[i] ?? 0;
      let before = i - 1;
      while (before >= 0 && queries[before] !== query) before -= 1;
      if (before >= 0) continue;
      const part = pool.take(this.table);
      for (let at = i; at < count; at += 1) {
        if (queries[at] !== query) continue;
        const weight = weights[at] ?? 0;
        const list = pool.list(part, weight > 0);
        for (let times = Math.abs(weight); times > 0; times -= 1) list.push(refs[at] ?? 0);
      }
      give(query, part);
    }
  }

  private makeRoom(queryCount: number, tupleCount: number): void {
    // All nodes are 0 now.
    if (this.nodes.length < queryCount) this.nodes = new Int32Array(queryCount * 2);
    if (this.reached.length < Math.min(queryCount, tupleCount)) this.reached = new Int32Array(queryCount * 2);
  }

  /** The delta of one tuple needs no tree. */
  private cutOne(delta: Delta, give: GivePart): void {
    const weight = delta.weights[0] ?? 0;
    const part = this.pool.take(this.table);
    const list = this.pool.list(part, weight > 0);
    for (let times = Math.abs(weight); times > 0; times -= 1) list.push(delta.refs[0] ?? 0);
    give(delta.queries[0] ?? 0, part);
  }

  private child(node: number, row: number, weight: number): number {
    const last = this.children[node] ?? 0;
    if (last !== 0 && this.rows[last] === row && this.weights[last] === weight) return last;
    const made = this.nodeCount;
    if (made === this.rows.length) this.grow();
    this.parents[made] = node;
    this.rows[made] = row;
    this.weights[made] = weight;
    this.children[made] = 0;
    this.children[node] = made;
    this.nodeCount = made + 1;
    return made;
  }

  private partOf(node: number, isConsolidated: boolean, isShared: boolean): DeltaPart {
    const number = this.partNumbers[node] ?? 0;
    if (number > 0) return this.pool.numbered(number - 1);
    const part = this.makePart(node, isConsolidated, isShared);
    this.partNumbers[node] = part.number + 1;
    return part;
  }

  private makePart(node: number, isConsolidated: boolean, isShared: boolean): DeltaPart {
    const part = this.pool.take(this.table);
    let deletes: RefList | undefined;
    let inserts: RefList | undefined;
    for (let at = node; at !== 0; at = this.parents[at] ?? 0) {
      const weight = this.weights[at] ?? 0;
      const list = weight > 0 ? (inserts ??= this.pool.list(part, true)) : (deletes ??= this.pool.list(part, false));
      for (let times = Math.abs(weight); times > 0; times -= 1) list.push(this.rows[at] ?? 0);
    }
    // The walk went from the last tuple to the first.
    if (inserts !== undefined) reverse(inserts);
    if (deletes !== undefined) reverse(deletes);
    if (isConsolidated) return part;
    const isMixed = inserts !== undefined && deletes !== undefined;
    if (!isMixed && !isShared) return part;
    if (inserts !== undefined) sort(inserts);
    if (deletes !== undefined) sort(deletes);
    if (inserts !== undefined && deletes !== undefined) cancelSorted(inserts, deletes);
    return isShared ? this.sameAs(part) : part;
  }

  /** An earlier part of this turn with the same lists; `part` itself if there is none. */
  private sameAs(part: DeltaPart): DeltaPart {
    const { slots, made } = this;
    const mask = slots.length - 1;
    let at = hashOf(part.inserts, hashOf(part.deletes, 1)) & mask;
    for (let slot = slots[at] ?? 0; slot !== 0; slot = slots[at] ?? 0) {
      const other = made[slot - 1];
      if (other !== undefined && isSame(other.inserts, part.inserts) && isSame(other.deletes, part.deletes))
        return other;
      at = (at + 1) & mask;
    }
    made.push(part);
    slots[at] = made.length;
    return part;
  }

  private openSlots(count: number): void {
    let length = 16;
    while (length < count * 2) length *= 2;
    if (this.slots.length < length || this.slots.length > keptNodesMax) this.slots = new Int32Array(length);
    else this.slots.fill(0);
    empty(this.made);
  }

  private clear(): void {
    for (let node = 0; node < this.nodeCount; node += 1) this.partNumbers[node] = 0;
    this.nodeCount = 1;
    this.children[0] = 0;
    if (this.rows.length <= keptNodesMax) return;
    this.resize(16);
  }

  private grow(): void {
    this.resize(this.rows.length * 2);
  }

  private resize(length: number): void {
    const kept = Math.min(length, this.nodeCount);
    const parents = new Int32Array(length);
    parents.set(this.parents.subarray(0, kept));
    const rows = new Uint32Array(length);
    rows.set(this.rows.subarray(0, kept));
    const weights = new Int32Array(length);
    weights.set(this.weights.subarray(0, kept));
    const children = new Int32Array(length);
    children.set(this.children.subarray(0, kept));
    this.parents = parents;
    this.rows = rows;
    this.weights = weights;
    this.children = children;
    // No part is made before all nodes are.
    this.partNumbers = new Int32Array(length);
  }
}

/** Whether no tuple occurs twice. */
function isApart({ refs, weights, count }: Delta): boolean {
  for (let i = 1; i < count; i += 1)
    for (let before = 0; before < i; before += 1)
      if (refs[before] === refs[i] && weights[before] === weights[i]) return false;
  return true;
}

function hashOf({ refs, count }: RowRefs, from: number): number {
  let hash = from;
  for (let i = 0; i < count; i += 1) hash = Math.imul(hash ^ (refs[i] ?? 0), 0x9e37_79b1) ^ (hash >>> 15);
  return Math.imul(hash ^ count, 0x85eb_ca6b);
}

function isSame(a: RowRefs, b: RowRefs): boolean {
  if (a.count !== b.count) return false;
  for (let i = 0; i < a.count; i += 1) if (a.refs[i] !== b.refs[i]) return false;
  return true;
}
