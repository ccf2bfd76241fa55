/** A fact the code relies on did not hold: a bug here, never the caller's fault. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/**
 * Stops when a fact that the code relies on does not hold.
 *
 * Use it for what only a bug in this code can break; for what a caller or a file can break, throw a
 * `LightconeError`. Cost: one branch.
 *
 * @throws {AssertionError} when `fact` is false
 */
export function assert(fact: boolean, message: string): asserts fact {
  if (!fact) throw new AssertionError(message);
}

/** Marks a place that the types say is out of reach, as at the end of an exhaustive `switch`. */
export function unreachable(value: never): never {
  throw new AssertionError(`out of reach, yet reached with ${String(value)}`);
}

/** Gives the value, which a bug alone could have left out. Instead of `!`. */
export function defined<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) throw new AssertionError(`${what} is missing`);
  return value;
}
