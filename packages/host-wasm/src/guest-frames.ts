/** The functions of a module that are on the stack, read off the text that the engine gives an error. */
import { readableRustName } from "./rust-names.ts";

const framesMax = 50;
const framePattern = /^\s*at (?:async )?(\S.*?) \(wasm:\/\/[^)]*\)$/;
/** The function through which a guest was entered: what stands outside of it is ours. */
const entryPattern = /^__(?:call|preinit|describe|setup)/;

/** The guest's frames, innermost first; one whose name was stripped has none. */
export function guestFrames(): { readonly functionName?: string }[] {
  const holder: { stack?: string } = {};
  const before = Error.stackTraceLimit;
  setStackTraceLimit(framesMax);
  Error.captureStackTrace(holder, guestFrames);
  const stack = holder.stack ?? "";
  setStackTraceLimit(before);
  const frames: { readonly functionName?: string }[] = [];
  for (const line of stack.split("\n")) {
    if (!line.includes("wasm://")) continue;
    const name = ownName(framePattern.exec(line)?.[1]);
    frames.push(name === undefined ? {} : { functionName: readableRustName(name) });
    if (name !== undefined && entryPattern.test(name)) break;
  }
  return frames;
}

/** Nothing where the process is locked down, for modules in JavaScript: the limit was raised before that. */
function setStackTraceLimit(limit: number): void {
  try {
    Error.stackTraceLimit = limit;
  } catch {
    // It is frozen.
  }
}

/** The name without that of the module, which the engine puts before it. */
function ownName(name: string | undefined): string | undefined {
  const dot = name?.indexOf(".wasm.") ?? -1;
  return dot === -1 ? name : name?.slice(dot + ".wasm.".length);
}
