/** RFC 3339 ↔ microseconds, by calendar arithmetic over all of i64: a `Date` has a smaller range, and is slower to write. */

const microsPerDay = 86_400_000_000n;
/** After 400 years, an era, the calendar is the same again. */
const eraYears = 400;
const eraDays = 146_097;

/** `1970-01-01T00:00:00.000000` followed by `offset`; years past 9999 carry a sign. */
export function formatTimestamp(micros: bigint, offset: "Z" | "+00:00"): string {
  const day = floorDivide(micros, microsPerDay);
  const rest = Number(micros - day * microsPerDay);
  const { year, month, dayOfMonth } = dateOfDay(Number(day));
  const second = Math.floor(rest / 1_000_000);
  const two = (number: number): string => String(number).padStart(2, "0");
  const yearText =
    year >= 0 && year <= 9999
      ? String(year).padStart(4, "0")
      : `${year < 0 ? "-" : "+"}${String(Math.abs(year)).padStart(6, "0")}`;
  const time = `${two(Math.floor(second / 3600))}:${two(Math.floor(second / 60) % 60)}:${two(second % 60)}`;
  return `${yearText}-${two(month)}-${two(dayOfMonth)}T${time}.${String(rest % 1_000_000).padStart(6, "0")}${offset}`;
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
  return (
    BigInt(date.getTime()) * 1000n - BigInt(eraDays) * microsPerDay + BigInt(seconds) * 1_000_000n + BigInt(fraction)
  );
}

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}

// Counts in years that begin in March, so that the leap day comes last.
const daysToMarch = 719_468; // from 0000-03-01 to 1970-01-01

function dateOfDay(day: number): { year: number; month: number; dayOfMonth: number } {
  const shifted = day + daysToMarch;
  const era = Math.floor(shifted / eraDays);
  const dayOfEra = shifted - era * eraDays;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  const dayOfMonth = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  return { year: yearOfEra + era * eraYears + (month <= 2 ? 1 : 0), month, dayOfMonth };
}
