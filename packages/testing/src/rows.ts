/** Rows of a module's tables and views, from their bytes to values as the module has them. */
import { defined } from "@lightcone/base";
import { fullName, partOf, withAllBelow, type ModuleShape } from "@lightcone/host-js";
import { ByteReader, product, valueCodec, type AlgebraicType, type ValueCodec } from "@lightcone/sats";
import type { ModuleDef } from "@lightcone/schema";

export type AnyRow = Readonly<Record<string, unknown>>;

/** How rows of a table or of a view are read. */
export interface RowReader {
  /** The columns' names in the code. */
  readonly columns: readonly string[];
  read(bytes: Uint8Array): AnyRow;
  /** What is the same for two rows of which one takes the place of the other; undefined where there is no primary key. */
  keyOf(row: AnyRow): string | undefined;
}

class Reader implements RowReader {
  readonly columns: readonly string[];
  private readonly codec: ValueCodec<AnyRow>;
  private readonly key: string | undefined;

  constructor(columns: readonly { readonly name: string; readonly type: AlgebraicType }[], key: string | undefined) {
    this.columns = columns.map(({ name }) => name);
    this.codec = valueCodec(product(Object.fromEntries(columns.map(({ name, type }) => [name, type]))));
    this.key = key;
  }

  read(bytes: Uint8Array): AnyRow {
    return this.codec.read(new ByteReader(bytes, "a row"));
  }

  keyOf(row: AnyRow): string | undefined {
    return this.key === undefined ? undefined : String(row[this.key]);
  }
}

/** Readers by the names that tables and views have in the database. */
export function rowReaders(shape: ModuleShape, def: ModuleDef): ReadonlyMap<string, RowReader> {
  const readers = new Map<string, RowReader>();
  const parts = withAllBelow(partOf(shape));
  const tables = new Map(parts.flatMap((part) => part.shape.tables.map((table) => [fullName(part, table.key), table])));
  const views = new Map(
    parts.flatMap((part) => part.shape.views.map((view) => [fullName(part, view.exportName), view])),
  );
  for (const { name, accessor } of def.tables) {
    const table = tables.get(accessor);
    if (table === undefined) continue;
    const key = table.columns.find(({ primaryKey }) => primaryKey)?.name;
    readers.set(name, new Reader(table.columns, key));
  }
  for (const { name, accessor } of def.views) {
    const view = views.get(accessor);
    if (view === undefined) continue;
    const { returns, primaryKey } = view;
    const row =
      returns.kind === "Array"
        ? returns.element
        : returns.kind === "Sum"
          ? defined(returns.variants[0], "what an option may hold").type
          : returns;
    if (row.kind !== "Product") continue;
    const columns = row.elements.map(({ name: column = "", type }) => ({ name: column, type }));
    readers.set(name, new Reader(columns, primaryKey));
  }
  return readers;
}
