/** The development server of the project's page: Vite, which is the project's own. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { CliFailure } from "../failure.ts";
import { tell } from "./stream.ts";

const configs = ["vite.config.ts", "vite.config.js", "vite.config.mjs"];

/** As much of Vite as is used here. */
interface Vite {
  createServer(options: object): Promise<{
    listen(): Promise<unknown>;
    readonly resolvedUrls: { readonly local: readonly string[]; readonly network: readonly string[] } | null;
  }>;
}

/**
 * Starts it, with the database's server behind the page's own address.
 *
 * @param server the URL of the database's server
 * @returns where the page is; undefined when the project has none
 * @throws {CliFailure} when Vite is not installed or does not start
 */
export async function startPage(project: string, server: string): Promise<string | undefined> {
  const configFile = configs.map((each) => join(project, each)).find(existsSync);
  if (configFile === undefined) return undefined;
  const vite = await loadVite(project);
  const warned = new Set<string>();
  const warn = (text: string): void => {
    // That the database's server is away the page shows by itself.
    if (!/proxy (?:socket )?error/.test(text)) tell("page", text);
  };
  try {
    const running = await vite.createServer({
      configFile,
      clearScreen: false,
      server: { proxy: { "/v1": { target: server, ws: true } } },
      customLogger: {
        hasWarned: false,
        info: (text: string) => tell("page", text),
        warn,
        warnOnce: (text: string) => {
          if (!warned.has(text)) warn(text);
          warned.add(text);
        },
        error: warn,
        clearScreen: () => undefined,
        hasErrorLogged: () => false,
      },
    });
    await running.listen();
    return running.resolvedUrls?.local[0] ?? running.resolvedUrls?.network[0];
  } catch (error) {
    throw new CliFailure("the page's server did not start", {
      cause: error,
      hint: `It is Vite, by ${configFile}; the module is published all the same.`,
    });
  }
}

async function loadVite(project: string): Promise<Vite> {
  let manifest: string;
  try {
    manifest = createRequire(join(project, "package.json")).resolve("vite/package.json");
  } catch (error) {
    throw new CliFailure("the page is served by Vite, which is not installed here", {
      cause: error,
      hint: `npm install --prefix ${project}`,
    });
  }
  const { exports }: { exports: Readonly<Record<string, string>> } = JSON.parse(readFileSync(manifest, "utf8"));
  const entry = exports["."] ?? "./dist/node/index.js";
  const loaded: Vite = await import(pathToFileURL(join(dirname(manifest), entry)).href); // as its package says
  return loaded;
}
