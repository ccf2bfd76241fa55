/** What the log says of a table whose rows were made anew: how, not which rows. Bytes: docs/formats/commit.md. */
import {
  type ByteReader,
  type ByteWriter,
  type Conversion,
  decodeConversion,
  decodeType,
  encodeConversion,
  encodeType,
  type ProductType,
} from "@lightcone/sats";

export interface RemakeRecord {
  readonly id: number;
  readonly rowType: ProductType;
  readonly conversion: Conversion;
}

export function encodeRemake(out: ByteWriter, { id, rowType, conversion }: RemakeRecord): void {
  out.u32(id);
  encodeType(out, rowType);
  encodeConversion(out, conversion);
}

/** @throws {LightconeError} `Malformed`, `TooDeep` */
export function decodeRemake(input: ByteReader): RemakeRecord {
  const id = input.u32();
  const rowType = decodeType(input);
  if (rowType.kind !== "Product") return input.fail("rows are products");
  return { id, rowType, conversion: decodeConversion(input) };
}
