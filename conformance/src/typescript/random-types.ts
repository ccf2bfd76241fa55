/**
 * Random types of the module SDK, each as the text that an author would write, with the TypeScript type that its values
 * ought to have and texts of values: written down here a second time, so that SDK and host can be held against it.
 */
export type Chance = () => number;

export interface RandomType {
  /** An expression over `t`. */
  readonly source: string;
  /** Its values' type. */
  readonly type: string;
  /** An expression of one of its values. */
  readonly value: (chance: Chance) => string;
  readonly is?: "option" | "u8" | "unit";
  /** Whether it can be a key. */
  readonly isKey?: true;
}

export const pick = <T>(chance: Chance, from: readonly T[]): T => {
  const one = from[Math.floor(chance() * from.length)];
  if (one === undefined) throw new Error("nothing to pick from");
  return one;
};

const one = (source: string, type: string, values: readonly string[], more: Partial<RandomType> = {}): RandomType => ({
  source: `t.${source}`,
  type,
  value: (chance) => pick(chance, values),
  ...more,
});

const int = (bits: number, signed: boolean): RandomType => {
  const max = 2n ** BigInt(signed ? bits - 1 : bits) - 1n;
  const suffix = bits >= 64 ? "n" : "";
  const values = [signed ? -max - 1n : 0n, 0n, 1n, max].map((value) => `${value}${suffix}`);
  const more: Partial<RandomType> = bits === 8 && !signed ? { isKey: true, is: "u8" } : { isKey: true };
  return one(`${signed ? "i" : "u"}${bits}()`, bits >= 64 ? "bigint" : "number", values, more);
};

const leaves: readonly RandomType[] = [
  one("bool()", "boolean", ["true", "false"], { isKey: true }),
  one("string()", "string", ['""', '"a"', '"grüße 🌍"', '"x".repeat(300)'], { isKey: true }),
  ...[8, 16, 32, 64, 128, 256].flatMap((bits) => [int(bits, true), int(bits, false)]),
  one("f32()", "number", ["0", "-0", "0.5", "Number.NaN", "-Infinity"]),
  one("f64()", "number", ["0", "-0", "0.1", "Number.NaN", "Number.MAX_VALUE"]),
  one("number()", "number", ["-1.5"]),
  one("byteArray()", "Uint8Array", ["new Uint8Array()", "new Uint8Array([1, 2, 255])"]),
  one("unit()", "Record<never, never>", ["{}"], { is: "unit" }),
  one("identity()", "Identity", ["Identity.zero()", "new Identity(2n ** 255n)"], { isKey: true }),
  one("connectionId()", "ConnectionId", ["new ConnectionId(7n)"], { isKey: true }),
  one("timestamp()", "Timestamp", ["new Timestamp(-1n)", "new Timestamp(2n ** 62n)"], { isKey: true }),
  one("timeDuration()", "TimeDuration", ["new TimeDuration(-5n)"], { isKey: true }),
  one("uuid()", "Uuid", ["Uuid.NIL", "Uuid.MAX"], { isKey: true }),
  one("scheduleAt()", "ScheduleAt", ["ScheduleAt.interval(5n)", "ScheduleAt.time(-5n)"]),
];

/** Names of fields and variants, some of which mean something elsewhere. */
const names = [
  "a",
  "userId",
  "user_id",
  "default",
  "tag",
  "value",
  "constructor",
  "toString",
  "then",
  "x1",
  "ok",
  "some",
];

/** Makes random types. Names of objects and enums are its own, each once. */
export class TypeMaker {
  readonly chance: Chance;
  private named = 0;

  constructor(chance: Chance) {
    this.chance = chance;
  }

  make(depth = 3): RandomType {
    const made = depth === 0 ? pick(this.chance, leaves) : this.compound(depth - 1);
    return this.chance() < 0.1 ? { ...made, source: `${made.source}.name("renamed")` } : made;
  }

  private compound(depth: number): RandomType {
    const inner = (): RandomType => this.make(depth);
    switch (Math.floor(this.chance() * 9)) {
      case 0:
        return arrayOf(inner());
      case 1:
        return optionOf(inner(), this.chance() < 0.5);
      case 2:
        return optionOf(optionOf(inner(), false), this.chance() < 0.5);
      case 3:
        return resultOf(inner(), inner());
      case 4:
        return this.object(this.fields(inner));
      case 5:
        return this.enum(this.fields(inner));
      case 6:
        return this.plainEnum();
      default:
        return pick(this.chance, leaves);
    }
  }

  private name(): string {
    this.named += 1;
    return `Made${this.named}`;
  }

  private fields(inner: () => RandomType): [string, RandomType][] {
    const count = Math.floor(this.chance() * 4);
    const chosen = new Map<string, RandomType>();
    // `user_id` and `userId` are one name in the database.
    while (chosen.size < count) {
      const name = pick(this.chance, names);
      if (!chosen.has(name === "user_id" ? "userId" : name === "userId" ? "user_id" : name)) chosen.set(name, inner());
    }
    return [...chosen];
  }

  private object(fields: readonly [string, RandomType][]): RandomType {
    return {
      source: `t.object("${this.name()}", { ${fields.map(([name, { source }]) => `${name}: ${source}`).join(", ")} })`,
      type:
        fields.length === 0
          ? "Record<never, never>"
          : `{ ${fields.map(([name, { type }]) => `${name}: ${type}`).join("; ")} }`,
      value: (chance) => `{ ${fields.map(([name, field]) => `${name}: ${field.value(chance)}`).join(", ")} }`,
      ...(fields.length === 0 ? { is: "unit" as const } : {}),
    };
  }

  private enum(fields: readonly [string, RandomType][]): RandomType {
    if (fields.length === 0) return this.plainEnum();
    return {
      source: `t.enum("${this.name()}", { ${fields.map(([name, { source }]) => `${name}: ${source}`).join(", ")} })`,
      type: fields
        .map(([name, { type, is }]) => (is === "unit" ? `{ tag: "${name}" }` : `{ tag: "${name}"; value: ${type} }`))
        .join(" | "),
      value: (chance) => {
        const [name, field] = pick(chance, fields);
        return field.is === "unit" ? `{ tag: "${name}" }` : `{ tag: "${name}", value: ${field.value(chance)} }`;
      },
    };
  }

  private plainEnum(): RandomType {
    const tags = [...new Set([pick(this.chance, names), "other"])].filter((tag) => tag !== "user_id");
    return {
      source: `t.enum("${this.name()}", [${tags.map((tag) => `"${tag}"`).join(", ")}])`,
      type: tags.map((tag) => `{ tag: "${tag}" }`).join(" | "),
      value: (chance) => `{ tag: "${pick(chance, tags)}" }`,
      isKey: true,
    };
  }
}

function arrayOf(element: RandomType): RandomType {
  const items = (chance: Chance): string =>
    Array.from({ length: Math.floor(chance() * 3) }, () => element.value(chance)).join(", ");
  return {
    source: `t.array(${element.source})`,
    type: element.is === "u8" ? "Uint8Array" : `(${element.type})[]`,
    value: (chance) => (element.is === "u8" ? `new Uint8Array([${items(chance)}])` : `[${items(chance)}]`),
  };
}

function optionOf(some: RandomType, isCalled: boolean): RandomType {
  const source = isCalled ? `${some.source}.optional()` : `t.option(${some.source})`;
  if (some.is === "option")
    return {
      source,
      is: "option",
      type: `{ tag: "some"; value: ${some.type} } | { tag: "none" }`,
      value: (chance) => (chance() < 0.5 ? `{ tag: "none" }` : `{ tag: "some", value: ${some.value(chance)} }`),
    };
  return {
    source,
    is: "option",
    type: `${some.type} | undefined`,
    value: (chance) => (chance() < 0.5 ? "undefined" : some.value(chance)),
  };
}

function resultOf(ok: RandomType, err: RandomType): RandomType {
  return {
    source: `t.result(${ok.source}, ${err.source})`,
    type: `{ ok: ${ok.type} } | { err: ${err.type} }`,
    value: (chance) => (chance() < 0.5 ? `{ ok: ${ok.value(chance)} }` : `{ err: ${err.value(chance)} }`),
  };
}
