/** Rust as `rustfmt` writes it. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { print } from "../terminal.ts";

/**
 * Formats the files of a Rust module, of which `mod.rs` names all others. Where there is no `rustfmt` they stay as they are.
 *
 * @param files contents by file name
 */
export function rustFormatted(files: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const folder = mkdtempSync(join(tmpdir(), "lightcone-rustfmt-"));
  try {
    for (const [name, text] of files) writeFileSync(join(folder, name), text);
    const cargoBin = join(process.env["CARGO_HOME"] ?? join(homedir(), ".cargo"), "bin");
    const PATH = `${process.env["PATH"] ?? ""}${delimiter}${cargoBin}`;
    const ran = spawnSync("rustfmt", ["--edition", "2021", join(folder, "mod.rs")], {
      env: { ...process.env, PATH },
      encoding: "utf8",
    });
    if (ran.error !== undefined) return files; // There is none.
    if (ran.status !== 0) {
      print(`rustfmt did not format the files: ${ran.stderr.trim().split("\n")[0] ?? ""}`);
      return files;
    }
    return new Map([...files.keys()].map((name) => [name, readFileSync(join(folder, name), "utf8")]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
