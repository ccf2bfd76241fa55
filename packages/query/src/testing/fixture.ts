/** Tables, rows and commits for the tests of this package. */
import { CommitKind, openStore, type Commit, type CommitMeta, type Store, type Table } from "@lightcone/engine";
import { ByteWriter, valueCodec, type AlgebraicType } from "@lightcone/sats";
import type { IndexAlgorithm, TableDef } from "@lightcone/schema";
import type { Catalog } from "@lightcone/sql";
import type { DeltaPart } from "../live/parts.ts";

export interface IndexSpec {
  readonly columns: readonly number[];
  readonly unique?: boolean;
  readonly algorithm?: IndexAlgorithm;
}

export interface TableSpec {
  readonly name: string;
  readonly columns: Readonly<Record<string, AlgebraicType>>;
  readonly indexes?: readonly IndexSpec[];
  readonly isEvent?: boolean;
}

export function tableDef(spec: TableSpec): TableDef {
  const columns = Object.entries(spec.columns).map(([name, type]) => ({
    name,
    accessor: name,
    type,
    defaultValue: undefined,
  }));
  const indexes = (spec.indexes ?? []).map(({ columns: of, unique = false, algorithm = "btree" }) => {
    const name = `${spec.name}_${of.map((column) => columns[column]?.name).join("_")}_idx_${algorithm}`;
    return { name, sourceName: name, accessor: undefined, algorithm, columns: of, unique };
  });
  return {
    name: spec.name,
    accessor: spec.name,
    columns,
    rowType: { kind: "Product", elements: columns.map(({ name, type }) => ({ name, type })) },
    typeRef: undefined,
    primaryKey: undefined,
    indexes,
    constraints: indexes
      .filter(({ unique }) => unique)
      .map(({ name, columns: of }) => ({ name: `${name}_key`, columns: of })),
    sequences: [],
    schedule: undefined,
    access: "public",
    kind: "user",
    isEvent: spec.isEvent ?? false,
  };
}

const meta: CommitMeta = {
  kind: CommitKind.internal,
  timestampMicros: 1,
  functionName: "",
  reducerId: 0xffff_ffff,
  args: new Uint8Array(0),
  sender: new Uint8Array(32),
  connection: new Uint8Array(16),
  requestId: 0,
  requestSequence: 0,
};

/** A store with tables, and what SQL sees of it. */
export class Fixture {
  readonly store: Store = openStore();
  readonly catalog: Catalog = { table: (name) => this.store.tableByName(name)?.schema };
  private readonly codecs = new Map<string, ReturnType<typeof valueCodec>>();

  constructor(...specs: readonly TableSpec[]) {
    this.store.begin();
    for (const spec of specs) this.store.catalog.createTable(tableDef(spec));
    this.commit();
  }

  table(name: string): Table {
    const table = this.store.tableByName(name);
    if (table === undefined) throw new Error(`no table ${name}`);
    return table;
  }

  /** A row of plain values, by column name, as bytes. */
  encode(name: string, row: object): Uint8Array {
    let codec = this.codecs.get(name);
    if (codec === undefined) this.codecs.set(name, (codec = valueCodec(this.table(name).def.rowType)));
    const out = new ByteWriter();
    codec.write(out, row);
    return out.bytes.slice(0, out.length);
  }

  /** Inserts within the open transaction. False when a constraint refused it. */
  insert(name: string, row: object): boolean {
    const bytes = this.encode(name, row);
    return this.store.tx.insert(this.table(name).id, bytes, 0, bytes.length) >= 0;
  }

  /** Updates by the first unique index within the open transaction. False when there is none, or no row with that key. */
  update(name: string, row: object): boolean {
    const table = this.table(name);
    const key = table.indexes.find(({ unique }) => unique);
    const bytes = this.encode(name, row);
    return key !== undefined && this.store.tx.update(table.id, key.id, bytes, 0, bytes.length) >= 0;
  }

  /** Deletes by value within the open transaction. */
  delete(name: string, row: object): void {
    const bytes = this.encode(name, row);
    const found = this.table(name).findRow(bytes, 0, bytes.length);
    if (found !== -1) this.store.tx.deleteRow(this.table(name).id, found);
  }

  /** Ends the open transaction; `see` gets its commit, if there is one, before it is released. */
  commit(see: (commit: Commit) => void = () => undefined): void {
    const commit = this.store.commit(meta);
    if (commit === undefined) return;
    see(commit);
    this.store.release(commit);
  }

  /** The bytes of a row in hexadecimal. */
  text(ref: number): string {
    this.store.resolve(ref as Parameters<Store["resolve"]>[0]); // a reference from this store
    const { bytes, at, length } = this.store.row;
    return Buffer.from(bytes.subarray(at, at + length)).toString("hex");
  }
}

/** The references of a delta's rows, each as often as its count changed. */
export function rowsOf(parts: readonly DeltaPart[], kind: "deletes" | "inserts"): number[] {
  return parts.flatMap((part) => [...part[kind].refs.subarray(0, part[kind].count)]);
}
