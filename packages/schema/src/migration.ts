/**
 * How a database gets a new module: what is told of it, what becomes of each table, and the reasons why it cannot.
 *
 * Tables and columns go by what the new module says that they were called, by name, or by the other spelling of it. Steps
 * are for people; `tables` is what the database carries out, in one transaction. Functions need nothing: they live in
 * the module alone.
 */
import { clientBreaks, isSameList, isSameView, ruleTexts, type ClientBreak } from "./client-breaks.ts";
import { planColumns } from "./column-migration.ts";
import { counterparts } from "./counterparts.ts";
import type { ColumnDef, ModuleDef, TableDef } from "./module-def.ts";
import {
  rows,
  type AutoMigration,
  type MigrationFacts,
  type MigrationStep,
  type Planning,
  type TableMigration,
} from "./planning.ts";
import { setKey } from "./check-table.ts";

export type MigrationPlan =
  | AutoMigration
  /** `reason` names each change that would need a hand. `isLossAlone`: the publisher may agree to what is lost. */
  | { readonly kind: "refused"; readonly reason: string; readonly isLossAlone: boolean };

const stepOrder: readonly MigrationStep["kind"][] = [
  "removeIndex",
  "removeConstraint",
  "removeSequence",
  "removeSchedule",
  "removeView",
  "removeTable",
  "renameTable",
  "renameColumn",
  "removeColumn",
  "changeColumn",
  "reorderColumns",
  "setEvent",
  "addColumns",
  "setAccessors",
  "addTable",
  "addIndex",
  "addConstraint",
  "addSequence",
  "addSchedule",
  "addView",
  "setRowLevelRules",
  "setAccess",
  "setPrimaryKey",
];

/** Plans how a database with `old` becomes one with `next`. Tables that stay keep their ids; added ones get new ones. */
export function planMigration(old: ModuleDef, next: ModuleDef, facts: MigrationFacts): MigrationPlan {
  const refusals: string[] = [];
  let isLossAlone = true;
  const manual = (change: string): void => void refusals.push(`${change} requires a manual migration`);
  const planning: Planning = {
    facts,
    steps: [],
    tables: [],
    losses: [],
    refuse(change) {
      isLossAlone = false;
      manual(change);
    },
    lose(change, what) {
      if (facts.dropsData) planning.losses.push(what);
      else manual(change);
    },
  };
  planTables(old, next, planning);
  planViews(old, next, planning.steps);
  if (!isSameList(ruleTexts(old), ruleTexts(next)))
    planning.steps.push({ kind: "setRowLevelRules", rules: ruleTexts(next) });
  if (refusals.length > 0) {
    const reason = `Errors occurred:\n${refusals.map((refusal) => `${refusal}\n\n`).join("")}`;
    return { kind: "refused", reason, isLossAlone };
  }
  const { steps, tables, losses } = planning;
  const hasOldRows = next.tables.some(
    ({ name, isOld }) =>
      isOld === true && tables.some((each) => each.kind === "alter" && each.def.name === name && each.table !== name),
  );
  steps.sort((a, b) => stepOrder.indexOf(a.kind) - stepOrder.indexOf(b.kind));
  return {
    kind: "auto",
    steps,
    tables: orderTables(tables),
    breaks: clientBreaks(old, next),
    losses,
    migrate: hasOldRows ? next.migrate : undefined,
  };
}

/** Whether clients that stayed connected would be misunderstood. They are then disconnected, to read the schema again. */
export function disconnects(breaks: readonly ClientBreak[]): boolean {
  return breaks.some(({ misleads }) => misleads);
}

/** Names are free before they are given again, and tables get their ids in the order of their names. */
function orderTables(tables: readonly TableMigration[]): readonly TableMigration[] {
  const kinds = ["drop", "alter", "create"];
  const nameOf = (table: TableMigration): string => (table.kind === "create" ? table.def.name : table.table);
  return tables.toSorted(
    (a, b) =>
      kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || (nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0),
  );
}

const byName = <T extends { readonly name: string }>(items: readonly T[]): ReadonlyMap<string, T> =>
  new Map(items.map((item) => [item.name, item]));

function planTables(old: ModuleDef, next: ModuleDef, planning: Planning): void {
  const { steps, tables, facts } = planning;
  const found = counterparts(old.tables, next.tables);
  const kept = new Set(found.values());
  for (const table of old.tables) {
    if (kept.has(table)) continue;
    const rowCount = facts.rowCount(table.name);
    if (rowCount > 0) planning.lose(`Removing the table ${table.name}`, `table ${table.name}, with ${rows(rowCount)}`);
    steps.push({ kind: "removeTable", table: table.name, rowCount });
    tables.push({ kind: "drop", table: table.name });
  }
  for (const table of next.tables) {
    const was = found.get(table);
    if (was !== undefined) {
      planTable(was, table, planning);
      continue;
    }
    steps.push({ kind: "addTable", table });
    tables.push({ kind: "create", def: table });
  }
}

function planTable(was: TableDef, is: TableDef, planning: Planning): void {
  const { steps, tables } = planning;
  const rowCount = planning.facts.rowCount(was.name);
  if (was.name !== is.name) steps.push({ kind: "renameTable", table: is.name, was: was.name });
  const columns = planColumns(was, is, rowCount, planning);
  if (was.isEvent !== is.isEvent) {
    steps.push({ kind: "setEvent", table: is.name, isEvent: is.isEvent });
    if (rowCount > 0)
      planning.lose(`Changing whether table ${is.name} is an event table`, `${rows(rowCount)} of table ${is.name}`);
  }
  planParts(was, is, columns.from, steps);
  // What stays of an empty table is its name.
  if (columns.kind === "anew" || (was.isEvent !== is.isEvent && rowCount > 0))
    tables.push({ kind: "drop", table: was.name }, { kind: "create", def: is });
  else if (storedText(was) !== storedText(is))
    tables.push({
      kind: "alter",
      table: was.name,
      def: is,
      from: columns.from,
      conversion: columns.conversion,
      isRemade: columns.conversion !== undefined || !haveSameTypes(was, is),
    });
}

function haveSameTypes(a: TableDef, b: TableDef): boolean {
  return isSameList(a.columns.map(storedType), b.columns.map(storedType));
}

const storedType = ({ type }: ColumnDef): string => JSON.stringify(type);

/** All that the system tables say of a table. */
function storedText({ name, accessor, access, isEvent, primaryKey, columns, ...parts }: TableDef): string {
  const sorted = <T extends { readonly name: string }>(items: readonly T[]): readonly T[] =>
    items.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const said = [
    [name, accessor, access, isEvent, primaryKey],
    columns.map((column) => [column.name, column.accessor, column.type]),
    sorted(parts.indexes).map((index) => [index.name, index.sourceName, index.algorithm, index.columns, index.unique]),
    sorted(parts.constraints).map((constraint) => [constraint.name, constraint.columns]),
    sorted(parts.sequences),
    parts.schedule,
  ];
  return JSON.stringify(said, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
}

/** What is built over a table's columns. Columns are compared as the old table has them. */
function planParts(was: TableDef, is: TableDef, from: readonly number[], steps: MigrationStep[]): void {
  const table = is.name;
  const old = (columns: readonly number[]): readonly number[] => columns.map((column) => from[column] ?? -1);
  const parts = <T extends { readonly name: string }>(
    before: readonly T[],
    after: readonly T[],
    isSame: (a: T, b: T) => boolean,
    removed: (part: T) => MigrationStep,
    added: (part: T) => MigrationStep,
  ): void => {
    const left = new Set(before);
    for (const part of after) {
      const same = before.find((each) => left.has(each) && isSame(each, part));
      if (same === undefined) steps.push(added(part));
      else left.delete(same);
    }
    for (const part of left) steps.push(removed(part));
  };
  parts(
    was.indexes,
    is.indexes,
    (a, b) => a.algorithm === b.algorithm && isSameList(a.columns, old(b.columns)),
    (index) => ({ kind: "removeIndex", table, index: index.name }),
    (index) => ({ kind: "addIndex", table, index }),
  );
  parts(
    was.constraints,
    is.constraints,
    (a, b) => setKey(a.columns) === setKey(old(b.columns)),
    ({ name }) => ({ kind: "removeConstraint", table, constraint: name }),
    (constraint) => ({ kind: "addConstraint", table: is, constraint }),
  );
  parts(
    was.sequences,
    is.sequences,
    (a, b) =>
      a.column === from[b.column] &&
      a.start === b.start &&
      a.min === b.min &&
      a.max === b.max &&
      a.increment === b.increment,
    ({ name }) => ({ kind: "removeSequence", table, sequence: name }),
    (sequence) => ({ kind: "addSequence", table, sequence }),
  );
  const schedules = ({ schedule }: TableDef): readonly NonNullable<TableDef["schedule"]>[] =>
    schedule === undefined ? [] : [schedule];
  parts(
    schedules(was),
    schedules(is),
    (a, b) => a.functionName === b.functionName && a.atColumn === from[b.atColumn] && a.idColumn === from[b.idColumn],
    ({ name }) => ({ kind: "removeSchedule", table, schedule: name }),
    ({ name, functionName }) => ({ kind: "addSchedule", table, schedule: name, functionName }),
  );
  if (was.primaryKey !== (is.primaryKey === undefined ? undefined : from[is.primaryKey]))
    steps.push({
      kind: "setPrimaryKey",
      table,
      column: is.primaryKey === undefined ? undefined : is.columns[is.primaryKey]?.name,
    });
  if (was.access !== is.access) steps.push({ kind: "setAccess", table, access: is.access });
  if (hasNewAccessors(was, is, from)) steps.push({ kind: "setAccessors", table: is });
}

function hasNewAccessors(was: TableDef, is: TableDef, from: readonly number[]): boolean {
  if (was.accessor !== is.accessor && was.name === is.name) return true;
  const indexes = byName(was.indexes);
  return (
    is.columns.some((column, place) => {
      const old = was.columns[from[place] ?? -1] ?? column;
      return old.accessor !== column.accessor && old.name === column.name;
    }) ||
    is.indexes.some((index) => {
      const old = indexes.get(index.name) ?? index;
      return old.sourceName !== index.sourceName || old.accessor !== index.accessor;
    })
  );
}

/** A view has no rows of its own to keep, so a changed one is taken away and added anew. */
function planViews(old: ModuleDef, next: ModuleDef, steps: MigrationStep[]): void {
  const before = byName(old.views);
  const after = byName(next.views);
  for (const view of old.views) {
    if (!after.has(view.name)) steps.push({ kind: "removeView", view: view.name });
  }
  for (const view of next.views) {
    const was = before.get(view.name);
    if (was === undefined) {
      steps.push({ kind: "addView", view });
    } else if (!isSameView(was, view)) {
      steps.push({ kind: "removeView", view: view.name }, { kind: "addView", view });
    }
  }
}
