/** Finds a function by the bytes of its name, without making a string: calls arrive by the hundred thousand. */

interface Entry<T> {
  readonly name: Uint8Array;
  readonly value: T;
}

export class FunctionNames<T> {
  private readonly byLength = new Map<number, Entry<T>[]>();
  /** What was found last: callers tend to call the same function again. */
  private latest: Entry<T> | undefined;

  constructor(entries: Iterable<readonly [string, T]>) {
    const encoder = new TextEncoder();
    for (const [text, value] of entries) {
      const name = encoder.encode(text);
      const sameLength = this.byLength.get(name.length);
      if (sameLength === undefined) this.byLength.set(name.length, [{ name, value }]);
      else sameLength.push({ name, value });
    }
  }

  /** The function whose name is `bytes[at … at + length)`; undefined if there is none. */
  find(bytes: Uint8Array, at: number, length: number): T | undefined {
    const latest = this.latest;
    if (latest !== undefined && isAt(latest.name, bytes, at, length)) return latest.value;
    for (const entry of this.byLength.get(length) ?? []) {
      if (!isAt(entry.name, bytes, at, length)) continue;
      this.latest = entry;
      return entry.value;
    }
    return undefined;
  }
}

function isAt(name: Uint8Array, bytes: Uint8Array, at: number, length: number): boolean {
  if (name.length !== length) return false;
  for (let index = 0; index < length; index++) if (name[index] !== bytes[at + index]) return false;
  return true;
}
