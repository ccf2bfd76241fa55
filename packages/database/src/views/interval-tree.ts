/**
 * Who reads which range of one column: those whose range has a value are found in O(log n + found · log n) steps.
 *
 * A tree by where ranges begin, a node for each different range; a node knows the furthest end below it, so what ends before
 * the value is passed over. It is kept in balance by chance (a treap), which is drawn from a fixed seed: the order in which readers
 * are found is a function of what was added and removed.
 */
import type { ScanBound } from "@lightcone/host";
import type { Compare } from "@lightcone/sats";

/** A bound as it is kept: bytes of its own. */
interface Bound {
  readonly view: DataView;
  readonly isIncluded: boolean;
}

export interface Interval {
  /** Undefined for no bound. */
  readonly from: Bound | undefined;
  readonly to: Bound | undefined;
}

/** Copies bounds, which may stand in memory that changes. */
export function intervalOf(from: ScanBound, to: ScanBound): Interval {
  return { from: boundOf(from), to: boundOf(to) };
}

function boundOf(bound: ScanBound): Bound | undefined {
  if (bound.kind === "unbounded") return undefined;
  return { view: new DataView(bound.bytes.slice().buffer), isIncluded: bound.kind === "included" };
}

interface Node<R> {
  readonly interval: Interval;
  readonly readers: Set<R>;
  readonly priority: number;
  left: Node<R> | undefined;
  right: Node<R> | undefined;
  /** The furthest end of this node and those below. */
  last: Bound | undefined;
}

export class IntervalTree<R> {
  private readonly compare: Compare;
  private root: Node<R> | undefined;
  private chance = 1;

  /** @param compare values of the column */
  constructor(compare: Compare) {
    this.compare = compare;
  }

  get isEmpty(): boolean {
    return this.root === undefined;
  }

  add(interval: Interval, reader: R): void {
    const there = this.find(interval);
    if (there === undefined) this.root = this.inserted(this.root, this.node(interval, reader));
    else there.readers.add(reader);
  }

  remove(interval: Interval, reader: R): void {
    const there = this.find(interval);
    if (there?.readers.delete(reader) === true && there.readers.size === 0)
      this.root = this.removed(this.root, interval);
  }

  /** Gives everyone whose range has the value at `view[at …]`. */
  found(view: DataView, at: number, give: (reader: R) => void): void {
    this.visit(this.root, view, at, give);
  }

  private visit(node: Node<R> | undefined, view: DataView, at: number, give: (reader: R) => void): void {
    if (node === undefined || !this.isBefore(view, at, node.last)) return;
    this.visit(node.left, view, at, give);
    const { interval, readers, right } = node;
    if (!this.isBehind(view, at, interval.from)) return; // and before all that begin later
    if (this.isBefore(view, at, interval.to)) for (const reader of readers) give(reader);
    this.visit(right, view, at, give);
  }

  private isBehind(view: DataView, at: number, from: Bound | undefined): boolean {
    if (from === undefined) return true;
    const order = this.compare(from.view, 0, view, at);
    return order < 0 || (order === 0 && from.isIncluded);
  }

  private isBefore(view: DataView, at: number, to: Bound | undefined): boolean {
    if (to === undefined) return true;
    const order = this.compare(view, at, to.view, 0);
    return order < 0 || (order === 0 && to.isIncluded);
  }

  // --- order

  private order(a: Interval, b: Interval): number {
    return this.orderOfFrom(a.from, b.from) || this.orderOfTo(a.to, b.to);
  }

  private orderOfFrom(a: Bound | undefined, b: Bound | undefined): number {
    if (a === undefined || b === undefined) return Number(b === undefined) - Number(a === undefined);
    return this.compare(a.view, 0, b.view, 0) || Number(b.isIncluded) - Number(a.isIncluded);
  }

  private orderOfTo(a: Bound | undefined, b: Bound | undefined): number {
    if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
    return this.compare(a.view, 0, b.view, 0) || Number(a.isIncluded) - Number(b.isIncluded);
  }

  // --- the tree

  private find(interval: Interval): Node<R> | undefined {
    let node = this.root;
    while (node !== undefined) {
      const order = this.order(interval, node.interval);
      if (order === 0) return node;
      node = order < 0 ? node.left : node.right;
    }
    return undefined;
  }

  private node(interval: Interval, reader: R): Node<R> {
    this.chance = (Math.imul(this.chance, 0x0019_660d) + 0x3c6e_f35f) >>> 0;
    const readers = new Set([reader]);
    return { interval, readers, priority: this.chance, left: undefined, right: undefined, last: interval.to };
  }

  private inserted(node: Node<R> | undefined, added: Node<R>): Node<R> {
    if (node === undefined) return added;
    if (added.priority > node.priority) {
      [added.left, added.right] = this.split(node, added.interval);
      return this.settled(added);
    }
    if (this.order(added.interval, node.interval) < 0) node.left = this.inserted(node.left, added);
    else node.right = this.inserted(node.right, added);
    return this.settled(node);
  }

  /** What comes before a range, and what comes behind it. The tree has no such range. */
  private split(node: Node<R> | undefined, at: Interval): [Node<R> | undefined, Node<R> | undefined] {
    if (node === undefined) return [undefined, undefined];
    if (this.order(node.interval, at) < 0) {
      const [before, behind] = this.split(node.right, at);
      node.right = before;
      return [this.settled(node), behind];
    }
    const [before, behind] = this.split(node.left, at);
    node.left = behind;
    return [before, this.settled(node)];
  }

  private removed(node: Node<R> | undefined, interval: Interval): Node<R> | undefined {
    if (node === undefined) return undefined;
    const order = this.order(interval, node.interval);
    if (order === 0) return this.joined(node.left, node.right);
    if (order < 0) node.left = this.removed(node.left, interval);
    else node.right = this.removed(node.right, interval);
    return this.settled(node);
  }

  private joined(left: Node<R> | undefined, right: Node<R> | undefined): Node<R> | undefined {
    if (left === undefined || right === undefined) return left ?? right;
    if (left.priority > right.priority) {
      left.right = this.joined(left.right, right);
      return this.settled(left);
    }
    right.left = this.joined(left, right.left);
    return this.settled(right);
  }

  /** The same node, once what is below it has changed. */
  private settled(node: Node<R>): Node<R> {
    let last = node.interval.to;
    if (node.left !== undefined && this.orderOfTo(node.left.last, last) > 0) last = node.left.last;
    if (node.right !== undefined && this.orderOfTo(node.right.last, last) > 0) last = node.right.last;
    node.last = last;
    return node;
  }
}
