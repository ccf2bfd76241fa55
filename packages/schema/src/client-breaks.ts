/**
 * What of a new version breaks clients that know the one before: their calls would be refused or, worse, mean something
 * else; their rows would not decode; their tables would be gone.
 *
 * On the wire functions and tables go by canonical name, arguments and columns by their place alone. Pages with types
 * from the module itself go by the names of its code. Whatever breaks either is told.
 */
import { typeText, typesEqual, unit, type AlgebraicType, type Member, type ProductType } from "@lightcone/sats";
import { counterparts } from "./counterparts.ts";
import { methodsOf, methodWord } from "./http-routes.ts";
import type { IndexDef, ModuleDef, ProcedureDef, ReducerDef, TableDef, ViewDef } from "./module-def.ts";

export interface ClientBreak {
  /** What clients know: `reducer move`, `table boat`. */
  readonly subject: string;
  /** What happened to it. */
  readonly change: string;
  /**
   * Whether a client that stayed connected would be misunderstood, as when arguments change places: it has to connect
   * again. What is refused by its name harms nobody who does not use it.
   */
  readonly misleads: boolean;
}

/** Every change from `old` to `next` that breaks a client of `old`, functions first. */
export function clientBreaks(old: ModuleDef, next: ModuleDef): readonly ClientBreak[] {
  const breaks: ClientBreak[] = [];
  functionBreaks("reducer", old.reducers, next.reducers, breaks);
  functionBreaks("procedure", old.procedures, next.procedures, breaks);
  const tables = counterparts(old.tables, next.tables);
  for (const table of old.tables) {
    if (table.access !== "public") continue;
    const is = named(next.tables, table.name);
    tableBreaks(table, is, breaks);
    if (is?.access === "public" && tables.get(is) !== table)
      breaks.push({ subject: `table ${table.name}`, change: "the name of other rows", misleads: true });
  }
  for (const view of old.views) viewBreaks(view, named(next.views, view.name), breaks);
  routeBreaks(old, next, breaks);
  // Rules of a submodule that comes or goes are of tables that come or go with it.
  const inBoth = (def: ModuleDef, other: ModuleDef): readonly string[] =>
    ruleTexts({
      rowLevelRules: def.rowLevelRules.filter(
        ({ namespace }) => namespace === "" || other.tables.some(({ name }) => name.startsWith(`${namespace}.`)),
      ),
    });
  if (!isSameList(inBoth(old, next), inBoth(next, old)))
    breaks.push({ subject: "row-level rules", change: "changed: other rows may be seen", misleads: true });
  return breaks;
}

function named<T extends { readonly name: string }>(items: readonly T[], name: string): T | undefined {
  return items.find((item) => item.name === name);
}

/** A module's row-level rules, those of a submodule with its name. */
export function ruleTexts({ rowLevelRules }: Pick<ModuleDef, "rowLevelRules">): readonly string[] {
  return rowLevelRules.map(({ sql, namespace }) => (namespace === "" ? sql : `${sql} (in ${namespace})`));
}

export function isSameList(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}

// --- functions

function functionBreaks(
  kind: "reducer" | "procedure",
  before: readonly (ReducerDef | ProcedureDef)[],
  after: readonly (ReducerDef | ProcedureDef)[],
  breaks: ClientBreak[],
): void {
  for (const was of before) {
    if (was.visibility !== "client") continue;
    const tell = (change: string, misleads: boolean): void => {
      breaks.push({ subject: `${kind} ${was.name}`, change, misleads });
    };
    const is = named(after, was.name);
    if (is === undefined) tell("removed", false);
    else if (is.visibility !== "client") tell("no longer for clients to call", false);
    else {
      if (!hasMoreVariants(was.params, is.params))
        for (const change of memberChanges("parameter", was.params, is.params)) tell(change, true);
      const [gave, gives] = [was.returns ?? unit, is.returns ?? unit];
      if (!typesEqual(gave, gives))
        tell(`returns ${typeText(gives)}, not ${typeText(gave)}`, !hasMoreVariants(gave, gives));
      if (was.accessor !== is.accessor) tell(`called ${is.accessor} in the module, not ${was.accessor}`, false);
    }
  }
}

/**
 * Whether values of `from` are values of `to` as they stand, and enums have variants more at most. Who knows `from` is
 * understood by who knows `to`; the other way only until one of the new variants is met.
 */
function hasMoreVariants(from: AlgebraicType, to: AlgebraicType): boolean {
  const prefix = (a: readonly Member[], b: readonly Member[]): boolean =>
    a.every((member, i) => {
      const other = b[i];
      return other !== undefined && member.name === other.name && hasMoreVariants(member.type, other.type);
    });
  if (from.kind === "Sum" && to.kind === "Sum") return prefix(from.variants, to.variants);
  if (from.kind === "Product" && to.kind === "Product")
    return from.elements.length === to.elements.length && prefix(from.elements, to.elements);
  if (from.kind === "Array" && to.kind === "Array") return hasMoreVariants(from.element, to.element);
  return typesEqual(from, to);
}

/** The changes of a list that clients know by position and name, each by its name. */
function memberChanges(word: "parameter" | "column", was: ProductType, is: ProductType): readonly string[] {
  if (typesEqual(was, is)) return [];
  const before = titledMembers(was);
  const after = titledMembers(is);
  const changes: string[] = [];
  const renamed = new Set<string>();
  for (const [place, member] of before.entries()) {
    const other = after.find(({ name }) => name === member.name);
    if (other !== undefined) {
      if (!typesEqual(member.type, other.type))
        changes.push(`${word} ${member.name} is ${typeText(other.type)}, not ${typeText(member.type)}`);
      continue;
    }
    const inItsPlace = after[place];
    const isNew = inItsPlace !== undefined && !before.some(({ name }) => name === inItsPlace.name);
    if (isNew && typesEqual(inItsPlace.type, member.type)) {
      renamed.add(inItsPlace.name);
      changes.push(`${word} ${member.name} renamed to ${inItsPlace.name}`);
    } else changes.push(`${word} ${member.name} removed`);
  }
  for (const member of after) {
    const isNew = !before.some(({ name }) => name === member.name) && !renamed.has(member.name);
    if (isNew) changes.push(`${word} ${member.name}: ${typeText(member.type)} added`);
  }
  const names = (members: readonly Titled[]): readonly string[] => members.map(({ name }) => name);
  const kept = (members: readonly Titled[], others: readonly Titled[]): readonly string[] =>
    names(members).filter((name) => others.some((other) => other.name === name));
  if (!isSameList(kept(before, after), kept(after, before)))
    changes.push(`${word}s reordered: ${names(after).join(", ")}, not ${names(before).join(", ")}`);
  return changes;
}

interface Titled extends Member {
  readonly name: string;
}

/** Members under their names; one without goes by its place. */
function titledMembers({ elements }: ProductType): readonly Titled[] {
  return elements.map(({ name, type }, place) => ({ name: name ?? String(place), type }));
}

// --- routes

/** Who asks by HTTP knows a route, and not which handler serves it. */
function routeBreaks(old: ModuleDef, next: ModuleDef, breaks: ClientBreak[]): void {
  for (const { method, path } of old.httpRoutes) {
    const word = methodWord(method);
    const served = methodsOf(next, path);
    if (served.includes("ANY") || served.includes(word)) continue;
    const change = served.length === 0 || word !== "ANY" ? "removed" : `served for ${served.join(", ")} alone`;
    breaks.push({ subject: `route ${word} /route${path}`, change, misleads: false });
  }
}

// --- tables and views

function tableBreaks(was: TableDef, is: TableDef | undefined, breaks: ClientBreak[]): void {
  const tell = (change: string, misleads: boolean): void => {
    breaks.push({ subject: `table ${was.name}`, change, misleads });
  };
  if (is === undefined) return tell("removed", false);
  if (is.access !== "public") return tell("private, so nobody but the owner may subscribe to it", false);
  const misleads = !hasMoreVariants(was.rowType, is.rowType);
  for (const change of memberChanges("column", was.rowType, is.rowType)) tell(change, misleads);
  for (const [now, before] of counterparts(was.columns, is.columns)) {
    const other = named(is.columns, before.name);
    // Names that are there before and after look alike, and so do the types of two that change places.
    if (now.name !== before.name && named(was.columns, now.name) !== undefined && other !== undefined)
      tell(`column ${before.name} renamed to ${now.name}`, true);
  }
  if (was.isEvent !== is.isEvent) tell(is.isEvent ? "an event table" : "no longer an event table", true);
  const keyOf = ({ columns, primaryKey }: TableDef): string =>
    primaryKey === undefined ? "none" : (columns[primaryKey]?.name ?? "none");
  if (keyOf(was) !== keyOf(is)) tell(`has primary key ${keyOf(is)}, not ${keyOf(was)}`, true);
  if (was.accessor !== is.accessor) tell(`called ${is.accessor} in the module, not ${was.accessor}`, false);
  for (const column of was.columns) {
    const now = named(is.columns, column.name);
    if (now !== undefined && now.accessor !== column.accessor)
      tell(`column ${column.name} called ${now.accessor} in the module, not ${column.accessor}`, false);
  }
  for (const column of joinable(was)) {
    if (named(is.columns, column) !== undefined && !joinable(is).includes(column))
      tell(`no index on column ${column}: subscriptions that join by it may be refused`, false);
  }
}

/** The columns by which an index finds rows, whatever else is known of them. */
function joinable({ columns, indexes }: TableDef): readonly string[] {
  const leads = ({ algorithm, columns: of }: IndexDef): boolean => algorithm === "btree" || of.length === 1;
  return indexes.filter(leads).map((index) => columns[index.columns[0] ?? -1]?.name ?? "");
}

function viewBreaks(was: ViewDef, is: ViewDef | undefined, breaks: ClientBreak[]): void {
  const change = is === undefined ? "removed" : isSameView(was, is) ? undefined : "changed";
  if (change !== undefined) breaks.push({ subject: `view ${was.name}`, change, misleads: true });
}

/** Whether clients see the same. The function's number is the module's business. */
export function isSameView(a: ViewDef, b: ViewDef): boolean {
  return (
    a.accessor === b.accessor &&
    a.isPublic === b.isPublic &&
    a.isAnonymous === b.isAnonymous &&
    a.primaryKey === b.primaryKey &&
    typesEqual(a.rowType, b.rowType) &&
    typesEqual(a.params, b.params)
  );
}
