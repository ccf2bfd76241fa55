/** Errors in the user's own files and lines: frames of the bundle through its source map, the host's left out. */
import { SourceMap, type SourceMapPayload } from "node:module";
import { inspect } from "node:util";
import { AssertionError, LightconeError } from "@lightcone/base";
import { withHint } from "./missing-globals.ts";
import { scriptName } from "./sandbox.ts";
import { linesBefore } from "./script-text.ts";

export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

const framesMax = 30;
const framePattern = new RegExp(
  `^\\s*at (?:(.*?) \\()?(?:.*[ (/])?${scriptName.replaceAll(".", "\\.")}:(\\d+):(\\d+)\\)*$`,
);

/**
 * An error's stack, as V8 would write it, but of the module's frames alone where it has any: what lies below them is the
 * machine's business. For `Error.prepareStackTrace` of a realm that runs modules.
 */
export function moduleStack(error: unknown, frames: readonly unknown[]): string {
  const lines = frames.map((frame) => `    at ${String(frame)}`);
  const own = error instanceof LightconeError || error instanceof AssertionError ? [] : lines.filter(isOwn);
  return [headOf(error), ...(own.length > 0 ? own : lines)].join("\n");
}

const isOwn = (line: string): boolean => line.includes(scriptName);

function headOf(error: unknown): string {
  try {
    return String(error);
  } catch {
    return "an error that cannot be read";
  }
}

/** The official package calls what is the user's by a function of this name: what lies below is its own. */
const packagesFrame = "__spacetimedb_end_short_backtrace";

function endOf(frames: readonly { readonly name: string }[]): number {
  const end = frames.findIndex(({ name }) => name.endsWith(packagesFrame));
  return end > 0 ? end : framesMax;
}

const ownPosition = new RegExp(`${scriptName.replaceAll(".", "\\.")}:(\\d+):(\\d+)`, "g");

/** Says in whose file and line something of a module is. */
export interface Stacks {
  /** An error as text: its name and message, then the module's frames. Runs nothing that could throw to the caller. */
  describe(error: unknown): string;
  /** Where the innermost frame of the module in a stack stands. */
  innermost(stack: string): Position | undefined;
  /** A text with the stacks in it at the author's files and lines. */
  mapped(text: string): string;
}

/** Those of a bundle, whose source map may be in it. */
export class StackMapper implements Stacks {
  private readonly json: string | undefined;
  private map: SourceMap | undefined;
  private isRead = false;

  constructor(map: string | undefined) {
    this.json = map;
  }

  describe(error: unknown): string {
    const { head, frames } = this.parts(error);
    const lines = frames.map(
      ({ name, at }) =>
        `    at ${name === "" ? "" : `${name} (`}${at.file}:${at.line}:${at.column}${name === "" ? "" : ")"}`,
    );
    return [head, ...lines].join("\n");
  }

  innermost(stack: string): Position | undefined {
    for (const line of stack.split("\n")) {
      const frame = this.frame(line);
      if (frame !== undefined && !frame.at.file.startsWith("lightcone/")) return frame.at;
    }
    return undefined;
  }

  /** Where the frames of the module in a stack stand, innermost first. */
  positions(stack: string): Position[] {
    return stack.split("\n").flatMap((line) => this.frame(line)?.at ?? []);
  }

  mapped(text: string): string {
    if (!text.includes(scriptName)) return text;
    return text.replaceAll(ownPosition, (_, line: string, column: string) => {
      const at = this.position(Number(line) - linesBefore, Number(column));
      return `${at.file}:${at.line}:${at.column}`;
    });
  }

  /** Where a function begins; undefined when its text does not stand in the script, or not once alone. */
  placeOf(body: (...values: never[]) => unknown, script: string): Position | undefined {
    const text = Function.prototype.toString.call(body);
    const at = script.indexOf(text);
    if (at < 0 || script.indexOf(text, at + 1) >= 0) return undefined;
    const before = script.slice(0, at).split("\n");
    return this.position(before.length - linesBefore, (before.at(-1)?.length ?? 0) + 1);
  }

  private parts(error: unknown): { head: string; frames: { name: string; at: Position }[] } {
    try {
      if (typeof error !== "object" || error === null) return { head: `Uncaught ${inspect(error)}`, frames: [] };
      const stack: unknown = Reflect.get(error, "stack");
      const name: unknown = Reflect.get(error, "name");
      const message: unknown = Reflect.get(error, "message");
      if (typeof message !== "string")
        return { head: `Uncaught ${inspect(error, { customInspect: false })}`, frames: [] };
      const head = `${typeof name === "string" ? name : "Error"}: ${withHint(message)}`;
      if (typeof stack !== "string") return { head, frames: [] };
      const frames = stack
        .split("\n")
        .map((line) => this.frame(line))
        .filter((frame) => frame !== undefined);
      return { head, frames: frames.slice(0, Math.min(framesMax, endOf(frames))) };
    } catch {
      return { head: "an error that cannot be read", frames: [] }; // its getters throw: there is nothing better to say
    }
  }

  private frame(line: string): { name: string; at: Position } | undefined {
    const match = framePattern.exec(line);
    if (match === null) return undefined;
    const at = this.position(Number(match[2]) - linesBefore, Number(match[3]));
    // A function without a name goes by `eval`, since the bundle was evaluated.
    return { name: (match[1] ?? "").replace(/^Object\.|^Module\.|^eval$/, ""), at };
  }

  /** Lines and columns count from 1, on both sides. */
  private position(line: number, column: number): Position {
    const entry = this.sourceMap()?.findEntry(line - 1, column - 1);
    if (entry === undefined || !("originalSource" in entry) || entry.originalSource === undefined) {
      return { file: scriptName, line, column };
    }
    return { file: entry.originalSource, line: entry.originalLine + 1, column: entry.originalColumn + 1 };
  }

  private sourceMap(): SourceMap | undefined {
    if (this.isRead) return this.map;
    this.isRead = true;
    if (this.json === undefined) return undefined;
    try {
      this.map = new SourceMap(JSON.parse(this.json) as SourceMapPayload);
    } catch {
      this.map = undefined; // a broken map only costs the mapping
    }
    return this.map;
  }
}
