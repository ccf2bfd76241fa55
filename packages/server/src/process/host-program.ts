/**
 * The program that hosts run. In a package it lies beside this file. In a checkout it is built from the sources, into a
 * folder named after a hash of them.
 */
import { createHash } from "node:crypto";
import { readdir, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { realClock } from "@lightcone/base";
import { makeDirectoryNow } from "@lightcone/base/node";
import type { ServerLog } from "../log.ts";

export interface HostProgram {
  /** The path of `host-main`. */
  readonly main: string;
  /** The URL of a module that exports `openHostDatabase(record, resume, watch)`. */
  readonly factory: string;
}

/** The number of built programs that are kept: a running server may still start hosts from an older one. */
const buildsMax = 8;
/** Each is a file that is started by its address. */
const programs: Readonly<Record<string, string>> = {
  "host-main": "./host-main.ts",
  "watch-main": "./watch-main.ts",
  "database-factory": "./database-factory.ts",
  "procedure-main": "../../../host-js/src/sys/procedure-main.ts",
};

/** The program beside this file. */
export function programHere(factory: URL | string = new URL("./database-factory.ts", import.meta.url)): HostProgram {
  return { main: fileURLToPath(new URL("./host-main.ts", import.meta.url)), factory: String(factory) };
}

/** The program for databases. */
export async function databaseProgram(log: ServerLog): Promise<HostProgram> {
  const isSource = import.meta.url.endsWith(".ts");
  if (!isSource) return programHere();
  const packages = fileURLToPath(new URL("../../../", import.meta.url));
  const cache = join(packages, "../node_modules/.cache/lightcone");
  try {
    return await builtProgram(packages, cache);
  } catch (error) {
    log.warn(
      { err: error, cache },
      "hosts run from sources, which takes them twice the time and memory: nothing can be built into the cache",
    );
    return programHere();
  }
}

/** Builds the program from `packages`, unless that is done, into a folder of `cache`. */
async function builtProgram(packages: string, cache: string): Promise<HostProgram> {
  const directory = join(cache, `hosts-${await hashOfSources(packages)}`);
  if (!(await exists(directory))) {
    const { buildPrograms } = await import("./build-programs.ts");
    const making = join(cache, `making-${process.pid}-${performance.now()}`);
    makeDirectoryNow(making);
    const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
    await buildPrograms(making, Object.fromEntries(Object.entries(programs).map(([name, path]) => [name, here(path)])));
    await rename(making, directory).catch(async (error: unknown) => {
      await rm(making, { recursive: true });
      // Another process may have built the same in the meantime.
      if (!(await exists(directory))) throw error;
    });
    await removeOld(cache);
  }
  const now = realClock.nowMicros() / 1e6;
  // Where somebody else has built it, its time is theirs to set.
  await utimes(directory, now, now).catch(() => undefined);
  return {
    main: join(directory, "host-main.js"),
    factory: pathToFileURL(join(directory, "database-factory.js")).href,
  };
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Removes all but the builds that were used last, and the leftovers of builds that were cut short. */
async function removeOld(cache: string): Promise<void> {
  const builds = await readdir(cache);
  // Another process may have moved its own to its place by now.
  const atMsOf = (name: string): Promise<number> =>
    stat(join(cache, name)).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0,
    );
  const used = await Promise.all(builds.map(async (name) => ({ name, atMs: await atMsOf(name) })));
  const old = used.toSorted((a, b) => b.atMs - a.atMs).slice(buildsMax);
  for (const { name } of old) await rm(join(cache, name), { recursive: true, force: true });
}

/** A hash of the sources of every package, without tests. */
async function hashOfSources(packages: string): Promise<string> {
  const hash = createHash("sha256");
  for (const name of (await readdir(packages)).toSorted()) {
    const source = join(packages, name, "src");
    if (!(await exists(source))) continue;
    hash.update(await readFile(join(packages, name, "package.json")));
    const files = (await readdir(source, { recursive: true })).filter(
      (file) => file.endsWith(".ts") && !file.endsWith(".test.ts"),
    );
    for (const file of files.toSorted()) {
      hash.update(`${name}/${file}\n`);
      hash.update(await readFile(join(source, file)));
    }
  }
  return hash.digest("hex").slice(0, 16);
}
