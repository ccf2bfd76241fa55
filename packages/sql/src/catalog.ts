/** The tables and views that a statement may name. What its caller may not see is left out before SQL looks. */
import type { TableSchema } from "@lightcone/schema";
import type { RulesOf } from "./rules.ts";

export interface Catalog {
  /**
   * The table of that canonical name or accessor. Undefined when there is none *or the caller may not see
   * it*: the two must not be told apart.
   */
  table(name: string): TableSchema | undefined;
  /** The view of that name, under the same rule. */
  view?(name: string): TableSchema | undefined;
  /** What `SELECT * FROM *` stands for. Without it, that text is refused. */
  readable?(): Iterable<TableSchema>;
  /** The row-level rules that the caller is subject to. */
  readonly rules?: RulesOf | undefined;
}

/** The caller of a statement. */
export interface Caller {
  /** 32 bytes, little-endian. */
  readonly identity: Uint8Array;
  readonly mayWrite: boolean;
}
