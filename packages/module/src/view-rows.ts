/** The rows of a view, as the query of another begins with them. */
import { queryOf, type Query } from "./query.ts";
import type { AnyType } from "./type-builder.ts";
import type { TypeShape } from "./type-shape.ts";

/** @param R what the view returns: rows, or one */
export type RowsOfView<R> = Query<ColumnsOf<R extends readonly (infer Row)[] ? Row : Exclude<R, undefined>>>;
type ColumnsOf<Row> = { readonly [K in keyof Row]: AnyType<Row[K]> };

/** @param name undefined as long as nobody has said it @throws {TypeError} in that case */
export function rowsOfView(name: string | undefined, returns: TypeShape): Query {
  if (name === undefined)
    throw new TypeError("the rows of a view are for the query of another: ask for them in its function");
  return queryOf(name, columnsOf(returns));
}

/** Of a list of rows, or of an option of one. */
function columnsOf(shape: TypeShape | undefined): readonly string[] {
  switch (shape?.kind) {
    case "Product":
      return shape.elements.map(({ name }) => name);
    case "Array":
      return columnsOf(shape.element);
    case "Sum":
      return columnsOf(shape.variants[0]?.type);
    case "Lazy":
      return columnsOf(shape.of());
    default:
      return [];
  }
}
