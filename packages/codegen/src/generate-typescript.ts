/** Bindings for the client library, of the 1.12 line or of 2.x: a file per table, type and function, and an index over them. */
import type { ModuleDef } from "@lightcone/schema";
import { bind, type BindingOptions } from "./bindings.ts";
import { header, type Dialect } from "./dialect.ts";
import { indexExports, indexFile } from "./typescript-index.ts";
import { procedureFile, reducerFile, tableFile, typeFile } from "./typescript-files.ts";

export interface TypeScriptOptions extends BindingOptions {
  /** Where the client library is imported from. */
  readonly packageName?: string;
  /** The major version of the client library. */
  readonly sdk: Dialect["sdk"];
  /** What ends imports of other generated files. Bundlers want nothing there; Node wants `.ts`. */
  readonly importExtension?: Dialect["importExtension"];
}

/**
 * Generates TypeScript bindings of a module.
 *
 * @returns file contents by file name, in a fixed order; the same module gives the same bytes
 */
export function generateTypeScript(module: ModuleDef, options: TypeScriptOptions): ReadonlyMap<string, string> {
  const dialect: Dialect = {
    header,
    packageName: options.packageName ?? "spacetimedb",
    sdk: options.sdk,
    importExtension: options.importExtension ?? "",
  };
  const bindings = bind(module, options, indexExports);
  return new Map([
    ...bindings.tables.map((each) => [`${each.file}.ts`, tableFile(dialect, bindings, each)] as const),
    ...bindings.reducers.map((each) => [`${each.file}.ts`, reducerFile(dialect, bindings, each)] as const),
    ...bindings.procedures.map((each) => [`${each.file}.ts`, procedureFile(dialect, bindings, each)] as const),
    ...bindings.types.map((each) => [`${each.file}.ts`, typeFile(dialect, bindings, each)] as const),
    ["index.ts", indexFile(dialect, bindings)] as const,
  ]);
}
