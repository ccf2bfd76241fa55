/** What to write where a literal is not of the type that it has to be: each form that SQL has, and what else does. */
import type { AlgebraicType } from "@lightcone/sats";
import { literalForm } from "./types.ts";

const identifier = "0x and 64 hexadecimal digits";
const quoted: Readonly<Record<string, string>> = {
  Identity: `${identifier}, or :sender`,
  ConnectionId: "0x and 32 hexadecimal digits",
  Uuid: "0x and 32 hexadecimal digits, or '…' with the hyphens of a UUID",
  Timestamp: "a time with its offset, such as '2025-02-10T15:45:30Z'",
  bytes: "0x and two hexadecimal digits a byte",
};
const stored: Readonly<Record<string, string>> = {
  Identity: identifier,
  ConnectionId: "0x and 32 hexadecimal digits",
  Uuid: "0x and 32 hexadecimal digits",
  bytes: "0x and two hexadecimal digits a byte",
};

/** What a literal that is compared with a value of `type` looks like. */
export function comparedAdvice(type: AlgebraicType): string {
  const form = literalForm(type);
  if (form !== undefined) return quoted[form] ?? notComparedAdvice;
  return plainAdvice(type) ?? notComparedAdvice;
}

/** What a literal that is stored in a column of `type` looks like. */
export function storedAdvice(type: AlgebraicType): string {
  const form = literalForm(type);
  return (
    (form === undefined ? plainAdvice(type) : stored[form]) ??
    "SQL writes no values of this type: call a reducer that does, such as with `lightcone call`"
  );
}

export const notComparedAdvice =
  "SQL compares no values of this type: narrow the rows by another column, and the rest where they are read";

function plainAdvice({ kind }: AlgebraicType): string | undefined {
  if (kind === "Bool") return "TRUE or FALSE";
  if (kind === "String") return "'…', with '' for a quote in it";
  if (kind === "F32" || kind === "F64") return "a number, such as 0.5";
  const integer = /^([IU])(\d+)$/.exec(kind);
  if (integer === null) return undefined;
  const bits = BigInt(integer[2] ?? 0);
  const [min, max] = integer[1] === "U" ? [0n, 2n ** bits - 1n] : [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n];
  return bits > 64n ? `a whole number that a ${kind} holds` : `a whole number from ${min} to ${max}, in decimal digits`;
}
