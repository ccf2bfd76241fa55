/** Values of columns as they are compared: by one order, the database's (docs/sql.md). */
import { toHex } from "@lightcone/sats";

/** Undefined for an option that holds nothing; it comes first. */
export type Scalar = string | number | bigint | undefined;

/** What stands for a value where it is compared: values of the special types are one number each. */
export function scalarOf(value: unknown): Scalar {
  switch (typeof value) {
    case "string":
    case "number":
    case "bigint":
      return value;
    case "boolean":
      return Number(value);
    default: {
      if (value === undefined || value === null) return undefined;
      if (value instanceof Uint8Array) return toHex(value);
      const parts: unknown[] = Object.values(value);
      return parts.length === 1 && !Array.isArray(value) ? scalarOf(parts[0]) : JSON.stringify(parts.map(textOf));
    }
  }
}

const textOf = (part: unknown): string => `${typeof part} ${String(scalarOf(part))}`;

/** Both of one column. */
export function compareScalars(one: Scalar, other: Scalar): number {
  if (one === other) return 0;
  if (one === undefined || other === undefined) return one === undefined ? -1 : 1;
  if (one < other) return -1;
  if (one > other) return 1;
  // NaN equals itself and is above everything.
  return Number(Number.isNaN(one)) - Number(Number.isNaN(other));
}

export const compare = (one: unknown, other: unknown): number => compareScalars(scalarOf(one), scalarOf(other));
