/**
 * A plan's parameters in the form that generated predicates read: numbers by slot, and views of bytes.
 *
 * A number type takes one slot; an integer over 32 bits takes one per 32-bit word, the lowest first, the highest with
 * the type's sign; text and byte arrays take a view of their BSATN, count included.
 */
import type { AlgebraicType, PrimitiveKind } from "@lightcone/sats";
import type { Param } from "@lightcone/sql";

/** How values of a comparable type are read and compared. */
export type Form =
  /** Read whole by a getter of `DataView`. */
  | { readonly kind: "number"; readonly getter: "Uint8" | "Int8" | "Uint16" | "Int16" | "Uint32" | "Int32" }
  | { readonly kind: "float"; readonly getter: "Float32" | "Float64" }
  | { readonly kind: "words"; readonly count: number; readonly signed: boolean }
  /** A count of bytes, then the bytes. */
  | { readonly kind: "counted" };

const numbers: Readonly<Partial<Record<PrimitiveKind, Form>>> = {
  Bool: { kind: "number", getter: "Uint8" },
  U8: { kind: "number", getter: "Uint8" },
  I8: { kind: "number", getter: "Int8" },
  U16: { kind: "number", getter: "Uint16" },
  I16: { kind: "number", getter: "Int16" },
  U32: { kind: "number", getter: "Uint32" },
  I32: { kind: "number", getter: "Int32" },
  U64: { kind: "words", count: 2, signed: false },
  I64: { kind: "words", count: 2, signed: true },
  U128: { kind: "words", count: 4, signed: false },
  I128: { kind: "words", count: 4, signed: true },
  U256: { kind: "words", count: 8, signed: false },
  I256: { kind: "words", count: 8, signed: true },
  F32: { kind: "float", getter: "Float32" },
  F64: { kind: "float", getter: "Float64" },
  String: { kind: "counted" },
};

/** The form of a type that SQL compares; special types have the form of what they hold. */
export function formOf(type: AlgebraicType): Form {
  if (type.kind === "Array") return { kind: "counted" };
  if (type.kind === "Product" && type.elements[0] !== undefined) return formOf(type.elements[0].type);
  const form = numbers[type.kind as PrimitiveKind];
  if (form === undefined) throw new TypeError(`type ${type.kind} has no order in SQL`);
  return form;
}

/** Where each parameter is stored: its first slot in `numbers`, or its position in `views`. */
export interface ArgLayout {
  readonly at: readonly number[];
  readonly forms: readonly Form[];
  readonly numberCount: number;
}

export function layOutArgs(params: readonly Param[]): ArgLayout {
  const forms = params.map((param) => formOf(param.type));
  let numberCount = 0;
  let viewCount = 0;
  const at = forms.map((form) => {
    if (form.kind === "counted") return viewCount++;
    const first = numberCount;
    numberCount += form.kind === "words" ? form.count : 1;
    return first;
  });
  return { at, forms, numberCount };
}

export interface Args {
  readonly numbers: Float64Array;
  readonly views: readonly DataView[];
}

/** Decodes parameter values, each BSATN of its type, once for many rows. */
export function makeArgs(layout: ArgLayout, values: readonly Uint8Array[]): Args {
  const out = new Float64Array(layout.numberCount);
  const views: DataView[] = [];
  layout.forms.forEach((form, i) => {
    const bytes = values[i];
    if (bytes === undefined) throw new TypeError(`parameter ${i} has no value`);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const at = layout.at[i] ?? 0;
    if (form.kind === "counted") views.push(view);
    else if (form.kind === "words") {
      for (let word = 0; word < form.count; word += 1) {
        const isTop = word === form.count - 1 && form.signed;
        out[at + word] = isTop ? view.getInt32(word * 4, true) : view.getUint32(word * 4, true);
      }
    } else out[at] = view[`get${form.getter}`](0, true);
  });
  return { numbers: out, views };
}
