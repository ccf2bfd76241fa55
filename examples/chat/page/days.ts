/** Times of day, and days as people call them. */

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const thisYear = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const otherYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const relative = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });

export const timeOfDay = (date: Date): string => clock.format(date);
export const wholeTime = (date: Date): string => whole.format(date);

/** The same for all moments of one day, here. */
export const dayKey = (date: Date): string => `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;

/** `Today`, `Yesterday`, `Friday, 20 November`, `3 March 2024`. */
export function dayName(date: Date, now: Date): string {
  const days = Math.round((midnight(date) - midnight(now)) / 86_400_000);
  if (days === 0 || days === -1) return capitalised(relative.format(days, "day"));
  return (date.getFullYear() === now.getFullYear() ? thisYear : otherYear).format(date);
}

const midnight = (date: Date): number => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
const capitalised = (text: string): string => text.charAt(0).toLocaleUpperCase() + text.slice(1);
