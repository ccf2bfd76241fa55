/** Stacks of a module that was not bundled: its frames are those of its own files already. */
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { withHint } from "../missing-globals.ts";
import type { Position, Stacks } from "../stack-trace.ts";

const framesMax = 30;
/** `at name (file:line:column)` or `at file:line:column`. */
const pattern = /^\s*at (?:(.*?) \()?(?:file:\/\/)?([^()]+?):(\d+):(\d+)\)?$/;
/** The host's own code: this package's sources, or the file that it was built into. */
const own = fileURLToPath(new URL(import.meta.url.endsWith("/loaded-stacks.ts") ? "../" : "./", import.meta.url));
/** The package that the module imports. */
const packages = /[\\/](?:packages[\\/]module[\\/]src|node_modules[\\/](?:@lightcone|lightcone))[\\/]/;

interface Frame {
  readonly name: string;
  readonly at: Position;
}

export class LoadedStacks implements Stacks {
  describe(error: unknown): string {
    try {
      if (typeof error !== "object" || error === null) return `Uncaught ${inspect(error)}`;
      const { name, message, stack } = error as Readonly<Record<string, unknown>>; // of whatever was thrown
      if (typeof message !== "string") return `Uncaught ${inspect(error, { customInspect: false })}`;
      const head = `${typeof name === "string" ? name : "Error"}: ${withHint(message)}`;
      const frames = typeof stack === "string" ? framesOf(stack) : [];
      return [
        head,
        ...frames.map(({ name: of, at }) => `    at ${of === "" ? placeOf(at) : `${of} (${placeOf(at)})`}`),
      ].join("\n");
    } catch {
      return "an error that cannot be read"; // its getters throw: there is nothing better to say
    }
  }

  innermost(stack: string): Position | undefined {
    return framesOf(stack)[0]?.at;
  }

  mapped(text: string): string {
    return text;
  }
}

const placeOf = ({ file, line, column }: Position): string => `${file}:${line}:${column}`;

/** The module's frames: the host's above them are left out, and all from where the host called the module. */
function framesOf(stack: string): Frame[] {
  const frames: Frame[] = [];
  for (const line of stack.split("\n")) {
    const match = pattern.exec(line);
    if (match === null) continue;
    const [, name = "", file = "", row, column] = match;
    const isOther =
      file.startsWith(own) || packages.test(file) || file.startsWith("node:") || line.includes("<anonymous>");
    if (isOther && frames.length > 0 && file.startsWith(own)) break;
    if (isOther) continue;
    frames.push({
      name: name.replace(/^Object\.|^Module\./, ""),
      at: { file, line: Number(row), column: Number(column) },
    });
    if (frames.length === framesMax) break;
  }
  return frames;
}
