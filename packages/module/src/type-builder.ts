/**
 * The types of `t`'s values, and the one class behind them all.
 *
 * A builder's TypeScript type carries two phantoms: the value's type and the set of modifiers applied.
 * Which modifiers exist depends on the family: `PlainType` (default, name, optional), `KeyType` (also
 * index, unique, primaryKey), `IntegerType` (also autoInc). A modifier that a family lacks is declared as
 * `Wrong<"…">`, so that the compiler's message says why.
 *
 * Builders are immutable: a modifier gives a new one.
 */
import type { ColumnFacts, IndexAlgorithm, TypeShape } from "./type-shape.ts";

declare const valueOf: unique symbol;
declare const modifiersOf: unique symbol;

/** A use that cannot work; the text is the reason. */
export interface Wrong<Reason extends string> {
  readonly wrong: Reason;
}

/**
 * What a builder's type carries besides its values: the modifiers applied, and what other types need to know. An
 * `optional` column may be left out of a row; an option of an option is `nested` and may not, since `none` and
 * `some(none)` differ.
 */
export type Modifier =
  | "primaryKey"
  | "unique"
  | "autoInc"
  | "default"
  | "optional"
  | "nested"
  | "u8"
  | "unit"
  | `index:${IndexAlgorithm}`;

/** Any builder. `V` is the type of its values. */
export interface AnyType<V = unknown, M extends Modifier = Modifier> {
  readonly [valueOf]: V;
  readonly [modifiersOf]: M;
  readonly shape: TypeShape;
  readonly facts: ColumnFacts;
}

// Texts, since the compiler names a type by its alias and would not show what stands behind it.
type NotAKey =
  "only integers, bool, string, identity, connectionId, timestamp, timeDuration, uuid and enums without payloads can be keys";
type NotAnInteger = "autoInc() is for integer columns";
type KeyedOption = "a key or an index cannot be optional: leave one of them out";

/** Of an option: its value is `undefined` or the other's, or says which with a tag where that would be ambiguous. */
export type OptionType<V, M extends Modifier> = [Extract<M, "optional" | "nested">] extends [never]
  ? PlainType<V | undefined, Exclude<M, "u8" | "unit"> | "optional">
  : PlainType<{ tag: "some"; value: V } | { tag: "none" }, Exclude<M, "optional"> | "nested">;
type OptionOfKey<V, M extends Modifier> = [
  Extract<M, "primaryKey" | "unique" | "autoInc" | `index:${IndexAlgorithm}`>,
] extends [never]
  ? () => OptionType<V, M>
  : Wrong<KeyedOption>;

/** A type that can be a column, but neither a key nor an index. */
export interface PlainType<V, M extends Modifier = never> extends AnyType<V, M> {
  /** The value that existing rows get when this column is added to a table. */
  default(value: V): PlainType<V, M | "default">;
  /** A name for the column apart from its key in the code. */
  name(name: string): PlainType<V, M>;
  /** What the column was called before: its values are kept. */
  was(name: string): PlainType<V, M>;
  /** The same value, or none. */
  optional(): OptionType<V, M>;
  readonly index: Wrong<NotAKey>;
  readonly unique: Wrong<NotAKey>;
  readonly primaryKey: Wrong<NotAKey>;
  readonly autoInc: Wrong<NotAnInteger>;
}

/** A type that can be a key. */
export interface KeyType<V, M extends Modifier = never> extends AnyType<V, M> {
  default(value: V): KeyType<V, M | "default">;
  name(name: string): KeyType<V, M>;
  was(name: string): KeyType<V, M>;
  readonly optional: OptionOfKey<V, M>;
  /** An index over this column alone, under the column's name. B-tree unless told otherwise. */
  index(): KeyType<V, M | "index:btree">;
  index<A extends IndexAlgorithm>(algorithm: A): KeyType<V, M | `index:${A}`>;
  /** No two rows have the same value; `find`, `update` and `delete` go by it. */
  unique(): KeyType<V, M | "unique">;
  /** The table's key: unique, and what clients recognise an updated row by. At most one. */
  primaryKey(): KeyType<V, M | "primaryKey">;
  readonly autoInc: Wrong<NotAnInteger>;
}

/** An integer type. */
export interface IntegerType<V, M extends Modifier = never> extends AnyType<V, M> {
  default(value: V): IntegerType<V, M | "default">;
  name(name: string): IntegerType<V, M>;
  was(name: string): IntegerType<V, M>;
  readonly optional: OptionOfKey<V, M>;
  index(): IntegerType<V, M | "index:btree">;
  index<A extends IndexAlgorithm>(algorithm: A): IntegerType<V, M | `index:${A}`>;
  unique(): IntegerType<V, M | "unique">;
  primaryKey(): IntegerType<V, M | "primaryKey">;
  /** A row that is inserted without it, or with 0, gets the next number. */
  autoInc(): IntegerType<V, M | "autoInc">;
}

/** The type of a builder's values. */
export type ValueOf<T> = T extends AnyType<infer V> ? V : never;
/**
 * What was said of a column besides the type of its values, as texts: `primaryKey`, `unique`, `optional` and so on.
 */
export type ModifiersOf<T> = T extends AnyType<unknown, infer M> ? M : never;

/** A row's columns, or an object's fields, by name. */
export type Fields = Readonly<Record<string, AnyType>>;

/** The value of a set of fields: a plain object. */
export type FieldsValue<F> = { -readonly [K in keyof F]: ValueOf<F[K]> };

/** What runs behind the interfaces above. It has every modifier; the types say which may be used. */
export class Builder {
  readonly shape: TypeShape;
  readonly facts: ColumnFacts;

  constructor(shape: TypeShape, facts: ColumnFacts = {}) {
    this.shape = shape;
    this.facts = facts;
  }

  index(algorithm: IndexAlgorithm = "btree"): Builder {
    return withFacts(this, { index: algorithm });
  }
  unique(): Builder {
    return withFacts(this, { unique: true });
  }
  primaryKey(): Builder {
    return withFacts(this, { primaryKey: true });
  }
  autoInc(): Builder {
    return withFacts(this, { autoInc: true });
  }
  default(value: unknown): Builder {
    return withFacts(this, { default: { value } });
  }
  name(name: string): Builder {
    return withFacts(this, { name });
  }
  was(was: string): Builder {
    return withFacts(this, { was });
  }
  optional(): Builder {
    const { shape, facts } = this;
    // The default of what was an option already is now a value within one.
    const given =
      facts.default !== undefined && isOption(shape) ? { tag: "some", value: facts.default.value } : undefined;
    return new Builder(optionShape(shape), given === undefined ? facts : { ...facts, default: { value: given } });
  }
}

/** What every builder has; an enum's variants of these names have no maker beside them. */
export type BuilderMember =
  | "index"
  | "unique"
  | "primaryKey"
  | "autoInc"
  | "default"
  | "name"
  | "was"
  | "optional"
  | "shape"
  | "facts";

function withFacts({ shape, facts }: Builder, more: ColumnFacts): Builder {
  return new Builder(shape, { ...facts, ...more });
}

/** Whether a value was made with `t`, of whichever copy of this library: a project may have two. */
export function isType(value: unknown): value is AnyType {
  if (typeof value !== "object" || value === null || !("shape" in value)) return false;
  const { shape } = value;
  return typeof shape === "object" && shape !== null && "kind" in shape && typeof shape.kind === "string";
}

export function isOption(shape: TypeShape): boolean {
  return shape.kind === "Sum" && shape.typeName === undefined && shape.variants[0]?.name === "some";
}

export function optionShape(some: TypeShape): TypeShape {
  return {
    kind: "Sum",
    variants: [
      { name: "some", type: some },
      { name: "none", type: { kind: "Product", elements: [] } },
    ],
  };
}
