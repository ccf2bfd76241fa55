/**
 * The row iterators that a guest holds, by handle: 1, 2, 3, … with freed ones used again.
 *
 * A slot holds the next row to deliver and the scan that gives the ones behind it. Looking one row ahead is
 * what lets `advance` report the end in the call that delivers the last row, as guests insist on. A find by a
 * unique key is a slot with a row and no scan, so that it allocates nothing.
 */
import { asRowRef } from "@lightcone/base";
import { Errno, type HostPort, type RowScan } from "@lightcone/host";
import type { GuestMemory } from "./guest-memory.ts";
import type { Traps } from "./traps.ts";

/** Iterators that a call may hold open at a time. */
export const rowIteratorsMax = 65_536;

/** Slots that are kept from call to call. */
const slotsMin = 16;

const noRow = -1;
const freeSlot = -2;
/** What `row_iter_bsatn_advance` answers when it has delivered the last row. */
const exhausted = -1;

export class RowIterators {
  /** By handle: the next row, `noRow`, or `freeSlot`, which is also what 0 has. Doubles, since a row reference is a u32. */
  private rows = new Float64Array(slotsMin).fill(freeSlot);
  /** What stands behind the next row, for those that were opened on a scan. */
  private readonly scans: (RowScan | undefined)[] = [];
  /** Handles that were used and freed: so many, the last freed last. */
  private free = new Uint32Array(slotsMin);
  private freeCount = 0;
  private handleTop = 0;
  private openCount = 0;
  private readonly port: HostPort;
  private readonly memory: GuestMemory;
  private readonly traps: Traps;

  constructor(port: HostPort, memory: GuestMemory, traps: Traps) {
    this.port = port;
    this.memory = memory;
    this.traps = traps;
  }

  /** Opens an iterator over one row, or over none for -1. */
  openRow(row: number): number {
    const handle = this.take();
    this.rows[handle] = row;
    return handle;
  }

  openScan(scan: RowScan): number {
    const row = scan.next();
    const handle = this.take();
    this.rows[handle] = row;
    this.scans[handle] = scan;
    return handle;
  }

  private take(): number {
    this.openCount += 1;
    if (this.freeCount === 0) return this.grow();
    this.freeCount -= 1;
    return this.free[this.freeCount] as number; // below the count
  }

  private grow(): number {
    if (this.handleTop === rowIteratorsMax) {
      this.openCount -= 1;
      this.traps.throw(`more than ${rowIteratorsMax} row iterators are open`);
    }
    this.handleTop += 1;
    if (this.handleTop === this.rows.length) {
      const rows = new Float64Array(this.rows.length * 2).fill(freeSlot);
      rows.set(this.rows);
      this.rows = rows;
      const free = new Uint32Array(rows.length);
      free.set(this.free);
      this.free = free;
    }
    return this.handleTop;
  }

  private release(handle: number): void {
    this.rows[handle] = freeSlot;
    this.free[this.freeCount] = handle;
    this.freeCount += 1;
    this.openCount -= 1;
  }

  /** Copies whole rows to the guest while they fit. The guest sets the room at `lengthAt`; what was used comes back. */
  advance(handle: number, bufferAt: number, lengthAt: number): number {
    let row = this.rows[handle] ?? freeSlot;
    if (row === freeSlot) return Errno.noSuchIter;
    const memory = this.memory;
    const port = this.port;
    const capacity = memory.readU32(lengthAt);
    memory.need(bufferAt, capacity);
    const scan = handle < this.scans.length ? this.scans[handle] : undefined;
    let used = 0;
    while (row >= 0) {
      port.resolve(asRowRef(row));
      const found = port.row;
      const { length } = found;
      if (length > capacity - used) {
        this.rows[handle] = row;
        memory.writeU32(lengthAt, used === 0 ? length : used);
        return used === 0 ? Errno.bufferTooSmall : 0;
      }
      memory.writeRow(bufferAt + used, found);
      used += length;
      row = scan === undefined ? noRow : scan.next();
    }
    memory.writeU32(lengthAt, used);
    if (scan !== undefined) this.scans[handle] = undefined;
    this.release(handle);
    return exhausted;
  }

  close(handle: number): number {
    if ((this.rows[handle] ?? freeSlot) === freeSlot) return Errno.noSuchIter;
    if (handle < this.scans.length) {
      this.scans[handle]?.close();
      this.scans[handle] = undefined;
    }
    this.release(handle);
    return 0;
  }

  /** Closes what the guest left open, as at the end of a call. Handles start at 1 again. */
  clear(): void {
    if (this.openCount > 0) {
      for (let handle = 1; handle <= this.handleTop; handle += 1) this.close(handle);
    }
    if (this.handleTop > slotsMin) {
      this.freeCount = 0;
      this.handleTop = 0;
      this.scans.length = 0;
      this.rows = new Float64Array(slotsMin).fill(freeSlot);
      this.free = new Uint32Array(slotsMin);
    }
  }
}
