/**
 * Conditions as generated functions over row bytes.
 *
 * Columns are read in place: at constant offsets as long as all columns before them have a fixed width, otherwise at
 * offsets that the function finds first. Parameters are arguments, so one function serves every query of a template.
 * Values are ordered as docs/semantics/order-and-equality.md says: -0 equals +0, NaN equals NaN and is above
 * everything. Nothing here allocates when it runs.
 */
import { equalBytes, locateParts, type Helpers, type Part } from "@lightcone/engine";
import { compareBytes, compareFloats, compileWith, type AlgebraicType } from "@lightcone/sats";
import type { CompareOp, JoinEdge, Operand, Predicate, SelectPlan } from "@lightcone/sql";
import { formOf, type ArgLayout, type Args, type Form } from "./args.ts";

/** Whether a row of one source fulfils a condition. */
export type RowFilter = (view: DataView, at: number, numbers: Float64Array, views: readonly DataView[]) => boolean;
/** Tests several conditions on a row of one source: the position of the first that holds, or -1. */
export type FirstTerm = (view: DataView, at: number, numbers: Float64Array, views: readonly DataView[]) => number;
/** A condition on rows of several sources, by their positions. */
export type TupleFilter = (
  rowViews: readonly DataView[],
  rowAts: ArrayLike<number>,
  numbers: Float64Array,
  views: readonly DataView[],
) => boolean;

export const noArgs: Args = { numbers: new Float64Array(0), views: [] };

/** The types of the columns of each source. */
export type SourceTypes = readonly (readonly AlgebraicType[])[];

export function sourceTypes({ sources }: Pick<SelectPlan, "sources">): SourceTypes {
  return sources.map(({ table }) => table.def.columns.map(({ type }) => type));
}

export function columnTypes(plan: Pick<SelectPlan, "sources">, source: number): readonly AlgebraicType[] {
  return sourceTypes(plan)[source] ?? [];
}

export function isAlways(predicate: Predicate): boolean {
  return predicate.kind === "constant" && predicate.value;
}

export function isNever(predicate: Predicate): boolean {
  return predicate.kind === "constant" && !predicate.value;
}

/** Generates the filter of one source. Undefined when every row passes. */
export function compileRowFilter(
  types: SourceTypes,
  source: number,
  predicate: Predicate,
  layout: ArgLayout,
): RowFilter | undefined {
  if (isAlways(predicate)) return undefined;
  const code = new PredicateCode(types, layout, new Map([[source, { view: "view", at: "at" }]]));
  return code.compile<RowFilter>("view, at, numbers, views", "", predicate);
}

/** Generates which of `terms` is the first that a row of one source fulfils. */
export function compileFirstTerm(
  types: SourceTypes,
  source: number,
  terms: readonly Predicate[],
  layout: ArgLayout,
): FirstTerm {
  const code = new PredicateCode(types, layout, new Map([[source, { view: "view", at: "at" }]]));
  return code.compileFirst<FirstTerm>("view, at, numbers, views", terms);
}

/** Generates a condition over any sources. */
export function compileTupleFilter(types: SourceTypes, predicate: Predicate, layout: ArgLayout): TupleFilter {
  const used = [...sourcesOf(predicate)].toSorted((a, b) => a - b);
  const places = new Map(used.map((i) => [i, { view: `view${i}`, at: `at${i}` }]));
  const prologue = used.map((i) => `const view${i} = rowViews[${i}], at${i} = rowAts[${i}];\n`).join("");
  return new PredicateCode(types, layout, places).compile<TupleFilter>(
    "rowViews, rowAts, numbers, views",
    prologue,
    predicate,
  );
}

/** The sources that a condition reads; source 0 for a constant. */
export function sourcesOf(predicate: Predicate): ReadonlySet<number> {
  const columns = new Map<number, Set<number>>();
  collectColumns(predicate, columns);
  return new Set(columns.size === 0 ? [0] : columns.keys());
}

/** Whether a condition depends on the query. */
export function readsParams(predicate: Predicate): boolean {
  switch (predicate.kind) {
    case "constant":
      return false;
    case "and":
    case "or":
      return predicate.terms.some(readsParams);
    case "truth":
      return readsParams(predicate.left) || readsParams(predicate.right);
    case "compare":
      return predicate.left.kind === "param" || predicate.right.kind === "param";
  }
}

export function edgePredicate({ left, right, type }: JoinEdge): Predicate {
  return { kind: "compare", op: "=", left: { kind: "column", ...left }, right: { kind: "column", ...right }, type };
}

/** How deep an expression may nest before a part of it gets a statement of its own. */
const expressionDepthMax = 24;

interface Place {
  readonly view: string;
  readonly at: string;
}

class PredicateCode {
  private readonly types: SourceTypes;
  private readonly layout: ArgLayout;
  private readonly places: ReadonlyMap<number, Place>;
  private readonly helpers: Helpers = { compareBytes, compareFloats, equalBytes };
  private readonly parts = new Map<string, { readonly part: Part; readonly view: string }>();
  private statements = "";
  private hoistCount = 0;

  constructor(types: SourceTypes, layout: ArgLayout, places: ReadonlyMap<number, Place>) {
    this.types = types;
    this.layout = layout;
    this.places = places;
  }

  compile<F>(parameters: string, prologue: string, predicate: Predicate): F {
    this.locateColumns([predicate]);
    const result = this.expression(predicate, 1);
    const body = `return function rowMatches(${parameters}) {\n${prologue}${this.statements}return ${result};\n};`;
    return compileWith<F>(this.helpers, body);
  }

  compileFirst<F>(parameters: string, predicates: readonly Predicate[]): F {
    this.locateColumns(predicates);
    const lines = predicates.map((predicate, i) => `if (${this.expression(predicate, 1)}) return ${i};\n`).join("");
    const body = `return function firstMatch(${parameters}) {\n${this.statements}${lines}return -1;\n};`;
    return compileWith<F>(this.helpers, body);
  }

  private locateColumns(predicates: readonly Predicate[]): void {
    const columns = new Map<number, Set<number>>();
    for (const predicate of predicates) collectColumns(predicate, columns);
    for (const [source, needed] of columns) this.locate(source, [...needed]);
  }

  private locate(source: number, columns: readonly number[]): void {
    const place = this.places.get(source);
    if (place === undefined) throw new TypeError(`source ${source} is not at hand`);
    const shape = { types: this.types[source] ?? [], columns };
    const { lines, parts } = locateParts(shape, place.view, place.at, `c${source}_`, this.helpers);
    this.statements += lines;
    columns.forEach((column, i) => {
      const part = parts[i];
      if (part !== undefined) this.parts.set(`${source}.${column}`, { part, view: place.view });
    });
  }

  private expression(predicate: Predicate, depth: number): string {
    const text = this.nested(predicate, depth);
    if (depth % expressionDepthMax !== 0) return text;
    const name = `part${this.hoistCount++}`;
    this.statements += `const ${name} = ${text};\n`;
    return name;
  }

  private nested(predicate: Predicate, depth: number): string {
    switch (predicate.kind) {
      case "constant":
        return String(predicate.value);
      case "and":
      case "or": {
        const terms = predicate.terms.map((term) => this.expression(term, depth + 1));
        return terms.length === 0
          ? String(predicate.kind === "and")
          : `(${terms.join(predicate.kind === "and" ? " && " : " || ")})`;
      }
      case "truth": {
        const left = this.expression(predicate.left, depth + 1);
        const right = this.expression(predicate.right, depth + 1);
        return `(${left} ${scriptOp(predicate.op)} ${right})`;
      }
      case "compare":
        return this.comparison(predicate.op, formOf(predicate.type), predicate.left, predicate.right);
    }
  }

  private comparison(op: CompareOp, form: Form, left: Operand, right: Operand): string {
    switch (form.kind) {
      case "number": {
        const read = (side: Operand): string => this.read(side, 0, form.getter);
        return `(${read(left)} ${scriptOp(op)} ${read(right)})`;
      }
      case "float": {
        const a = this.read(left, 0, form.getter);
        const b = this.read(right, 0, form.getter);
        return `(compareFloats(${a}, ${b}) ${scriptOp(op)} 0)`;
      }
      case "words":
        return this.wordComparison(op, form.count, form.signed, left, right);
      case "counted":
        return this.countedComparison(op, left, right);
    }
  }

  private wordComparison(op: CompareOp, count: number, signed: boolean, left: Operand, right: Operand): string {
    const word = (side: Operand, i: number): string =>
      this.read(side, i, signed && i === count - 1 ? "Int32" : "Uint32");
    const equal = Array.from({ length: count }, (_, i) => `${word(left, i)} === ${word(right, i)}`).join(" && ");
    const below = (a: Operand, b: Operand): string => {
      let text = `${word(a, 0)} < ${word(b, 0)}`;
      for (let i = 1; i < count; i += 1) {
        text = `${word(a, i)} < ${word(b, i)} || (${word(a, i)} === ${word(b, i)} && (${text}))`;
      }
      return `(${text})`;
    };
    switch (op) {
      case "=":
        return `(${equal})`;
      case "<>":
        return `!(${equal})`;
      case "<":
        return below(left, right);
      case ">":
        return below(right, left);
      case "<=":
        return `!${below(right, left)}`;
      case ">=":
        return `!${below(left, right)}`;
    }
  }

  private countedComparison(op: CompareOp, left: Operand, right: Operand): string {
    const a = this.counted(left);
    const b = this.counted(right);
    if (op === "=" || op === "<>") {
      const lengths = `${a.end} - ${a.start} === ${b.end} - ${b.start}`;
      const equal = `(${lengths} && equalBytes(${a.view}, ${a.start}, ${b.view}, ${b.start}, ${a.end} - ${a.start}))`;
      return op === "=" ? equal : `!${equal}`;
    }
    const order = `compareBytes(${a.view}, ${a.start} + 4, ${a.end}, ${b.view}, ${b.start} + 4, ${b.end})`;
    return `(${order} ${scriptOp(op)} 0)`;
  }

  /** A number: the operand itself, or its word `word`. */
  private read(side: Operand, word: number, getter: string): string {
    if (side.kind === "param") return `numbers[${(this.layout.at[side.param] ?? 0) + word}]`;
    const { part, view } = this.part(side.source, side.column);
    const at = word === 0 ? part.start : `${part.start} + ${4 * word}`;
    return getter.endsWith("8") ? `${view}.get${getter}(${at})` : `${view}.get${getter}(${at}, true)`;
  }

  /** Bytes with their count before them. */
  private counted(side: Operand): { readonly view: string; readonly start: string; readonly end: string } {
    if (side.kind === "param") {
      const view = `views[${this.layout.at[side.param] ?? 0}]`;
      return { view, start: "0", end: `${view}.byteLength` };
    }
    const { part, view } = this.part(side.source, side.column);
    return { view, start: part.start, end: part.end };
  }

  private part(source: number, column: number): { readonly part: Part; readonly view: string } {
    const part = this.parts.get(`${source}.${column}`);
    if (part === undefined) throw new TypeError(`column ${source}.${column} was not located`);
    return part;
  }
}

function collectColumns(predicate: Predicate, columns: Map<number, Set<number>>): void {
  switch (predicate.kind) {
    case "constant":
      return;
    case "and":
    case "or":
      for (const term of predicate.terms) collectColumns(term, columns);
      return;
    case "truth":
      collectColumns(predicate.left, columns);
      collectColumns(predicate.right, columns);
      return;
    case "compare":
      for (const side of [predicate.left, predicate.right]) {
        if (side.kind !== "column") continue;
        const known = columns.get(side.source);
        if (known === undefined) columns.set(side.source, new Set([side.column]));
        else known.add(side.column);
      }
  }
}

function scriptOp(op: CompareOp): string {
  return op === "=" ? "===" : op === "<>" ? "!==" : op;
}
