/**
 * Built-ins that would answer by the machine's clock, chance, time zone or language, made to answer the same everywhere.
 *
 * Clock and chance are refused in words. What goes by a time zone goes by UTC, what goes by a language by `en-US` unless
 * the call names another; `Intl` likewise.
 */

/**
 * Source to run in the realm of a module before it is frozen. Changes its prototypes, and gives the `Date`, `Math` and
 * `Intl` that go in the place of its own.
 */
export const tamedBuiltins = `
"use strict";
const refuse = (what) => { throw new TypeError(what); };
const noClock = "a module has no clock of its own: use ctx.timestamp (ctx.timestamp.toDate() is a Date)";
const apply = Reflect.apply;
const uncurried = (native) => Function.prototype.call.bind(native);
const replaceMethods = (owner, by) => {
  for (const name of Reflect.ownKeys(by))
    Object.defineProperty(owner, name, { value: by[name], writable: true, enumerable: false, configurable: true });
};
/** Puts one constructor in the place of another, whose objects it makes. */
const replaceConstructor = (made, original) => {
  for (const key of Reflect.ownKeys(original)) {
    const property = Object.getOwnPropertyDescriptor(original, key);
    if (key !== "prototype" && Object.getOwnPropertyDescriptor(made, key)?.configurable === false) continue;
    Object.defineProperty(made, key, property);
  }
  Object.defineProperty(original.prototype, "constructor", { value: made, writable: true, enumerable: false, configurable: true });
  return made;
};

// --- Date
const OriginalDate = Date;
const dates = OriginalDate.prototype;
const getTime = uncurried(dates.getTime);
const toUTCString = uncurried(dates.toUTCString);
const originalParse = OriginalDate.parse;
const withoutZone = /^[+-]?\\d{4,6}-\\d\\d(?:-\\d\\d)?T\\d\\d:\\d\\d(?::\\d\\d(?:[.,]\\d+)?)?$/;
const withZone = /(?:\\b(?:Z|UTC?|GMT|[ECMP][SD]T)|[+-]\\d\\d:?\\d\\d|\\))\\s*$/i;
/** A time without a zone is UTC's. */
const parse = (given) => {
  const text = \`\${given}\`;
  const local = originalParse(text);
  if (local !== local || /^[+-]?\\d{4,6}(?:-\\d\\d){0,2}$/.test(text)) return local;
  if (withoutZone.test(text)) return originalParse(text + "Z");
  if (withZone.test(text)) return local;
  const utc = originalParse(text + " UTC");
  return utc === utc ? utc : local;
};
const TamedDate = replaceConstructor(function Date(...parts) {
  if (new.target === undefined || parts.length === 0) refuse(noClock);
  const [only] = parts;
  const values = parts.length > 1 ? [OriginalDate.UTC(...parts)] : typeof only === "string" ? [parse(only)] : parts;
  return Reflect.construct(OriginalDate, values, new.target);
}, OriginalDate);
replaceMethods(TamedDate, { now() { refuse(noClock); }, parse(text) { return parse(text); } });
for (const part of ["Date", "Day", "FullYear", "Hours", "Milliseconds", "Minutes", "Month", "Seconds"]) {
  const get = uncurried(dates["getUTC" + part]);
  replaceMethods(dates, { ["get" + part]() { return get(this); } });
  if (part === "Day") continue;
  const set = dates["setUTC" + part];
  replaceMethods(dates, { ["set" + part](...values) { return apply(set, this, values); } });
}
/** Of "Thu, 01 Jan 1970 00:00:00 GMT". */
const parts = (date) => {
  if (getTime(date) !== getTime(date)) return undefined;
  const [weekday, day, month, year, time] = toUTCString(date).split(" ");
  return { date: \`\${weekday.slice(0, 3)} \${month} \${day} \${year}\`, time: \`\${time} GMT+0000 (Coordinated Universal Time)\` };
};
replaceMethods(dates, {
  getTimezoneOffset() { return getTime(this) * 0; },
  toString() { const made = parts(this); return made === undefined ? "Invalid Date" : \`\${made.date} \${made.time}\`; },
  toDateString() { return parts(this)?.date ?? "Invalid Date"; },
  toTimeString() { return parts(this)?.time ?? "Invalid Date"; },
});
delete dates.getYear;
delete dates.setYear;

// --- Math
const TamedMath = Object.create(Object.prototype, Object.getOwnPropertyDescriptors(Math));
replaceMethods(TamedMath, { random() { refuse("a module has no chance of its own: use ctx.random()"); } });

// --- languages
const language = (locales) => (locales === undefined ? "en-US" : locales);
const inUTC = (options) => (options?.timeZone === undefined ? { ...options, timeZone: "UTC" } : options);
for (const name of ["toLocaleString", "toLocaleDateString", "toLocaleTimeString"]) {
  const native = uncurried(dates[name]);
  replaceMethods(dates, { [name](locales = undefined, options = undefined) { return native(this, language(locales), inUTC(options)); } });
}
const TypedArrays = Object.getPrototypeOf(Uint8Array);
for (const { prototype } of [Number, BigInt, Array, TypedArrays]) {
  const native = uncurried(prototype.toLocaleString);
  replaceMethods(prototype, { toLocaleString(locales = undefined, options = undefined) { return native(this, language(locales), options); } });
}
const compare = uncurried(String.prototype.localeCompare);
replaceMethods(String.prototype, {
  localeCompare(other, locales = undefined, options = undefined) { return compare(this, other, language(locales), options); },
});
for (const name of ["toLocaleLowerCase", "toLocaleUpperCase"]) {
  const native = uncurried(String.prototype[name]);
  replaceMethods(String.prototype, { [name](locales = undefined) { return native(this, language(locales)); } });
}

// --- Intl
const OriginalIntl = Intl;
const TamedIntl = Object.create(Object.prototype, Object.getOwnPropertyDescriptors(OriginalIntl));
for (const name of Object.getOwnPropertyNames(OriginalIntl)) {
  const original = OriginalIntl[name];
  // A locale is what it is told to be.
  if (typeof original !== "function" || original.prototype === undefined || name === "Locale") continue;
  const isOfTime = name === "DateTimeFormat";
  const made = { [name]: function (locales, options) {
    const values = [language(locales), isOfTime ? inUTC(options) : options];
    return new.target === undefined ? original(...values) : Reflect.construct(original, values, new.target);
  } }[name];
  replaceMethods(TamedIntl, { [name]: replaceConstructor(made, original) });
}
const formats = OriginalIntl.DateTimeFormat.prototype;
const formatOf = uncurried(Object.getOwnPropertyDescriptor(formats, "format").get);
const partsOf = uncurried(formats.formatToParts);
Object.defineProperty(formats, "format", {
  get: { get format() { const format = formatOf(this); return (date) => format(date === undefined ? refuse(noClock) : date); } }.__lookupGetter__("format"),
  set: undefined,
  enumerable: false,
  configurable: true,
});
replaceMethods(formats, { formatToParts(date) { return partsOf(this, date === undefined ? refuse(noClock) : date); } });

return { Date: TamedDate, Math: TamedMath, Intl: TamedIntl };
`;
