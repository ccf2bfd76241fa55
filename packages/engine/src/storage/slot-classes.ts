/**
 * How long slots are, and how many pages are cut into slots together.
 *
 * A row of variable length gets a slot of the next size class. Classes step by at most a quarter and are
 * chosen to divide their span evenly, so a row takes at most 1.25 times its bytes and a little. A slot freed
 * is used again by any row of its class; a span whose slots are all free goes back to the store.
 */
import { pageBytes } from "./memory.ts";

/** Before a row of fixed length: its state, one byte. */
export const fixedHeaderBytes = 1;
/** Before any other: `length << 4 | state`, u32. */
export const variableHeaderBytes = 4;
/** The longest row: what the header's 28 bits can say. */
export const rowBytesMax = 0x0fff_ffff;

/** Rows of fixed length up to here share spans by their exact length; longer ones are treated as variable. */
export const fixedRowBytesMax = 4000;

/** Pages of the span that slots of a fixed length are cut from: few, but so many that the cut wastes little. */
export function fixedSpanPages(slotBytes: number): number {
  if (slotBytes <= 256) return 1;
  return slotBytes <= 1024 ? 4 : 16;
}

const classBytes: number[] = [];
const classPages: number[] = [];

function addClasses(spanPages: number, upTo: number, firstTarget: number): void {
  const span = spanPages * pageBytes;
  for (let target = firstTarget; target <= upTo;) {
    const slotBytes = Math.floor(span / Math.floor(span / target) / 8) * 8;
    classBytes.push(slotBytes);
    classPages.push(spanPages);
    target = Math.max(slotBytes + 8, Math.floor((slotBytes * 1.19) / 8) * 8);
  }
}
const lastClassBytes = (): number => classBytes.at(-1) ?? 0;
addClasses(1, 2048, 8);
addClasses(4, 16_384, lastClassBytes() + 8);
addClasses(16, 65_536, lastClassBytes() + 8);

export const classCount = classBytes.length;
/** The class of rows that get a span each. It keeps no list of spans with room, for there is none. */
export const dedicatedClass = 255;
const sharedSlotBytesMax = lastClassBytes();

/** By slot length in units of 8 bytes. */
const classByUnits = new Uint8Array(sharedSlotBytesMax / 8 + 1);
for (let sizeClass = classCount - 1; sizeClass >= 0; sizeClass -= 1) {
  classByUnits.fill(sizeClass, 0, (classBytes[sizeClass] as number) / 8 + 1);
}

/** The class of slots that hold `bytes`, header included. */
export function classOf(bytes: number): number {
  return bytes <= sharedSlotBytesMax ? (classByUnits[(bytes + 7) >>> 3] as number) : dedicatedClass;
}

/** Bytes of a class's slots; a sole row's slot is as long as the row asks. */
export function slotBytesOf(sizeClass: number, bytes: number): number {
  return sizeClass === dedicatedClass ? (bytes + 7) & ~7 : (classBytes[sizeClass] as number);
}

export function spanPagesOf(sizeClass: number, bytes: number): number {
  return sizeClass === dedicatedClass ? Math.ceil(bytes / pageBytes) : (classPages[sizeClass] as number);
}
