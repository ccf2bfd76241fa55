/** A constructor's argument as a bigint: one already, a whole number, or decimal digits. */
export function coerceBigint(value: bigint | number | string, what: string): bigint {
  if (typeof value === "bigint") return value;
  try {
    return BigInt(value);
  } catch (cause) {
    throw new TypeError(`${what}: not a whole number: ${String(value)}`, { cause });
  }
}
