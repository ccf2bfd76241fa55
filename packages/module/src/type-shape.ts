/**
 * What a type is, as the bundle hands it to the host: plain data, names as the author wrote them.
 *
 * Besides the algebraic types, a product or a sum may carry the name it is registered under.
 * The host reads this without trusting it: docs/formats/typescript-host.md.
 */
import type { PrimitiveKind } from "@lightcone/sats";

export interface MemberShape {
  readonly name: string;
  readonly type: TypeShape;
}

export type TypeShape =
  | { readonly kind: PrimitiveKind }
  | { readonly kind: "Array"; readonly element: TypeShape }
  | {
      readonly kind: "Product";
      readonly typeName?: string;
      /** Of a row: the column that is its primary key. */
      readonly primaryKey?: string;
      readonly elements: readonly MemberShape[];
    }
  | { readonly kind: "Sum"; readonly typeName?: string; readonly variants: readonly MemberShape[] }
  /** What is not made yet: asked for when the module is described. */
  | { readonly kind: "Lazy"; readonly of: () => TypeShape };

export type IndexAlgorithm = "btree" | "hash" | "direct";

/** What the modifiers said of a column. */
export interface ColumnFacts {
  readonly primaryKey?: true;
  readonly unique?: true;
  readonly autoInc?: true;
  readonly index?: IndexAlgorithm;
  readonly name?: string;
  readonly was?: string;
  /** Wrapped, since `undefined` is a value. */
  readonly default?: { readonly value: unknown };
}
