/** The query that a view has given instead of rows: it is run with the rights of the owner, and what it reads is recorded. */
import { LightconeError } from "@lightcone/base";
import type { ScanBound } from "@lightcone/host";
import { pathTo, prepare, select, type EmitBytes, type Prepared } from "@lightcone/query";
import { typesEqual } from "@lightcone/sats";
import type { ViewDef } from "@lightcone/schema";
import { bindParams, compileSubscription, type SelectPlan } from "@lightcone/sql";
import type { Kept } from "./kept-queries.ts";
import type { ReadSet } from "./read-set.ts";
import type { Relations, ViewTable } from "./relations.ts";

type Path = NonNullable<ReturnType<typeof pathTo>>;
type Limit = Extract<Path, { readonly kind: "range" }>["from"];

/** @throws {LightconeError} what is wrong with the query */
export function planOf(relations: Relations, view: ViewDef, sql: string): SelectPlan {
  const wrong = (reason: string): never => {
    throw new LightconeError("ViewFailed", { view: view.name, reason: `its query ${reason}: ${sql}` });
  };
  const [plan] = compileSubscription(sql, {
    table: (name) => relations.tableByEitherName(name)?.schema,
    view: (name) => relations.viewByName(name)?.schema,
  });
  if (plan === undefined) return wrong("gives no rows of a table");
  const ofCaller = plan.sources.find(({ table }) => table.def.callerColumn !== undefined);
  if (ofCaller !== undefined && view.isAnonymous)
    return wrong(`reads view \`${ofCaller.table.def.name}\`, whose rows are a caller's, and it has no caller`);
  if (ofCaller === undefined && plan.params.some(({ from }) => from.kind === "sender")) return wrong("has a parameter");
  if (plan.sources.some(({ table }) => table.def.isEvent)) return wrong("reads an event table");
  if (!typesEqual(plan.columns, view.rowType)) return wrong("gives rows of another type");
  return plan;
}

/** The views that a query reads, each once. */
export function viewsOf(relations: Relations, { sources }: SelectPlan): readonly ViewTable[] {
  return [...new Set(sources.flatMap(({ table }) => relations.view(table.id) ?? []))];
}

/**
 * Gives the rows of a query for a caller. What it reads of views must be there.
 *
 * @returns the query when its rows can be kept row by row: it reads one table, and nothing else has been read. Else what it reads is recorded
 */
export function runQuery(
  relations: Relations,
  plan: SelectPlan,
  view: ViewDef,
  caller: Uint8Array,
  reads: ReadSet,
  emit: EmitBytes,
): Kept | undefined {
  const prepared = prepare(plan);
  const values = bindParams(plan, caller);
  const isKept = reads.isEmpty && canBeKept(plan, view);
  if (!isKept) record(relations, prepared, values, reads);
  select(relations, prepared, values, emit);
  return isKept ? { plan, values } : undefined;
}

/** Whether rows of one table are rows of the view whichever of them there are: their key cannot be there twice. */
function canBeKept({ sources: [source, ...others] }: SelectPlan, { primaryKey }: ViewDef): boolean {
  if (source === undefined || others.length > 0 || source.table.def.isView === true) return false;
  const isKey = ([column, ...more]: readonly number[]): boolean => column === primaryKey && more.length === 0;
  return primaryKey === undefined || source.table.def.indexes.some(({ unique, columns }) => unique && isKey(columns));
}

/**
 * A query over one table reads by an index where the evaluator does; what is joined counts as read whole. Rows of views are
 * read by the instance, which who runs this notes.
 */
function record(relations: Relations, prepared: Prepared, values: readonly Uint8Array[], reads: ReadSet): void {
  const { sources } = prepared.plan;
  const tables = sources.flatMap(({ table }) => (table.def.isView === true ? [] : (relations.table(table.id) ?? [])));
  if (sources.length === 1 && tables.length === 1) {
    const path = pathTo(relations, prepared, values, 0);
    // Its conditions can never hold, or it goes by an index.
    if (path === undefined || recordPath(path, reads)) return;
  }
  for (const table of tables) reads.table(table);
}

/** False for a path that reads the whole table. */
function recordPath(path: Path, reads: ReadSet): boolean {
  switch (path.kind) {
    case "scan":
      return false;
    case "union":
      return path.branches.every((branch) => recordPath(branch, reads));
    case "point": {
      const key = keyOf(path.key);
      reads.point(path.index, new DataView(key.buffer), 0);
      return true;
    }
    case "range":
      reads.range(path.index, keyOf(path.prefix), path.prefix.length, boundOf(path.from), boundOf(path.to));
      return true;
  }
}

function keyOf(parts: Extract<Path, { readonly kind: "point" }>["key"]): Uint8Array<ArrayBuffer> {
  const bytes = parts.map((part) => (part.kind === "value" ? part.bytes : new Uint8Array(0)));
  const key = new Uint8Array(bytes.reduce((length, each) => length + each.length, 0));
  let at = 0;
  for (const each of bytes) {
    key.set(each, at);
    at += each.length;
  }
  return key;
}

function boundOf(limit: Limit): ScanBound {
  if (limit === undefined) return { kind: "unbounded" };
  return { kind: limit.isIncluded ? "included" : "excluded", bytes: limit.bytes };
}
