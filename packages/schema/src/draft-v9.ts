/** Brings a V9 description into the common form. V9 has one name per object, used as written. */
import type { DefaultDraft, ModuleDraft, ProcedureDraft, TableDraft, ViewDraft } from "./draft.ts";
import type { Problems } from "./problems.ts";
import type { RawModuleDefV9 } from "./raw-module-def.ts";

export function draftV9(raw: RawModuleDefV9, problems: Problems): ModuleDraft {
  const defaults = new Map<string, DefaultDraft[]>();
  const procedures: ProcedureDraft[] = [];
  const views: ViewDraft[] = [];
  for (const misc of raw.miscExports) {
    switch (misc.kind) {
      case "columnDefault": {
        const ofTable = defaults.get(misc.table) ?? [];
        ofTable.push({ column: misc.column, value: misc.value });
        defaults.set(misc.table, ofTable);
        break;
      }
      case "procedure":
        procedures.push({
          name: misc.name,
          sourceName: misc.name,
          params: misc.params,
          returns: misc.returns,
          visibility: "client",
        });
        break;
      case "view":
        views.push({
          name: misc.name,
          sourceName: misc.name,
          index: misc.index,
          isPublic: misc.isPublic,
          isAnonymous: misc.isAnonymous,
          params: misc.params,
          returns: misc.returns,
          primaryKeys: [],
        });
        break;
    }
  }

  const tables = raw.tables.map((table): TableDraft => {
    const ofTable = defaults.get(table.name) ?? [];
    return {
      name: table.name,
      sourceName: table.name,
      typeRef: table.typeRef,
      primaryKey: table.primaryKey,
      indexes: table.indexes.map((index) => ({ ...index, sourceName: index.name })),
      constraints: table.constraints,
      sequences: table.sequences,
      schedules: table.schedule === undefined ? [] : [table.schedule],
      defaults: ofTable,
      kind: table.kind,
      access: table.access,
      isEvent: false,
    };
  });
  const tableNames = new Set(raw.tables.map((table) => table.name));
  for (const name of defaults.keys()) {
    if (!tableNames.has(name)) problems.add(`a column default names table \`${name}\`, which does not exist`);
  }

  return {
    version: 9,
    typespace: raw.typespace,
    sourceTypespace: raw.typespace,
    types: raw.types,
    tables,
    reducers: raw.reducers.map((reducer) => ({
      name: reducer.name,
      sourceName: reducer.name,
      params: reducer.params,
      visibility: "client",
      returns: undefined,
      lifecycles: reducer.lifecycle === undefined ? [] : [reducer.lifecycle],
    })),
    procedures,
    views,
    rowLevelRules: raw.rowLevelRules,
    httpHandlers: [],
    httpRoutes: [],
    submodules: [],
  };
}
