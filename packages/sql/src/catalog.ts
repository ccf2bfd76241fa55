/** What a statement may name. The caller's visibility is applied here, before SQL sees anything. */
import type { TableSchema } from "@lightcone/schema";

export interface Catalog {
  /**
   * The table of that canonical name or accessor. Undefined when there is none *or the caller may not see
   * it*: the two must not be told apart.
   */
  table(name: string): TableSchema | undefined;
  /** The view of that name, under the same rule: what its rows look like. */
  view?(name: string): TableSchema | undefined;
  /** What `SELECT * FROM *` stands for. Without it, that text is refused. */
  readable?(): Iterable<TableSchema>;
}

/** Who runs a statement. */
export interface Caller {
  /** 32 bytes, little-endian. */
  readonly identity: Uint8Array;
  readonly mayWrite: boolean;
}
