/**
 * The globals of this process while code of a module runs in it: no clock, no chance, no network, no timers, and a `console`
 * that writes the database's log. Outside of such code everything is as it was, to the property.
 */

const noClock = "a module has no clock of its own: use ctx.timestamp (ctx.timestamp.toDate() is a Date)";
const noChance = "a module has no chance of its own: use ctx.random()";

function refuse(what: string): never {
  throw new TypeError(what);
}
const refuseChance = (): never => refuse(noChance);

/**
 * What a database lacks, and Node has. What this process's own code uses under a call is kept by that code. Classes of requests are
 * not among them: Node loads them when one looks at the name.
 */
const missing = [
  "fetch",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "process",
  "Buffer",
  "crypto",
  "performance",
] as const;

const withoutZone = /^[+-]?\d{4,6}-\d\d(?:-\d\d)?T\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?$/;

/** A `Date` that makes the same objects and knows no present. Parts, and texts without a zone, are UTC's. */
function dateOf(original: DateConstructor): DateConstructor {
  const parse = (text: string): number => original.parse(withoutZone.test(text) ? `${text}Z` : text);
  const made = function Date(...parts: number[]): object {
    if (new.target === undefined || parts.length === 0) refuse(noClock);
    const [only]: readonly unknown[] = parts;
    const values =
      parts.length > 1
        ? [original.UTC(...(parts as [number, number]))]
        : [typeof only === "string" ? parse(only) : only];
    return Reflect.construct(original, values, new.target);
  };
  return Object.assign(made, {
    prototype: original.prototype,
    now: () => refuse(noClock),
    parse,
    UTC: original.UTC,
  }) as unknown as DateConstructor; // it has all that the type names
}

class GuestGlobals {
  private depth = 0;
  private original: DateConstructor | undefined;
  private tamed: DateConstructor | undefined;
  private random: () => number = Math.random;
  private console: unknown;
  private readonly kept: (readonly [string, PropertyDescriptor])[] = [];

  /** Code of a module begins to run. @param console the one that it sees */
  enter(console: object): void {
    if (this.depth++ > 0) return;
    if (this.original !== globalThis.Date) {
      // A test may have put another in its place.
      this.original = globalThis.Date;
      this.tamed = dateOf(this.original);
    }
    this.random = Math.random;
    this.console = globalThis.console;
    globalThis.Date = this.tamed ?? this.original;
    Math.random = refuseChance;
    globalThis.console = console as Console;
    for (const name of missing) {
      const property = Object.getOwnPropertyDescriptor(globalThis, name);
      if (property?.configurable !== true) continue;
      this.kept.push([name, property]);
      Reflect.deleteProperty(globalThis, name);
    }
  }

  /** It has ended. */
  leave(): void {
    if (--this.depth === 0) this.putBack();
  }

  /** It was ended in its middle, past every `finally`. */
  ended(): void {
    if (this.depth > 0) this.putBack();
    this.depth = 0;
  }

  private putBack(): void {
    if (this.original !== undefined) globalThis.Date = this.original;
    Math.random = this.random;
    globalThis.console = this.console as Console;
    for (const [name, property] of this.kept) Object.defineProperty(globalThis, name, property);
    this.kept.length = 0;
  }
}

/** Of this process: there is one set of globals. */
export const guestGlobals: GuestGlobals = new GuestGlobals();
