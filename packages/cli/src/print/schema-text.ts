/** A database's description for people: tables, types that have names, functions. */
import { parseJson, typeText } from "@lightcone/sats";
import type { ColumnShape, FunctionShape, HandlerShape, SchemaShape, TableShape } from "../api/schema.ts";
import { paint } from "../terminal.ts";
import { cellText } from "./cell.ts";
import { columnsText } from "./columns.ts";

export function schemaText(schema: SchemaShape): string {
  const blocks = [
    ...schema.tables.map((table) => tableText(table, schema)),
    ...typesTexts(schema),
    [
      ...schema.functions.map((each) => functionText(each, schema)),
      ...schema.handlers.map((each) => handlerText(each)),
    ].join("\n"),
    schema.rowLevelRules.map((rule) => `rule ${rule}`).join("\n"),
  ];
  return blocks.filter((block) => block !== "").join("\n\n");
}

/** `table players (public)` with a line for each column, and for what concerns several. */
export function tableText(table: TableShape, schema: SchemaShape): string {
  const facts = [
    table.isPublic ? "public" : "private",
    ...(table.isEvent ? ["events: its rows are told and not kept"] : []),
    ...(table.accessor === table.name ? [] : [`${table.accessor} in the module`]),
  ];
  const row = schema.typeNames.get(table.typeRef);
  const columns = table.columns.map((column, at) => [
    `    ${column.name}:`,
    typeText(column.declared, schema),
    paint("dim", columnFacts(table, column, at).join(", ")),
  ]);
  const names = (positions: readonly number[]): string =>
    `(${positions.map((at) => table.columns[at]?.name ?? at).join(", ")})`;
  const several = (positions: readonly number[]): boolean => positions.length > 1;
  const isUnique = (positions: readonly number[]): boolean =>
    table.uniques.some((unique) => unique.length === positions.length && unique.every((at) => positions.includes(at)));
  const { schedule } = table;
  return [
    `table ${paint("bold", table.name)}${row === undefined ? "" : `: ${row}`} (${facts.join("; ")})`,
    columnsText(columns),
    ...table.uniques.filter(several).map((unique) => `    unique ${names(unique)}`),
    ...table.indexes
      .filter(({ columns: positions }) => several(positions) && !isUnique(positions))
      .map((index) => `    ${indexWord(index.algorithm)} ${names(index.columns)}`),
    ...(schedule === undefined
      ? []
      : [`    each row runs ${schedule.functionName} at its ${table.columns[schedule.atColumn]?.name ?? ""}`]),
  ].join("\n");
}

const indexWord = (algorithm: string): string => (algorithm === "btree" ? "index" : `${algorithm} index`);

function columnFacts(table: TableShape, column: ColumnShape, at: number): readonly string[] {
  const isAlone = (positions: readonly number[]): boolean => positions.length === 1 && positions[0] === at;
  const isKey = isAlone(table.primaryKey);
  const isUnique = table.uniques.some(isAlone);
  const index = table.indexes.find(({ columns }) => isAlone(columns));
  return [
    ...(isKey ? ["primary key"] : isUnique ? ["unique"] : []),
    // A key is indexed anyway; by what is said where it is not the usual way.
    ...(index === undefined || ((isKey || isUnique) && index.algorithm === "btree")
      ? []
      : [indexWord(index.algorithm)]),
    ...(column.isAutoInc ? ["auto-increment"] : []),
    ...(column.defaultJson === undefined ? [] : [`default ${cellText(column.type, parseJson(column.defaultJson))}`]),
  ];
}

/** The types that have a name and are not the rows of a table. */
function typesTexts(schema: SchemaShape): readonly string[] {
  const rows = new Set(schema.tables.map(({ typeRef }) => typeRef));
  const named = [...schema.typeNames].filter(([ref]) => !rows.has(ref));
  const texts = named.map(([ref, name]) => {
    const type = schema.typespace[ref];
    const text = type === undefined ? "" : typeText(type, schema);
    // The brackets of a sum tell it from its surroundings: here there are none.
    return `type ${paint("bold", name)} = ${type?.kind === "Sum" ? text.replace(/^\((.*)\)$/, "$1") : text}`;
  });
  return texts.length === 0 ? [] : [texts.join("\n")];
}

/** `reducer ring(row: Alarm)  private, runs rows of alarm` */
export function functionText(each: FunctionShape, schema: SchemaShape): string {
  const params = each.params.map(({ name, declared }) => `${name}: ${typeText(declared, schema)}`).join(", ");
  const returns = each.returns === undefined ? "" : ` -> ${typeText(each.returns, schema)}`;
  const facts = [
    ...(each.lifecycle === undefined ? [] : [lifecycleWords[each.lifecycle] ?? each.lifecycle]),
    ...(each.scheduledBy === undefined ? [] : [`run by rows of ${each.scheduledBy}`]),
    // That nobody calls them goes without saying.
    ...(each.isPrivate && each.lifecycle === undefined ? ["private"] : []),
    ...(each.accessor === each.name ? [] : [`${each.accessor} in the module`]),
  ];
  const behind = facts.length === 0 ? "" : paint("dim", `  (${facts.join("; ")})`);
  return `${each.kind} ${paint("bold", each.name)}(${params})${returns}${behind}`;
}

/** `handler top_scores: GET /route/top-scores`: what follows the database's address. */
export function handlerText({ name, accessor, routes }: HandlerShape): string {
  const served = routes.map(({ method, path }) => `${method} /route${path}`).join(", ");
  const facts = accessor === name ? "" : paint("dim", `  (${accessor} in the module)`);
  return `handler ${paint("bold", name)}: ${served === "" ? "no route" : served}${facts}`;
}

const lifecycleWords: Readonly<Record<string, string>> = {
  Init: "when the database is created",
  OnConnect: "when a client comes",
  OnDisconnect: "when a client goes",
};
