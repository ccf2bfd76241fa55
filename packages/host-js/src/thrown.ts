/**
 * Tells apart what came out of a module: its own refusal, the host's own error on its way through, or anything. What a module
 * throws may be a proxy, may have getters, may be made to look like the host's: nothing here throws for it.
 */
import { types } from "node:util";
import { AssertionError, errorCodes, LightconeError } from "@lightcone/base";

const codes = new Set<unknown>(errorCodes);

/** Whether the host threw it: a limit that is met, or a bug of ours. Safe to read whole then. */
export function isHostsOwn(error: unknown): error is LightconeError | AssertionError {
  if (typeof error !== "object" || error === null || types.isProxy(error)) return false;
  const prototype: unknown = Reflect.getPrototypeOf(error);
  const valueOf = (name: string): unknown => Reflect.getOwnPropertyDescriptor(error, name)?.value;
  if (typeof valueOf("message") !== "string") return false;
  if (prototype === AssertionError.prototype) return true;
  return prototype === LightconeError.prototype && codes.has(valueOf("code")) && isPlain(valueOf("detail"));
}

/** Whether an object holds texts, numbers and the like alone, and no code. */
function isPlain(value: unknown): boolean {
  if (typeof value !== "object" || value === null || types.isProxy(value)) return false;
  return Reflect.ownKeys(value).every((key) => {
    const part: unknown = Reflect.getOwnPropertyDescriptor(value, key)?.value;
    return part !== undefined && (typeof part !== "object" || (Array.isArray(part) && !types.isProxy(part)));
  });
}

/** The text of a `SenderError`, as the module's class has it; undefined when it is none, or cannot be read. */
export function refusalOf(error: unknown, senderError: new (message: string) => Error): string | undefined {
  try {
    if (!(error instanceof senderError)) return undefined;
    const message: unknown = error.message;
    return typeof message === "string" ? message : String(message);
  } catch {
    return undefined;
  }
}

/** Whether it is V8's word that the stack has ended. The module's realm may be another: told by what it says. */
export function isStackOverflow(error: unknown): boolean {
  try {
    return (error as { message?: unknown } | null | undefined)?.message === "Maximum call stack size exceeded";
  } catch {
    return false; // a getter of the module's that throws: an error of its own making
  }
}
