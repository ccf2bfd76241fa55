/**
 * Which scheduled row is due next: a binary heap by time, then by row, with one live entry a row. Entries that count no
 * more stay in the heap until they come up, or until they are more than the others.
 */

export interface ScheduledRow {
  readonly tableId: number;
  /** The row's u64 primary key. */
  readonly rowId: bigint;
  /** When it is meant to run, microseconds since the Unix epoch. */
  readonly dueMicros: number;
}

interface Entry extends ScheduledRow {
  readonly key: string;
}

/** As many entries that count no more are always kept. */
const deadMin = 64;

export class ScheduleQueue {
  private heap: Entry[] = [];
  /** The one entry that counts for a row; an entry in the heap that is not it was replaced or removed. */
  private readonly live = new Map<string, Entry>();

  /** Schedules a row; what was scheduled for it before no longer counts. */
  set(tableId: number, rowId: bigint, dueMicros: number): void {
    const entry: Entry = { key: `${tableId}:${rowId}`, tableId, rowId, dueMicros };
    this.live.set(entry.key, entry);
    this.heap.push(entry);
    this.rise(this.heap.length - 1);
    if (this.heap.length > 2 * this.live.size + deadMin) this.sweep();
  }

  remove(tableId: number, rowId: bigint): void {
    this.live.delete(`${tableId}:${rowId}`);
  }

  /** The next row to hand out; undefined when there is none. */
  peek(): ScheduledRow | undefined {
    for (;;) {
      const first = this.heap[0];
      if (first === undefined || this.live.get(first.key) === first) return first;
      this.pop();
    }
  }

  /**
   * The rows that are due by `nowMicros`, each once: they are handed out, and stay known until they are
   * removed or set anew.
   */
  due(nowMicros: number): readonly ScheduledRow[] {
    const rows: ScheduledRow[] = [];
    for (let first = this.peek(); first !== undefined && first.dueMicros <= nowMicros; first = this.peek()) {
      rows.push(first);
      this.pop();
    }
    return rows;
  }

  /** When a row is meant to run; undefined when it is not scheduled. */
  dueOf(tableId: number, rowId: bigint): number | undefined {
    return this.live.get(`${tableId}:${rowId}`)?.dueMicros;
  }

  /** Everything scheduled, handed out or not, in no order. */
  rows(): readonly ScheduledRow[] {
    return [...this.live.values()];
  }

  private sweep(): void {
    this.heap = this.heap.filter((entry) => this.live.get(entry.key) === entry);
    for (let at = (this.heap.length >> 1) - 1; at >= 0; at -= 1) this.sink(at);
  }

  private pop(): void {
    const last = this.heap.pop();
    if (last === undefined || this.heap.length === 0) return;
    this.heap[0] = last;
    this.sink(0);
  }

  private rise(at: number): void {
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.swapIfBefore(at, parent)) return;
      at = parent;
    }
  }

  private sink(at: number): void {
    for (;;) {
      const left = 2 * at + 1;
      const [a, b] = [this.heap[left], this.heap[left + 1]];
      const child = a !== undefined && b !== undefined && isBefore(b, a) ? left + 1 : left;
      if (!this.swapIfBefore(child, at)) return;
      at = child;
    }
  }

  private swapIfBefore(at: number, other: number): boolean {
    const [a, b] = [this.heap[at], this.heap[other]];
    if (a === undefined || b === undefined || !isBefore(a, b)) return false;
    this.heap[at] = b;
    this.heap[other] = a;
    return true;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  if (a.dueMicros !== b.dueMicros) return a.dueMicros < b.dueMicros;
  return a.tableId === b.tableId ? a.rowId < b.rowId : a.tableId < b.tableId;
}
