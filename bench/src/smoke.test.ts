/**
 * Goal: no bench rots: each question still runs, and gives figures that are numbers.
 * Method: every question in smoke mode, a few hundred milliseconds of each. Nothing about how fast.
 */
import { expect, test } from "vitest";
import { questions } from "./questions.ts";
import { runQuestion } from "./support/run-question.ts";

test.each(questions)("$name", async (question) => {
  const { figures } = await runQuestion(question, true, () => undefined);
  expect(figures.length).toBeGreaterThan(0);
  for (const { name, value, unit } of figures) {
    expect(name).not.toBe("");
    expect(unit).not.toBe("");
    expect(Number.isFinite(value), name).toBe(true);
  }
});
