/** A module's own account of itself as a V10 description: names as in its code, for the database to convert. */
import {
  encodeRawV10,
  emptyRawV10,
  httpMethods,
  type HttpMethod,
  type RawExplicitName,
  type RawIndexDef,
  type RawModuleDefV10,
  type RawTableV10,
  type RawTypeDef,
} from "@lightcone/schema";
import {
  product,
  t,
  typesEqual,
  unit,
  valueCodec,
  ByteWriter,
  isOption,
  isUnit,
  specialKind,
  isResult,
} from "@lightcone/sats";
import type { AlgebraicType, Member, ProductType } from "@lightcone/sats";
import type { ColumnShape, FunctionShape, ModuleShape, NamedShape, TableShape, ViewShape } from "./shapes.ts";
import { wrong } from "./shape-reader.ts";

/** An index as the description and the table's handle both see it. */
export interface TableIndex {
  readonly sourceName: string;
  readonly name: string | undefined;
  readonly accessor: string;
  readonly algorithm: "btree" | "hash" | "direct";
  readonly columns: readonly number[];
  /** Whether its handle finds one row. */
  readonly unique: boolean;
}

/**
 * The indexes of each table, in the order of the tables: one for each unique or indexed column in their order, then those
 * of its options. Their source names are the module's own; where two would be spelled alike, the later gets a number.
 */
export function indexesOf(tables: readonly TableShape[]): readonly (readonly TableIndex[])[] {
  const taken = new Set(tables.flatMap(({ key, name }) => (name === undefined ? [key] : [key, name])));
  const free = (name: string): string => {
    let made = name;
    for (let number = 2; taken.has(made); number += 1) made = `${name}_${number}`;
    taken.add(made);
    return made;
  };
  return tables.map((table) => {
    const made: TableIndex[] = [];
    const add = (index: Omit<TableIndex, "sourceName">): void => {
      const names = index.columns.map((column) => table.columns[column]?.name ?? "");
      const name = `${table.key}_${names.join("_")}_idx_${index.algorithm}`;
      // Of a name in quotes, such as "my key", the database makes my_key; an index's is taken as it is.
      made.push({ ...index, sourceName: free(name.replaceAll(/\P{XID_Continue}/gu, "_")) });
    };
    table.columns.forEach((column, position) => {
      const unique = column.primaryKey || column.unique;
      if (!unique && column.index === undefined) return;
      add({ name: undefined, accessor: column.name, algorithm: column.index ?? "btree", columns: [position], unique });
    });
    for (const index of table.indexes) {
      const unique = table.constraints.some(({ columns }) => sameSet(columns, index.columns));
      add({ name: index.name, accessor: index.accessor, algorithm: index.algorithm, columns: index.columns, unique });
    }
    return made;
  });
}

function sameSet(a: readonly number[], b: readonly number[]): boolean {
  const left = new Set(a);
  return left.size === new Set(b).size && b.every((one) => left.has(one));
}

/** The row as a type to encode by: without the names of types. */
export function rowTypeOf(table: TableShape): ProductType {
  return product(Object.fromEntries(table.columns.map(({ name, type }) => [name, type])));
}

/** Encodes the description. @throws {LightconeError} `SchemaInvalid` */
export function describeModule(shape: ModuleShape): Uint8Array {
  return encodeRawV10(rawModule(shape));
}

function rawModule(shape: ModuleShape): RawModuleDefV10 {
  const indexes = indexesOf(shape.tables);
  const types = new TypeRegistry();
  const tables = shape.tables.map((table, at) => describeTable(table, indexes[at] ?? [], types));
  const explicitNames: RawExplicitName[] = [];
  const explicit = (kind: RawExplicitName["kind"], sourceName: string, canonicalName: string | undefined): void => {
    if (canonicalName !== undefined) explicitNames.push({ kind, sourceName, canonicalName });
  };
  for (const [at, table] of shape.tables.entries()) {
    explicit("table", table.key, table.name);
    for (const index of indexes[at] ?? []) explicit("index", index.sourceName, index.name);
  }
  const functions = [...shape.reducers, ...shape.procedures];
  for (const one of [...functions, ...shape.views, ...shape.handlers]) explicit("function", one.exportName, one.name);
  const paramsOf = ({ kind, exportName, params }: FunctionShape): Member[] =>
    params.map(({ name, type }) => ({
      name,
      type: types.use(type, `${kind} \`${exportName}\`, parameter \`${name}\``),
    }));
  return {
    ...emptyRawV10,
    tables,
    reducers: shape.reducers.map((one) => ({
      name: one.exportName,
      params: paramsOf(one),
      visibility: "client",
      ok: one.returns === undefined ? unit : types.use(one.returns, `reducer \`${one.exportName}\`: what it returns`),
      err: t.string,
    })),
    procedures: shape.procedures.map((one) => ({
      name: one.exportName,
      params: paramsOf(one),
      returns: types.use(one.returns ?? unit, `procedure \`${one.exportName}\`: what it returns`),
      visibility: "client",
    })),
    schedules: shape.tables.flatMap((table) => scheduleOf(table, functions)),
    lifecycles: shape.reducers.flatMap(({ lifecycle, exportName }) =>
      lifecycle === undefined ? [] : [{ lifecycle, functionName: exportName }],
    ),
    views: [false, true].flatMap((isAnonymous) =>
      viewsOf(shape, isAnonymous).map((view, index) => ({
        name: view.exportName,
        index,
        isPublic: true,
        isAnonymous,
        params: [],
        returns: types.use(view.returns, `view \`${view.exportName}\`: its rows`),
      })),
    ),
    viewPrimaryKeys: shape.views.flatMap(({ exportName, primaryKey }) =>
      primaryKey === undefined ? [] : [{ view: exportName, columns: [primaryKey] }],
    ),
    httpHandlers: shape.handlers.map(({ exportName }) => exportName),
    httpRoutes: shape.routes.map(({ handler, method, path }) => ({ handler, method: methodOf(method), path })),
    rowLevelRules: shape.rules,
    casePolicy: shape.policy,
    explicitNames,
    typespace: types.typespace,
    types: types.defs,
    submodules: shape.submodules.map(({ namespace, shape: within }) => ({ namespace, module: rawModule(within) })),
  };
}

/** Views of a caller, or anonymous ones: a view's index is its place among them. */
function viewsOf({ views }: ModuleShape, isAnonymous: boolean): readonly ViewShape[] {
  return views.filter((view) => view.isAnonymous === isAnonymous);
}

function methodOf(method: string): HttpMethod {
  if (method === "ANY") return { kind: "any" };
  const name = httpMethods.find((each) => each.toUpperCase() === method);
  return name === undefined ? { kind: "extension", name: method } : { kind: "standard", name };
}

function describeTable(table: TableShape, indexes: readonly TableIndex[], types: TypeRegistry): RawTableV10 {
  const columns = (test: (column: ColumnShape) => boolean): number[] =>
    table.columns.flatMap((column, position) => (test(column) ? [position] : []));
  const unique = columns(({ primaryKey, unique: isUnique }) => primaryKey || isUnique);
  return {
    name: table.key,
    typeRef: types.register(table.typeName, rowShape(table), `table \`${table.key}\``),
    primaryKey: columns(({ primaryKey }) => primaryKey),
    indexes: indexes.map(describeIndex),
    constraints: [...unique.map((column) => ({ name: undefined, columns: [column] })), ...table.constraints],
    sequences: columns(({ autoInc }) => autoInc).map((column) => ({
      name: undefined,
      column,
      start: undefined,
      min: undefined,
      max: undefined,
      increment: 1n,
    })),
    kind: "user",
    access: table.isPublic ? "public" : "private",
    defaults: table.columns.flatMap((column, position) =>
      column.defaultValue === undefined
        ? []
        : [{ column: position, value: encodeDefault(table, column, column.defaultValue.value) }],
    ),
    isEvent: table.isEvent,
  };
}

function describeIndex({ sourceName, accessor, algorithm, columns }: TableIndex): RawIndexDef {
  return {
    name: sourceName,
    accessor,
    algorithm: algorithm === "direct" ? { kind: algorithm, column: columns[0] ?? 0 } : { kind: algorithm, columns },
  };
}

function encodeDefault(table: TableShape, column: ColumnShape, value: unknown): Uint8Array {
  const out = new ByteWriter();
  try {
    valueCodec(column.type).write(out, value);
  } catch (cause) {
    wrong(
      `table \`${table.key}\`, column \`${column.name}\`: its default is not of its type (${cause instanceof Error ? cause.message : ""})`,
    );
  }
  return out.toBytes();
}

function rowShape(table: TableShape): NamedShape {
  return { kind: "Product", elements: table.columns.map(({ name, type }) => ({ name, type })) };
}

interface Schedule {
  readonly name: undefined;
  readonly table: string;
  readonly atColumn: number;
  readonly functionName: string;
}

function scheduleOf(table: TableShape, functions: readonly FunctionShape[]): Schedule[] {
  const atColumn = table.columns.findLastIndex(({ type }) => specialKind(type) === "ScheduleAt");
  const named = functions.filter(({ onSchedule }) => onSchedule === table.identity);
  const given = typeof table.scheduled === "function" ? (table.scheduled as () => unknown)() : table.scheduled;
  if (given !== undefined) {
    const found = functions.find(
      ({ exportName, name, exported }) => exported === given || exportName === given || name === given,
    );
    if (found === undefined)
      wrong(
        `table \`${table.key}\`: no export of the entry file is the function that it schedules${typeof given === "string" ? `, \`${given}\`` : ""}`,
      );
    named.push(found);
  }
  const target = named[0];
  if (target === undefined) return [];
  if (new Set(named).size > 1)
    wrong(
      `table \`${table.key}\` schedules more than one function: ${named.map(({ exportName }) => exportName).join(", ")}`,
    );
  if (target.returns !== undefined && !isUnit(target.returns))
    wrong(
      `table \`${table.key}\` schedules ${target.kind} \`${target.exportName}\`, whose result nobody would get: let it return nothing`,
    );
  if (atColumn < 0)
    wrong(`table \`${table.key}\` schedules \`${target.exportName}\` and has no \`t.scheduleAt()\` column`);
  return [{ name: undefined, table: table.key, atColumn, functionName: target.exportName }];
}

/** Gives named types their places in the typespace. */
class TypeRegistry {
  readonly typespace: AlgebraicType[] = [];
  readonly defs: RawTypeDef[] = [];
  private readonly byName = new Map<string, { readonly ref: number; readonly shape: AlgebraicType }>();

  /** The place of a named type; it takes one if it has none yet. `what` uses it. */
  register(name: string, shape: NamedShape, what: string): number {
    const before = this.byName.get(name);
    if (before !== undefined) {
      if (!typesEqual(bare(before.shape), bare(shape)))
        wrong(`${what}: its type is called \`${name}\`, and so is another type that differs: give one another name`);
      return before.ref;
    }
    const ref = this.typespace.length;
    this.byName.set(name, { ref, shape });
    this.typespace.push(unit); // keeps the place: the parts take theirs first
    this.defs.push({ scope: [], name, ref, customOrdering: true });
    this.typespace[ref] = this.parts(shape, what);
    return ref;
  }

  /** The type as a use of it is written: named ones as a `Ref`. */
  use(type: NamedShape, what: string): AlgebraicType {
    if (type.typeName !== undefined) return { kind: "Ref", index: this.register(type.typeName, type, what) };
    if (isCompound(type) && !isBuiltIn(type))
      wrong(
        `${what}: an object or enum within another type needs a name: t.object("Name", { … }), t.row("Name", { … })`,
      );
    return this.parts(type, what);
  }

  private parts(type: NamedShape, what: string): AlgebraicType {
    const members = (list: readonly Member[]): Member[] =>
      list.map((member) => ({ name: member.name, type: this.use(member.type, `${what}, \`${member.name}\``) }));
    if (type.kind === "Array") return { kind: "Array", element: this.use(type.element, what) };
    if (type.kind === "Product") return { kind: "Product", elements: members(type.elements) };
    if (type.kind === "Sum") return { kind: "Sum", variants: members(type.variants) };
    return type;
  }
}

const isCompound = (type: AlgebraicType): boolean => type.kind === "Product" || type.kind === "Sum";
const isBuiltIn = (type: AlgebraicType): boolean =>
  isUnit(type) || isOption(type) || isResult(type) || specialKind(type) !== undefined;

/** The structure without type names. */
function bare(type: AlgebraicType): AlgebraicType {
  if (type.kind === "Array") return { kind: "Array", element: bare(type.element) };
  const strip = (members: readonly Member[]): Member[] =>
    members.map((member) => ({ name: member.name, type: bare(member.type) }));
  if (type.kind === "Product") return { kind: "Product", elements: strip(type.elements) };
  if (type.kind === "Sum") return { kind: "Sum", variants: strip(type.variants) };
  return type;
}
