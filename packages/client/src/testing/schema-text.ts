/** A schema as a server tells it to clients, of parts. The real one comes from a module: `conformance/`. */
import { product, typeToJson, type ProductType } from "@lightcone/sats";

export interface SchemaParts {
  readonly tables?: readonly {
    readonly accessor: string;
    readonly name?: string;
    readonly row: ProductType;
    readonly key?: number;
    readonly isPrivate?: boolean;
    readonly isEvent?: boolean;
    /** Columns by their places. */
    readonly indexes?: Readonly<Record<string, readonly number[]>>;
    readonly unique?: readonly (readonly number[])[];
    readonly autoInc?: readonly number[];
  }[];
  readonly reducers?: readonly { readonly accessor: string; readonly name?: string; readonly params?: ProductType }[];
}

export function schemaText({ tables = [], reducers = [] }: SchemaParts): string {
  const json = (type: ProductType): unknown => JSON.parse(typeToJson(type));
  const sections = [
    { Typespace: { types: tables.map(({ row }) => json(row)) } },
    {
      Tables: tables.map(
        ({ accessor, key, isPrivate, isEvent = false, indexes = {}, unique = [], autoInc = [] }, index) => ({
          source_name: accessor,
          product_type_ref: index,
          primary_key: key === undefined ? [] : [key],
          indexes: Object.entries(indexes).map(([name, columns]) => ({
            accessor_name: { some: name },
            algorithm: { BTree: columns },
          })),
          constraints: unique.map((columns) => ({ data: { Unique: { columns } } })),
          sequences: autoInc.map((column) => ({ column })),
          is_event: isEvent,
          table_access: isPrivate === true ? { Private: [] } : { Public: [] },
        }),
      ),
    },
    {
      Reducers: reducers.map(({ accessor, params = product({}) }) => ({
        source_name: accessor,
        params: (json(params) as { readonly Product: unknown }).Product,
        visibility: { ClientCallable: [] },
      })),
    },
    {
      ExplicitNames: {
        entries: [
          ...tables.map(({ accessor, name = accessor }) => ({
            Table: { source_name: accessor, canonical_name: name },
          })),
          ...reducers.map(({ accessor, name = accessor }) => ({
            Function: { source_name: accessor, canonical_name: name },
          })),
        ],
      },
    },
  ];
  return JSON.stringify({ sections });
}
