/** Which views there are, as rows of the system tables. The engine keeps no rows of views: only their names and ids. */
import { asTableId, defined, type RowRef, type TableId, userIdMin } from "@lightcone/base";
import { ByteReader, ByteWriter, encodeType, type ValueCodec, valueCodec } from "@lightcone/sats";
import { SystemTable, systemTables, type ViewDef } from "@lightcone/schema";
import { SlotCursor } from "../storage/row-space.ts";
import type { TableDirectory } from "../table/table-directory.ts";
import type { StoreSystemRows } from "../transaction/system-rows.ts";
import type { StoreTransaction } from "../transaction/transaction.ts";

interface ViewRow {
  readonly view_id: number;
  readonly view_name: string;
  readonly table_id: number | undefined;
  readonly is_public: boolean;
  readonly is_anonymous: boolean;
}

const partTables = [SystemTable.st_view_column, SystemTable.st_view_param] as const;

export class ViewRows {
  private readonly tables: TableDirectory;
  private readonly tx: StoreTransaction;
  private readonly system: StoreSystemRows;
  private readonly out = new ByteWriter();

  constructor(tables: TableDirectory, tx: StoreTransaction, system: StoreSystemRows) {
    this.tables = tables;
    this.tx = tx;
    this.system = system;
  }

  stored(): readonly ViewRow[] {
    return this.rows(SystemTable.st_view).map(({ bytes }) => codec.read(new ByteReader(bytes, "a row of st_view")));
  }

  /** A view that is as it was keeps its rows. */
  set(views: readonly ViewDef[], nextTableId: () => TableId): void {
    const before = new Map(this.stored().map((row) => [row.view_name, row] as const));
    const kept = new Set<string>();
    const added: ViewDef[] = [];
    for (const view of [...views].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const row = before.get(view.name);
      if (row !== undefined && this.isAs(row, view)) kept.add(view.name);
      else added.push(view);
    }
    let nextId = userIdMin;
    for (const row of before.values()) {
      nextId = Math.max(nextId, row.view_id + 1);
      if (!kept.has(row.view_name)) this.remove(row);
    }
    for (const view of added) {
      const table_id = nextTableId();
      const { name: view_name, isPublic: is_public, isAnonymous: is_anonymous } = view;
      const row: ViewRow = { view_id: nextId++, view_name, table_id, is_public, is_anonymous };
      this.insert(SystemTable.st_view, this.written(row));
      for (const [id, bytes] of this.parts(row.view_id, view)) this.insert(id, bytes);
    }
  }

  private isAs(row: ViewRow, view: ViewDef): boolean {
    if (row.is_public !== view.isPublic || row.is_anonymous !== view.isAnonymous) return false;
    const parts = this.parts(row.view_id, view);
    const there = partTables.flatMap((id) => this.rows(id)).filter(({ bytes }) => idOf(bytes) === row.view_id);
    return (
      there.length === parts.length && parts.every(([id, bytes]) => this.table(id).findRow(bytes, 0, bytes.length) >= 0)
    );
  }

  private remove(row: ViewRow): void {
    const bytes = this.written(row);
    this.system.delete(asTableId(SystemTable.st_view), bytes, bytes.length);
    for (const id of partTables)
      for (const part of this.rows(id))
        if (idOf(part.bytes) === row.view_id) this.system.deleteRow(asTableId(id), part.ref);
  }

  /** Rows of its columns and parameters: id, position, name, and the type as bytes. */
  private parts(viewId: number, view: ViewDef): readonly (readonly [table: number, bytes: Uint8Array])[] {
    const part = (position: number, name: string, type: ViewDef["rowType"]["elements"][number]["type"]): Uint8Array => {
      const typeBytes = new ByteWriter();
      encodeType(typeBytes, type);
      const { out } = this;
      out.reset();
      out.u32(viewId);
      out.u16(position);
      out.string(name);
      out.byteArray(typeBytes.toBytes());
      return out.toBytes();
    };
    return [
      ...view.columns.map(({ name, type }, at) => [SystemTable.st_view_column, part(at, name, type)] as const),
      ...view.params.elements.map(
        ({ name, type }, at) => [SystemTable.st_view_param, part(at, name ?? "", type)] as const,
      ),
    ];
  }

  private written(row: ViewRow): Uint8Array {
    this.out.reset();
    codec.write(this.out, row);
    return this.out.toBytes();
  }

  private insert(id: number, bytes: Uint8Array): void {
    this.system.insert(asTableId(id), bytes, bytes.length);
  }

  private table(id: number) {
    return defined(this.tables.byId[id], `table ${id}`);
  }

  private rows(id: number): readonly { readonly ref: RowRef; readonly bytes: Uint8Array }[] {
    const walk = new SlotCursor(this.table(id).space);
    const rows: { readonly ref: RowRef; readonly bytes: Uint8Array }[] = [];
    for (let ref = walk.next(); ref !== -1; ref = walk.next()) {
      this.tx.resolve(ref as RowRef);
      const { bytes, at, length } = this.tx.row;
      rows.push({ ref: ref as RowRef, bytes: bytes.slice(at, at + length) });
    }
    return rows;
  }
}

const codec: ValueCodec<ViewRow> = viewCodec();

function viewCodec(): ValueCodec<ViewRow> {
  const schema = defined(
    systemTables.find(({ id }) => id === SystemTable.st_view),
    "st_view",
  );
  return valueCodec<ViewRow>(schema.def.rowType);
}

/** The view that a row of its parts is of: their first column. */
function idOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}
