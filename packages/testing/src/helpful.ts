/** Names that are not there are answered in words: plain JavaScript has no compiler that would. */

/** An object whose unknown names are answered with those that there are. */
export function helpful<T extends object>(made: T, what: string, names: Iterable<string> = Object.keys(made)): T {
  return new Proxy(made, {
    get(target, name) {
      if (Reflect.has(target, name) || typeof name === "symbol" || probed.has(name)) return Reflect.get(target, name);
      throw new TypeError(
        `${what} has no \`${name}\`: the module has ${[...names].join(", ") || "nothing of the kind"}`,
      );
    },
  });
}
/** What the language, test runners and loggers look for on any object. */
const probed: ReadonlySet<string> = new Set([
  "then",
  "toJSON",
  "asymmetricMatch",
  "constructor",
  "nodeType",
  "$$typeof",
  "tagName",
  "inspect",
  "message",
  "stack",
]);

/** @throws {TypeError} naming the option that there is not */
export function checkOptions<O extends object>(what: string, given: O, known: Readonly<Record<keyof O, true>>): void {
  if (typeof given !== "object" || given === null) throw new TypeError(`${what} takes its options as an object`);
  for (const name of Object.keys(given))
    if (!Object.hasOwn(known, name))
      throw new TypeError(`${what} has no option \`${name}\`; there are ${Object.keys(known).join(", ")}`);
}
