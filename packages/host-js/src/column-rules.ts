/** Which modifiers a column's type may have, in the words of the SDK: the compiler says the same where it is asked. */
import { isBytes, isOption, isResult, isSimpleEnum, isUnit, specialKind, specialProduct } from "@lightcone/sats";
import type { IndexAlgorithm } from "@lightcone/schema";
import type { ColumnShape, NamedShape } from "./shapes.ts";

const isInteger = (type: NamedShape): boolean => /^[IU]\d+$/.test(type.kind);

/** What is wrong with a column by itself. */
export function columnProblems(column: ColumnShape): string[] {
  const { type } = column;
  const problems: string[] = [];
  if (column.autoInc && !isInteger(type))
    problems.push(`autoInc() is for integer columns, t.i8() to t.u256(); this one is ${nameOf(type)}`);
  const algorithm = column.index ?? (column.primaryKey || column.unique ? "btree" : undefined);
  const problem = algorithm === undefined ? undefined : keyProblem(type, algorithm);
  if (problem !== undefined) problems.push(problem);
  if (column.defaultValue !== undefined && (column.primaryKey || column.unique || column.autoInc))
    problems.push(
      "a column with a default cannot be a primary key, unique or autoInc: rows that exist would all get the same value",
    );
  return problems;
}

export function primaryKeyProblem(columns: readonly ColumnShape[]): string | undefined {
  const [first, second] = columns.filter(({ primaryKey }) => primaryKey);
  return second === undefined
    ? undefined
    : `it has two primary keys, \`${first?.name}\` and \`${second.name}\`: keep one and make the other unique()`;
}

/** Why no index of this kind can be over a column of this type. */
export function keyProblem(type: NamedShape, algorithm: IndexAlgorithm): string | undefined {
  const isEnum = type.kind === "Sum" && type.variants.length > 0 && isSimpleEnum(type);
  if (algorithm === "direct")
    return isEnum || /^U(8|16|32|64)$/.test(type.kind)
      ? undefined
      : `a direct index is over t.u8(), t.u16(), t.u32(), t.u64() or an enum without payloads; this one is ${nameOf(type)}`;
  const isKey =
    isEnum || isInteger(type) || type.kind === "Bool" || type.kind === "String" || specialProduct(type) !== undefined;
  return isKey
    ? undefined
    : `only integers, bool, string, identity, connectionId, timestamp, timeDuration, uuid and enums without payloads can be keys or indexed; this one is ${nameOf(type)}`;
}

/** A type as its author would call it. */
function nameOf(type: NamedShape): string {
  if (isOption(type)) return "an option";
  if (isResult(type)) return "a result";
  if (isUnit(type)) return "a unit";
  if (isBytes(type)) return "t.byteArray()";
  const special = specialKind(type);
  if (special !== undefined) return `t.${special.slice(0, 1).toLowerCase()}${special.slice(1)}()`;
  switch (type.kind) {
    case "Array":
      return "an array";
    case "Product":
      return `the object ${type.typeName ?? ""}`.trim();
    case "Sum":
      return `the enum ${type.typeName ?? ""}${isSimpleEnum(type) ? "" : ", whose variants have payloads"}`;
    default:
      return `t.${type.kind.toLowerCase()}()`;
  }
}
