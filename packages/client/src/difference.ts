/**
 * What keeps a page from using a table or a reducer of the version that is there: said by table or reducer, column or
 * parameter, and type. Columns and parameters go by name, so more of them, or another order, is no difference.
 */
import { isOption, type AlgebraicType, type Member } from "@lightcone/sats";
import type { FunctionSchema, TableSchema } from "./schema.ts";
import { wordOf } from "./type-word.ts";

/** Undefined when code that knows `built` can use `now`. */
export function tableDifference(built: TableSchema, now: TableSchema): string | undefined {
  const table = `table \`${built.accessor}\``;
  for (const column of built.row.elements) {
    const difference = memberDifference(column, find(now.row.elements, column.name));
    if (difference === "gone") return `${table} has no column \`${column.name}\``;
    if (difference !== undefined) return `column \`${column.name}\` of ${table} is ${difference}`;
  }
  if (built.key !== undefined && built.key.name !== now.key?.name)
    return `\`${built.key.name}\` is not the primary key of ${table}`;
  return undefined;
}

/** Undefined when a call that fits `built` fits `now`, with the same meaning. */
export function functionDifference(kind: string, built: FunctionSchema, now: FunctionSchema): string | undefined {
  const name = `${kind} \`${built.accessor}\``;
  for (const parameter of built.params.elements) {
    const difference = memberDifference(parameter, find(now.params.elements, parameter.name));
    if (difference === "gone") return `${name} has no parameter \`${parameter.name}\``;
    if (difference !== undefined) return `parameter \`${parameter.name}\` of ${name} is ${difference}`;
  }
  const added = now.params.elements.find(
    ({ name: each, type }) => !isOption(type) && find(built.params.elements, each) === undefined,
  );
  if (added !== undefined) return `${name} takes a parameter \`${added.name}\` (${wordOf(added.type)})`;
  if (built.returns === undefined) return undefined; // nobody looks at it
  const difference = typeDifference(built.returns, now.returns ?? { kind: "Product", elements: [] });
  return difference === undefined ? undefined : `${name} returns ${difference}`;
}

const find = (members: readonly Member[], name: string | undefined): Member | undefined =>
  members.find((member) => member.name === name);

function memberDifference(built: Member, now: Member | undefined): string | undefined {
  if (now === undefined) return "gone";
  return typeDifference(built.type, now.type);
}

function typeDifference(built: AlgebraicType, now: AlgebraicType): string | undefined {
  if (isSame(built, now)) return undefined;
  const [was, is] = [wordOf(built), wordOf(now)];
  return was === is ? `another ${is}` : `${is}, not ${was}`;
}

/** Whether two types of schemas are the same: all their parts are JSON, in one order. */
export function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
