/** How a statement that parses is refused: one place for category, text and position. Texts: sql.md §12. */
import { LightconeError } from "@lightcone/base";

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
  | "too_deep";

/** @throws {LightconeError} always: `SqlRefused` */
export function refuse(category: RefusalCategory, text: string, at?: number): never {
  throw new LightconeError("SqlRefused", at === undefined ? { category, text } : { category, text, at });
}

/** The start of a text, for a message about the whole of it. */
export function abbreviate(text: string): string {
  return text.length <= 120 ? text : `${text.slice(0, 120)}...`;
}
