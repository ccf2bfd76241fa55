/** How a view is entered, and what it gives back. */
import type { ViewCall, ViewOutcome } from "@lightcone/host";
import type { GuestExports } from "./engine.ts";

export type EnterView = (call: ViewCall, args: number, sink: number) => number;

/** What a view returns who says with a header what follows. */
const withHeader = 2;
const ofRows = 0;
const ofQuery = 1;

export function viewEntry(exports: GuestExports): EnterView {
  const { __call_view__: ofSender, __call_view_anon__: anonymous } = exports;
  return ({ viewIndex, isAnonymous, sender }, args, sink) => {
    if (isAnonymous) return called("__call_view_anon__", anonymous, [viewIndex, args, sink]);
    const view = new DataView(sender.buffer, sender.byteOffset, sender.byteLength);
    const words = [0, 8, 16, 24].map((at) => view.getBigInt64(at, true));
    return called("__call_view__", ofSender, [viewIndex, ...words, args, sink]);
  };
}

function called(name: string, entry: unknown, args: readonly (number | bigint)[]): number {
  if (typeof entry !== "function") throw new RangeError(`the module does not export \`${name}\``);
  const code: unknown = entry(...args);
  return Number(code);
}

/** Reads what a view wrote, by the code that it returned. */
export function readViewResult(code: number, bytes: Uint8Array): ViewOutcome {
  if (code === 0) return { kind: "rows", bytes }; // as before there were headers
  if (code !== withHeader) return unreadable(`the view returned the unknown code ${code}`);
  if (bytes[0] === ofRows) return { kind: "rows", bytes: bytes.subarray(1) };
  if (bytes[0] !== ofQuery || bytes.length < 5) return unreadable("the view wrote no result");
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1, true);
  if (length !== bytes.length - 5) return unreadable("the view wrote a query that is no text");
  return { kind: "query", sql: lossy.decode(bytes.subarray(5)) };
}

const lossy = new TextDecoder("utf-8", { ignoreBOM: true });

function unreadable(message: string): ViewOutcome {
  return { kind: "panic", message, fatal: false };
}
