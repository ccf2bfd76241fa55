/** The answer to a SQL statement, as text. */
import { parseJson, typeFromJson, type AlgebraicType, type JsonNode } from "@lightcone/sats";
import { items, member, numberOf } from "../api/json-path.ts";
import { cellText } from "./cell.ts";

interface Column {
  readonly name: string;
  readonly type: AlgebraicType;
}

export interface StatementResult {
  readonly columns: readonly Column[];
  readonly rows: readonly JsonNode[];
  /** Rows inserted, deleted, updated; microseconds in the server. */
  readonly counts: { readonly inserted: number; readonly deleted: number; readonly updated: number };
  readonly micros: number;
}

/** @throws {LightconeError} `Malformed` when it is no such answer */
export function readResults(body: string): readonly StatementResult[] {
  return items(parseJson(body, "the answer")).map((statement) => ({
    columns: items(member(member(statement, "schema"), "elements")).map((element, at) => {
      const name = member(member(element, "name"), "some");
      return {
        name: typeof name === "string" ? name : `column ${at}`,
        type: typeFromJson({ tree: member(element, "algebraic_type") ?? null }),
      };
    }),
    rows: items(member(statement, "rows")),
    counts: {
      inserted: numberOf(member(member(statement, "stats"), "rows_inserted")),
      deleted: numberOf(member(member(statement, "stats"), "rows_deleted")),
      updated: numberOf(member(member(statement, "stats"), "rows_updated")),
    },
    micros: numberOf(member(statement, "total_duration_micros")),
  }));
}

/** Header, line, rows; nothing for a statement that returns no columns. */
export function tableText({ columns, rows }: StatementResult): string {
  if (columns.length === 0) return "";
  const cells = rows.map((row) => columns.map(({ type }, at) => cellText(type, items(row)[at])));
  const header = columns.map((column) => column.name);
  const widths = header.map((name, at) => Math.max(name.length, ...cells.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    ` ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} `.trimEnd();
  const rule = widths.map((width) => "-".repeat(width + 2)).join("+");
  return [line(header), rule, ...cells.map(line)].join("\n");
}

/** What a statement that writes has done: `2 rows updated`. */
export function countsText({ counts }: StatementResult): string {
  const parts = Object.entries(counts).flatMap(([what, count]) => (count === 0 ? [] : [`${rowsWord(count)} ${what}`]));
  return parts.length === 0 ? "no rows changed" : parts.join(", ");
}

const rowsWord = (count: number): string => `${count} ${count === 1 ? "row" : "rows"}`;

/** `(2 rows) [inserted: 1, server: 1.00ms]` */
export function statisticsText({ columns, rows, counts, micros }: StatementResult): string {
  const parts = Object.entries(counts).flatMap(([name, count]) => (count === 0 ? [] : [`${name}: ${count}`]));
  const shown = columns.length === 0 ? "" : `(${rowsWord(rows.length)}) `;
  return `${shown}[${[...parts, `server: ${(micros / 1000).toFixed(2)}ms`].join(", ")}]`;
}
