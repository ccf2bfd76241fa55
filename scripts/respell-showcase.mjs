/**
 * The showcase of `modules/rust` as other versions of the official crate spell it.
 *
 * 2.x calls a table's name its accessor, has methods where 1.x has fields, and nothing of the lines that end in `// up to 1.12`. 1.11 has no hash indexes, for which B-trees stand in,
 * and nothing of the lines that end in `// since 1.12`.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const spellings = {
  "2.10": (text) =>
    text
      .replaceAll(/^.*\/\/ up to 1\.12\n/gm, "")
      .replaceAll(/^\s*(?:#\[table\(|index\(|name = ).*$/gm, (line) =>
        line.replaceAll(/\bname = (?=\w)/g, "accessor = "),
      )
      .replaceAll(/\bctx\.(sender|connection_id)\b/g, "ctx.$1()"),
  1.11: (text) =>
    text
      .replaceAll(/^.*\/\/ since 1\.12\n/gm, "")
      .replaceAll("index(hash)", "index(btree)")
      .replaceAll(/\bhash\(columns/g, "btree(columns"),
};

/**
 * Writes the sources of a respelled showcase where they changed.
 *
 * @param from the folder of `showcase/src`
 * @param to the folder that they go to
 * @param version whose spelling
 */
export function respell(from, to, version) {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) {
    const path = join(to, name);
    const text = spellings[version](readFileSync(join(from, name), "utf8"));
    if (!readdirSync(to).includes(name) || readFileSync(path, "utf8") !== text) writeFileSync(path, text);
  }
}
