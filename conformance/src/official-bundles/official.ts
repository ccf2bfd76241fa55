/** Bundles modules that are written with the official package, once each, in a project of their own. */
import { cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleOfficial } from "../../../packages/cli/src/build/official-bundle.ts";

const packages = fileURLToPath(new URL("../../../node_modules", import.meta.url));
const installed = { 1: join(packages, "spacetimedb"), 2: join(packages, "spacetimedb-2") } as const;

/** The lines of the package that this machine has. */
export const officialLines: readonly (1 | 2)[] = ([1, 2] as const).filter((line) => existsSync(installed[line]));

/** The bundle of `modules/official/NAME-LINE.ts`, or of the folder `NAME-LINE`. */
export async function officialBundle(name: string, line: 1 | 2): Promise<string> {
  const project = await mkdtemp(join(tmpdir(), "lightcone-official-"));
  try {
    await mkdir(join(project, "node_modules"));
    await mkdir(join(project, "src"));
    await symlink(installed[line], join(project, "node_modules", "spacetimedb"));
    const entry = join(project, "src", "index.ts");
    const module = fileURLToPath(new URL(`../../../modules/official/${name}-${line}`, import.meta.url));
    if (existsSync(module)) await cp(module, join(project, "src"), { recursive: true });
    else await cp(`${module}.ts`, entry);
    return await bundleOfficial(entry, { projectPath: project });
  } finally {
    await rm(project, { recursive: true, force: true });
  }
}
