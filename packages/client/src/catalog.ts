/**
 * The tables and reducers of the database as the page may use them: the server's schema of now, held against the one
 * that the page was built with.
 *
 * What a page was built with it has as data, or as a hash: where that is not the hash of the server's schema, it gets
 * the data. Without either, the first schema that the server tells stands for it: what a publish changes later, while
 * the page is open, is found all the same. What differs fails by its name; the rest goes on.
 */
import { hashBytes, LightconeError } from "@lightcone/base";
import { isOption } from "@lightcone/sats";
import { functionDifference, isSame, tableDifference } from "./difference.ts";
import type { BagTable } from "./row-bag.ts";
import { readSchema, type ClientSchema, type FunctionSchema, type TableSchema } from "./schema.ts";
import { encodeValue, isObject, makeCodec, partsCodec, partsOf, shown, type Codec } from "./value-codec.ts";

/** The schema that a page was built with, got only where the database has another: what a build writes. */
export interface BuiltSchema {
  /** Of the text that a server of that version tells. */
  readonly hash: number;
  load(): Promise<object>;
}

export type FunctionKind = "reducer" | "procedure";

interface KnownFunction {
  readonly schema: FunctionSchema;
  readonly params: Codec;
  /** Of what it gives. */
  readonly returns: Codec | undefined;
}

/** A call as the server takes it, and what reads its arguments and its result. */
export interface EncodedCall {
  readonly name: string;
  readonly args: Uint8Array;
  readonly returns: Codec | undefined;
  readonly params: Codec;
}

export class Catalog {
  readonly database: string;
  #built: ClientSchema | undefined;
  readonly #unloaded: BuiltSchema | undefined;
  #text: string | undefined;
  #isTold = false;
  #now: ClientSchema | undefined;
  /** Made of `#now` when they are first used. */
  #tables = new Map<string, BagTable | LightconeError>();
  /** The same of the schema before: a table that is what it was keeps its rows. */
  #before = this.#tables;
  #schemaBefore: ClientSchema | undefined;
  readonly #functions = new Map<string, KnownFunction | LightconeError>();
  readonly #accessors = new Map<string, string>();

  /**
   * @param built the schema that the page was built with
   * @throws {LightconeError} `Malformed`
   */
  constructor(database: string, built: object | undefined) {
    this.database = database;
    if (built !== undefined && isUnloaded(built)) this.#unloaded = built;
    else this.#built = built && readSchema(built);
  }

  /** Gets the schema that the page was built with, where what is told next is another. Rejects with `VersionDiffers`. */
  async prepare(text: string): Promise<void> {
    const unloaded = this.#built === undefined ? this.#unloaded : undefined;
    if (unloaded === undefined || unloaded.hash === hashOf(text)) return;
    try {
      this.#built = readSchema(await unloaded.load());
    } catch (cause) {
      throw this.#differs(`what differs is not known, since its schema cannot be loaded (${String(cause)})`);
    }
  }

  /** The schema as the server has told it. */
  get text(): string | undefined {
    return this.#text;
  }

  /** Whether the server has told its schema. */
  get isKnown(): boolean {
    return this.#isTold;
  }

  /** The names of tables and functions in the module's code; none while they are not known. */
  get tableNames(): readonly string[] {
    return [...(this.#now?.tables.keys() ?? [])];
  }
  functionNames(kind: FunctionKind): readonly string[] {
    return [...(functionsOf(this.#now, kind)?.keys() ?? [])];
  }

  /**
   * Goes on with what the server tells.
   *
   * @returns whether it is another than before
   * @throws {LightconeError} `Malformed`, `TooDeep`; nothing is changed then
   */
  take(text: string): boolean {
    if (text === this.#text) {
      this.#built ??= this.#now;
      this.#isTold = true;
      return false;
    }
    const now = readSchema(parse(text));
    this.#isTold = true;
    this.#text = text;
    this.#schemaBefore = this.#now;
    this.#now = now;
    this.#before = this.#tables;
    this.#tables = new Map();
    this.#built ??= now;
    this.#functions.clear();
    this.#accessors.clear();
    for (const { accessor, name } of now.tables.values()) this.#accessors.set(name, accessor);
    return true;
  }

  /** Goes on with a schema that was kept, until the server tells its own. @throws {LightconeError} `Malformed`, `TooDeep` */
  restore(text: string): void {
    const built = this.#built;
    this.take(text);
    this.#built = built;
    this.#isTold = false;
  }

  /** The table that goes by a name on the wire. */
  accessorOf(name: string): string | undefined {
    return this.#accessors.get(name);
  }

  /** What the database tells of a table. @throws {LightconeError} `VersionDiffers` */
  schemaOf(accessor: string): TableSchema {
    this.table(accessor);
    const schema = this.#now?.tables.get(accessor);
    if (schema === undefined) throw new TypeError(`no table ${accessor}`); // would have been said
    return schema;
  }

  /** @throws {LightconeError} `VersionDiffers` */
  table(accessor: string): BagTable {
    const known = this.#tables.get(accessor) ?? this.#makeTable(accessor);
    this.#tables.set(accessor, known);
    if (known instanceof LightconeError) throw known;
    return known;
  }

  /**
   * A call as the server takes it.
   *
   * @throws {LightconeError} `VersionDiffers`, `BadArguments`
   */
  encodeCall(kind: FunctionKind, accessor: string, args: unknown): EncodedCall {
    const key = `${kind} ${accessor}`;
    const known = this.#functions.get(key) ?? this.#makeFunction(kind, accessor);
    this.#functions.set(key, known);
    if (known instanceof LightconeError) throw known;
    const { schema, params, returns } = known;
    const { elements } = schema.params;
    if (!isObject(args)) {
      const names = elements.map(({ name }) => `${name}: …`).join(", ");
      throw badArguments(accessor, `it takes one object, ${names === "" ? "{}" : `{ ${names} }`}, not ${shown(args)}`);
    }
    const missing = elements.find(({ name = "", type }) => Reflect.get(args, name) === undefined && !isOption(type));
    const surplus = surplusArgument(schema, args, missing !== undefined);
    if (surplus !== undefined) {
      // The page knows it by another name.
      if (missing !== undefined)
        throw this.#differs(
          `${kind} \`${accessor}\` takes a parameter \`${missing.name}\` and has none called \`${surplus}\``,
          false,
        );
      const others = elements.length === 0 ? "; it takes none" : listed(elements.map(({ name }) => name));
      throw badArguments(accessor, `there is no parameter \`${surplus}\`${others}`);
    }
    try {
      return { name: schema.name, args: encodeValue(params, args), returns, params };
    } catch (cause) {
      if (!(cause instanceof TypeError)) throw cause;
      throw badArguments(accessor, cause.message, { cause });
    }
  }

  #makeTable(accessor: string): BagTable | LightconeError {
    const table = this.#now?.tables.get(accessor);
    const built = this.#built?.tables.get(accessor);
    if (table === undefined)
      return this.#differs(`there is no public table \`${accessor}\`${listed(this.tableNames)}`, built !== undefined);
    const difference = built === undefined ? undefined : tableDifference(built, table);
    if (difference !== undefined) return this.#differs(difference);
    const before = this.#before.get(accessor);
    if (before !== undefined && !(before instanceof LightconeError) && this.#isSame(accessor)) return before;
    const columns = partsOf(table.row);
    return { accessor, columns, row: partsCodec(columns), key: columns.find(({ name }) => name === table.key?.name) };
  }

  #isSame(accessor: string): boolean {
    const [before, now] = [this.#schemaBefore?.tables.get(accessor), this.#now?.tables.get(accessor)];
    if (before === undefined || now === undefined || before.key?.name !== now.key?.name) return false;
    return isSame(before.row, now.row);
  }

  #makeFunction(kind: FunctionKind, accessor: string): KnownFunction | LightconeError {
    const schema = functionsOf(this.#now, kind)?.get(accessor);
    const built = functionsOf(this.#built, kind)?.get(accessor);
    if (schema === undefined)
      return this.#differs(
        `there is no ${kind} \`${accessor}\` for clients${listed(this.functionNames(kind))}`,
        built !== undefined,
      );
    const difference = built === undefined ? undefined : functionDifference(kind, built, schema);
    if (difference !== undefined) return this.#differs(difference);
    const { params, returns } = schema;
    return { schema, params: makeCodec(params), returns: returns === undefined ? undefined : makeCodec(returns) };
  }

  #differs(difference: string, wasKnown = true): LightconeError {
    return new LightconeError("VersionDiffers", { database: this.database, difference, wasKnown });
  }
}

function functionsOf(schema: ClientSchema | undefined, kind: FunctionKind): ClientSchema["reducers"] | undefined {
  return kind === "reducer" ? schema?.reducers : schema?.procedures;
}

const isUnloaded = (built: object): built is BuiltSchema => "load" in built;

const hashOf = (text: string): number => hashBytes(new TextEncoder().encode(text));

const listedMax = 10;

export function listed(names: readonly (string | undefined)[]): string {
  const shown = names.slice(0, listedMax).join(", ");
  return shown === "" ? "" : `; there are ${shown}${names.length > listedMax ? ", …" : ""}`;
}

function badArguments(reducer: string, reason: string, options?: ErrorOptions): LightconeError {
  return new LightconeError("BadArguments", { reducer, reason }, options);
}

/** What is given and is no parameter. What is undefined is given only where something is missing. */
function surplusArgument({ params }: FunctionSchema, args: object, isMissing: boolean): string | undefined {
  for (const [name, value] of Object.entries(args))
    if ((isMissing || value !== undefined) && !params.elements.some((one) => one.name === name)) return name;
  return undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new LightconeError("Malformed", { what: "the database's schema", reason: "it is no JSON" }, { cause });
  }
}
