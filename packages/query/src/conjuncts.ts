/** What a conjunction fixes: columns equal to parameters, columns within bounds. */
import type { Predicate } from "@lightcone/sql";

export function conjuncts(predicate: Predicate): readonly Predicate[] {
  return predicate.kind === "and" ? predicate.terms : [predicate];
}

/** Column → parameter, for each top-level `column = ?` of one source's filter; the first of several. */
export function equalities(filter: Predicate): ReadonlyMap<number, number> {
  const fixed = new Map<number, number>();
  for (const term of conjuncts(filter)) {
    if (term.kind !== "compare" || term.op !== "=") continue;
    if (term.left.kind !== "column" || term.right.kind !== "param") continue;
    if (!fixed.has(term.left.column)) fixed.set(term.left.column, term.right.param);
  }
  return fixed;
}

export interface Bound {
  readonly param: number;
  readonly isIncluded: boolean;
}

export interface Range {
  from: Bound | undefined;
  to: Bound | undefined;
}

/** Column → bounds, for each top-level `column < ?` and the like; the first of several. */
export function ranges(filter: Predicate): ReadonlyMap<number, Readonly<Range>> {
  const bounded = new Map<number, Range>();
  for (const term of conjuncts(filter)) {
    if (term.kind !== "compare" || term.op === "=" || term.op === "<>") continue;
    if (term.left.kind !== "column" || term.right.kind !== "param") continue;
    const range = bounded.get(term.left.column) ?? { from: undefined, to: undefined };
    bounded.set(term.left.column, range);
    const bound = { param: term.right.param, isIncluded: term.op === "<=" || term.op === ">=" };
    if (term.op === "<" || term.op === "<=") range.to ??= bound;
    else range.from ??= bound;
  }
  return bounded;
}
