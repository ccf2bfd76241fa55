/**
 * Brings a V10 description into the common form: gives every object its canonical name.
 *
 * An explicit name wins; otherwise the case policy decides. Parameters keep the names they have.
 */
import { isUnit, specialKind, type AlgebraicType, type Member } from "@lightcone/sats";
import type { ModuleDraft, ScheduleDraft, TableDraft } from "./draft.ts";
import type { Lifecycle } from "./module-def.ts";
import { lowerCamelCase, pascalCase, snakeCase } from "./naming.ts";
import type { Problems } from "./problems.ts";
import type { RawExplicitName, RawModuleDefV10 } from "./raw-module-def.ts";

interface Naming {
  readonly snake: (name: string) => string;
  readonly camel: (name: string) => string;
  readonly pascal: (name: string) => string;
}

const asWritten = (name: string): string => name;
const verbatim: Naming = { snake: asWritten, camel: asWritten, pascal: asWritten };
const snakeCased: Naming = { snake: snakeCase, camel: lowerCamelCase, pascal: pascalCase };

/** Names of a type's members follow the policy, except where the structure is one with a meaning. */
function nameType(type: AlgebraicType, naming: Naming): AlgebraicType {
  const named = (members: readonly Member[], convert: (name: string) => string): readonly Member[] =>
    members.map((member) => ({
      name: member.name === undefined ? undefined : convert(member.name),
      type: nameType(member.type, naming),
    }));
  const convert = specialKind(type) === undefined && !isQuery(type);
  switch (type.kind) {
    case "Array":
      return { kind: "Array", element: nameType(type.element, naming) };
    case "Product":
      return { kind: "Product", elements: named(type.elements, convert ? naming.snake : asWritten) };
    case "Sum":
      return { kind: "Sum", variants: named(type.variants, convert ? naming.camel : asWritten) };
    default:
      return type;
  }
}

/** Whether a view with this return type hands back a query instead of rows. */
export function isQuery(type: AlgebraicType): boolean {
  return type.kind === "Product" && type.elements.length === 1 && type.elements[0]?.name === "__query__";
}

export function draftV10(raw: RawModuleDefV10, problems: Problems): ModuleDraft {
  const naming = raw.casePolicy === "none" ? verbatim : snakeCased;
  const explicit = readExplicitNames(raw.explicitNames, problems);
  const tableName = (source: string): string => explicit.table.get(source) ?? naming.snake(source);
  const functionName = (source: string): string => explicit.function.get(source) ?? naming.snake(source);
  const paramsOf = (params: readonly Member[]): readonly Member[] =>
    params.map((param) => ({ name: param.name, type: nameType(param.type, naming) }));

  const schedules = groupBy(raw.schedules, (schedule) => schedule.table);
  const lifecycles = groupBy(raw.lifecycles, (entry) => entry.functionName);
  const viewKeys = groupBy(raw.viewPrimaryKeys, (key) => key.view);
  reportStrangers("a schedule", "table", schedules, raw.tables, problems);
  reportStrangers("a lifecycle event", "reducer", lifecycles, raw.reducers, problems);
  reportStrangers("a primary key", "view", viewKeys, raw.views, problems);

  return {
    version: 10,
    typespace: raw.typespace.map((type) => nameType(type, naming)),
    sourceTypespace: raw.typespace,
    types: raw.types.map((type) => ({ ...type, scope: type.scope.map(naming.pascal), name: naming.pascal(type.name) })),
    tables: raw.tables.map((table): TableDraft => ({
      name: tableName(table.name),
      sourceName: table.name,
      typeRef: table.typeRef,
      primaryKey: table.primaryKey,
      indexes: table.indexes.map((index) => ({
        name: index.name === undefined ? undefined : explicit.index.get(index.name),
        sourceName: index.name,
        accessor: index.accessor,
        algorithm: index.algorithm,
      })),
      constraints: table.constraints.map((constraint) => ({ name: undefined, columns: constraint.columns })),
      sequences: table.sequences,
      schedules: (schedules.get(table.name) ?? []).map((schedule): ScheduleDraft => ({
        name: undefined,
        atColumn: schedule.atColumn,
        functionName: schedule.functionName,
      })),
      defaults: table.defaults,
      kind: table.kind,
      access: table.access,
      isEvent: table.isEvent,
    })),
    reducers: raw.reducers.map((reducer) => {
      if (reducer.err.kind !== "String") problems.add(`reducer \`${reducer.name}\` must have a String as its error`);
      return {
        name: functionName(reducer.name),
        sourceName: reducer.name,
        params: paramsOf(reducer.params),
        visibility: reducer.visibility,
        returns: isUnit(reducer.ok) ? undefined : nameType(reducer.ok, naming),
        lifecycles: (lifecycles.get(reducer.name) ?? []).map((entry): Lifecycle => entry.lifecycle),
      };
    }),
    procedures: raw.procedures.map((procedure) => ({
      name: functionName(procedure.name),
      sourceName: procedure.name,
      params: paramsOf(procedure.params),
      returns: nameType(procedure.returns, naming),
      visibility: procedure.visibility,
    })),
    views: raw.views.map((view) => ({
      name: functionName(view.name),
      sourceName: view.name,
      index: view.index,
      isPublic: view.isPublic,
      isAnonymous: view.isAnonymous,
      params: paramsOf(view.params),
      returns: nameType(view.returns, naming),
      primaryKeys: (viewKeys.get(view.name) ?? []).map((key) => key.columns),
    })),
    rowLevelRules: raw.rowLevelRules,
    httpHandlers: raw.httpHandlers.map((source) => ({ name: functionName(source), accessor: source })),
    httpRoutes: raw.httpRoutes,
    submodules: raw.submodules,
  };
}

type ExplicitNames = Readonly<Record<RawExplicitName["kind"], ReadonlyMap<string, string>>>;

function readExplicitNames(entries: readonly RawExplicitName[], problems: Problems): ExplicitNames {
  const names = {
    table: new Map<string, string>(),
    function: new Map<string, string>(),
    index: new Map<string, string>(),
  };
  for (const entry of entries) {
    const known = names[entry.kind].get(entry.sourceName);
    if (known === undefined) names[entry.kind].set(entry.sourceName, entry.canonicalName);
    else if (known !== entry.canonicalName) {
      problems.add(
        `${entry.kind} \`${entry.sourceName}\` is given two names, \`${known}\` and \`${entry.canonicalName}\``,
      );
    }
  }
  return names;
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  return Map.groupBy(items, key);
}

/** Reports entries about something that the module does not have. */
function reportStrangers(
  what: string,
  noun: string,
  groups: ReadonlyMap<string, unknown>,
  owners: readonly { readonly name: string }[],
  problems: Problems,
): void {
  const known = new Set(owners.map((owner) => owner.name));
  for (const name of groups.keys()) {
    if (!known.has(name)) problems.add(`${what} names ${noun} \`${name}\`, which does not exist`);
  }
}
