/** The rules about what can be called: reducers, procedures, views, HTTP handlers and their routes. */
import { isOption, type AlgebraicType } from "@lightcone/sats";
import type { Checking } from "./checking.ts";
import { columnsOfRef, rowTypeOf, type Schedulable } from "./check-table.ts";
import { checkParams, checkUse, followRefs } from "./check-types.ts";
import type { FunctionDraft, HttpRouteDraft, ProcedureDraft, ReducerDraft, ViewDraft } from "./draft.ts";
import { isQuery } from "./draft-v10.ts";
import type { HttpRouteDef, Lifecycle, ProcedureDef, ReducerDef, TableDef, ViewDef } from "./module-def.ts";

/** Reducers and procedures by source name, as schedules call them; a reducer before a procedure. */
export function schedulablesOf(checking: Checking): ReadonlyMap<string, Schedulable> {
  const schedulables = new Map<string, Schedulable>();
  for (const draft of [...checking.draft.procedures, ...checking.draft.reducers]) {
    schedulables.set(draft.sourceName, {
      name: draft.name,
      takesOnly: (typeRef) => {
        const [only, ...more] = draft.params;
        return more.length === 0 && only?.type.kind === "Ref" && only.type.index === typeRef;
      },
    });
  }
  return schedulables;
}

/** `scheduled` are the canonical names of functions that a schedule calls. */
export function checkReducers(checking: Checking, scheduled: ReadonlySet<string>): readonly ReducerDef[] {
  const holders = new Map<Lifecycle, string>();
  return checking.draft.reducers.map((draft, id): ReducerDef => {
    const what = `reducer \`${draft.sourceName}\``;
    checkFunction(checking, draft, what);
    const lifecycle = checkLifecycle(checking, draft, holders, what);
    if (draft.returns !== undefined) checkUse(checking, draft.returns, `${what}, its result`);
    if (lifecycle !== undefined && draft.returns !== undefined)
      checking.problems.add(`${what} is called by the database on ${lifecycle}, so it returns nothing`);
    const isTheDatabases = lifecycle !== undefined || scheduled.has(draft.name);
    return {
      id,
      name: draft.name,
      accessor: draft.sourceName,
      params: checking.resolveProduct(draft.params, `${what}, parameter`),
      paramsByRef: { kind: "Product", elements: draft.params },
      lifecycle,
      returns: draft.returns && checking.resolve(draft.returns, `${what}, its result`),
      returnsByRef: draft.returns,
      visibility: checking.draft.version === 10 && isTheDatabases ? "private" : draft.visibility,
    };
  });
}

function checkLifecycle(
  checking: Checking,
  draft: ReducerDraft,
  holders: Map<Lifecycle, string>,
  what: string,
): Lifecycle | undefined {
  const { problems } = checking;
  const [lifecycle, ...more] = draft.lifecycles;
  if (lifecycle === undefined) return undefined;
  if (more.length > 0) problems.add(`${what} is named for ${more.length + 1} lifecycle events; one is the limit`);
  for (const event of draft.lifecycles) {
    const holder = holders.get(event);
    if (holder !== undefined) problems.add(`${what} and ${holder} are both named for the lifecycle event ${event}`);
    holders.set(event, what);
  }
  if (draft.params.length > 0)
    problems.add(`${what} is called by the database on ${lifecycle}, so it takes no parameters`);
  return lifecycle;
}

export function checkProcedures(checking: Checking, scheduled: ReadonlySet<string>): readonly ProcedureDef[] {
  return checking.draft.procedures.map((draft: ProcedureDraft, id): ProcedureDef => {
    const what = `procedure \`${draft.sourceName}\``;
    checkFunction(checking, draft, what);
    checkUse(checking, draft.returns, `${what}, its result`);
    const isScheduled = checking.draft.version === 10 && scheduled.has(draft.name);
    return {
      id,
      name: draft.name,
      accessor: draft.sourceName,
      params: checking.resolveProduct(draft.params, `${what}, parameter`),
      paramsByRef: { kind: "Product", elements: draft.params },
      returns: checking.resolve(draft.returns, `${what}, its result`),
      returnsByRef: draft.returns,
      visibility: isScheduled ? "private" : draft.visibility,
    };
  });
}

function checkFunction(checking: Checking, draft: FunctionDraft | ViewDraft, what: string): void {
  checking.checkIdentifier(draft.name, what);
  checking.functions.claim(draft.name, draft, what);
  checking.functions.claim(draft.sourceName, draft, what);
  checkParams(checking, draft.params, what);
}

export function checkViews(checking: Checking, tables: readonly TableDef[]): readonly ViewDef[] {
  const tablesByRow = Map.groupBy(tables, (table) => table.typeRef);
  return checking.draft.views.flatMap((draft) => {
    const view = checkView(checking, draft, tablesByRow);
    return view === undefined ? [] : [view];
  });
}

type TablesByRow = ReadonlyMap<number | undefined, readonly TableDef[]>;

function checkView(checking: Checking, draft: ViewDraft, tables: TablesByRow): ViewDef | undefined {
  const what = `view \`${draft.sourceName}\``;
  checkFunction(checking, draft, what);
  checking.objects.claim(draft.name, draft, what);
  checking.objects.claim(draft.sourceName, draft, what);
  if (draft.name.startsWith("st_"))
    checking.problems.add(`${what}: names that start with \`st_\` belong to the system`);
  const rows = viewRows(draft.returns);
  const target = rows === undefined ? undefined : followRefs(checking.draft.typespace, rows.ref);
  if (rows === undefined || target?.type.kind !== "Product") {
    checking.problems.add(`${what} must return an Option, an Array or a query of a named product`);
    return undefined;
  }
  checkUse(checking, { kind: "Ref", index: rows.ref }, `${what}, its result`);
  const columns = columnsOfRef(checking, rows.ref, what);
  if (columns === undefined) return undefined;
  return {
    name: draft.name,
    accessor: draft.sourceName,
    index: draft.index,
    isPublic: draft.isPublic,
    isAnonymous: draft.isAnonymous,
    params: checking.resolveProduct(draft.params, `${what}, parameter`),
    paramsByRef: { kind: "Product", elements: draft.params },
    shape: rows.shape,
    rowTypeRef: rows.ref,
    rowType: rowTypeOf(columns),
    columns,
    primaryKey:
      checkViewKey(
        checking,
        draft,
        columns.map((column) => column.accessor),
        what,
      ) ?? inheritedKey(rows, tables),
  };
}

interface ViewRows {
  readonly shape: ViewDef["shape"];
  readonly ref: number;
}

function viewRows(returns: AlgebraicType): ViewRows | undefined {
  if (returns.kind === "Array") return refRows("array", returns.element);
  if (returns.kind === "Sum" && isOption(returns)) return refRows("option", returns.variants[0]?.type);
  if (isQuery(returns) && returns.kind === "Product") return refRows("query", returns.elements[0]?.type);
  return undefined;
}

function refRows(shape: ViewDef["shape"], row: AlgebraicType | undefined): ViewRows | undefined {
  return row?.kind === "Ref" ? { shape, ref: row.index } : undefined;
}

function checkViewKey(
  checking: Checking,
  draft: ViewDraft,
  accessors: readonly string[],
  what: string,
): number | undefined {
  const [key, ...more] = draft.primaryKeys;
  if (key === undefined) return undefined;
  const [column] = key;
  if (more.length > 0) checking.problems.add(`${what} has ${more.length + 1} primary keys; one is the limit`);
  if (column === undefined || key.length !== 1) {
    checking.problems.add(`${what}: its primary key has ${key.length} columns; it must be one`);
    return undefined;
  }
  const position = accessors.indexOf(column);
  if (position >= 0) return position;
  checking.problems.add(`${what}: its primary key \`${column}\` is no column`);
  return undefined;
}

/** A query's rows come from a table; its key is theirs when only one table has such rows. */
function inheritedKey(rows: ViewRows, tables: TablesByRow): number | undefined {
  if (rows.shape !== "query") return undefined;
  const [source, ...more] = tables.get(rows.ref) ?? [];
  return more.length === 0 ? source?.primaryKey : undefined;
}

export function checkHttp(checking: Checking): readonly HttpRouteDef[] {
  const { draft, problems } = checking;
  const names = new Map<string, string>();
  for (const handler of draft.httpHandlers) {
    const what = `HTTP handler \`${handler.accessor}\``;
    checking.checkIdentifier(handler.name, what);
    checking.handlers.claim(handler.name, handler, what);
    checking.handlers.claim(handler.accessor, handler, what);
    names.set(handler.accessor, handler.name);
  }
  const methodsByPath = new Map<string, Set<string>>();
  return draft.httpRoutes.map((route): HttpRouteDef => {
    const what = `HTTP route ${methodText(route)} ${JSON.stringify(route.path)}`;
    if (!/^(\/[a-z0-9\-_~/]*)?$/.test(route.path)) {
      problems.add(`${what}: a path is empty, or starts with \`/\` and holds only a-z 0-9 - _ ~ /`);
    }
    const handler = names.get(route.handler);
    if (handler === undefined) problems.add(`${what}: there is no handler \`${route.handler}\``);
    const taken = methodsByPath.get(route.path) ?? new Set();
    const method = methodText(route);
    if (taken.has(method) || taken.has("ANY") || (method === "ANY" && taken.size > 0)) {
      problems.add(`${what} overlaps another route of the same path`);
    }
    methodsByPath.set(route.path, taken.add(method));
    return { handler: handler ?? route.handler, method: route.method, path: route.path };
  });
}

function methodText(route: HttpRouteDraft): string {
  return route.method.kind === "any" ? "ANY" : route.method.name.toUpperCase();
}
