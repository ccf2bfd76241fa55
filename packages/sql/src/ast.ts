/**
 * The syntax tree of a statement, before it is checked.
 *
 * The tree covers more than the dialects accept. A construct that parses but is refused becomes an `other` node, so
 * that the refusal can name it instead of calling it a syntax error. `first` and `last` are token positions (`last`
 * exclusive), from which messages print the source.
 */

export interface Span {
  readonly first: number;
  readonly last: number;
}

/** A piece of SQL that no dialect has: its name as messages spell it, and its position. */
export interface Refused {
  readonly name: string;
  /** UTF-16 offset in the text. */
  readonly at: number;
}

export type CompareOp = "=" | "<>" | "<" | "<=" | ">" | ">=";

export type Literal =
  | { readonly kind: "number"; readonly text: string }
  | { readonly kind: "string"; readonly text: string }
  | { readonly kind: "hex"; readonly text: string }
  | { readonly kind: "boolean"; readonly value: boolean };

export type Expr = Span & { readonly depth: number } & (
    | { readonly kind: "column"; readonly parts: readonly string[]; readonly at: number }
    | { readonly kind: "literal"; readonly literal: Literal; readonly at: number }
    /** A literal that no dialect takes: NULL, `E'…'`, `:owner`. */
    | ({ readonly kind: "odd-literal" } & Refused)
    | { readonly kind: "sender"; readonly at: number }
    | { readonly kind: "logic"; readonly op: "and" | "or"; readonly left: Expr; readonly right: Expr }
    | {
        readonly kind: "compare";
        readonly op: CompareOp;
        readonly left: Expr;
        readonly right: Expr;
        readonly at: number;
      }
    | { readonly kind: "arithmetic"; readonly op: string; readonly at: number }
    | { readonly kind: "group"; readonly inner: Expr }
    | { readonly kind: "call"; readonly name: string; readonly isStar: boolean; readonly at: number }
    | ({ readonly kind: "other" } & Refused)
  );

export type SelectItem = Span &
  (
    | { readonly kind: "star"; readonly qualifier: readonly string[] | undefined; readonly at: number }
    | { readonly kind: "expr"; readonly expr: Expr; readonly alias: string | undefined }
  );

export type TableRef = Span &
  (
    | {
        readonly kind: "table";
        readonly parts: readonly string[];
        readonly alias: string | undefined;
        readonly at: number;
      }
    /** `*`: every table one may read. */
    | { readonly kind: "all" }
    /** A sub-select, a function. `alias` is how the message shows it. */
    | ({ readonly kind: "other"; readonly alias: string | undefined } & Refused)
  );

export interface Join {
  readonly kind: "inner" | "cross";
  readonly table: TableRef;
  readonly on: Expr | undefined;
  /** The refused kind of join, or the refused clause of a join. */
  readonly refused: Refused | undefined;
}

export interface SelectStatement extends Span {
  readonly kind: "select";
  readonly items: readonly SelectItem[];
  readonly from: readonly { readonly table: TableRef; readonly joins: readonly Join[] }[];
  readonly where: Expr | undefined;
  readonly limit: { readonly count: Expr | "all"; readonly at: number } | undefined;
  /** The first refused piece: of the SELECT (DISTINCT, GROUP BY) or of the whole query. */
  readonly refused: (Refused & { readonly level: "select" | "query" | "set-operation" }) | undefined;
}

export interface InsertStatement extends Span {
  readonly kind: "insert";
  readonly table: TableRef;
  readonly columns: readonly { readonly name: string; readonly at: number }[];
  /** Undefined for INSERT … SELECT, whose source starts at token `source`. */
  readonly rows: readonly { readonly values: readonly Expr[]; readonly at: number }[] | undefined;
  readonly source: number;
  readonly refused: Refused | undefined;
}

export interface UpdateStatement extends Span {
  readonly kind: "update";
  readonly table: TableRef;
  readonly assignments: readonly { readonly target: readonly string[]; readonly value: Expr; readonly at: number }[];
  readonly where: Expr | undefined;
  readonly refused: Refused | undefined;
}

export interface DeleteStatement extends Span {
  readonly kind: "delete";
  readonly tables: readonly TableRef[];
  readonly where: Expr | undefined;
  readonly refused: Refused | undefined;
}

export interface SetStatement extends Span {
  readonly kind: "set";
  readonly name: string;
  readonly value: Expr;
  readonly at: number;
}

export interface ShowStatement extends Span {
  readonly kind: "show";
  readonly name: string;
  readonly at: number;
}

/** A statement of SQL that neither dialect has. */
interface OtherStatement extends Span, Refused {
  readonly kind: "other";
}

export type Statement =
  | SelectStatement
  | InsertStatement
  | UpdateStatement
  | DeleteStatement
  | SetStatement
  | ShowStatement
  | OtherStatement;
