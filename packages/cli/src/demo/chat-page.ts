/** The chat's page: its folder's files, and its script bundled. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { rolldown } from "rolldown";
import type { PageFiles } from "@lightcone/server";

const entries = ["src/main.ts", "src/main.tsx", "main.ts"];
const served = /\.(?:html|css|svg|png|ico|webmanifest|woff2)$/;

/** The files of the page in `folder`: its script becomes `main.js`. Nothing when there is no page. */
export async function buildChatPage(folder: string): Promise<PageFiles> {
  const files = new Map<string, Uint8Array>();
  if (!existsSync(join(folder, "index.html"))) return files;
  for (const from of [folder, join(folder, "public")]) addFiles(from, files);
  const entry = entries.map((each) => join(folder, each)).find(existsSync);
  if (entry !== undefined) files.set("main.js", await bundle(entry));
  return files;
}

function addFiles(folder: string, files: Map<string, Uint8Array>): void {
  if (!existsSync(folder)) return;
  for (const each of readdirSync(folder, { withFileTypes: true }))
    if (each.isFile() && served.test(each.name)) {
      const bytes = readFileSync(join(folder, each.name));
      // Where Vite serves the page, its script is asked for as it was written.
      const text = each.name === "index.html" ? bytes.toString().replace('"./main.ts"', '"./main.js"') : undefined;
      files.set(each.name, text === undefined ? bytes : new TextEncoder().encode(text));
    }
}

async function bundle(entry: string): Promise<Uint8Array> {
  const build = await rolldown({ input: entry, platform: "browser", tsconfig: false, onLog: () => {} });
  const { output } = await build.generate({ format: "esm", minify: true, codeSplitting: false });
  await build.close();
  return new TextEncoder().encode(output[0].code);
}
