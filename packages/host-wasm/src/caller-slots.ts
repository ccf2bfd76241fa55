/**
 * Enters a module without making BigInts.
 *
 * A module takes its caller and the time as seven 64-bit words. From JavaScript each would be a BigInt, and
 * making those costs more than the call itself. So a module of our own, a few dozen bytes long, stands between:
 * it reads the words from its memory, where callers are kept in slots, takes the time as a float, and goes on
 * into the guest. The same few callers call again and again, so a slot is mostly found as it was left.
 *
 *   slot = sender 32 bytes | connection 16 bytes        slot n at 48 n
 */
import { leb } from "./binary-reader.ts";
import { wasm } from "./engine.ts";

const senderBytes = 32;
const connectionBytes = 16;
const slotBytes = senderBytes + connectionBytes;
const slotCount = 4096;
const pageCount = (slotCount * slotBytes) / 65_536;

/** `__call_reducer__` or `__call_procedure__`, entered by a caller's slot. */
export type Enter = (id: number, slotAt: number, timestampMicros: number, args: number, sink: number) => number;

/** The same, with a promise of its result: the guest has waited if it is not settled when microtasks have run. */
export type EnterWaiting = (...args: Parameters<Enter>) => Promise<number>;

export class CallerSlots {
  private readonly memory = new wasm.Memory({ initial: pageCount });
  private readonly bytes = new Uint8Array(this.memory.buffer);
  /** Whose words each slot has: a caller is known by its arrays, which nobody changes. */
  private readonly senders: (Uint8Array | undefined)[] = new Array<Uint8Array | undefined>(slotCount).fill(undefined);
  private readonly connections: (Uint8Array | undefined)[] = new Array<Uint8Array | undefined>(slotCount).fill(
    undefined,
  );

  /** Wraps an export of the guest. */
  entry(guestExport: unknown): Enter {
    const { exports } = new wasm.Instance(trampoline, { guest: { call: guestExport, memory: this.memory } });
    return exports["enter"] as Enter; // as assembled below
  }

  /** The same for a guest that may wait: it runs on a stack of its own. */
  waitingEntry(guestExport: unknown): EnterWaiting {
    return wasm.promising(this.entry(guestExport)) as EnterWaiting; // as the engine makes it of an `Enter`
  }

  /** Where the caller's words are; good until the next call of this. */
  at(sender: Uint8Array, connection: Uint8Array): number {
    const slot =
      ((sender[0] ?? 0) ^ (connection[0] ?? 0) ^ (((sender[1] ?? 0) ^ (connection[1] ?? 0)) << 8)) % slotCount;
    if (this.senders[slot] !== sender || this.connections[slot] !== connection) this.put(slot, sender, connection);
    return slot * slotBytes;
  }

  private put(slot: number, sender: Uint8Array, connection: Uint8Array): void {
    const bytes = this.bytes;
    const at = slot * slotBytes;
    for (let step = 0; step < senderBytes; step += 1) bytes[at + step] = sender[step] ?? 0;
    for (let step = 0; step < connectionBytes; step += 1) bytes[at + senderBytes + step] = connection[step] ?? 0;
    this.senders[slot] = sender;
    this.connections[slot] = connection;
  }
}

const trampoline = new wasm.Module(assemble());

/** The module between: `enter(id, slotAt, timestamp, args, sink)` calls the guest with ten words. */
function assemble(): Uint8Array<ArrayBuffer> {
  const [i32, i64, f64, func, memory] = [0x7f, 0x7e, 0x7c, 0, 2];
  const [guestType, enterType] = [0, 1];
  const [truncateF64, callGuest, end] = [0xb0, [0x10, 0], 0x0b];
  const words = [0, 8, 16, 24, 32, 40].map((offset) => [...local(1), 0x29, 0, offset]);
  const code = [local(0), words.flat(), local(2), truncateF64, local(3), local(4), callGuest, end].flat();
  const noLocals = 0;
  return Uint8Array.from(
    [
      [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      section(1, [
        2,
        0x60,
        10,
        i32,
        i64,
        i64,
        i64,
        i64,
        i64,
        i64,
        i64,
        i32,
        i32,
        1,
        i32,
        0x60,
        5,
        i32,
        i32,
        f64,
        i32,
        i32,
        1,
        i32,
      ]),
      section(2, [
        2,
        ...name("guest"),
        ...name("call"),
        func,
        guestType,
        ...name("guest"),
        ...name("memory"),
        memory,
        0,
        pageCount,
      ]),
      section(3, [1, enterType]),
      section(7, [1, ...name("enter"), func, 1]),
      section(10, [1, ...leb(code.length + 1), noLocals, ...code]),
    ].flat(),
  );
}

function local(index: number): number[] {
  return [0x20, index];
}

function name(text: string): number[] {
  return [text.length, ...new TextEncoder().encode(text)];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...leb(content.length), ...content];
}
