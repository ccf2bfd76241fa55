/** What is given inputs of no meaning: each must be refused with a code, or taken, and what is there goes on. */
export interface Target {
  /** Well-formed inputs, which others are made of. */
  seeds(): readonly Uint8Array[] | Promise<readonly Uint8Array[]>;
  /** @throws {Error} what is wrong with how an input was met */
  open(): Promise<OpenTarget>;
}

export interface OpenTarget {
  feed(input: Uint8Array): void | Promise<void>;
  /** Whether all goes on. Asked now and then. @throws {Error} what does not */
  check(): void | Promise<void>;
  close(): void | Promise<void>;
}

/** Errors that say what is wrong with an input, by their codes. Any other is a fault. */
export function isRefusal(error: unknown, codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}

const encoder = new TextEncoder();
export const texts = (...all: readonly string[]): readonly Uint8Array[] => all.map((text) => encoder.encode(text));
