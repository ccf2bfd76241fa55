/** The links of built pages: the generator looks at links between pages in their text, and at no places within them. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";

/** Throws when a link of a built page leads to a page, a file, or a place in a page that is not there. */
export function checkLinks(folder: string): void {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".html"));
  const pages = new Map(
    files.map((file) => {
      const text = readFileSync(join(folder, file), "utf8");
      const ids = new Set([...text.matchAll(/ id="([^"]+)"/g)].map(([, id = ""]) => decode(id)));
      return [`/${file.replace(/\.html$/, "")}`, { ids, text }];
    }),
  );
  const problems = new Set<string>();
  let count = 0;
  for (const [path, { text }] of pages)
    for (const [, href = ""] of text.matchAll(/<a [^>]*?href="([^"]+)"/g)) {
      if (/^[a-z]+:/.test(href)) continue;
      const [target = "", id = ""] = href.split("#");
      const full = target === "" ? path : posix.resolve(posix.dirname(path), target);
      const found = pages.get(target.endsWith("/") ? posix.join(full, "index") : full);
      count += 1;
      if (found === undefined && !existsSync(join(folder, full))) problems.add(`${path}: there is no ${href}`);
      else if (id !== "" && found?.ids.has(decode(id)) !== true) problems.add(`${path}: ${full} has no place #${id}`);
    }
  if (count === 0) problems.add("no link was found");
  if (problems.size > 0) throw new Error(`${problems.size} dead links:\n  ${[...problems].join("\n  ")}`);
  process.stdout.write(`site: ${pages.size} pages, ${count} links\n`);
}

function decode(text: string): string {
  return decodeURIComponent(text.replaceAll("&amp;", "&").replaceAll("&quot;", '"').replaceAll("&#39;", "'"));
}
