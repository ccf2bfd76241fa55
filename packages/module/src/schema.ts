/**
 * `schema`: the module's tables, and the maker of its functions.
 *
 * What `schema` and its methods return carries, under the host's `description` symbol, all that the host
 * needs to describe and run the module; nothing here runs during a call but the author's function.
 */
import { description } from "#host";
import type { AnonymousViewCtx, HandlerCtx, ProcedureCtx, ReducerCtx, ViewCtx } from "./context.ts";
import type { Tables } from "./handles.ts";
import {
  plainResponse,
  requestOf,
  Router,
  type HttpHandlerExport,
  type HttpRouterExport,
  type Request,
  type SyncResponse,
} from "./http.ts";
import { isQuery, queriesOf, type Query, type rowOf } from "./query.ts";
import { ruleText, type RuleExport, type RuleMakers } from "./rls.ts";
import { isTable, table, type Table } from "./table.ts";
import {
  isOption,
  isType,
  type AnyType,
  type Fields,
  type FieldsValue,
  type ModifiersOf,
  type ValueOf,
  type Wrong,
} from "./type-builder.ts";
import { rowsOfView, type RowsOfView } from "./view-rows.ts";

/** How names in the code become names in the database. */
export const CaseConversionPolicy = { None: { tag: "None" }, SnakeCase: { tag: "SnakeCase" } } as const;
export type CaseConversionPolicy = (typeof CaseConversionPolicy)[keyof typeof CaseConversionPolicy];

/**
 * Settings of a whole module. `CASE_CONVERSION_POLICY`: how names in the code become names in the database, in snake
 * case unless it is `None`.
 */
export interface ModuleSettings {
  readonly CASE_CONVERSION_POLICY?: CaseConversionPolicy;
}

/** What every function of a module may say of itself. */
export interface FunctionOptions {
  /** A name in the database, instead of the export's in snake case. */
  readonly name?: string;
}

/** What a reducer or a procedure may say of itself. */
export interface ReducerOptions extends FunctionOptions {
  /** The table whose rows say when this function runs. Its one parameter is the row. */
  // oxlint-disable-next-line no-explicit-any -- any table will do; `Table` is invariant in its columns
  readonly onSchedule?: Table<any, any>;
}

type OptionalKeys<F> = { [K in keyof F]: "optional" extends ModifiersOf<F[K]> ? K : never }[keyof F];
/** What another function passes: parameters of option type may be left out. */
export type Arguments<F extends Fields> = { [K in Exclude<keyof F, OptionalKeys<F>>]: ValueOf<F[K]> } & {
  [K in OptionalKeys<F>]?: ValueOf<F[K]> | null;
};

/** A reducer, to be exported under its name. Other functions of the module may call it, in the same transaction. */
export interface ReducerExport<S extends Tables, F extends Fields, R = void> {
  (ctx: ReducerCtx<S>, args: Arguments<F>): R;
}

declare const procedureMark: unique symbol;

/** A procedure, to be exported under its name. */
export interface ProcedureExport<S extends Tables, F extends Fields, R> {
  (ctx: ProcedureCtx<S>, args: Arguments<F>): Promise<R>;
  readonly [procedureMark]: true;
}

/** What a view says of itself. */
export interface ViewOptions extends FunctionOptions {
  /** Every view is one that clients may read. */
  readonly public: true;
}

declare const viewMark: unique symbol;

/** A view, to be exported under its name: clients subscribe to it as to a table. */
export interface ViewExport<R = unknown> {
  readonly [viewMark]: R;
  /** Its rows, for the query of another view: `() => standings.rows.where((row) => row.count.gt(1))`. */
  readonly rows: RowsOfView<R>;
}

/** Rows of a view: as many as its type says, or a query that finds them. */
type ViewRows<R extends AnyType> =
  | ValueOf<R>
  | (undefined extends ValueOf<R> ? null : never)
  | (ValueOf<R> extends readonly (infer Row)[] ? RowsQuery<Row> : RowsQuery<Exclude<ValueOf<R>, undefined>>);
type RowsQuery<Row> = Pick<Query, "toSql"> & { readonly [Key in typeof rowOf]: Row };
type ViewBody<Ctx, R extends AnyType> = (ctx: Ctx) => ViewRows<R>;

declare const lifecycleMark: unique symbol;

/** A reducer that the database calls by itself and no client may. */
export interface LifecycleExport<S extends Tables> extends ReducerExport<S, NoParams> {
  readonly [lifecycleMark]: true;
}

declare const migrateMark: unique symbol;

/** The function that carries old rows over. The database alone calls it, and the owner may. */
export interface MigrateExport<S extends Tables> extends ReducerExport<S, NoParams> {
  readonly [migrateMark]: true;
}

/** Columns of tables that were. */
export type OldTables = Readonly<Record<string, Fields>>;
type OldHandles<O extends OldTables> = ReducerCtx<{ readonly [K in keyof O & string]: Table<O[K], object> }>["db"];

/** What the entry file may export besides its schema. */
// oxlint-disable no-explicit-any -- of any schema, parameters and result
export type ModuleExport =
  | ReducerExport<any, any, any>
  | ProcedureExport<any, any, any>
  | ViewExport<any>
  | HttpHandlerExport
  | HttpRouterExport
  | RuleExport
  | ExportGroup<any>;
// oxlint-enable no-explicit-any

declare const groupMark: unique symbol;

/** Several functions under one export, each by its key. */
export interface ExportGroup<G> {
  readonly [groupMark]: G;
}

/** `void` alone would accept a function that returns anything; the text is for the compiler's message. */
type Body<S extends Tables, F extends Fields> = (
  ctx: ReducerCtx<S>,
  args: FieldsValue<F>,
) =>
  | void
  | undefined
  | Wrong<"a reducer returns nothing, unless its type stands before its function, and cannot be async: what must wait is done by a client or a procedure">;
type NoParams = Record<never, never>;
/** What a function of a type gives; of a unit, nothing. */
type Result<R extends AnyType> = "unit" extends ModifiersOf<R> ? void : ValueOf<R>;
type ResultBody<S extends Tables, F extends Fields, R extends AnyType> = (
  ctx: ReducerCtx<S>,
  args: FieldsValue<F>,
) => Result<R>;
/** A reducer as its function alone. */
export type Reducer<S extends Tables = Tables, F extends Fields = NoParams> = (
  ctx: ReducerCtx<S>,
  args: FieldsValue<F>,
) => void;
type ProcedureBody<S extends Tables, F extends Fields, R extends AnyType> = (
  ctx: ProcedureCtx<S>,
  args: FieldsValue<F>,
) => Result<R> | Promise<Result<R>>;

type HandlerBody<S extends Tables> = (ctx: HandlerCtx<S>, request: Request) => SyncResponse | Promise<SyncResponse>;

/**
 * A module: its tables, and what makes its functions. Each function is exported under the name by which it is called.
 *
 * `reducer` makes a function that changes rows in one transaction. It takes, in this order and each left out where
 * there is none:
 * options, parameters by name, the type of what it gives, and its function. `procedure` takes the same, and always
 * says what it gives.
 *
 * @example
 * const app = schema({ counter: table({ public: true }, { name: t.string().primaryKey(), value: t.u32() }) });
 * export default app;
 * export const count = app.reducer({ name: t.string() }, t.u32(), (ctx, { name }) => {
 *   const row = ctx.db.counter.name.find(name);
 *   if (row === null) return ctx.db.counter.insert({ name, value: 1 }).value;
 *   return ctx.db.counter.name.update({ ...row, value: row.value + 1 }).value;
 * });
 */
export interface Schema<S extends Tables = Tables> extends RuleMakers<S> {
  readonly tables: S;
  // The compiler tells what is wrong with the last form of as many arguments: the usual one.
  reducer(body: Body<S, NoParams>): ReducerExport<S, NoParams>;
  reducer(options: ReducerOptions & { readonly name: string }, body: Body<S, NoParams>): ReducerExport<S, NoParams>;
  /** One that gives something to whoever calls it. @param returns the type of what it gives */
  reducer<R extends AnyType>(returns: R, body: ResultBody<S, NoParams, R>): ReducerExport<S, NoParams, Result<R>>;
  reducer<const F extends Fields>(params: F, body: Body<S, F>): ReducerExport<S, F>;
  reducer<const F extends Fields>(options: ReducerOptions, params: F, body: Body<S, F>): ReducerExport<S, F>;
  reducer<const F extends Fields, R extends AnyType>(
    params: F,
    returns: R,
    body: ResultBody<S, F, R>,
  ): ReducerExport<S, F, Result<R>>;
  reducer<const F extends Fields, R extends AnyType>(
    options: ReducerOptions,
    params: F,
    returns: R,
    body: ResultBody<S, F, R>,
  ): ReducerExport<S, F, Result<R>>;
  /** A function that may wait, and gives something. @param returns the type of what it gives: `t.unit()` for nothing */
  procedure<R extends AnyType>(
    returns: R,
    body: ProcedureBody<S, NoParams, R>,
  ): ProcedureExport<S, NoParams, Result<R>>;
  procedure(
    params: Fields,
    body: Wrong<"a procedure says what it returns before its function: t.unit() for nothing">,
  ): never;
  procedure<const F extends Fields, R extends AnyType>(
    params: F,
    returns: R,
    body: ProcedureBody<S, F, R>,
  ): ProcedureExport<S, F, Result<R>>;
  procedure<R extends AnyType>(
    options: ReducerOptions & { readonly name: string },
    returns: R,
    body: ProcedureBody<S, NoParams, R>,
  ): ProcedureExport<S, NoParams, Result<R>>;
  procedure<const F extends Fields, R extends AnyType>(
    options: ReducerOptions,
    params: F,
    returns: R,
    body: ProcedureBody<S, F, R>,
  ): ProcedureExport<S, F, Result<R>>;
  /**
   * Rows that clients read as a table, computed from others, for each caller. @param returns `t.array(…)` or `t.option(…)` of
   * a table's `rowType`, or of `t.row("Name", { … })`
   */
  view<R extends AnyType>(options: ViewOptions, returns: R, body: ViewBody<ViewCtx<S>, R>): ViewExport<ValueOf<R>>;
  /** The same rows for whoever asks. */
  anonymousView<R extends AnyType>(
    options: ViewOptions,
    returns: R,
    body: ViewBody<AnonymousViewCtx<S>, R>,
  ): ViewExport<ValueOf<R>>;
  /**
   * Carries rows of the version before over, once, in the transaction of the publish that changes them: where the new tables
   * cannot hold them as they are. What it throws refuses the publish, and the version before goes on.
   *
   * @param old the old tables as that version had them, by the names that they had
   */
  migrate<const O extends OldTables>(old: O, body: (old: OldHandles<O>, ctx: ReducerCtx<S>) => void): MigrateExport<S>;
  /** Exports functions together: each goes by its key here, as if it were exported by itself. */
  exportGroup<const G extends Readonly<Record<string, ModuleExport>>>(group: G): ExportGroup<G>;
  /** A function that answers requests to a route. */
  httpHandler(body: HandlerBody<S>): HttpHandlerExport;
  httpHandler(options: FunctionOptions, body: HandlerBody<S>): HttpHandlerExport;
  /** The module's routes: one router, exported. They are served under `/v1/database/NAME/route`. */
  httpRouter(router: Router): HttpRouterExport;
  /** Runs once, when the database is made. */
  init(body: Body<S, NoParams>): LifecycleExport<S>;
  init(options: FunctionOptions, body: Body<S, NoParams>): LifecycleExport<S>;
  /** Runs when a client connects; what it throws refuses the connection. */
  clientConnected(body: Body<S, NoParams>): LifecycleExport<S>;
  clientConnected(options: FunctionOptions, body: Body<S, NoParams>): LifecycleExport<S>;
  /** Runs when a client's connection ends, however it ends. */
  clientDisconnected(body: Body<S, NoParams>): LifecycleExport<S>;
  clientDisconnected(options: FunctionOptions, body: Body<S, NoParams>): LifecycleExport<S>;
}

/** The type parameter of `ReducerCtx` for a schema. */
export type InferSchema<T> = T extends Schema<infer S> ? S : never;

type Lifecycle = "init" | "connect" | "disconnect";
/** What makes a function a procedure or a life-cycle reducer, and what it gives. */
interface FunctionKind {
  readonly kind?: "procedure";
  readonly migrates?: boolean;
  readonly lifecycle?: Lifecycle;
  readonly returns?: AnyType;
}
type AnyBody = (ctx: ReducerCtx, args: Record<string, unknown>) => unknown;

/**
 * Makes the module's schema. It must be the entry file's default export, and its functions named exports.
 *
 * A whole file that has a schema of its own, `import * as chat from "./chat.ts"`, may stand among the tables: its tables are then
 * at `ctx.db.chat`, and its functions are called with `ctx.as.chat`.
 *
 * @example
 * const spacetime = schema({ message: table({ public: true }, { sender: t.identity(), text: t.string() }) });
 * export default spacetime;
 * export const send = spacetime.reducer({ text: t.string() }, (ctx, { text }) => {
 *   ctx.db.message.insert({ sender: ctx.sender, text });
 * });
 */
export function schema<const S extends Tables>(tables: S, settings: ModuleSettings = {}): Schema<S> {
  if (!isTables(tables) || isTable(settings))
    throw new TypeError("schema takes one object of tables, which gives them their names: schema({ user, message })");
  const functions: unknown[] = [];
  const submodules = Object.fromEntries(Object.entries(tables).filter(([key, each]) => isSubmodule(key, each)));
  const all = Object.fromEntries(Object.entries<unknown>(tables).filter(([key]) => !(key in submodules)));

  function make(options: ReducerOptions, params: Fields, body: AnyBody, kind: FunctionKind = {}): AnyBody {
    const optional = Object.keys(params).filter((name) => params[name] !== undefined && isOption(params[name].shape));
    // The export is a wrapper, so that the author's function can be shared and is never modified.
    const exported: AnyBody =
      optional.length === 0 ? (ctx, args) => body(ctx, args) : (ctx, args) => body(ctx, withoutNulls(args, optional));
    const { name, onSchedule } = options;
    // Its stack tells where a function was made, in case it is not exported.
    const made = new Error("made here");
    const facts = { kind: "reducer", ...kind, name, onSchedule, params, body, made };
    functions.push(exported);
    return Object.defineProperty(exported, description, { value: facts });
  }

  function lifecycleMaker(kind: Lifecycle): (first: AnyBody | FunctionOptions, second?: AnyBody) => AnyBody {
    return (first, second) =>
      second === undefined
        ? make({}, {}, given(first), { lifecycle: kind })
        : make(first as FunctionOptions, {}, given(second), { lifecycle: kind });
  }

  const from = queriesOf(tables);

  function viewMaker(isAnonymous: boolean): (options: ViewOptions, returns: unknown, body: unknown) => object {
    return (options, returns, body) => {
      if (typeof options !== "object" || options?.public !== true || !isType(returns))
        throw new TypeError(
          "a view is made of its options, the type of its rows, and its function: ({ public: true }, t.array(note.rowType), (ctx) => [ … ])",
        );
      let fullName: string | undefined;
      const facts = {
        kind: "view",
        isAnonymous,
        called: (name: string) => void (fullName = name),
        name: options.name,
        returns,
        body: given(body, "view"),
        from,
        fromWithin: (part: string) => queriesOf(tables, part),
        queryOf: (result: unknown) => (isQuery(result) ? result.toSql() : undefined),
        made: new Error("made here"),
      };
      const exported = Object.defineProperty({}, description, { value: facts });
      Object.defineProperty(exported, "rows", { get: () => rowsOfView(fullName, returns.shape) });
      functions.push(exported);
      return exported;
    };
  }

  function rule(sql: string): object {
    const exported = Object.defineProperty({}, description, {
      value: { kind: "rule", sql, made: new Error("made here") },
    });
    functions.push(exported);
    return exported;
  }

  const made = {
    tables,
    view: viewMaker(false),
    anonymousView: viewMaker(true),
    reducer(...all: readonly unknown[]): AnyBody {
      const { options, params, returns, body } = partsOf(all, "reducer");
      return make(options, params, body, returns === undefined ? {} : { returns });
    },
    procedure(...all: readonly unknown[]): AnyBody {
      const { options, params, returns, body } = partsOf(all, "procedure");
      if (returns === undefined)
        throw new TypeError(
          "a procedure is made of its parameters, the type of what it returns, and its function: (…, t.unit(), async (ctx, args) => { … })",
        );
      return make(options, params, body, { kind: "procedure", returns });
    },
    exportGroup(group: unknown): object {
      if (typeof group !== "object" || group === null)
        throw new TypeError("exportGroup takes an object of functions: exportGroup({ send, leave })");
      return Object.defineProperty({}, description, { value: { kind: "group", group } });
    },
    httpHandler(...all: readonly unknown[]): object {
      const body = given(all.at(-1), "handler");
      const { name } = all.length > 1 ? optionsOf(all[0]) : {};
      const facts = { kind: "handler", name, body, requestOf, plainResponse, made: new Error("made here") };
      const exported = Object.defineProperty({}, description, { value: facts });
      functions.push(exported);
      return exported;
    },
    httpRouter(router: unknown): object {
      if (!(router instanceof Router)) throw new TypeError('httpRouter takes a router: new Router().get("/hi", hello)');
      const facts = { kind: "router", routes: router.intoRoutes(), made: new Error("made here") };
      const exported = Object.defineProperty({}, description, { value: facts });
      functions.push(exported);
      return exported;
    },
    migrate(old: unknown, body: unknown): AnyBody {
      const carry = given(body, "migration");
      const names = Object.entries(oldTables(old)).map(([was, columns]) => {
        const key = `old_${was}`;
        if (key in all)
          throw new TypeError(`there is a table \`${key}\`, which is where old rows of \`${was}\` are to stand`);
        // `old` is for the host alone; the columns were checked where they were written.
        all[key] = table({ was, old: true } as never, columns as never);
        return [was, key] as const;
      });
      const run = (ctx: ReducerCtx): unknown => {
        const db = ctx.db as Record<string, unknown>;
        return carry(Object.fromEntries(names.map(([was, key]) => [was, db[key]])) as never, ctx as never);
      };
      return make({}, {}, run, { migrates: true });
    },
    clientVisibilityFilter: {
      sql(text: unknown): object {
        if (typeof text !== "string")
          throw new TypeError('a row-level rule is a SELECT: clientVisibilityFilter.sql("SELECT * FROM note WHERE …")');
        return rule(text);
      },
    },
    rls(query: unknown): object {
      return rule(ruleText(from, query));
    },
    init: lifecycleMaker("init"),
    clientConnected: lifecycleMaker("connect"),
    clientDisconnected: lifecycleMaker("disconnect"),
  };
  const policy = (settings.CASE_CONVERSION_POLICY ?? CaseConversionPolicy.SnakeCase).tag;
  Object.defineProperty(made, description, { value: { kind: "schema", tables: all, submodules, policy, functions } });
  // The overloads above say what `made` takes; it tells the forms apart as it runs.
  return made as unknown as Schema<S>;
}

function isTables(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isTable(value);
}

/** Whether an entry of a schema is a module, and not a table. @throws {TypeError} for what was imported otherwise */
function isSubmodule(key: string, value: unknown): boolean {
  // What is imported from a file that waits for this one is not there yet.
  if (value === undefined) throw new TypeError(noSchemaIn(key));
  if (typeof value !== "object" || value === null || isTable(value)) return false;
  if (description in value)
    throw new TypeError(
      `\`${key}\` is the schema of another module: import its file whole, \`import * as ${key} from …\``,
    );
  if (!("default" in value) && Reflect.get(value, Symbol.toStringTag) !== "Module") return false;
  let root: unknown;
  try {
    root = Reflect.get(value, "default");
  } catch {
    // It has one that is not made yet: its file waits for this one.
  }
  if (typeof root === "object" && root !== null && description in root) return true;
  throw new TypeError(noSchemaIn(key));
}

const noSchemaIn = (key: string): string =>
  `\`${key}\` is a file without a schema: a module's has \`export default schema({ … })\`, and of files that import each other in a circle one has none yet`;

function oldTables(value: unknown): OldTables {
  if (typeof value !== "object" || value === null || Object.values(value).some((one) => isTable(one) || isType(one)))
    throw new TypeError(
      "migrate takes the columns of the tables that were, by their names, and its function: migrate({ user: { id: t.u64() } }, (old, ctx) => { … })",
    );
  return value as OldTables;
}

/** Another function may pass `null` for what is not there; to the reducer that is `undefined`, as when a client calls. */
function withoutNulls(args: Record<string, unknown>, optional: readonly string[]): Record<string, unknown> {
  const made = { ...args };
  for (const name of optional) made[name] ??= undefined;
  return made;
}

/** What a function was made of, which may begin with options and have a type before its body. */
function partsOf(
  all: readonly unknown[],
  what: string,
): { readonly options: ReducerOptions; readonly params: Fields; readonly returns?: AnyType; readonly body: AnyBody } {
  const body = given(all.at(-1), what);
  const before = all.slice(0, -1);
  const last = before.at(-1);
  const returns = isType(last) ? { returns: last } : {};
  const [first, second, third] = isType(last) ? before.slice(0, -1) : before;
  if (third !== undefined) throw new TypeError(`what a ${what} returns is a type: t.u32()`);
  if (second !== undefined) return { options: optionsOf(first), params: paramsOf(second), ...returns, body };
  if (first === undefined) return { options: {}, params: {}, ...returns, body };
  return isOptions(first)
    ? { options: optionsOf(first), params: {}, ...returns, body }
    : { options: {}, params: paramsOf(first), ...returns, body };
}

const optionNames: Record<keyof ReducerOptions, true> = { name: true, onSchedule: true };

/** Whether an object is a reducer's options rather than its parameters, which are made with `t`. */
function isOptions(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const entries = Object.entries(value);
  return entries.length > 0 && entries.every(([key, one]) => key in optionNames && !isType(one));
}

function optionsOf(value: unknown): ReducerOptions {
  if (!isOptions(value) && !(typeof value === "object" && value !== null && Object.keys(value).length === 0))
    throw new TypeError(`a reducer's options are ${Object.keys(optionNames).join(" and ")}`);
  return value as ReducerOptions;
}

function paramsOf(value: unknown): Fields {
  if (typeof value !== "object" || value === null)
    throw new TypeError("a reducer's parameters are an object of types: { text: t.string() }");
  for (const [name, one] of Object.entries(value))
    if (!isType(one))
      throw new TypeError(
        `the type of a reducer's parameter \`${name}\` was not made with \`t\`: write { ${name}: t.string() }`,
      );
  return value as Fields;
}

function given(body: unknown, what = "reducer"): AnyBody {
  if (typeof body !== "function")
    throw new TypeError(`a ${what}'s last argument is its function: (ctx, args) => { … }`);
  return body as AnyBody;
}
