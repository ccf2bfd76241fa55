/**
 * Built-ins that take long in native code, where no time-out reaches, made linear or refused: what a stranger's
 * arguments can bring about through ordinary code, such as `text.includes(word)`. What an author alone can bring about
 * is listed in docs/decisions/0081 and ended with the process.
 *
 * Searches compare every character of a long text with every one of a long needle in the worst case. Short needles go
 * to native code; where the product of the lengths is large, the Two-Way algorithm (Crochemore and Perrin, 1991) takes
 * over: linear, without memory, and in JavaScript, which time ends.
 */

/** Needles of so many characters are native code's, whatever the text. */
const shortNeedle = 32;
/** Native code may do so many steps: some 20 ms. */
const stepsMax = 2 ** 24;
/** Parts in a row of a pattern that is made of a text, which are all tried at every place. */
export const patternPartsMax = 1000;
/** Elements that one call of `fill` or `Array.from` makes. */
export const arrayElementsMax = 2 ** 26;

/**
 * Source to run in the realm of a module before it is frozen. Replaces functions of its prototypes, and gives the
 * `RegExp` that goes in the place of its own.
 */
export const boundedBuiltins = `
"use strict";
const apply = Reflect.apply;
const uncurried = (native) => Function.prototype.call.bind(native);
const codeAt = uncurried(String.prototype.charCodeAt);
const slice = uncurried(String.prototype.slice);
const native = {};
for (const name of ["indexOf", "lastIndexOf", "includes", "split", "replace", "replaceAll", "match", "matchAll", "search"])
  native[name] = uncurried(String.prototype[name]);
const marks = /\\$[$&\`']/g;

const isHard = (text, needle) =>
  typeof needle === "string" && needle.length > ${shortNeedle} && typeof text === "string" &&
  needle.length * text.length > ${stepsMax};

/** The end of the maximal suffix of the needle, less one, and its period. The needle is read from either end. */
const maximalSuffix = (needle, base, sign, isGreater) => {
  const length = needle.length;
  let suffix = -1, at = 0, step = 1, period = 1;
  while (at + step < length) {
    const one = codeAt(needle, base + sign * (at + step));
    const other = codeAt(needle, base + sign * (suffix + step));
    if (one === other) {
      if (step === period) { at += period; step = 1; } else step += 1;
    } else if (one > other === isGreater) {
      suffix = at; at = suffix + 1; step = period = 1;
    } else {
      at += step; step = 1; period = at - suffix;
    }
  }
  return { suffix, period };
};

/**
 * A function that finds the needle in a text: \`find(text, from, end)\`, where both are counted from the end that is
 * read first; -1 for nowhere.
 */
const finder = (needle, isBackward) => {
  const length = needle.length;
  const sign = isBackward ? -1 : 1;
  const needleBase = isBackward ? length - 1 : 0;
  const rising = maximalSuffix(needle, needleBase, sign, false);
  const falling = maximalSuffix(needle, needleBase, sign, true);
  const { suffix: cut, period: shortest } = rising.suffix > falling.suffix ? rising : falling;
  let isPeriodic = cut + 1 + shortest <= length;
  for (let at = 0; at <= cut && isPeriodic; at += 1)
    isPeriodic = codeAt(needle, needleBase + sign * at) === codeAt(needle, needleBase + sign * (at + shortest));
  const period = isPeriodic ? shortest : Math.max(cut + 1, length - cut - 1) + 1;
  return (text, from, end) => {
    const base = isBackward ? text.length - 1 : 0;
    let known = -1;
    for (let place = from; place <= end - length;) {
      let at = Math.max(cut, known) + 1;
      while (at < length && codeAt(needle, needleBase + sign * at) === codeAt(text, base + sign * (place + at))) at += 1;
      if (at < length) { place += at - cut; known = -1; continue; }
      at = cut;
      while (at > known && codeAt(needle, needleBase + sign * at) === codeAt(text, base + sign * (place + at))) at -= 1;
      if (at <= known) return place;
      place += period;
      known = isPeriodic ? length - period - 1 : -1;
    }
    return -1;
  };
};

const clamp = (position, max) => Math.min(Math.max(Math.trunc(Number(position)) || 0, 0), max);
const findFirst = (text, needle, position) => finder(needle, false)(text, clamp(position, text.length), text.length);
const findLast = (text, needle, position) => {
  const number = Number(position);
  // Read from its end, the text begins behind the last place that the needle may stand at.
  const last = number !== number ? text.length : clamp(number, text.length);
  const skipped = Math.max(text.length - last - needle.length, 0);
  const found = finder(needle, true)(text, skipped, text.length);
  return found < 0 ? -1 : text.length - found - needle.length;
};
const replacementOf = (replacement) => (typeof replacement === "function" ? replacement : \`\${replacement}\`);
const replaced = (text, needle, at, replacement) => {
  if (typeof replacement === "function") return \`\${apply(replacement, undefined, [needle, at, text])}\`;
  return native.replace(replacement, marks, (mark) => {
    if (mark === "$$") return "$";
    if (mark === "$&") return needle;
    return mark === "$'" ? slice(text, at + needle.length) : slice(text, 0, at);
  });
};

/** Parts of a pattern that stand in a row: what is tried at every place of a text, with no time-out in between. */
const checkPattern = (source) => {
  if (source.length <= ${patternPartsMax}) return;
  let parts = 0;
  for (let at = 0; at < source.length; at += 1) {
    const code = codeAt(source, at);
    if (code === 0x7c || code === 0x2a || code === 0x2b) { parts = 0; continue; } // | * +
    if (code === 0x5c) at += 1; // an escape
    else if (code === 0x5b) { // a class is one part
      for (at += 1; at < source.length && codeAt(source, at) !== 0x5d; at += 1) if (codeAt(source, at) === 0x5c) at += 1;
    }
    parts += 1;
    if (parts > ${patternPartsMax})
      throw new RangeError("a pattern made of a text may have ${patternPartsMax} parts in a row: search for long texts with includes or indexOf");
  }
};

const methods = {
  includes(needle, position = undefined) {
    return isHard(this, needle) ? findFirst(this, needle, position) >= 0 : native.includes(this, needle, position);
  },
  indexOf(needle, position = undefined) {
    return isHard(this, needle) ? findFirst(this, needle, position) : native.indexOf(this, needle, position);
  },
  lastIndexOf(needle, position = undefined) {
    return isHard(this, needle) ? findLast(this, needle, position) : native.lastIndexOf(this, needle, position);
  },
  split(separator, limit) {
    if (!isHard(this, separator)) return native.split(this, separator, limit);
    const max = limit === undefined ? 0xffff_ffff : limit >>> 0;
    const find = finder(separator, false);
    const parts = [];
    let from = 0;
    while (parts.length < max) {
      const at = find(this, from, this.length);
      parts[parts.length] = slice(this, from, at < 0 ? this.length : at);
      if (at < 0) break;
      from = at + separator.length;
    }
    return parts;
  },
  replace(needle, replacement) {
    if (!isHard(this, needle)) return native.replace(this, needle, replacement);
    const by = replacementOf(replacement);
    const at = findFirst(this, needle, 0);
    return at < 0 ? this : slice(this, 0, at) + replaced(this, needle, at, by) + slice(this, at + needle.length);
  },
  replaceAll(needle, replacement) {
    if (!isHard(this, needle)) return native.replaceAll(this, needle, replacement);
    const by = replacementOf(replacement);
    const find = finder(needle, false);
    let made = "", from = 0;
    for (let at = find(this, 0, this.length); at >= 0; at = find(this, from, this.length)) {
      made += slice(this, from, at) + replaced(this, needle, at, by);
      from = at + needle.length;
    }
    return made + slice(this, from);
  },
  match(pattern) {
    if (typeof pattern === "string") checkPattern(pattern);
    return native.match(this, pattern);
  },
  matchAll(pattern) {
    if (typeof pattern === "string") checkPattern(pattern);
    return native.matchAll(this, pattern);
  },
  search(pattern) {
    if (typeof pattern === "string") checkPattern(pattern);
    return native.search(this, pattern);
  },
};
const replaceMethods = (owner, by) => {
  for (const name of Object.keys(by))
    Object.defineProperty(owner, name, { value: by[name], writable: true, enumerable: false, configurable: true });
};
replaceMethods(String.prototype, methods);

const tooMany = (count) => {
  throw new RangeError(\`\${count} elements at once; ${arrayElementsMax} are the limit\`);
};
const nativeFill = uncurried(Array.prototype.fill);
const nativeFrom = Array.from;
const nativeRaw = String.raw;
replaceMethods(Array.prototype, {
  fill(value, start = undefined, end = undefined) {
    if (this?.length > ${arrayElementsMax}) tooMany(this.length);
    return nativeFill(this, value, start, end);
  },
});
replaceMethods(Array, {
  from(items, map = undefined, self = undefined) {
    if (typeof items === "object" && items !== null && items.length > ${arrayElementsMax} && items[Symbol.iterator] == null) tooMany(items.length);
    return apply(nativeFrom, this, [items, map, self]);
  },
});
replaceMethods(String, {
  raw(template, ...values) {
    if (template?.raw?.length > ${arrayElementsMax}) tooMany(template.raw.length);
    return apply(nativeRaw, this, [template, ...values]);
  },
});

const NativeRegExp = RegExp;
const BoundedRegExp = function RegExp(pattern, flags) {
  if (typeof pattern === "string") checkPattern(pattern);
  if (new.target !== undefined) return Reflect.construct(NativeRegExp, [pattern, flags], new.target);
  // Without \`new\` a pattern is given back as it is.
  const isSame = flags === undefined && pattern?.constructor === BoundedRegExp && pattern[Symbol.match] !== undefined;
  return isSame ? pattern : NativeRegExp(pattern, flags);
};
for (const key of Reflect.ownKeys(NativeRegExp)) {
  // What the last search found is process-wide state of the realm's.
  const isState = typeof key === "string" && (/^\\$/.test(key) || /^(input|lastMatch|lastParen|leftContext|rightContext)$/.test(key));
  if (!isState) Object.defineProperty(BoundedRegExp, key, Object.getOwnPropertyDescriptor(NativeRegExp, key));
}
Object.defineProperty(NativeRegExp.prototype, "constructor", { value: BoundedRegExp, writable: true, enumerable: false, configurable: true });
delete NativeRegExp.prototype.compile;
return BoundedRegExp;
`;
