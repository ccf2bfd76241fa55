// Goal: a plan reads as recorded, with and without colours.
// Method: the recorded answers for harbor-2.10 with a table `crane` added, rebuilt here and planned.
import { expect, test } from "vitest";
import { product, t } from "@lightcone/sats";
import { checkModule } from "./check-module.ts";
import { formatMigration } from "./format-migration.ts";
import { planMigration, type MigrationPlan } from "./migration.ts";
import { btree, table, unique } from "./testing/module-parts.ts";
import { httpBody, vectorModule } from "./testing/vectors.ts";

const recordedPlan = (comment: string): string =>
  (JSON.parse(httpBody(comment)) as { AutoMigrate: { migrate_plan: string } }).AutoMigrate.migrate_plan;

function planCrane(): MigrationPlan {
  const raw = vectorModule("harbor-2.10");
  if (raw.version !== 10) throw new Error("harbor-2.10 is a V10 module");
  const ref = raw.typespace.length;
  const crane = table("crane", ref, {
    primaryKey: [0],
    indexes: [btree("crane_id_idx_btree", 0)],
    constraints: [unique(0)],
  });
  const next = {
    ...raw,
    typespace: [...raw.typespace, product({ id: t.u32, tons: t.u16 })],
    types: [...raw.types, { scope: [], name: "Crane", ref, customOrdering: true }],
    tables: [...raw.tables, crane],
  };
  return planMigration(checkModule(raw), checkModule(next), { rowCount: () => 0, dropsData: false });
}

test.each([
  { style: "plain", comment: "plan: a table is added" },
  { style: "ansi", comment: "plan with colours" },
] as const)("an added table, $style", ({ style, comment }) => {
  const plan = planCrane();
  const text = plan.kind === "auto" ? formatMigration(plan.steps, plan.breaks, style) : plan.reason;
  expect(text).toBe(recordedPlan(comment));
});

test("nothing to do", () => {
  expect(formatMigration([], [], "plain")).toBe(recordedPlan("plan: same program"));
});

test("row 13: what breaks clients is listed, and that they are disconnected is said if they are", () => {
  const removed = { subject: "reducer sail", change: "removed", misleads: false };
  const list = "▸ Breaks clients of the version before\n    • reducer sail: removed\n\n";
  expect(formatMigration([], [removed], "plain", true)).toBe(`${recordedPlan("plan: same program")}${list}`);
  const warning = "!!! Warning: All clients will be disconnected due to breaking schema changes\n";
  expect(formatMigration([], [{ ...removed, misleads: true }], "plain", true)).toBe(
    `${recordedPlan("plan: same program")}${list}${warning}`,
  );
  expect(formatMigration([], [removed], "ansi", true)).toContain("\u001b[31mBreaks");
});
