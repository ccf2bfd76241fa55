/** The answer to a SQL statement in each of the formats that `sql` writes. */
import { parseJson } from "@lightcone/sats";
import { items } from "../api/json-path.ts";
import type { Format } from "./formats.ts";
import { plainJson } from "./plain-value.ts";
import { countsText, readResults, tableText, type StatementResult } from "./sql-table.ts";

/** @param body the answer as the server gave it */
export function formatted(body: string, format: Format): string {
  if (format === "raw") return body;
  const results = readResults(body);
  switch (format) {
    case "table":
      return results.map((result) => (isRows(result) ? tableText(result) : countsText(result))).join("\n\n");
    case "json":
      return results.map((result) => (isRows(result) ? jsonText(result) : countsJson(result))).join("\n");
    case "ndjson":
      return results.flatMap((result) => (isRows(result) ? rowsJson(result) : [countsJson(result)])).join("\n");
    case "csv":
      return results.map((result) => (isRows(result) ? csvText(result) : countsCsv(result))).join("\n\n");
  }
}

const isRows = ({ columns }: StatementResult): boolean => columns.length > 0;

function rowsJson({ columns, rows }: StatementResult): readonly string[] {
  return rows.map((row) => {
    const values = items(row);
    return `{${columns.map(({ name, type }, at) => `${JSON.stringify(name)}:${plainJson(type, values[at])}`).join(",")}}`;
  });
}

/** A row a line, for whoever looks at it; one array for whoever parses it. */
function jsonText(result: StatementResult): string {
  const rows = rowsJson(result);
  return rows.length === 0 ? "[]" : `[\n  ${rows.join(",\n  ")}\n]`;
}

const countsJson = ({ counts }: StatementResult): string => JSON.stringify(counts);

function countsCsv({ counts }: StatementResult): string {
  return `${Object.keys(counts).join(",")}\n${Object.values(counts).join(",")}`;
}

/** As RFC 4180 has it: a line of names, then a line for each row; quotes where they must be; nothing for none. */
function csvText({ columns, rows }: StatementResult): string {
  const lines = rows.map((row) => {
    const values = items(row);
    return columns.map(({ type }, at) => csvField(cellOf(plainJson(type, values[at])))).join(",");
  });
  return [columns.map(({ name }) => csvField(name)).join(","), ...lines].join("\n");
}

/** Text without its quotes, and lists and objects as JSON. */
function cellOf(json: string): string {
  const node = parseJson(json);
  if (node === null) return "";
  if (typeof node === "string") return node;
  return json;
}

function csvField(text: string): string {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
