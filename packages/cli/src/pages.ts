/** Pages that texts send the reader to, by paths that lead there from where the command runs. */
import { existsSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder that has the pages: that of the package, or the root of a checkout. */
export const home = ((): string | undefined => {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, "docs", "errors.md"))) return folder;
    if (dirname(folder) === folder) return undefined;
  }
})();

/** A text with `docs/sql.md` and the like as paths from the folder that the command runs in. */
export function withPages(text: string): string {
  return text.replaceAll(/(?<![\w./-])docs\/[\w/-]+\.md\b|(?<=in )README\.md\b/g, (page) => {
    const full = home === undefined ? undefined : join(home, page);
    if (full === undefined || !existsSync(full)) return page;
    const near = relative(process.cwd(), full);
    return near.startsWith("..") ? full : near;
  });
}
