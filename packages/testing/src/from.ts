/** What a test's queries begin with: the module's tables and views. */
import { queryOf, type Query } from "@lightcone/module/query";
import { fullName, partOf, type Part, type ModuleShape } from "@lightcone/host-js";
import type { ModuleDef } from "@lightcone/schema";
import { helpful } from "./helpful.ts";
import type { RowReader } from "./rows.ts";

export interface QueryStart {
  readonly [name: string]: Query | QueryStart;
}

/** @param readers by the names that tables and views have in the database */
export function queryStart(shape: ModuleShape, def: ModuleDef, readers: ReadonlyMap<string, RowReader>): QueryStart {
  const columns = new Map(
    [...def.tables, ...def.views].map(({ name, accessor }) => [accessor, readers.get(name)?.columns ?? []]),
  );
  const startOf = (part: Part): QueryStart => {
    const own = [
      ...part.shape.tables.map(({ key }) => key),
      ...part.shape.views.map(({ exportName }) => exportName),
    ].map((key) => [key, queryOf(fullName(part, key), columns.get(fullName(part, key)) ?? [])] as const);
    const within = part.within.map((each) => [each.alias, startOf(each)] as const);
    const what = part.name === "" ? "`from`" : `\`from.${part.name}\``;
    return helpful(Object.fromEntries<Query | QueryStart>([...own, ...within]), what);
  };
  return startOf(partOf(shape));
}
