/** Generates where a column stands within a row. */
import { defined } from "@lightcone/base";
import { locateParts, type Helpers } from "@lightcone/engine";
import { compileWith, type AlgebraicType } from "@lightcone/sats";

type Offset = (view: DataView, at: number) => number;

/** Where a column begins and ends, for a row that begins at `at`. */
export interface ColumnPlace {
  readonly start: Offset;
  readonly end: Offset;
}

export function columnPlace(types: readonly AlgebraicType[], column: number): ColumnPlace {
  const helpers: Helpers = {};
  const { lines, parts } = locateParts({ types, columns: [column] }, "view", "at", "c", helpers);
  const part = defined(parts[0], "the column");
  const make = (result: string): Offset =>
    compileWith<Offset>(helpers, `return function columnOffset(view, at) {\n${lines}return ${result};\n};`);
  return { start: make(part.start), end: make(part.end) };
}
