/** A migration plan as people read it before they agree to it. The frame and the shape of an added table are fixed. */
import { bsatnToJson, ByteReader, typeText, type AlgebraicType } from "@lightcone/sats";
import type { Access, TableDef } from "./module-def.ts";
import type { ClientBreak } from "./client-breaks.ts";
import { disconnects } from "./migration.ts";
import { rows, type AddedColumn, type MigrationStep } from "./planning.ts";

export type PlanStyle = "ansi" | "plain";

const line = "━".repeat(60);
const reset = "\u001b[0m";

/** Colours for a terminal, or nothing. */
class Paint {
  private readonly style: PlanStyle;

  constructor(style: PlanStyle) {
    this.style = style;
  }

  heading = (text: string): string => this.bold(34, text);
  change = (text: string): string => this.bold(32, text);
  removal = (text: string): string => this.bold(31, text);
  name = (text: string): string => this.bold(36, text);
  type = (text: string): string => this.plain(35, text);
  access = (access: Access): string => this.plain(access === "public" ? 32 : 33, access);

  private bold(colour: number, text: string): string {
    return this.style === "plain" ? text : `${reset}\u001b[1m\u001b[${colour}m${text}${reset}`;
  }

  private plain(colour: number, text: string): string {
    return this.style === "plain" ? text : `${reset}\u001b[${colour}m${text}${reset}`;
  }
}

/**
 * The text of a plan that can be carried out.
 *
 * @param isListed whether what breaks clients is listed, which the reference does not
 */
export function formatMigration(
  steps: readonly MigrationStep[],
  breaks: readonly ClientBreak[],
  style: PlanStyle,
  isListed = false,
): string {
  const paint = new Paint(style);
  const head = `${line}\n${paint.heading("Database Migration Plan")}\n${line}\n\n`;
  const warning = disconnects(breaks)
    ? "!!! Warning: All clients will be disconnected due to breaking schema changes\n"
    : "";
  return `${head}${steps.map((step) => formatStep(step, paint)).join("")}${isListed ? formatBreaks(breaks, paint) : ""}${warning}`;
}

function formatBreaks(breaks: readonly ClientBreak[], paint: Paint): string {
  if (breaks.length === 0) return "";
  const items = breaks.map(({ subject, change }) => `    • ${paint.name(subject)}: ${change}\n`);
  return `▸ ${paint.removal("Breaks")} clients of the version before\n${items.join("")}\n`;
}

function formatStep(step: MigrationStep, paint: Paint): string {
  const created = (what: string): string => `▸ ${paint.change("Created")} ${what}\n\n`;
  const changed = (what: string): string => `▸ ${paint.change("Changed")} ${what}\n\n`;
  const removed = (what: string): string => `▸ ${paint.removal("Removed")} ${what}\n\n`;
  const { name, type } = paint;
  const lost = (rowCount: number): string => (rowCount === 0 ? "" : `, of ${rows(rowCount)}`);
  switch (step.kind) {
    case "addTable":
      return formatTable(step.table, paint);
    case "removeTable":
      return removed(`table: ${name(step.table)}${step.rowCount === 0 ? "" : `, with ${rows(step.rowCount)}`}`);
    case "renameTable":
      return changed(`name of table ${name(step.was)} to ${name(step.table)}`);
    case "addColumns":
      return formatColumns(step.table, step.columns, paint);
    case "removeColumn":
      return removed(`column ${name(step.column)} of table ${name(step.table)}${lost(step.rowCount)}`);
    case "renameColumn":
      return changed(`name of column ${name(step.was)} of table ${name(step.table)} to ${name(step.column)}`);
    case "changeColumn":
      return changed(
        `type of column ${name(step.column.name)} of table ${name(step.table)}: ` +
          `${type(typeText(step.was.type))} → ${type(typeText(step.column.type))}`,
      );
    case "reorderColumns":
      return changed(`order of the columns of table ${name(step.table)}: ${step.columns.join(", ")}`);
    case "setEvent":
      return changed(`table ${name(step.table)} to ${step.isEvent ? "an event table" : "a table that keeps its rows"}`);
    case "addIndex":
      return created(`index ${name(step.index.name)} on table ${name(step.table)}`);
    case "removeIndex":
      return removed(`index ${name(step.index)} of table ${name(step.table)}`);
    case "addConstraint":
      return created(
        `unique constraint ${name(step.constraint.name)} on [${step.constraint.columns
          .map((column) => step.table.columns[column]?.name ?? column)
          .join(", ")}] of table ${name(step.table.name)}`,
      );
    case "removeConstraint":
      return removed(`unique constraint ${name(step.constraint)} of table ${name(step.table)}`);
    case "addSequence":
      return created(`sequence ${name(step.sequence.name)} of table ${name(step.table)}`);
    case "removeSequence":
      return removed(`sequence ${name(step.sequence)} of table ${name(step.table)}`);
    case "addSchedule":
      return created(`schedule ${name(step.schedule)} of table ${name(step.table)}, calling ${step.functionName}`);
    case "removeSchedule":
      return removed(`schedule ${name(step.schedule)} of table ${name(step.table)}`);
    case "setPrimaryKey":
      return changed(`primary key of table ${name(step.table)}: ${step.column ?? "none"}`);
    case "addView":
      return created(`view: ${name(step.view.name)}`);
    case "removeView":
      return removed(`view: ${name(step.view)}`);
    case "setAccess":
      return changed(`access of table ${name(step.table)} (${paint.access(step.access)})`);
    case "setAccessors":
      return changed(`accessors of table ${name(step.table.name)}`);
    case "setRowLevelRules":
      return `▸ ${paint.change("Changed")} row level security\n${step.rules.map((rule) => `    • ${rule}\n`).join("")}\n`;
  }
}

/** Columns that are added, each with what rows get that are there. The shape is fixed. */
function formatColumns(table: string, columns: readonly AddedColumn[], paint: Paint): string {
  const lines = columns.map(({ column, value }) => {
    const given = value === undefined ? "" : ` (default: ${formatValue(column.type, value)})`;
    return `    + ${paint.name(column.name)}: ${paint.type(typeText(column.type))}${given}\n`;
  });
  return `▸ ${paint.change("Created")} column${columns.length === 1 ? "" : "s"} in table ${paint.name(table)}\n${lines.join("")}`;
}

function formatValue(type: AlgebraicType, value: Uint8Array): string {
  const text = bsatnToJson(type, "named", new ByteReader(value));
  const isPlain = type.kind !== "Product" && type.kind !== "Sum" && type.kind !== "Array";
  return isPlain ? `${type.kind}(\n    ${text},\n)` : text;
}

function formatTable(table: TableDef, paint: Paint): string {
  const names = (columns: readonly number[]): string =>
    `[${columns.map((column) => table.columns[column]?.name ?? column).join(", ")}]`;
  const section = (heading: string, items: readonly string[]): string =>
    items.length === 0
      ? ""
      : `    ${paint.heading(`${heading}:`)}\n${items.map((item) => `        • ${item}\n`).join("")}`;
  return (
    `▸ ${paint.change("Created")} user table: ${paint.name(table.name)} (${paint.access(table.access)})\n` +
    section(
      "Columns",
      table.columns.map((column) => `${column.name}: ${paint.type(typeText(column.type))}`),
    ) +
    section(
      "Unique constraints",
      table.constraints.map((each) => `${each.name} on ${names(each.columns)}`),
    ) +
    section(
      "Indexes",
      table.indexes.map((each) => `${each.name} on ${names(each.columns)}`),
    ) +
    section(
      "Sequences",
      table.sequences.map((each) => `${each.name} on ${names([each.column])}`),
    ) +
    section(
      "Schedule",
      table.schedule === undefined ? [] : [`${table.schedule.name} calls ${table.schedule.functionName}`],
    ) +
    "\n"
  );
}
