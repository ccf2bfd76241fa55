/** Bundles the modules of these suites as the CLI does, once each. */
import { bundleModule } from "@lightcone/cli/bundle";
import { loadJsModule } from "@lightcone/host-js";
import { fileURLToPath } from "node:url";
import { EngineDatabase } from "../wasm/engine-database.ts";

export const sandboxes = ["vm", "ses"] as const;
export type Sandbox = (typeof sandboxes)[number];

const bundles = new Map<string, Promise<string>>();

/** The bundle of a module: a path as seen from this folder. */
export function bundleOf(path: string): Promise<string> {
  const before = bundles.get(path);
  if (before !== undefined) return before;
  const bundle = bundleModule(fileURLToPath(new URL(path, import.meta.url))).then(({ code }) => code);
  bundles.set(path, bundle);
  return bundle;
}

/** A database that runs the module. */
export async function openModule(path: string, sandbox: Sandbox): Promise<EngineDatabase> {
  return new EngineDatabase(loadJsModule(await bundleOf(path), undefined, { sandbox }));
}
