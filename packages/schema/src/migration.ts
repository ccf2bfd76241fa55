/**
 * The steps by which a database gets a new module, or the reasons why it cannot.
 *
 * Objects are compared by canonical name, columns by place, name and type. The steps are carried out in
 * order, in one transaction, by the database; functions need none, since they live in the module alone.
 */
import { formatType, typesEqual, type AlgebraicType } from "@lightcone/sats";
import { clientBreaks, isSameList, isSameView, type ClientBreak } from "./client-breaks.ts";
import type { Access, ColumnDef, IndexDef, ModuleDef, TableDef, ViewDef } from "./module-def.ts";
import { setKey } from "./check-table.ts";

export type MigrationStep =
  | { readonly kind: "removeIndex"; readonly table: string; readonly index: string }
  | { readonly kind: "removeView"; readonly view: string }
  | { readonly kind: "setAccessors"; readonly table: TableDef }
  | { readonly kind: "addTable"; readonly table: TableDef }
  | { readonly kind: "addIndex"; readonly table: string; readonly index: IndexDef }
  | { readonly kind: "addView"; readonly view: ViewDef }
  | { readonly kind: "setRowLevelRules"; readonly rules: readonly string[] }
  | { readonly kind: "setAccess"; readonly table: string; readonly access: Access };

export type MigrationPlan =
  /** An empty list of steps replaces the program alone. With `breaks` the publisher is asked first. */
  | { readonly kind: "auto"; readonly steps: readonly MigrationStep[]; readonly breaks: readonly ClientBreak[] }
  /** `reason` names each change that would need a hand. */
  | { readonly kind: "refused"; readonly reason: string };

const stepOrder: readonly MigrationStep["kind"][] = [
  "removeIndex",
  "removeView",
  "setAccessors",
  "addTable",
  "addIndex",
  "addView",
  "setRowLevelRules",
  "setAccess",
];

/** Plans how a database with `old` becomes one with `next`. Tables keep their ids; added ones get new ones. */
export function planMigration(old: ModuleDef, next: ModuleDef): MigrationPlan {
  const refusals: string[] = [];
  const steps: MigrationStep[] = [];
  planTables(old, next, steps, refusals);
  planViews(old, next, steps);
  if (!isSameList(old.rowLevelRules, next.rowLevelRules))
    steps.push({ kind: "setRowLevelRules", rules: next.rowLevelRules });
  if (next.submodules.length > 0 || old.submodules.length > 0)
    refusals.push("Updating a module with submodules is not supported");
  if (refusals.length > 0) {
    return { kind: "refused", reason: `Errors occurred:\n${refusals.map((refusal) => `${refusal}\n\n`).join("")}` };
  }
  steps.sort((a, b) => stepOrder.indexOf(a.kind) - stepOrder.indexOf(b.kind));
  return { kind: "auto", steps, breaks: clientBreaks(old, next) };
}

/** Whether clients that stayed connected would be misunderstood. They are then disconnected, to read the schema again. */
export function disconnects(breaks: readonly ClientBreak[]): boolean {
  return breaks.some(({ misleads }) => misleads);
}

const byName = <T extends { readonly name: string }>(items: readonly T[]): ReadonlyMap<string, T> =>
  new Map(items.map((item) => [item.name, item]));

const manual = (change: string): string => `${change} requires a manual migration`;

function planTables(old: ModuleDef, next: ModuleDef, steps: MigrationStep[], refusals: string[]): void {
  const before = byName(old.tables);
  const after = byName(next.tables);
  for (const table of old.tables) {
    if (!after.has(table.name)) refusals.push(manual(`Removing the table ${table.name}`));
  }
  for (const table of next.tables) {
    const was = before.get(table.name);
    if (was === undefined) steps.push({ kind: "addTable", table });
    else planTable(was, table, steps, refusals);
  }
}

function planTable(was: TableDef, is: TableDef, steps: MigrationStep[], refusals: string[]): void {
  const refuse = (change: string): void => {
    refusals.push(manual(change));
  };
  planColumns(was, is, refuse);
  if (was.isEvent !== is.isEvent) refuse(`Changing whether table ${is.name} is an event table`);
  if (was.primaryKey !== is.primaryKey) refuse(`Changing the primary key of table ${is.name}`);
  planConstraints(was, is, refuse);
  planSequences(was, is, refuse);
  if (JSON.stringify(was.schedule) !== JSON.stringify(is.schedule)) refuse(`Changing the schedule of table ${is.name}`);
  planIndexes(was, is, steps, refuse);
  if (was.access !== is.access) steps.push({ kind: "setAccess", table: is.name, access: is.access });
  if (hasNewAccessors(was, is)) steps.push({ kind: "setAccessors", table: is });
}

function planColumns(was: TableDef, is: TableDef, refuse: (change: string) => void): void {
  const before = byName(was.columns);
  const after = byName(is.columns);
  for (const column of is.columns) {
    const old = before.get(column.name);
    if (old === undefined) refuse(`Adding a column ${column.name} to table ${is.name}`);
    else if (!typesEqual(old.type, column.type)) refuse(typeChange(column.name, is.name, old.type, column.type));
  }
  for (const column of was.columns) {
    if (!after.has(column.name)) refuse(`Removing a column ${column.name} from table ${is.name}`);
  }
  const kept = (columns: readonly ColumnDef[]): readonly string[] =>
    columns.map((column) => column.name).filter((name) => before.has(name) && after.has(name));
  if (!isSameList(kept(was.columns), kept(is.columns))) refuse(`Reordering the columns of table ${is.name}`);
}

function typeChange(column: string, table: string, from: AlgebraicType, to: AlgebraicType): string {
  const renamed = typesEqual(withoutVariantNames(from), withoutVariantNames(to)) ? ", with a renamed variant," : "";
  return `Changing the type of column ${column} in table ${table} from ${formatType(from)} to ${formatType(to)}${renamed}`;
}

/** Equal for types that differ in the names of their variants alone. */
function withoutVariantNames(type: AlgebraicType): AlgebraicType {
  switch (type.kind) {
    case "Array":
      return { kind: "Array", element: withoutVariantNames(type.element) };
    case "Product":
      return {
        kind: "Product",
        elements: type.elements.map(({ name, type: inner }) => ({ name, type: withoutVariantNames(inner) })),
      };
    case "Sum":
      return {
        kind: "Sum",
        variants: type.variants.map(({ type: inner }) => ({ name: undefined, type: withoutVariantNames(inner) })),
      };
    default:
      return type;
  }
}

function planConstraints(was: TableDef, is: TableDef, refuse: (change: string) => void): void {
  const before = byName(was.constraints);
  const after = byName(is.constraints);
  for (const constraint of is.constraints) {
    const old = before.get(constraint.name);
    if (old === undefined) refuse(`Adding a unique constraint ${constraint.name} to table ${is.name}`);
    else if (setKey(old.columns) !== setKey(constraint.columns)) {
      refuse(`Changing the columns of unique constraint ${constraint.name} of table ${is.name}`);
    }
  }
  for (const constraint of was.constraints) {
    if (!after.has(constraint.name)) refuse(`Removing the unique constraint ${constraint.name} from table ${is.name}`);
  }
}

function planSequences(was: TableDef, is: TableDef, refuse: (change: string) => void): void {
  const before = byName(was.sequences);
  const after = byName(is.sequences);
  for (const sequence of is.sequences) {
    const old = before.get(sequence.name);
    if (old === undefined) {
      refuse(`Adding a sequence ${sequence.name} to table ${is.name}`);
    } else if (
      old.column !== sequence.column ||
      old.start !== sequence.start ||
      old.min !== sequence.min ||
      old.max !== sequence.max ||
      old.increment !== sequence.increment
    ) {
      refuse(`Changing the sequence ${sequence.name} of table ${is.name}`);
    }
  }
  for (const sequence of was.sequences) {
    if (!after.has(sequence.name)) refuse(`Removing the sequence ${sequence.name} from table ${is.name}`);
  }
}

function planIndexes(was: TableDef, is: TableDef, steps: MigrationStep[], refuse: (change: string) => void): void {
  const before = byName(was.indexes);
  const after = byName(is.indexes);
  for (const index of was.indexes) {
    if (!after.has(index.name)) steps.push({ kind: "removeIndex", table: is.name, index: index.name });
  }
  for (const index of is.indexes) {
    const old = before.get(index.name);
    if (old === undefined) {
      steps.push({ kind: "addIndex", table: is.name, index });
    } else if (old.algorithm !== index.algorithm || !isSameList(old.columns, index.columns)) {
      steps.push(
        { kind: "removeIndex", table: is.name, index: index.name },
        { kind: "addIndex", table: is.name, index },
      );
    } else if (old.accessor !== index.accessor) {
      refuse(`Changing the accessor name on index ${index.name} of table ${is.name}`);
    }
  }
}

function hasNewAccessors(was: TableDef, is: TableDef): boolean {
  if (was.accessor !== is.accessor) return true;
  const columns = byName(was.columns);
  const indexes = byName(was.indexes);
  return (
    is.columns.some((column) => (columns.get(column.name) ?? column).accessor !== column.accessor) ||
    is.indexes.some((index) => (indexes.get(index.name) ?? index).sourceName !== index.sourceName)
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
