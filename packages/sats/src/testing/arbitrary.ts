/** Random types, values of them, and spoilt bytes, for property tests. */
import fc from "fast-check";
import type { AlgebraicType, Member, ProductType, SumType } from "../algebraic-type.ts";
import { isBytes, isOption, isResult, isUnit, hasElementNames, specialProduct } from "../type-predicates.ts";
import {
  bytes,
  connectionId,
  identity,
  option,
  result,
  scheduleAt,
  t,
  timeDuration,
  timestamp,
  unit,
  uuid,
} from "../types.ts";
import { ConnectionId } from "../values/connection-id.ts";
import { Identity } from "../values/identity.ts";
import { TimeDuration } from "../values/time-duration.ts";
import { Timestamp } from "../values/timestamp.ts";
import { Uuid } from "../values/uuid.ts";

const nameArbitrary = fc.oneof(
  fc.constantFrom(
    "id",
    "name",
    "x",
    "__proto__",
    "constructor",
    "length",
    "ok",
    "some",
    "tag",
    "value",
    'a"b',
    "\u2028",
    "naïve",
  ),
  fc.string({ maxLength: 6, unit: "grapheme" }).filter((name) => !/^[0-9]+$/.test(name)),
);

export interface TypeOptions {
  /** Whether elements and variants may lack a name. */
  readonly unnamed: boolean;
}

/** A type without `Ref`s that has values. */
export function arbitraryType({ unnamed }: TypeOptions): fc.Arbitrary<AlgebraicType> {
  const { type } = fc.letrec<{ type: AlgebraicType }>((tie) => {
    const members = (max: number, min: number): fc.Arbitrary<Member[]> =>
      fc.oneof(
        {
          weight: 5,
          arbitrary: fc.uniqueArray(fc.record({ name: nameArbitrary, type: tie("type") }), {
            minLength: min,
            maxLength: max,
            selector: (member) => member.name,
          }),
        },
        {
          weight: unnamed ? 1 : 0,
          arbitrary: fc.array(fc.record({ name: fc.constant(undefined), type: tie("type") }), {
            minLength: min,
            maxLength: max,
          }),
        },
      );
    return {
      type: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        fc.constantFrom<AlgebraicType>(...Object.values(t)),
        fc.constantFrom<AlgebraicType>(unit, bytes, identity, connectionId, timestamp, timeDuration, uuid, scheduleAt),
        members(5, 0).map((elements): ProductType => ({ kind: "Product", elements })),
        members(4, 1).map((variants): SumType => ({ kind: "Sum", variants })),
        tie("type").map((element): AlgebraicType => ({ kind: "Array", element })),
        tie("type").map(option),
        fc.tuple(tie("type"), tie("type")).map(([ok, err]) => result(ok, err)),
      ),
    };
  });
  return type;
}

const signed = (bits: number): fc.Arbitrary<bigint> =>
  fc.bigInt({ min: -(1n << BigInt(bits - 1)), max: (1n << BigInt(bits - 1)) - 1n });
const unsigned = (bits: number): fc.Arbitrary<bigint> => fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n });

/** A value of a type, as codecs take and give it. Floats are finite if asked, and never NaN of odd bits. */
export function arbitraryValue(type: AlgebraicType, finite = false): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case "String":
      return fc.oneof(fc.string({ maxLength: 8 }), fc.string({ unit: "binary", maxLength: 40 }));
    case "Bool":
      return fc.boolean();
    case "F32":
      return fc.float({ noNaN: finite, noDefaultInfinity: finite });
    case "F64":
      return fc.double({ noNaN: finite, noDefaultInfinity: finite });
    case "Array":
      return isBytes(type)
        ? fc.uint8Array({ maxLength: 40 })
        : fc.array(arbitraryValue(type.element, finite), { maxLength: 5 });
    case "Product":
      return arbitraryProduct(type, finite);
    case "Sum":
      return arbitrarySum(type, finite);
    case "Ref":
      throw new TypeError("random types have no Ref");
    default: {
      const bits = Number(type.kind.slice(1));
      const numbers = type.kind.startsWith("I") ? signed(bits) : unsigned(bits);
      return bits <= 32 ? numbers.map(Number) : numbers;
    }
  }
}

function arbitraryProduct(type: ProductType, finite: boolean): fc.Arbitrary<unknown> {
  switch (specialProduct(type)) {
    case "Identity":
      return unsigned(256).map((value) => new Identity(value));
    case "ConnectionId":
      return unsigned(128).map((value) => new ConnectionId(value));
    case "Timestamp":
      return signed(64).map((value) => new Timestamp(value));
    case "TimeDuration":
      return signed(64).map((value) => new TimeDuration(value));
    case "Uuid":
      return unsigned(128).map((value) => new Uuid(value));
    default:
  }
  const values = fc.tuple(...type.elements.map((element) => arbitraryValue(element.type, finite)));
  if (!hasElementNames(type)) return values;
  return values.map((list) => {
    const object: Record<string, unknown> = {};
    type.elements.forEach(({ name }, index) => {
      Object.defineProperty(object, name ?? "", {
        value: list[index],
        enumerable: true,
        writable: true,
        configurable: true,
      });
    });
    return object;
  });
}

function arbitrarySum(type: SumType, finite: boolean): fc.Arbitrary<unknown> {
  const [first, second] = type.variants;
  if (isOption(type) && first !== undefined && !isOption(first.type)) {
    return fc.option(arbitraryValue(first.type, finite), { nil: undefined });
  }
  if (isResult(type) && first !== undefined && second !== undefined) {
    return fc.oneof(
      arbitraryValue(first.type, finite).map((ok) => ({ ok })),
      arbitraryValue(second.type, finite).map((err) => ({ err })),
    );
  }
  return fc.oneof(
    ...type.variants.map(({ name, type: payload }, index) => {
      const tag = name ?? index;
      return isUnit(payload) ? fc.constant({ tag }) : arbitraryValue(payload, finite).map((value) => ({ tag, value }));
    }),
  );
}

/** A type with a value of it. */
export function arbitraryTyped(
  options: TypeOptions,
  finite = false,
): fc.Arbitrary<{ type: AlgebraicType; value: unknown }> {
  return arbitraryType(options).chain((type) =>
    fc.record({ type: fc.constant(type), value: arbitraryValue(type, finite) }),
  );
}

/** Changes to make to bytes: cut, extended, or with bytes replaced. */
export const arbitrarySpoiling: fc.Arbitrary<(bytes: Uint8Array) => Uint8Array> = fc
  .record({
    edits: fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 1, 2, 3, 0x7f, 0x80, 0xc0, 0xed, 0xf5, 0xff)), {
      maxLength: 3,
    }),
    cut: fc.option(fc.nat(), { nil: undefined, freq: 2 }),
    tail: fc.uint8Array({ maxLength: 3 }),
  })
  .map(({ edits, cut, tail }) => (source: Uint8Array) => {
    const kept = source.slice(0, cut === undefined ? source.length : cut % (source.length + 1));
    for (const [at, byte] of edits) if (kept.length > 0) kept[at % kept.length] = byte;
    const spoilt = new Uint8Array(kept.length + tail.length);
    spoilt.set(kept);
    spoilt.set(tail, kept.length);
    return spoilt;
  });
