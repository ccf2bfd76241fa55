/** A log in memory: what is appended is durable at the next flush, and goes with the process. */
import type { LightconeError } from "@lightcone/base";
import type { CommitLog, LogRecords, LogState } from "@lightcone/commitlog";

const nothing = (): void => undefined;

export class MemoryLog implements CommitLog {
  readonly state: LogState = { kind: "open" };
  readonly firstOffset = 0;
  readonly pendingBytes = 0;
  readonly refusal = undefined;
  readonly isBehind = false;
  durableOffset = -1;
  /** By offset. */
  readonly records: Uint8Array[] = [];
  private readonly listeners = new Set<(offset: number) => void>();

  get appendedOffset(): number {
    return this.records.length - 1;
  }
  refusalOf(): LightconeError | undefined {
    return undefined;
  }
  append(record: Uint8Array): void {
    this.records.push(record.slice());
  }
  flush(): void {
    if (this.durableOffset === this.appendedOffset) return;
    this.durableOffset = this.appendedOffset;
    for (const listener of this.listeners) listener(this.durableOffset);
  }
  onDurable(callback: (offset: number) => void): () => void {
    this.listeners.add(callback);
    return () => this.listeners.delete(callback);
  }
  onFull(): () => void {
    return nothing;
  }
  onFailed(): () => void {
    return nothing;
  }
  whenDurable(): Promise<void> {
    this.flush();
    return Promise.resolve();
  }
  async *read(fromOffset: number): AsyncIterable<LogRecords> {
    const records = this.records.slice(fromOffset);
    if (records.length > 0) yield { firstOffset: fromOffset, records, file: "memory", at: 0 };
  }
  /** No snapshot is due. */
  bytesAfter(): number {
    return 0;
  }
  retainFrom(): Promise<void> {
    return Promise.resolve();
  }
  truncateAfter(offset: number): Promise<void> {
    this.records.length = offset + 1;
    this.durableOffset = offset;
    return Promise.resolve();
  }
  close(): Promise<void> {
    this.flush();
    return Promise.resolve();
  }
}
