/**
 * BSATN → SATS-JSON text, without making a value: docs/wire/values.md.
 *
 *   named       products { name: … }, sums { variant: … }, unit {}     values written against a schema
 *   message     the same with unit []                                  definitions, envelopes, info bodies
 *   positional  products […], sums [tag, …], unit []                   SQL over HTTP, rows of updates
 *   row         products { name: … }, sums [tag, …], unit {}           first rows in the JSON text protocol
 */
import { LightconeError, defined } from "@lightcone/base";
import type { AlgebraicType, ProductType, SumType, Typespace } from "../algebraic-type.ts";
import type { ByteReader } from "../byte-reader.ts";
import { toHex } from "../hex.ts";
import { valueDepthMax } from "../limits.ts";
import { minSizeOf } from "../measure.ts";
import { followRef } from "../refs.ts";
import { f32Text, f64Text, wideHexText } from "./json-number.ts";

export type JsonForm = "named" | "message" | "positional" | "row";

/** Reads one value and writes it as JSON. */
export type JsonWriter = (input: ByteReader) => string;

/** Makes the writer of a type; keep it where many values are written. */
export function jsonWriter(type: AlgebraicType, form: JsonForm, typespace: Typespace = []): JsonWriter {
  const write = new WriterMaker(form, typespace).make(type);
  return (input) => write(input, 0);
}

/**
 * Writes the value that `input` holds next as JSON.
 *
 * @throws {LightconeError} `Malformed`, `TooDeep`; also `Malformed` in a named form for an element without a name
 */
export function bsatnToJson(type: AlgebraicType, form: JsonForm, input: ByteReader, typespace: Typespace = []): string {
  if (typespace.length > 0) return jsonWriter(type, form, typespace)(input);
  let kept = keptWriters[form].get(type);
  if (kept === undefined) {
    kept = jsonWriter(type, form);
    keptWriters[form].set(type, kept);
  }
  return kept(input);
}

/** Writers of types without `Ref`s, made once each. */
const keptWriters: Readonly<Record<JsonForm, WeakMap<AlgebraicType, JsonWriter>>> = {
  named: new WeakMap(),
  message: new WeakMap(),
  positional: new WeakMap(),
  row: new WeakMap(),
};

type Write = (input: ByteReader, depth: number) => string;

class WriterMaker {
  private readonly form: JsonForm;
  private readonly typespace: Typespace;
  private readonly made = new Map<AlgebraicType, Write>();

  constructor(form: JsonForm, typespace: Typespace) {
    this.form = form;
    this.typespace = typespace;
  }

  make(type: AlgebraicType): Write {
    const target = followRef(type, this.typespace);
    const before = this.made.get(target);
    if (before !== undefined) return before;
    // A recursive type finds this writer, which is complete by the time it runs.
    const later: { write?: Write } = {};
    this.made.set(target, (input, depth) => defined(later.write, "writer")(input, depth));
    const write = this.makeNew(target);
    later.write = write;
    this.made.set(target, write);
    return write;
  }

  private makeNew(type: AlgebraicType): Write {
    switch (type.kind) {
      case "Product":
        return this.product(type);
      case "Sum":
        return this.sum(type);
      case "Array":
        return this.array(type.element);
      case "Ref":
        throw new TypeError("a Ref was just followed");
      default:
        return primitiveWriters[type.kind];
    }
  }

  private product(type: ProductType): Write {
    const positional = this.form === "positional";
    if (type.elements.length === 0) {
      const unitText = this.form === "positional" || this.form === "message" ? "[]" : "{}";
      return () => unitText;
    }
    const writes = type.elements.map((element) => this.make(element.type));
    const unnamed = type.elements.some((element) => element.name === undefined);
    if (unnamed && (this.form === "named" || this.form === "message")) {
      return (input) => input.fail("tuple element has no name");
    }
    const asArray = positional || unnamed;
    const leads = type.elements.map(
      ({ name }, index) => (index === 0 ? "" : ",") + (asArray ? "" : `${JSON.stringify(name)}:`),
    );
    const [open, close] = asArray ? ["[", "]"] : ["{", "}"];
    return (input, depth) => {
      checkDepth(depth);
      let text = open;
      for (let index = 0; index < writes.length; index += 1) {
        text += (leads[index] as string) + (writes[index] as Write)(input, depth + 1); // one of each per element
      }
      return text + close;
    };
  }

  private sum(type: SumType): Write {
    const byName = this.form === "named" || this.form === "message";
    const variants = type.variants.map(({ name, type: payload }, tag) => {
      const write = this.make(payload);
      return byName && name !== undefined
        ? { write, open: `{${JSON.stringify(name)}:`, close: "}" }
        : { write, open: `[${tag},`, close: "]" };
    });
    return (input, depth) => {
      checkDepth(depth);
      const tag = input.u8();
      const variant = variants[tag] ?? input.fail(`no variant has tag ${tag}`, input.at - 1);
      return variant.open + variant.write(input, depth + 1) + variant.close;
    };
  }

  private array(elementType: AlgebraicType): Write {
    if (followRef(elementType, this.typespace).kind === "U8") {
      return (input) => {
        const length = input.u32();
        const at = input.take(length);
        return `"${toHex(input.bytes, at, at + length)}"`;
      };
    }
    const sizeMin = minSizeOf(elementType, this.typespace);
    const write = this.make(elementType);
    return (input, depth) => {
      checkDepth(depth);
      const count = input.count(sizeMin);
      let text = "[";
      for (let index = 0; index < count; index += 1) {
        if (index > 0) text += ",";
        text += write(input, depth + 1);
      }
      return `${text}]`;
    };
  }
}

function checkDepth(depth: number): void {
  if (depth >= valueDepthMax) throw new LightconeError("TooDeep", { what: "value", depthMax: valueDepthMax });
}

const primitiveWriters: Readonly<Record<Exclude<AlgebraicType["kind"], "Product" | "Sum" | "Array" | "Ref">, Write>> = {
  String: (input) => JSON.stringify(input.string()),
  Bool: (input) => (input.bool() ? "true" : "false"),
  I8: (input) => String(input.i8()),
  U8: (input) => String(input.u8()),
  I16: (input) => String(input.i16()),
  U16: (input) => String(input.u16()),
  I32: (input) => String(input.i32()),
  U32: (input) => String(input.u32()),
  I64: (input) => String(input.i64()),
  U64: (input) => String(input.u64()),
  I128: (input) => String(input.i128()),
  U128: (input) => String(input.u128()),
  I256: (input) => wideHexText(input.i256()),
  U256: (input) => wideHexText(input.u256()),
  F32: (input) => f32Text(input.f32()),
  F64: (input) => f64Text(input.f64()),
};
