/** The functions of a module that are on the stack, read off the text that the engine gives an error. */

const framesMax = 50;
const framePattern = /^\s*at (?:async )?(\S.*?) \(wasm:\/\/[^)]*\)$/;

/** Names of the guest's frames, innermost first; none for frames that were stripped of their names. */
export function guestFrames(): { readonly functionName?: string }[] {
  const holder: { stack?: string } = {};
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = framesMax;
  Error.captureStackTrace(holder, guestFrames);
  const stack = holder.stack ?? "";
  Error.stackTraceLimit = before;
  const frames: { readonly functionName?: string }[] = [];
  for (const line of stack.split("\n")) {
    if (!line.includes("wasm://")) continue;
    const name = framePattern.exec(line)?.[1];
    frames.push(name === undefined ? {} : { functionName: readable(name) });
  }
  return frames;
}

/** A name without the module before it and without the hash that the compiler ends it with. */
function readable(name: string): string {
  const dot = name.indexOf(".wasm.");
  const own = dot === -1 ? name : name.slice(dot + ".wasm.".length);
  return own.replace(/::h[0-9a-f]{16}$/, "");
}
