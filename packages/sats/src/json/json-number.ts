/** Numbers as SATS-JSON prints them: shortest digits that read back, always with a point or an exponent. */

/** F64; `null` for NaN and infinities, which JSON lacks. */
export function f64Text(value: number): string {
  return floatText(value, 1e16, 1e-5);
}

/** F32: the shortest digits that read back as the same 32 bits. */
export function f32Text(value: number): string {
  // Whole numbers that F32 holds exactly need all their digits.
  if (!Number.isFinite(value) || (Number.isInteger(value) && Math.abs(value) < 2 ** 24))
    return floatText(value, 1e13, 1e-6);
  for (let digits = 1; digits < 9; digits += 1) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return floatText(shorter, 1e13, 1e-6);
  }
  return floatText(Number(value.toPrecision(9)), 1e13, 1e-6);
}

/** Decimal from `decimalMin` to below `decimalMax`, else with an exponent. */
function floatText(value: number, decimalMax: number, decimalMin: number): string {
  if (!Number.isFinite(value)) return "null";
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const size = Math.abs(value);
  if (size >= decimalMax || size < decimalMin) return value.toExponential().replace("+", "");
  const text = String(value);
  if (text.includes("e")) return text; // between 1e-6 and 1e-7 the platform changes over
  return text.includes(".") ? text : `${text}.0`;
}

/** U256 and I256: `"0x…"`, `"-0x…"`, no leading zeros. */
export function wideHexText(value: bigint): string {
  return value < 0n ? `"-0x${(-value).toString(16)}"` : `"0x${value.toString(16)}"`;
}
