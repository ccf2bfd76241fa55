/** RFC 3339 ↔ microseconds, over all of i64: a `Date` has a smaller range, so it is asked about the years 1970 to 2369. */

/** After 400 years, an era, the calendar is the same again. */
const eraYears = 400;
const microsPerEra = 146_097n * 86_400_000_000n;

/** `1970-01-01T00:00:00.000000` followed by `offset`; years past 9999 carry a sign. */
export function formatTimestamp(micros: bigint, offset: "Z" | "+00:00"): string {
  const microsOfEra = ((micros % microsPerEra) + microsPerEra) % microsPerEra;
  const era = (micros - microsOfEra) / microsPerEra;
  const text = new Date(Number(microsOfEra / 1000n)).toISOString();
  const year = Number(text.slice(0, 4)) + Number(era) * eraYears;
  const yearText =
    year >= 0 && year <= 9999
      ? String(year).padStart(4, "0")
      : `${year < 0 ? "-" : "+"}${String(Math.abs(year)).padStart(6, "0")}`;
  // All behind the year, to the millisecond.
  return `${yearText}${text.slice(4, 23)}${String(microsOfEra % 1000n).padStart(3, "0")}${offset}`;
}

const shape = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

/** Microseconds since 1970; undefined when the text is not RFC 3339 with an offset. */
export function parseTimestamp(text: string): bigint | undefined {
  const match = shape.exec(text);
  if (match === null) return undefined;
  const part = (index: number): number => Number(match[index] ?? 0);
  const [year, month, dayOfMonth] = [part(1), part(2), part(3)];
  const [hour, minute, second] = [part(4), part(5), part(6)];
  const [offsetHour, offsetMinute] = [part(9), part(10)];
  // An era later, since a `Date` takes the years below 100 for others.
  const date = new Date(Date.UTC(year + eraYears, month - 1, dayOfMonth));
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== dayOfMonth) return undefined;
  if (hour > 23 || minute > 59 || second > 60 || offsetHour > 23 || offsetMinute > 59) return undefined;
  const offset = (offsetHour * 60 + offsetMinute) * (match[8] === "-" ? -1 : 1);
  const seconds = (hour * 60 + minute - offset) * 60 + second;
  const fraction = (match[7] ?? "").slice(0, 6).padEnd(6, "0");
  return BigInt(date.getTime() + seconds * 1000) * 1000n - microsPerEra + BigInt(fraction);
}
