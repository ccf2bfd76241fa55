/** Runs the query that a view has given instead of rows, with the rights of the owner, and records what it reads. */
import { LightconeError } from "@lightcone/base";
import type { Store } from "@lightcone/engine";
import type { ScanBound } from "@lightcone/host";
import { pathTo, prepare, select, type EmitBytes, type Prepared } from "@lightcone/query";
import { typesEqual } from "@lightcone/sats";
import type { ViewDef } from "@lightcone/schema";
import { compileSubscription, type SelectPlan } from "@lightcone/sql";
import type { ReadSet } from "./read-set.ts";

type Path = NonNullable<ReturnType<typeof pathTo>>;
type Limit = Extract<Path, { readonly kind: "range" }>["from"];

/** @throws {LightconeError} what is wrong with the query */
export function runQuery(store: Store, view: ViewDef, sql: string, reads: ReadSet, emit: EmitBytes): void {
  const plan = planOf(store, view, sql);
  const prepared = prepare(plan);
  const values = plan.params.map(({ from }) => (from.kind === "constant" ? from.bytes : new Uint8Array(0)));
  record(store, prepared, values, reads);
  select(store, prepared, values, emit);
}

function planOf(store: Store, view: ViewDef, sql: string): SelectPlan {
  const wrong = (reason: string): never => {
    throw new LightconeError("ViewFailed", { view: view.name, reason: `its query ${reason}: ${sql}` });
  };
  const [plan] = compileSubscription(sql, { table: (name) => store.tableByEitherName(name)?.schema });
  if (plan === undefined) return wrong("gives no rows of a table");
  if (plan.params.some(({ from }) => from.kind === "sender")) return wrong("has a parameter");
  if (plan.sources.some(({ table }) => table.def.isEvent)) return wrong("reads an event table");
  if (!typesEqual(plan.columns, view.rowType)) return wrong("gives rows of another type");
  return plan;
}

/** A query over one table reads by an index where the evaluator does; what is joined counts as read whole. */
function record(store: Store, prepared: Prepared, values: readonly Uint8Array[], reads: ReadSet): void {
  const { sources } = prepared.plan;
  const path = sources.length === 1 ? pathTo(store, prepared, values, 0) : undefined;
  if (sources.length === 1 && path === undefined) return; // its conditions can never hold
  if (path !== undefined && recordPath(path, reads)) return;
  for (const { table } of sources) {
    const there = store.table(table.id);
    if (there !== undefined) reads.table(there);
  }
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
