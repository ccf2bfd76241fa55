/** Table definitions and commit facts for tests and benches. */
import type { AlgebraicType } from "@lightcone/sats";
import type { IndexAlgorithm, TableDef } from "@lightcone/schema";
import { CommitKind, type CommitMeta } from "../commit.ts";

export interface TableSketch {
  readonly name: string;
  readonly columns: Readonly<Record<string, AlgebraicType>>;
  /** Unique column sets; each gets an index. */
  readonly unique?: readonly (readonly string[])[];
  readonly indexes?: readonly { readonly columns: readonly string[]; readonly algorithm?: IndexAlgorithm }[];
  readonly autoIncrement?: string;
  readonly isEvent?: boolean;
}

/** A definition as a checked module would have it. */
export function tableDef(sketch: TableSketch): TableDef {
  const names = Object.keys(sketch.columns);
  const position = (column: string): number => names.indexOf(column);
  const unique = sketch.unique ?? [];
  const isUnique = (columns: readonly string[]): boolean =>
    unique.some((each) => each.length === columns.length && each.every((name) => columns.includes(name)));
  const declared = [
    ...unique.map((columns) => ({ columns, algorithm: "btree" as IndexAlgorithm })),
    ...(sketch.indexes ?? []).map((index) => ({ columns: index.columns, algorithm: index.algorithm ?? "btree" })),
  ];
  const auto = sketch.autoIncrement;
  return {
    name: sketch.name,
    accessor: sketch.name,
    columns: Object.entries(sketch.columns).map(([name, type]) => ({
      name,
      accessor: name,
      type,
      defaultValue: undefined,
    })),
    rowType: { kind: "Product", elements: Object.entries(sketch.columns).map(([name, type]) => ({ name, type })) },
    typeRef: undefined,
    primaryKey: undefined,
    indexes: declared.map(({ columns, algorithm }) => {
      const name = `${sketch.name}_${columns.join("_")}_idx_${algorithm}`;
      return {
        name,
        sourceName: name,
        accessor: undefined,
        algorithm,
        columns: columns.map(position),
        unique: isUnique(columns),
      };
    }),
    constraints: unique.map((columns) => ({
      name: `${sketch.name}_${columns.join("_")}_key`,
      columns: columns.map(position),
    })),
    sequences:
      auto === undefined
        ? []
        : [
            {
              name: `${sketch.name}_${auto}_seq`,
              column: position(auto),
              start: 1n,
              min: 1n,
              max: 2n ** 127n - 1n,
              increment: 1n,
            },
          ],
    schedule: undefined,
    access: "public",
    kind: "user",
    isEvent: sketch.isEvent ?? false,
  };
}

const nobody = new Uint8Array(32);
const nowhere = new Uint8Array(16);
const nothing = new Uint8Array(0);

export function commitMeta(given: Partial<CommitMeta> = {}): CommitMeta {
  return {
    kind: CommitKind.reducer,
    timestampMicros: 0,
    functionName: "test",
    reducerId: 0,
    args: nothing,
    sender: nobody,
    connection: nowhere,
    requestId: 0,
    requestSequence: 0,
    ...given,
  };
}
