/** What a guess needs to know of tables besides their columns: which numbers are made, what is unique, which indexes there are. */
import { isObject } from "../value-codec.ts";

export interface IndexShape {
  /** `ctx.db.<table>.<accessor>` */
  readonly accessor: string;
  /** By their places in a row. */
  readonly columns: readonly number[];
  readonly isUnique: boolean;
}

export interface TableShape {
  readonly indexes: readonly IndexShape[];
  /** Sets of columns, by their places. */
  readonly unique: readonly (readonly number[])[];
  readonly autoInc: readonly number[];
  /** Its rows happen, and are not kept. */
  readonly isEvent: boolean;
}

/** Reads a schema that `readSchema` has taken: what is not as it should be in what only this reads is left out. */
export function readShapes(text: string): ReadonlyMap<string, TableShape> {
  const sections = listOf(Reflect.get(Object(JSON.parse(text)), "sections"));
  const shapes = new Map<string, TableShape>();
  for (const table of sections.flatMap((section) => listOf(part(section, "Tables")))) {
    const unique = listOf(part(table, "constraints")).map((each) => numbersOf(part(each, "data", "Unique", "columns")));
    const isUnique = (columns: readonly number[]): boolean =>
      unique.some((set) => set.length === columns.length && set.every((column) => columns.includes(column)));
    const indexes = listOf(part(table, "indexes")).map((index): IndexShape => {
      const [columns] = Object.values(Object(part(index, "algorithm")));
      const places = numbersOf(Array.isArray(columns) ? columns : [columns]);
      return { accessor: String(part(index, "accessor_name", "some")), columns: places, isUnique: isUnique(places) };
    });
    shapes.set(String(part(table, "source_name")), {
      indexes,
      unique: unique.filter((columns) => columns.length > 0),
      autoInc: listOf(part(table, "sequences")).flatMap((sequence) => numbersOf([part(sequence, "column")])),
      isEvent: part(table, "is_event") === true,
    });
  }
  return shapes;
}

function part(json: unknown, ...path: readonly string[]): unknown {
  return path.reduce((value, name) => (isObject(value) ? Reflect.get(value, name) : undefined), json);
}

const listOf = (json: unknown): readonly unknown[] => (Array.isArray(json) ? json : []);
const numbersOf = (json: unknown): number[] => listOf(json).filter((each) => typeof each === "number");
