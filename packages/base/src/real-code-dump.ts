/**
 * Shows generated source to whoever wants to read it: every place that compiles text announces it here first.
 *
 *   LIGHTCONE_DUMP_CODE=DIRECTORY   writes each piece to a file of its own, `PROCESS-NUMBER-TITLE.js`
 *   LIGHTCONE_DUMP_CODE=-           writes all to standard error
 *
 * Tests watch, to compare what is generated with golden texts. A browser has neither the variable nor the files.
 */

/** A piece of generated source: a function body, or a script. */
export interface GeneratedCode {
  /** What it is for, in a few words. */
  readonly title: string;
  /** The names of the values that the body is run with; empty for a script. */
  readonly parameters: readonly string[];
  readonly source: string;
}

export type CodeWatcher = (code: GeneratedCode) => void;

const watchers = new Set<CodeWatcher>();

/** Announces generated source, before it is compiled. Costs next to nothing while nobody watches. */
export function dumpCode(title: string, parameters: readonly string[], source: string): void {
  if (watchers.size === 0) return;
  for (const watch of watchers) watch({ title, parameters, source });
}

/** Has `watch` told of all source that is generated from here on, until the function that it returns is called. */
export function watchCode(watch: CodeWatcher): () => void {
  watchers.add(watch);
  return () => void watchers.delete(watch);
}

/** A piece as a text: its title, its parameters, its lines indented by their braces. */
export function codeText({ title, parameters, source }: GeneratedCode): string {
  const lines = [`// ${title}${parameters.length === 0 ? "" : `: ${parameters.join(", ")}`}`];
  let depth = 0;
  for (const line of source.split("\n").map((each) => each.trim())) {
    if (line === "") continue;
    const opened = line.split("{").length - line.split("}").length;
    lines.push(`${"  ".repeat(Math.max(0, line.startsWith("}") ? depth - 1 : depth))}${line}`);
    depth += opened;
  }
  return `${lines.join("\n")}\n`;
}

/** What is used of Node's `process`: the types of a page know neither it nor its modules. */
interface Platform {
  readonly pid: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stderr: { write(text: string): unknown };
  getBuiltinModule(name: "node:fs"): Files;
  getBuiltinModule(name: "node:path"): { dirname(path: string): string };
}

interface Files {
  existsSync(path: string): boolean;
  mkdirSync(path: string): unknown;
  writeFileSync(path: string, text: string): void;
}

const { process: platform } = globalThis as { process?: Platform };
const target = platform?.env?.["LIGHTCONE_DUMP_CODE"];
if (platform !== undefined && target !== undefined && target !== "") {
  const write =
    target === "-" ? (code: GeneratedCode) => platform.stderr.write(codeText(code)) : fileWriter(platform, target);
  const stop = watchCode((code) => {
    try {
      write(code);
    } catch (error) {
      // Who wants to read the code wants it to run as well.
      stop();
      platform.stderr.write(`LIGHTCONE_DUMP_CODE=${target}: no code is written: ${String(error)}\n`);
    }
  });
}

function fileWriter(node: Platform, directory: string): CodeWatcher {
  const files = node.getBuiltinModule("node:fs");
  let count = 0;
  return (code) => {
    if (count === 0) makeDirectory(node, files, directory);
    count += 1;
    const title = code.title.replaceAll(/[^\w.-]+/g, "-").slice(0, 80);
    files.writeFileSync(`${directory}/${node.pid}-${String(count).padStart(4, "0")}-${title}.js`, codeText(code));
  };
}

/** With those above it. Node's own way never returns below `/proc`: `real-make-directory.ts`, which a page cannot load. */
function makeDirectory(node: Platform, files: Files, path: string): void {
  const above = node.getBuiltinModule("node:path").dirname(path);
  if (files.existsSync(path)) return;
  if (above !== path) makeDirectory(node, files, above);
  try {
    files.mkdirSync(path);
  } catch (error) {
    if (!files.existsSync(path)) throw error; // another process may have made it
  }
}
