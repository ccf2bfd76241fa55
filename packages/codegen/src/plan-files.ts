/** What to do with a directory so that it holds what was generated, and nothing that was generated before. */
import { generatedMark } from "./dialect.ts";

export interface FilePlan {
  /** New and changed files. One that is there already, byte for byte, is left alone. */
  readonly write: ReadonlyMap<string, string>;
  /** Files that bear the generator's mark but are no longer generated. */
  readonly remove: readonly string[];
  readonly unchanged: readonly string[];
}

/**
 * Plans the change of an output directory.
 *
 * @param existing the directory's files: contents by name, at least of those that end in `.ts`
 * @param generated what the generator made
 */
export function planFiles(existing: ReadonlyMap<string, string>, generated: ReadonlyMap<string, string>): FilePlan {
  const unchanged = [...generated].filter(([name, text]) => existing.get(name) === text).map(([name]) => name);
  const kept = new Set(unchanged);
  return {
    write: new Map([...generated].filter(([name]) => !kept.has(name))),
    remove: [...existing]
      .filter(([name, text]) => !generated.has(name) && isGenerated(text))
      .map(([name]) => name)
      .toSorted(),
    unchanged,
  };
}

/** Whether a file bears the mark, with whatever line ends it has been given since. */
function isGenerated(text: string): boolean {
  return text.startsWith(`${generatedMark}\n`) || text.startsWith(`${generatedMark}\r\n`);
}
