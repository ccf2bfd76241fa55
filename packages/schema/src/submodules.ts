/**
 * Submodules: a module's description with theirs joined to it, and without.
 *
 * What a submodule brings is called by the submodule's namespace, a dot and its own name, in code and everywhere else. Ids
 * count through, depth first: the module's own things, then those of each submodule with all below it. Views of each caller
 * and views of nobody are counted apart. Each description has types by position; joined, they follow one another.
 */
import { shiftRefs, type ProductType } from "@lightcone/sats";
import type { ModuleDef, SubmoduleDef, TableDef, ViewDef } from "./module-def.ts";

/** Joins what submodules bring to a module that has none yet. HTTP handlers are the module's own alone: `unservedRoutes`. */
export function withSubmodules(own: ModuleDef, submodules: readonly SubmoduleDef[]): ModuleDef {
  const all = {
    typespace: [...own.typespace],
    sourceTypespace: [...own.sourceTypespace],
    types: [...own.types],
    tables: [...own.tables],
    reducers: [...own.reducers],
    procedures: [...own.procedures],
    views: [...own.views],
    rowLevelRules: [...own.rowLevelRules],
  };
  const viewCounts = { own: 0, anonymous: 0 };
  const countView = ({ isAnonymous }: ViewDef): number => (viewCounts[isAnonymous ? "anonymous" : "own"] += 1);
  own.views.forEach(countView);

  for (const { namespace, module } of submodules) {
    const within = (name: string): string => `${namespace}.${name}`;
    const named = <T extends { readonly name: string; readonly accessor: string }>(item: T): T => ({
      ...item,
      name: within(item.name),
      accessor: within(item.accessor),
    });
    const shift = all.typespace.length;
    const before = { reducers: all.reducers.length, procedures: all.procedures.length, views: { ...viewCounts } };
    for (const type of module.typespace) all.typespace.push(shiftRefs(type, shift));
    for (const type of module.sourceTypespace) all.sourceTypespace.push(shiftRefs(type, shift));
    for (const type of module.types)
      all.types.push({ ...type, scope: [namespace, ...type.scope], ref: type.ref + shift });
    for (const table of module.tables) all.tables.push(joinedTable(named(table), within, shift));
    for (const reducer of module.reducers)
      all.reducers.push({
        ...named(reducer),
        id: reducer.id + before.reducers,
        paramsByRef: shiftedProduct(reducer.paramsByRef, shift),
        returnsByRef: reducer.returnsByRef && shiftRefs(reducer.returnsByRef, shift),
      });
    for (const procedure of module.procedures)
      all.procedures.push({
        ...named(procedure),
        id: procedure.id + before.procedures,
        paramsByRef: shiftedProduct(procedure.paramsByRef, shift),
        returnsByRef: shiftRefs(procedure.returnsByRef, shift),
      });
    for (const view of module.views) {
      all.views.push({
        ...named(view),
        index: view.index + before.views[view.isAnonymous ? "anonymous" : "own"],
        paramsByRef: shiftedProduct(view.paramsByRef, shift),
        rowTypeRef: view.rowTypeRef + shift,
      });
      countView(view);
    }
    for (const rule of module.rowLevelRules)
      all.rowLevelRules.push({ ...rule, namespace: rule.namespace === "" ? namespace : within(rule.namespace) });
  }
  return { ...own, ...all, submodules };
}

/** The description without what its submodules bring. */
export function ownPart(def: ModuleDef): ModuleDef {
  if (def.submodules.length === 0) return def;
  const isOwn = ({ name }: { readonly name: string }): boolean => !name.includes(".");
  const types = def.typespace.length - def.submodules.reduce((sum, { module }) => sum + module.typespace.length, 0);
  return {
    ...def,
    typespace: def.typespace.slice(0, types),
    sourceTypespace: def.sourceTypespace.slice(0, types),
    types: def.types.filter(({ ref }) => ref < types),
    tables: def.tables.filter(isOwn),
    reducers: def.reducers.filter(isOwn),
    procedures: def.procedures.filter(isOwn),
    views: def.views.filter(isOwn),
    rowLevelRules: def.rowLevelRules.filter(({ namespace }) => namespace === ""),
  };
}

function joinedTable(table: TableDef, within: (name: string) => string, shift: number): TableDef {
  const named = <T extends { readonly name: string }>(part: T): T => ({ ...part, name: within(part.name) });
  const { schedule } = table;
  return {
    ...table,
    typeRef: table.typeRef === undefined ? undefined : table.typeRef + shift,
    indexes: table.indexes.map((index) => ({ ...named(index), sourceName: within(index.sourceName) })),
    constraints: table.constraints.map(named),
    sequences: table.sequences.map(named),
    schedule: schedule && { ...named(schedule), functionName: within(schedule.functionName) },
  };
}

const shiftedProduct = ({ elements }: ProductType, shift: number): ProductType => ({
  kind: "Product",
  elements: elements.map(({ name, type }) => ({ name, type: shiftRefs(type, shift) })),
});
