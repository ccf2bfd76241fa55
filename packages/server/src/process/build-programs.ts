/**
 * Bundles programs that are started by their file's address: each is a file of its own, beside the others, with npm's
 * packages outside. What ships is made so, and what hosts run in a checkout: a process that strips the types of two
 * hundred files takes twice the time and memory.
 */
import { isAbsolute } from "node:path";
import { rolldown, type Plugin } from "rolldown";

/** Loading the catalogue gives errors their words, which only pages do without. */
const catalogue = { test: /\/base\/src\/(?:index|errors)\.ts$/, sideEffects: true };

/**
 * Builds `programs`, name → source file, into `directory`.
 *
 * @param bundled npm's packages that go into it
 */
export async function buildPrograms(
  directory: string,
  programs: Readonly<Record<string, string>>,
  bundled: readonly string[] = [],
): Promise<void> {
  const build = await rolldown({
    platform: "node",
    tsconfig: false,
    input: programs,
    external: (id) => isForeign(id) && !bundled.includes(id),
    plugins: [besides(programs), narrow],
    treeshake: { moduleSideEffects: [catalogue] },
  });
  await build.write({
    dir: directory,
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "[name]-[hash].js",
  });
  await build.close();
}

/** npm's packages and Node's modules: everything but this repository's files. */
export function isForeign(id: string): boolean {
  return !id.startsWith("@lightcone/") && !/^[./#]/.test(id) && !isAbsolute(id);
}

/**
 * Writes all but ASCII as escapes. For one character beyond Latin-1, be it in a comment, V8 keeps every character of a file in
 * two bytes for as long as the process runs: a megabyte more of each host.
 */
const narrow: Plugin = {
  name: "narrow",
  generateBundle: (_options, bundle) => {
    for (const file of Object.values(bundle)) {
      if (file.type === "chunk") file.code = file.code.replaceAll(/[^\0-\x7f]/g, escape);
    }
  },
};

function escape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** The address of a program beside the present file names the built one, which lies beside whatever names it. */
function besides(programs: Readonly<Record<string, string>>): Plugin {
  return {
    name: "besides",
    transform: (code) => {
      const named = /new URL\("\.\/([\w-]+)\.ts", import\.meta\.url\)/g;
      for (const [, name = ""] of code.matchAll(named))
        if (programs[name] === undefined)
          throw new Error(`${name}.ts is started by its address and is not in the build`);
      return code.replaceAll(named, 'new URL("./$1.js", import.meta.url)');
    },
  };
}
