/**
 * From a raw description to one that everything downstream may rely on: named, resolved, and checked
 * against every rule, with all problems reported at once.
 */
import { LightconeError } from "@lightcone/base";
import { checkHttp, checkProcedures, checkReducers, checkViews, schedulablesOf } from "./check-functions.ts";
import { checkTable, claimChosen } from "./check-table.ts";
import { checkTypes } from "./check-types.ts";
import { Checking } from "./checking.ts";
import { draftV10 } from "./draft-v10.ts";
import { draftV9 } from "./draft-v9.ts";
import type { ModuleDef, SubmoduleDef, TableDef } from "./module-def.ts";
import { identifierProblem } from "./naming.ts";
import { Problems } from "./problems.ts";
import type { RawModuleDef, RawSubmodule } from "./raw-module-def.ts";
import { systemTables } from "./system-tables.ts";

const namespaceBytesMax = 63;

/**
 * Checks a decoded description.
 *
 * @throws {LightconeError} `SchemaInvalid` with every problem found
 *
 * Cost: linear in the description and in the size of its types once `Ref`s are followed, which is bounded.
 */
export function checkModule(raw: RawModuleDef): ModuleDef {
  const problems = new Problems();
  const def = check(raw, problems, { isSubmodule: false });
  if (!problems.isEmpty) throw new LightconeError("SchemaInvalid", { problems: problems.list() });
  return def;
}

function check(raw: RawModuleDef, problems: Problems, place: { readonly isSubmodule: boolean }): ModuleDef {
  const draft = raw.version === 9 ? draftV9(raw, problems) : draftV10(raw, problems);
  const checking = new Checking(draft, problems);
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
  return {
    version: draft.version,
    typespace: draft.typespace,
    sourceTypespace: draft.sourceTypespace,
    types: draft.types,
    tables,
    reducers,
    procedures,
    views,
    rowLevelRules: draft.rowLevelRules,
    httpHandlers: draft.httpHandlers,
    httpRoutes,
    submodules: checkSubmodules(draft.submodules, problems),
  };
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

function checkSubmodules(submodules: readonly RawSubmodule[], problems: Problems): readonly SubmoduleDef[] {
  const namespaces = new Set<string>();
  return submodules.map(({ namespace, module }): SubmoduleDef => {
    const problem = identifierProblem(namespace);
    if (problem !== undefined) problems.add(`submodule: the namespace ${JSON.stringify(namespace)} ${problem}`);
    if (new TextEncoder().encode(namespace).length > namespaceBytesMax) {
      problems.add(`submodule \`${namespace}\`: a namespace has at most ${namespaceBytesMax} bytes`);
    }
    if (namespaces.has(namespace)) problems.add(`two submodules are called \`${namespace}\``);
    namespaces.add(namespace);
    return { namespace, module: check(module, problems, { isSubmodule: true }) };
  });
}
