/**
 * From a raw description to one that everything downstream may rely on: named, resolved, and checked
 * against every rule, with all problems reported at once.
 */
import { LightconeError } from "@lightcone/base";
import { checkHttp, checkProcedures, checkReducers, checkViews, schedulablesOf } from "./check-functions.ts";
import { checkTable, claimChosen } from "./check-table.ts";
import { checkTypes } from "./check-types.ts";
import { Budget, Checking } from "./checking.ts";
import { draftV10 } from "./draft-v10.ts";
import { draftV9 } from "./draft-v9.ts";
import type { ModuleDef, SubmoduleDef, TableDef } from "./module-def.ts";
import { identifierProblem } from "./naming.ts";
import { Problems } from "./problems.ts";
import type { RawModuleDef, RawSubmodule } from "./raw-module-def.ts";
import { withSubmodules } from "./submodules.ts";
import { systemTables } from "./system-tables.ts";

export const namespaceBytesMax = 63;

/**
 * Checks a decoded description.
 *
 * @throws {LightconeError} `SchemaInvalid` with every problem found
 *
 * Cost: linear in the description and in the size of its types once `Ref`s are followed, which is bounded.
 */
export function checkModule(raw: RawModuleDef): ModuleDef {
  const problems = new Problems();
  const def = check(raw, problems, new Budget(), { isSubmodule: false });
  if (!problems.isEmpty) throw new LightconeError("SchemaInvalid", { problems: problems.list() });
  return def;
}

function check(
  raw: RawModuleDef,
  problems: Problems,
  budget: Budget,
  place: { readonly isSubmodule: boolean },
): ModuleDef {
  const draft = raw.version === 9 ? draftV9(raw, problems) : draftV10(raw, problems);
  const checking = new Checking(draft, problems, budget);
  claimSystemNames(checking);

  checkTypes(checking);
  const schedulables = schedulablesOf(checking);
  for (const table of draft.tables) claimChosen(checking, table);
  const tables = draft.tables.flatMap((table): readonly TableDef[] => {
    const checked = checkTable(checking, table, schedulables);
    return checked === undefined ? [] : [checked];
  });
  const scheduled = new Set(
    tables.flatMap((table) => (table.schedule === undefined ? [] : [table.schedule.functionName])),
  );
  const reducers = checkReducers(checking, scheduled);
  const procedures = checkProcedures(checking, scheduled);
  const views = checkViews(checking, tables);
  const httpRoutes = checkHttp(checking);
  if (place.isSubmodule && reducers.some((reducer) => reducer.lifecycle !== undefined)) {
    problems.add("a submodule cannot have lifecycle reducers");
  }
  const own: ModuleDef = {
    version: draft.version,
    typespace: draft.typespace,
    sourceTypespace: draft.sourceTypespace,
    types: draft.types,
    tables,
    reducers,
    procedures,
    views,
    rowLevelRules: draft.rowLevelRules.map((sql) => ({ sql, namespace: "" })),
    httpHandlers: draft.httpHandlers,
    httpRoutes,
    submodules: [],
  };
  if (draft.submodules.length === 0) return own;
  const submodules = checkSubmodules(draft.submodules, problems, budget);
  checkOwnNames(own, submodules, problems);
  return withSubmodules(own, submodules);
}

/** System tables, their indexes and the like own their names before any module does. */
function claimSystemNames(checking: Checking): void {
  for (const { def } of systemTables) {
    const what = `system table \`${def.name}\``;
    for (const { name } of [def, ...def.indexes, ...def.constraints, ...def.sequences]) {
      checking.objects.claim(name, def, what);
    }
  }
}

function checkSubmodules(
  submodules: readonly RawSubmodule[],
  problems: Problems,
  budget: Budget,
): readonly SubmoduleDef[] {
  const namespaces = new Set<string>();
  return submodules.map(({ namespace, module }): SubmoduleDef => {
    const problem = identifierProblem(namespace);
    if (problem !== undefined) problems.add(`submodule: the namespace ${JSON.stringify(namespace)} ${problem}`);
    if (new TextEncoder().encode(namespace).length > namespaceBytesMax) {
      problems.add(`submodule \`${namespace}\`: a namespace has at most ${namespaceBytesMax} bytes`);
    }
    if (namespaces.has(namespace)) problems.add(`two submodules are called \`${namespace}\``);
    namespaces.add(namespace);
    const within = problems.within(`submodule \`${namespace}\``);
    return { namespace, module: check(module, within, budget, { isSubmodule: true }) };
  });
}

/** What the module calls its own must not read as something of a submodule. */
function checkOwnNames(own: ModuleDef, submodules: readonly SubmoduleDef[], problems: Problems): void {
  const namespaces = new Set(submodules.map(({ namespace }) => namespace));
  for (const [noun, things] of Object.entries({
    table: own.tables,
    reducer: own.reducers,
    procedure: own.procedures,
    view: own.views,
  }))
    for (const { name, accessor } of things) {
      if (accessor.includes("."))
        problems.add(`${noun} \`${accessor}\`: names with a dot belong to what submodules bring`);
      const taken = [name, accessor].find((each) => namespaces.has(each));
      if (taken !== undefined) problems.add(`the name \`${taken}\` belongs to a submodule and to ${noun} \`${taken}\``);
    }
}
