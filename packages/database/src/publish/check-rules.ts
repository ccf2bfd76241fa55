/** Whether a publish would take a module's row-level rules, asked before there is a database. */
import { openStore } from "@lightcone/engine";
import type { ModuleDef } from "@lightcone/schema";
import { Access } from "../access/catalog.ts";
import { Relations } from "../views/relations.ts";
import { createTables } from "./carry-out.ts";

/** @throws {LightconeError} `RuleRefused` */
export function checkRules(def: ModuleDef): void {
  const store = openStore({ bytesMax: Infinity });
  store.begin();
  createTables(store, def);
  new Access(store, new Relations(store, Infinity, 0)).setRules(def.rowLevelRules);
}
