/** What is said of a row that a unique constraint does not let in. */
import { LightconeError } from "@lightcone/base";
import { ByteReader, toHex, valueCodec } from "@lightcone/sats";
import type { IndexDef, TableDef } from "@lightcone/schema";

/** Names the constraint and the key of the row at `view[at …end)`. */
export function uniqueViolation(
  table: TableDef,
  index: IndexDef,
  bytes: Uint8Array,
  view: DataView,
  at: number,
  end: number,
): LightconeError<"UniqueViolation"> {
  const reader = new ByteReader(bytes);
  reader.set(bytes, view, at, end);
  const row = valueCodec<Record<string, unknown>>(table.rowType).read(reader);
  const columns = index.columns.map((column) => table.columns[column]?.name ?? "");
  const constraint = table.constraints.find(
    (each) => each.columns.length === columns.length && each.columns.every((column) => index.columns.includes(column)),
  );
  const value = columns.map((column) => describe(row[column])).join(", ");
  return new LightconeError("UniqueViolation", {
    constraint: constraint?.name ?? index.name,
    table: table.name,
    columns,
    value,
  });
}

function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (value instanceof Uint8Array) return `0x${toHex(value)}`;
  return String(value);
}
