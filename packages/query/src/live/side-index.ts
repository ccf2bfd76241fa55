/**
 * An index that live joins keep for themselves where a table has none on the joined column: rows by the hash
 * of one column, kept up with every commit. Whoever asks must still compare.
 *
 * Entries are linked both ways, so a delete costs the same however many rows share a value.
 */
import type { RowRef, TableId } from "@lightcone/base";
import type { RowRefs, Store, Table } from "@lightcone/engine";

export type HashRow = (view: DataView, at: number) => number;

const noEntry = -1;

export class SideIndex {
  readonly table: TableId;
  /** The table's when this was made: another means that rows may be read differently now. */
  readonly version: number;
  readonly column: number;
  private readonly store: Store;
  private readonly hashRow: HashRow;
  private readonly heads = new Map<number, number>();
  private readonly entryOf = new Map<number, number>();
  private readonly free: number[] = [];
  private refs = new Uint32Array(64);
  private hashes = new Int32Array(64);
  private nexts = new Int32Array(64);
  private previous = new Int32Array(64);
  private entryCount = 0;
  /** How many templates use it. */
  useCount = 0;

  constructor(store: Store, table: Table, column: number, hashRow: HashRow) {
    this.table = table.id;
    this.version = table.version;
    this.column = column;
    this.store = store;
    this.hashRow = hashRow;
    const cursor = table.openCursor();
    cursor.seek();
    for (let ref = cursor.next(); ref !== -1; ref = cursor.next()) this.insert(ref);
  }

  advance(deletes: RowRefs, inserts: RowRefs): void {
    for (let i = 0; i < deletes.count; i += 1) this.delete(deletes.refs[i] ?? 0);
    for (let i = 0; i < inserts.count; i += 1) this.insert(inserts.refs[i] ?? 0);
  }

  /** The first entry with that hash, or -1; go on with `next`. */
  first(hash: number): number {
    return this.heads.get(hash) ?? noEntry;
  }

  next(entry: number): number {
    return this.nexts[entry] ?? noEntry;
  }

  ref(entry: number): number {
    return this.refs[entry] ?? 0;
  }

  private insert(ref: number): void {
    this.store.locate(ref as RowRef); // a row of the table
    const hash = this.hashRow(this.store.place.view, this.store.place.at);
    const entry = this.free.pop() ?? this.newEntry();
    const head = this.first(hash);
    this.refs[entry] = ref;
    this.hashes[entry] = hash;
    this.nexts[entry] = head;
    this.previous[entry] = noEntry;
    if (head !== noEntry) this.previous[head] = entry;
    this.heads.set(hash, entry);
    this.entryOf.set(ref, entry);
  }

  private delete(ref: number): void {
    const entry = this.entryOf.get(ref);
    if (entry === undefined) return;
    const next = this.next(entry);
    const previous = this.previous[entry] ?? noEntry;
    const hash = this.hashes[entry] ?? 0;
    if (next !== noEntry) this.previous[next] = previous;
    if (previous !== noEntry) this.nexts[previous] = next;
    else if (next !== noEntry) this.heads.set(hash, next);
    else this.heads.delete(hash);
    this.entryOf.delete(ref);
    this.free.push(entry);
  }

  private newEntry(): number {
    if (this.entryCount === this.refs.length) {
      const length = this.refs.length * 2;
      this.refs = grown(this.refs, new Uint32Array(length));
      this.hashes = grown(this.hashes, new Int32Array(length));
      this.nexts = grown(this.nexts, new Int32Array(length));
      this.previous = grown(this.previous, new Int32Array(length));
    }
    return this.entryCount++;
  }
}

function grown<T extends Uint32Array<ArrayBuffer> | Int32Array<ArrayBuffer>>(from: T, to: T): T {
  to.set(from);
  return to;
}
