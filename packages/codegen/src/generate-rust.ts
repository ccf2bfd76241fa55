/** Bindings for the crate `spacetimedb-sdk`, of the 1.12 line or of 2.x: a file per table, type and function, and `mod.rs` over them. */
import type { ModuleDef } from "@lightcone/schema";
import { bindRust, type RustOptions } from "./rust/rust-bindings.ts";
import { neverFile, procedureFile, reducerFile, typeFile } from "./rust/rust-files.ts";
import { modFile } from "./rust/rust-mod.ts";
import { tableFile } from "./rust/rust-table.ts";
import { RustTypes } from "./rust/rust-types.ts";

/**
 * Generates Rust bindings of a module.
 *
 * @returns file contents by file name, in a fixed order; the same module gives the same bytes
 */
export function generateRust(module: ModuleDef, options: RustOptions): ReadonlyMap<string, string> {
  const bindings = bindRust(module, options);
  const types = new RustTypes(bindings);
  const files = new Map([
    ...bindings.tables.map((each) => [`${each.file}.rs`, tableFile(bindings, types, each)] as const),
    ...bindings.reducers.map((each) => [`${each.file}.rs`, reducerFile(bindings, types, each)] as const),
    ...bindings.procedures.map((each) => [`${each.file}.rs`, procedureFile(types, each)] as const),
    ...bindings.types.map((each) => [`${each.file}.rs`, typeFile(bindings, types, each)] as const),
  ]);
  if (types.hasNever) files.set("__never.rs", neverFile());
  return files.set("mod.rs", modFile(bindings, types, types.hasNever));
}
