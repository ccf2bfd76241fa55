/** RFC 3339 ↔ microseconds, by calendar arithmetic over all of i64: no `Date`, whose range is smaller. */

const microsPerDay = 86_400_000_000n;

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
  if (month < 1 || month > 12 || dayOfMonth < 1 || dayOfMonth > daysInMonth(year, month)) return undefined;
  if (hour > 23 || minute > 59 || second > 60 || offsetHour > 23 || offsetMinute > 59) return undefined;
  const offset = (offsetHour * 60 + offsetMinute) * (match[8] === "-" ? -1 : 1);
  const seconds = (hour * 60 + minute - offset) * 60 + second;
  const fraction = Number((match[7] ?? "").slice(0, 6).padEnd(6, "0"));
  return BigInt(dayOfDate(year, month, dayOfMonth)) * microsPerDay + BigInt(seconds) * 1_000_000n + BigInt(fraction);
}

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}

function daysInMonth(year: number, month: number): number {
  if (month !== 2) return [4, 6, 9, 11].includes(month) ? 30 : 31;
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
}

// Both count in years that begin in March, so that the leap day comes last; an era is 400 years, 146,097 days.
const daysToMarch = 719_468; // from 0000-03-01 to 1970-01-01

function dayOfDate(year: number, month: number, dayOfMonth: number): number {
  const marchYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + dayOfMonth - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - daysToMarch;
}

function dateOfDay(day: number): { year: number; month: number; dayOfMonth: number } {
  const shifted = day + daysToMarch;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  const dayOfMonth = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfMonth };
}
