/** The answer to a SQL statement, as text. */
import { JsonNumber, JsonObject, parseJson, typeFromJson, type AlgebraicType, type JsonNode } from "@lightcone/sats";
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
  return itemsOf(parseJson(body, "the answer")).map((statement) => ({
    columns: itemsOf(member(member(statement, "schema"), "elements")).map((element, at) => {
      const name = member(member(element, "name"), "some");
      return {
        name: typeof name === "string" ? name : `column ${at}`,
        type: typeFromJson({ tree: member(element, "algebraic_type") ?? null }),
      };
    }),
    rows: itemsOf(member(statement, "rows")),
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
  const cells = rows.map((row) => columns.map(({ type }, at) => cellText(type, itemsOf(row)[at])));
  const header = columns.map((column) => column.name);
  const widths = header.map((name, at) => Math.max(name.length, ...cells.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    ` ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} `.trimEnd();
  const rule = widths.map((width) => "-".repeat(width + 2)).join("+");
  return [line(header), rule, ...cells.map(line)].join("\n");
}

/** `(2 rows) [inserted: 1, server: 1.00ms]` */
export function statisticsText({ columns, rows, counts, micros }: StatementResult): string {
  const parts = Object.entries(counts).flatMap(([name, count]) => (count === 0 ? [] : [`${name}: ${count}`]));
  const shown = columns.length === 0 ? "" : `(${rows.length} ${rows.length === 1 ? "row" : "rows"}) `;
  return `${shown}[${[...parts, `server: ${(micros / 1000).toFixed(2)}ms`].join(", ")}]`;
}

function member(node: JsonNode | undefined, key: string): JsonNode | undefined {
  if (!(node instanceof JsonObject)) return undefined;
  return node.values[node.keys.indexOf(key)];
}

function itemsOf(node: JsonNode | undefined): readonly JsonNode[] {
  return Array.isArray(node) ? (node as readonly JsonNode[]) : [];
}

function numberOf(node: JsonNode | undefined): number {
  return node instanceof JsonNumber ? Number(node.text) : 0;
}
