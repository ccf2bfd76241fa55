/** What a new project gives `npm install` to get this Lightcone, which no registry has yet. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { home } from "../pages.ts";
import { version } from "../version.ts";

export interface OwnPackage {
  /** The file that `npm run dist` makes, and where it runs; undefined where this is not a checkout, or it was made. */
  readonly madeIn: string | undefined;
  readonly file: string;
}

/** @returns undefined where nothing says which file this one was installed from: the registry is asked then */
export function ownPackage(from = home): OwnPackage | undefined {
  if (from === undefined) return undefined;
  const dist = join(from, "packages/lightcone");
  if (existsSync(dist)) {
    const file = join(dist, "dist", `lightcone-${version}.tgz`);
    return { madeIn: existsSync(file) ? undefined : from, file };
  }
  const project = dirname(dirname(from)); // of `node_modules/lightcone`
  const asked = dependencyOf(join(project, "package.json"));
  return asked?.startsWith("file:") === true
    ? { madeIn: undefined, file: resolve(project, asked.slice("file:".length)) }
    : undefined;
}

function dependencyOf(manifest: string): string | undefined {
  if (!existsSync(manifest)) return undefined;
  const { dependencies = {}, devDependencies = {} }: Readonly<Record<string, Readonly<Record<string, string>>>> =
    JSON.parse(readFileSync(manifest, "utf8"));
  return dependencies["lightcone"] ?? devDependencies["lightcone"];
}
