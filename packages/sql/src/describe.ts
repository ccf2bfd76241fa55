/** Shows a plan as lines of text, for tests and logs. */
import { formatType } from "@lightcone/sats";
import type { ColumnRef, Operand, Plan, Predicate, SelectPlan } from "./plan.ts";

/** Shows a plan with the names of its tables and columns; parameters as `?0`, `?1`, … */
export function describePlan(plan: Plan): string {
  switch (plan.kind) {
    case "select":
      return describeSelect(plan);
    case "insert":
      return `insert ${plan.rows.length} into ${plan.table.def.name}`;
    case "update": {
      const columns = plan.match.sources[0]?.table.def.columns;
      const set = plan.assignments.map(({ column }) => columns?.[column]?.name).join(", ");
      return `update ${set} of\n${describeSelect(plan.match)}`;
    }
    case "delete":
      return `delete\n${describeSelect(plan.match)}`;
    case "set":
      return `set ${plan.name} to ${plan.value}`;
    case "show":
      return `show ${plan.name}`;
  }
}

function describeSelect(plan: SelectPlan): string {
  const column = (ref: ColumnRef): string => {
    const source = plan.sources[ref.source];
    return `${source?.alias ?? ref.source}.${source?.table.def.columns[ref.column]?.name ?? ref.column}`;
  };
  const { projection } = plan;
  const what =
    projection.kind === "count"
      ? "count"
      : projection.kind === "rows"
        ? `${plan.sources[projection.source]?.alias ?? ""}.*`
        : projection.columns.map(column).join(", ");
  const lines = [`select ${what}${plan.limit === undefined ? "" : ` limit ${plan.limit}`}`];
  plan.sources.forEach(({ alias, table }, i) => {
    const filter = plan.filters[i];
    const where = filter === undefined || isAlways(filter) ? "" : ` where ${describePredicate(filter, column)}`;
    lines.push(`  from ${table.def.name}${alias === table.def.name ? "" : ` as ${alias}`}${where}`);
  });
  for (const { left, right } of plan.joins) lines.push(`  join ${column(left)} = ${column(right)}`);
  if (!isAlways(plan.residual)) lines.push(`  having ${describePredicate(plan.residual, column)}`);
  plan.params.forEach(({ type, from }, i) =>
    lines.push(`  ?${i}: ${formatType(type)}${from.kind === "sender" ? " = :sender" : ""}`),
  );
  return lines.join("\n");
}

function isAlways(predicate: Predicate): boolean {
  return predicate.kind === "constant" && predicate.value;
}

function describePredicate(predicate: Predicate, column: (ref: ColumnRef) => string): string {
  const operand = (side: Operand): string => (side.kind === "column" ? column(side) : `?${side.param}`);
  switch (predicate.kind) {
    case "constant":
      return String(predicate.value);
    case "and":
    case "or":
      return `(${predicate.terms.map((term) => describePredicate(term, column)).join(` ${predicate.kind} `)})`;
    case "compare":
      return `${operand(predicate.left)} ${predicate.op} ${operand(predicate.right)}`;
    case "truth":
      return `(${describePredicate(predicate.left, column)}) ${predicate.op} (${describePredicate(predicate.right, column)})`;
  }
}
