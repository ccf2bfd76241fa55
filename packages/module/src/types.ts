/** `t`: the types of columns, parameters and fields. */
import type { PrimitiveKind } from "@lightcone/sats";
import type { ConnectionId, Identity, ScheduleAt, TimeDuration, Timestamp, Uuid } from "./values.ts";
import { Builder, isType, optionShape } from "./type-builder.ts";
import type {
  AnyType,
  BuilderMember,
  Fields,
  FieldsValue,
  IntegerType,
  KeyType,
  ModifiersOf,
  OptionType,
  PlainType,
  ValueOf,
  Wrong,
} from "./type-builder.ts";
import type { MemberShape, TypeShape } from "./type-shape.ts";

/** The value of an enum whose variants have the payloads `P`. */
export type EnumValue<P extends Fields> = {
  [K in keyof P & string]: "unit" extends ModifiersOf<P[K]> ? { tag: K } : { tag: K; value: ValueOf<P[K]> };
}[keyof P & string];

/**
 * Makers of an enum's values, by variant: a constant without a payload, a function with one. A variant with the name
 * of a member that every type has, such as `default`, has no maker: write `{ tag }`.
 */
export type EnumMakers<P extends Fields> = {
  readonly [K in Exclude<keyof P & string, BuilderMember>]: "unit" extends ModifiersOf<P[K]>
    ? { readonly tag: K }
    : (value: ValueOf<P[K]>) => { tag: K; value: ValueOf<P[K]> };
};

/** The type of `t.unit()`: what is always the same, `{}`. */
export type UnitType = PlainType<Record<never, never>, "unit">;
/** The type of `t.u8()`, of which an array is a `Uint8Array`. */
export type U8Type = IntegerType<number, "u8">;

/** Numbers of bytes come as a `Uint8Array`, everything else as an array. */
type ArrayValue<E> = "u8" extends ModifiersOf<E> ? Uint8Array : ValueOf<E>[];

/** An object without fields is a unit, whatever its name. */
type ObjectType<F extends Fields> = [keyof F] extends [never] ? UnitType : PlainType<FieldsValue<F>>;

/** A named enum with the variants of an option or a result: it would be taken for one. */
type CheckedVariants<K extends string> = [K] extends ["some" | "none"]
  ? [Exclude<"some" | "none", K>] extends [never]
    ? Wrong<"an enum of `some` and `none` is an option: use t.option(…), or other names">
    : unknown
  : [K] extends ["ok" | "err"]
    ? [Exclude<"ok" | "err", K>] extends [never]
      ? Wrong<"an enum of `ok` and `err` is a result: use t.result(…), or other names">
      : unknown
    : unknown;

/**
 * What `t` makes: types of columns, parameters and results. Whole numbers up to 32 bits are a `number`, longer ones a
 * `bigint`.
 *
 * A column takes modifiers behind its type: `.primaryKey()`, `.unique()`, `.index()` (or `.index("hash")`),
 * `.autoInc()` of whole numbers,
 * `.optional()`, `.default(value)` for rows that are there when the column is added, `.was("name")` for a column that
 * was called otherwise.
 */
export interface TypeBuilders {
  bool(): KeyType<boolean>;
  string(): KeyType<string>;
  i8(): IntegerType<number>;
  u8(): U8Type;
  i16(): IntegerType<number>;
  u16(): IntegerType<number>;
  i32(): IntegerType<number>;
  u32(): IntegerType<number>;
  i64(): IntegerType<bigint>;
  u64(): IntegerType<bigint>;
  i128(): IntegerType<bigint>;
  u128(): IntegerType<bigint>;
  i256(): IntegerType<bigint>;
  u256(): IntegerType<bigint>;
  f32(): PlainType<number>;
  f64(): PlainType<number>;
  /** The same as `f64`. */
  number(): PlainType<number>;
  /** Any number of values of one type. An array of `u8` is a `Uint8Array`. */
  array<E extends AnyType>(element: E): PlainType<ArrayValue<E>>;
  byteArray(): PlainType<Uint8Array>;
  /** Named fields under a type name of their own. */
  object<const F extends Fields>(typeName: string, fields: F): ObjectType<F>;
  /** A row's columns; with a name, the name of its type. */
  row<const F extends Fields>(fields: F): RowType<F>;
  row<const F extends Fields>(typeName: string, fields: F): RowType<F>;
  /** One of several variants: `{ tag }`, or `{ tag, value }` where a variant has a payload. */
  enum<const T extends string>(
    typeName: string,
    tags: readonly T[] & CheckedVariants<T>,
  ): KeyType<{ [K in T]: { tag: K } }[T]> & { readonly [K in Exclude<T, BuilderMember>]: { readonly tag: K } };
  enum<const P extends Fields>(
    typeName: string,
    variants: P & CheckedVariants<keyof P & string>,
  ): PlainType<EnumValue<P>> & EnumMakers<P>;
  unit(): UnitType;
  /**
   * A value, or `undefined`. The same as `.optional()`. Of an option it is `{ tag: "some", value }` or `{ tag: "none" }`,
   * since `undefined` could be either's.
   */
  option<T extends AnyType>(some: T): OptionType<ValueOf<T>, Extract<ModifiersOf<T>, "optional" | "nested">>;
  /** `{ ok }` or `{ err }`. */
  result<O extends AnyType, E extends AnyType>(ok: O, err: E): PlainType<{ ok: ValueOf<O> } | { err: ValueOf<E> }>;
  identity(): KeyType<Identity>;
  connectionId(): KeyType<ConnectionId>;
  timestamp(): KeyType<Timestamp>;
  timeDuration(): KeyType<TimeDuration>;
  uuid(): KeyType<Uuid>;
  scheduleAt(): PlainType<ScheduleAt>;
  /**
   * A type that is made further down, or in a file that imports this one. A type cannot contain itself, also not by this: keep
   * such parts as rows of their own, which name what they belong to.
   */
  lazy<T extends AnyType>(of: () => T): PlainType<ValueOf<T>, ModifiersOf<T>>;
}

/** The type of a table's rows: also a parameter's type, as a scheduled reducer takes it. */
export interface RowType<F extends Fields> extends PlainType<
  FieldsValue<F>,
  [keyof F] extends [never] ? "unit" : never
> {
  readonly fields: F;
}

export class RowBuilder extends Builder {
  readonly fields: Fields;

  constructor(typeName: string | undefined, fields: Fields) {
    const isKey = (one: unknown): boolean => isType(one) && one.facts.primaryKey === true;
    const primaryKey = Object.keys(fields).find((name) => isKey(fields[name]));
    super({ ...productShape(fields, typeName), ...(primaryKey === undefined ? {} : { primaryKey }) });
    this.fields = fields;
  }
}

function productShape(fields: Fields, typeName?: string): TypeShape & { readonly kind: "Product" } {
  const elements = members(fields);
  return typeName === undefined ? { kind: "Product", elements } : { kind: "Product", typeName, elements };
}

function shapeOf(one: unknown): TypeShape {
  if (!isType(one)) throw new TypeError("a type within another was not made with `t`: write t.array(t.string())");
  return one.shape;
}

function members(fields: Fields): MemberShape[] {
  return Object.entries(fields).map(([name, one]: [string, unknown]) => {
    if (!isType(one)) throw new TypeError(`the type of \`${name}\` was not made with \`t\`: write ${name}: t.string()`);
    return { name, type: one.shape };
  });
}

const scalar = (kind: PrimitiveKind) => () => new Builder({ kind });
const wrapped = (field: string, kind: PrimitiveKind) => () =>
  new Builder({ kind: "Product", elements: [{ name: field, type: { kind } }] });

function sum(variants: readonly MemberShape[], typeName?: string): TypeShape {
  return typeName === undefined ? { kind: "Sum", variants } : { kind: "Sum", typeName, variants };
}

const memberNames: Record<BuilderMember, true> = {
  index: true,
  unique: true,
  primaryKey: true,
  autoInc: true,
  default: true,
  name: true,
  was: true,
  optional: true,
  shape: true,
  facts: true,
};
const builderMembers: ReadonlySet<string> = new Set(Object.keys(memberNames));

function makeEnum(typeName: string, variants: readonly string[] | Fields): Builder {
  const unit: TypeShape = { kind: "Product", elements: [] };
  const list: MemberShape[] = Array.isArray(variants)
    ? variants.map((name: string) => ({ name, type: unit }))
    : members(variants as Fields);
  const builder = new Builder(sum(list, typeName));
  for (const { name, type } of list) {
    if (Object.hasOwn(builder, name) && !builderMembers.has(name))
      throw new TypeError(`the enum ${typeName} has two variants that are called \`${name}\``);
    const isUnit = type.kind === "Product" && type.elements.length === 0;
    const maker = isUnit ? Object.freeze({ tag: name }) : (value: unknown) => ({ tag: name, value });
    if (!builderMembers.has(name)) Object.defineProperty(builder, name, { value: maker, enumerable: true });
  }
  return builder;
}

const builders: Record<keyof TypeBuilders, (...args: never[]) => Builder> = {
  bool: scalar("Bool"),
  string: scalar("String"),
  i8: scalar("I8"),
  u8: scalar("U8"),
  i16: scalar("I16"),
  u16: scalar("U16"),
  i32: scalar("I32"),
  u32: scalar("U32"),
  i64: scalar("I64"),
  u64: scalar("U64"),
  i128: scalar("I128"),
  u128: scalar("U128"),
  i256: scalar("I256"),
  u256: scalar("U256"),
  f32: scalar("F32"),
  f64: scalar("F64"),
  number: scalar("F64"),
  array: (element: AnyType) => new Builder({ kind: "Array", element: shapeOf(element) }),
  byteArray: () => new Builder({ kind: "Array", element: { kind: "U8" } }),
  object: (typeName: string, fields: Fields) => new Builder(productShape(fields, typeName)),
  row: (first: string | Fields, second?: Fields) =>
    typeof first === "string" ? new RowBuilder(first, second ?? {}) : new RowBuilder(undefined, first),
  enum: makeEnum,
  unit: () => new Builder({ kind: "Product", elements: [] }),
  option: (some: AnyType) => new Builder(optionShape(shapeOf(some))),
  result: (ok: AnyType, err: AnyType) =>
    new Builder(
      sum([
        { name: "ok", type: shapeOf(ok) },
        { name: "err", type: shapeOf(err) },
      ]),
    ),
  lazy: (of: () => AnyType) => {
    if (typeof of !== "function") throw new TypeError("t.lazy takes a function that gives a type: t.lazy(() => Point)");
    return new Builder({ kind: "Lazy", of: () => shapeOf(of()) });
  },
  identity: wrapped("__identity__", "U256"),
  connectionId: wrapped("__connection_id__", "U128"),
  timestamp: wrapped("__timestamp_micros_since_unix_epoch__", "I64"),
  timeDuration: wrapped("__time_duration_micros__", "I64"),
  uuid: wrapped("__uuid__", "U128"),
  scheduleAt: () =>
    new Builder(
      sum([
        { name: "Interval", type: wrapped("__time_duration_micros__", "I64")().shape },
        { name: "Time", type: wrapped("__timestamp_micros_since_unix_epoch__", "I64")().shape },
      ]),
    ),
};

/**
 * The types of columns, parameters and fields.
 *
 * @example
 * table({ public: true }, { id: t.u64().primaryKey().autoInc(), name: t.string().index(), tags: t.array(t.string()) })
 */
// One class stands behind every interface; the interfaces are what an author may rely on.
export const t = builders as unknown as TypeBuilders;
