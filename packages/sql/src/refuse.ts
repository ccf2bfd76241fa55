/** How a statement that parses is refused: one place for category, position and text, which is the reference system's. */
import { isLightconeError, LightconeError } from "@lightcone/base";

export type RefusalCategory =
  | "unsupported"
  | "empty"
  | "multi_statement"
  | "no_table"
  | "no_name"
  | "no_field"
  | "no_literal_type"
  | "type_mismatch"
  | "bad_literal"
  | "bad_operator"
  | "duplicate_name"
  | "wildcard_join"
  | "return_type"
  | "insert_fields"
  | "insert_values"
  | "join_type"
  | "implicit_join"
  | "unqualified"
  | "mixed_wildcard"
  | "agg_alias"
  | "from_required"
  | "multi_delete"
  | "no_join_index"
  | "too_many_tables"
  | "event_lookup"
  | "not_authorized"
  | "view_dml"
  | "bad_var"
  | "too_long"
  | "too_deep"
  | "rls_cycle"
  | "rls_private"
  | "rls_system"
  | "rls_event";

/** What a refusal says beyond the reference system's text. */
export interface About {
  /** The piece that is refused, in the words of SQL. */
  readonly what?: string | undefined;
  /** What to write instead. */
  readonly advice?: string | undefined;
}

/**
 * @param at where in the text it stands; `placed` makes line and column of it
 * @throws {LightconeError} always: `SqlRefused`
 */
export function refuse(category: RefusalCategory, text: string, at?: number, { what, advice }: About = {}): never {
  throw new LightconeError("SqlRefused", { category, text, at, what, advice });
}

/** Runs a check of `sql`, and adds line and column to its refusal. */
export function placed<T>(sql: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!isLightconeError(error, "SqlRefused") || error.detail.at === undefined) throw error;
    throw new LightconeError("SqlRefused", { ...error.detail, ...placeOf(sql, error.detail.at) });
  }
}

/** The line and column of an offset, both from 1. */
export function placeOf(sql: string, at: number): { readonly line: number; readonly column: number } {
  const before = sql.slice(0, at);
  return { line: before.split("\n").length, column: at - before.lastIndexOf("\n") };
}

/** The start of a text, for a message about the whole of it. */
export function abbreviate(text: string): string {
  return text.length <= 120 ? text : `${text.slice(0, 120)}...`;
}
