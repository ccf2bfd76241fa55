/**
 * Exceptions that end a guest's call: what the host throws for a misuse, and what the engine throws for a fault.
 *
 * All other exceptions (a time-out, a limit that is met, a bug of ours) are not the guest's and pass through.
 */
import { wasm } from "./engine.ts";

/** A misuse of the ABI that a module cannot handle, such as a pointer outside of its memory. */
export class GuestTrap extends Error {
  override readonly name = "GuestTrap";
}

/**
 * Throws traps and remembers the last one: a guest compiled with exception handling can catch what the host
 * throws, and its call must fail all the same.
 */
export class Traps {
  last: GuestTrap | undefined = undefined;

  throw(message: string): never {
    this.last = new GuestTrap(message);
    throw this.last;
  }
}

/** Whether an exception out of a module is the module's own doing: its instance is lost, nothing else is. */
export function isGuestFault(error: unknown): error is Error {
  // A stack that overflows is a RangeError; the guest's memory or tables failing to grow at start is one as well.
  return error instanceof GuestTrap || error instanceof wasm.RuntimeError || error instanceof RangeError;
}
