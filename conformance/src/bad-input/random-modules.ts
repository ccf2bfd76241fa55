/** Random modules, as texts that nobody's compiler has seen: any modifier on any type, any option, any name. */
import { type Chance, pick, type RandomType, TypeMaker } from "../typescript/random-types.ts";

const plainNames = ["a", "b", "c", "a_b", "b_c", "id", "x"];
const oddNames = [
  ...["userId", "user_id", "UserID", "insert", "iter", "st_x", "", "1a", "a b", "__proto__", "constructor", "é"],
  ...["x".repeat(80), "toString", "a-b", "\u0301", "\ud800"],
];
/** Modifiers with what makes them wrong on some types; `default` is made of a value of the type. */
const modifiers = [
  ...[".index()", '.index("hash")', '.index("direct")', ".unique()", ".primaryKey()", ".autoInc()", ".optional()"],
  ...[".default(0)", ".default(undefined)", '.index("nope")', '.name("")', ".default({ tag: 'none' })"],
];
const oddTypes = [
  ...["5", "null", "{}", "t", "t.object('X', {})", "t.object('', { a: t.u8() })", "t.enum('E', ['A', 'A'])"],
  ...["t.enum('E', [])", "t.row({ a: t.u8() })", "t.array(5)", "t.object('X', { a: 5 })", "t.option()"],
  ...["t.enum('E', { some: t.u8(), none: t.unit() })", "t.result(t.u8())", "Object.create(t.u8())"],
];

/** The text of a module, but for the SDK: `schema`, `t`, `table` and `exports` are in scope. */
export function randomModule(chance: Chance): string {
  return new ModuleMaker(chance).make();
}

class ModuleMaker {
  private readonly chance: Chance;
  private readonly types: TypeMaker;

  constructor(chance: Chance) {
    this.chance = chance;
    this.types = new TypeMaker(chance);
  }

  make(): string {
    const tables = this.several(1, 3, (at) => this.table(at));
    const functions = this.several(0, 3, (at) => {
      const name = this.often(0.9) ? `f${at}` : this.name();
      return `${at === 0 ? "f0 = " : ""}exports[${JSON.stringify(name)}] = ${this.function()};`;
    });
    return `let f0; const app = schema({ ${tables.join(",\n")} });\nexports.default = app;\n${functions.join("\n")}`;
  }

  private often = (share: number): boolean => this.chance() < share;
  private name = (): string => pick(this.chance, this.often(0.96) ? plainNames : oddNames);
  private several<T>(min: number, max: number, make: (at: number) => T): T[] {
    return Array.from({ length: min + Math.floor(this.chance() * (max - min + 1)) }, (_, at) => make(at));
  }

  private type(): string {
    if (this.often(0.01)) return pick(this.chance, oddTypes);
    const simple = ["t.u32()", "t.u64()", "t.string()", "t.scheduleAt()", "t.i256()", "t.bool()"];
    const made: RandomType = this.types.make(2);
    const isSimple = this.often(0.5);
    let source = isSimple ? pick(this.chance, simple) : made.source;
    if (!isSimple && this.often(0.15)) source += `.default(${made.value(this.chance)})`;
    for (const modifier of modifiers) if (this.often(0.015)) source += modifier;
    return source;
  }

  private fields(max: number): { names: string[]; text: string } {
    const names = [...new Set(this.several(1, max, () => this.name()))];
    return { names, text: `{ ${names.map((name) => `[${JSON.stringify(name)}]: ${this.type()}`).join(", ")} }` };
  }

  private table(at: number): string {
    const { names, text } = this.fields(4);
    const columns = (max: number): string =>
      JSON.stringify(
        this.several(this.often(0.95) ? 1 : 0, max, () => (this.often(0.97) ? pick(this.chance, names) : "none")),
      );
    const accessor = (): string => JSON.stringify(pick(this.chance, ["x1", "y1", "z1", "insert", "a", ""]));
    const algorithm = (): string => JSON.stringify(pick(this.chance, ["btree", "btree", "hash", "direct", "nope"]));
    const index = (): string => `{ accessor: ${accessor()}, algorithm: ${algorithm()}, columns: ${columns(2)} }`;
    const options: string[] = [];
    if (this.often(0.15)) options.push(`indexes: [${index()}, ${index()}]`);
    if (this.often(0.08)) options.push(`constraints: [{ constraint: "unique", columns: ${columns(2)} }]`);
    if (this.often(0.05)) options.push(`name: ${JSON.stringify(this.name())}`);
    if (this.often(0.1))
      options.push(
        `scheduled: ${pick(this.chance, ['"f0"', '"nope"', "() => f0", '() => { throw new Error("lost"); }', "5"])}`,
      );
    if (this.often(0.1)) options.push("event: true");
    if (this.often(0.3))
      options.push(`public: ${pick(this.chance, ["true", "true", "true", "true", "false", '"yes"'])}`);
    if (this.often(0.01)) options.push("pubic: true");
    const key = this.often(0.9) ? `t${at}` : this.name();
    return `[${JSON.stringify(key)}]: table({ ${options.join(", ")} }, ${text})`;
  }

  private function(): string {
    const { text } = this.fields(2);
    const first = "Object.values(app.tables)[0]";
    if (this.often(0.75)) return `app.reducer(${text}, () => {})`;
    return pick(this.chance, [
      `app.reducer({ name: ${JSON.stringify(this.name())} }, ${text}, () => {})`,
      `app.reducer({ onSchedule: ${first} }, { row: ${first}.rowType }, () => {})`,
      "app.init(() => {})",
      "app.clientConnected(() => {})",
      "app.reducer(5)",
      "app.reducer({ text: String }, () => {})",
      "app.reducer(async () => {})",
      "(app.reducer(() => {}), app.reducer(() => {}))",
      "{}",
    ]);
  }
}
