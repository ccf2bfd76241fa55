/** Special values as people write them, and as a call's JSON has them; undefined for a text that is none. */
import { parseTimestamp } from "@lightcone/sats";

const identityShape = /^(?:0x([\da-f]{1,64})|([\da-f]{64}))$/i;
const connectionShape = /^(?:0x([\da-f]{1,32})|([\da-f]{32}))$/i;
const uuidShape = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$|^[\da-f]{32}$/i;
const bytesShape = /^(?:0x)?((?:[\da-f]{2})*)$/i;

/** The hex digits of an identity, with or without `0x`. */
export function identityDigits(text: string): string | undefined {
  const [, short, whole] = identityShape.exec(text) ?? [];
  return short ?? whole;
}

export function connectionIdNumber(text: string): bigint | undefined {
  const [, short, whole] = connectionShape.exec(text) ?? [];
  const digits = short ?? whole;
  return digits === undefined ? undefined : BigInt(`0x${digits}`);
}

export function uuidNumber(text: string): bigint | undefined {
  return uuidShape.test(text) ? BigInt(`0x${text.replaceAll("-", "")}`) : undefined;
}

/** Bytes as hex, with or without `0x`. */
export function bytesDigits(text: string): string | undefined {
  return bytesShape.exec(text)?.[1]?.toLowerCase();
}

/** Microseconds since 1970: RFC 3339, or a day alone, which begins in UTC. */
export function timestampMicros(text: string): bigint | undefined {
  return inI64(parseTimestamp(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text));
}

const unitMicros: Readonly<Record<string, bigint>> = {
  d: 86_400_000_000n,
  h: 3_600_000_000n,
  m: 60_000_000n,
  min: 60_000_000n,
  s: 1_000_000n,
  ms: 1000n,
  us: 1n,
  µs: 1n,
  μs: 1n,
};
const durationShape = /^([+-]?)((?:\d+(?:\.\d+)?\s*(?:d|h|min|ms|us|µs|μs|m|s)\s*)+)$/;
const durationPart = /(\d+)(?:\.(\d+))?\s*(d|h|min|ms|us|µs|μs|m|s)/g;
/** As `sql` shows durations: seconds. */
const secondsShape = /^([+-]?)(\d+)\.(\d+)$/;

/** Microseconds: `5s`, `1h30m`, `-250ms`, `1.5h`; `+1.500000` are seconds; `0` needs no unit. */
export function durationMicros(text: string): bigint | undefined {
  if (/^[+-]?0$/.test(text)) return 0n;
  const [, secondsSign, seconds, fraction = ""] = secondsShape.exec(text) ?? [];
  if (seconds !== undefined) return signed(secondsSign, scaled(seconds, fraction, 1_000_000n));
  const [, sign, parts] = durationShape.exec(text) ?? [];
  if (parts === undefined) return undefined;
  let sum = 0n;
  for (const [, whole = "", part = "", unit = ""] of parts.matchAll(durationPart)) {
    const micros = scaled(whole, part, unitMicros[unit] ?? 0n);
    if (micros === undefined) return undefined;
    sum += micros;
  }
  return signed(sign, sum);
}

/** A decimal number times a unit; undefined when that is no whole number. */
function scaled(whole: string, fraction: string, unit: bigint): bigint | undefined {
  const divisor = 10n ** BigInt(fraction.length);
  const product = BigInt(whole + fraction) * unit;
  return product % divisor === 0n ? product / divisor : undefined;
}

function signed(sign: string | undefined, micros: bigint | undefined): bigint | undefined {
  return inI64(sign === "-" && micros !== undefined ? -micros : micros);
}

function inI64(value: bigint | undefined): bigint | undefined {
  return value !== undefined && BigInt.asIntN(64, value) === value ? value : undefined;
}
