/** A migration plan as people read it before they agree to it. The frame and the shape of an added table are fixed. */
import { formatType } from "@lightcone/sats";
import type { Access, TableDef } from "./module-def.ts";
import type { ClientBreak } from "./client-breaks.ts";
import { disconnects, type MigrationStep } from "./migration.ts";

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

/** The text of a plan that can be carried out. */
export function formatMigration(
  steps: readonly MigrationStep[],
  breaks: readonly ClientBreak[],
  style: PlanStyle,
): string {
  const paint = new Paint(style);
  const head = `${line}\n${paint.heading("Database Migration Plan")}\n${line}\n\n`;
  const warning = disconnects(breaks)
    ? "!!! Warning: All clients will be disconnected due to breaking schema changes\n"
    : "";
  return `${head}${steps.map((step) => formatStep(step, paint)).join("")}${formatBreaks(breaks, paint)}${warning}`;
}

function formatBreaks(breaks: readonly ClientBreak[], paint: Paint): string {
  if (breaks.length === 0) return "";
  const items = breaks.map(({ subject, change }) => `    • ${paint.name(subject)}: ${change}\n`);
  return `▸ ${paint.removal("Breaks")} clients of the version before\n${items.join("")}\n`;
}

function formatStep(step: MigrationStep, paint: Paint): string {
  switch (step.kind) {
    case "addTable":
      return formatTable(step.table, paint);
    case "addIndex":
      return `▸ ${paint.change("Created")} index ${paint.name(step.index.name)} on table ${paint.name(step.table)}\n\n`;
    case "removeIndex":
      return `▸ ${paint.removal("Removed")} index ${paint.name(step.index)} of table ${paint.name(step.table)}\n\n`;
    case "addView":
      return `▸ ${paint.change("Created")} view: ${paint.name(step.view.name)}\n\n`;
    case "removeView":
      return `▸ ${paint.removal("Removed")} view: ${paint.name(step.view)}\n\n`;
    case "setAccess":
      return `▸ ${paint.change("Changed")} access of table ${paint.name(step.table)} (${paint.access(step.access)})\n\n`;
    case "setAccessors":
      return `▸ ${paint.change("Changed")} accessors of table ${paint.name(step.table.name)}\n\n`;
    case "setRowLevelRules":
      return `▸ ${paint.change("Changed")} row level security\n${step.rules.map((rule) => `    • ${rule}\n`).join("")}\n`;
  }
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
      table.columns.map((column) => `${column.name}: ${paint.type(formatType(column.type))}`),
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
