/**
 * Goal: a built program has ASCII alone, and means what its source means.
 * Method: a source with other characters wherever they may stand; built, read and run.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { buildPrograms } from "./build-programs.ts";

const source = `
/** A comment ─▶ that is kept. */
export function told(): unknown {
  const größe = "ä…🦊\\n";
  const Δ = \`─\${größe}\u2028\`;
  return { größe, Δ, "→": /^[ä-ö…🦊]+$/u.test("ö🦊…"), found: "x⋈y".search(/⋈/) };
}
`;

test("row 17: a built program has ASCII alone, and says the same", async () => {
  const directory = await mkdtemp(join(tmpdir(), "lightcone-build-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, "told.ts"), source);
  await buildPrograms(join(directory, "built"), { told: join(directory, "told.ts") });
  const text = await readFile(join(directory, "built/told.js"), "utf8");
  expect(text).toMatch(/^[\0-\x7f]+$/);
  const built: { told: () => unknown } = await import(pathToFileURL(join(directory, "built/told.js")).href);
  expect(built.told()).toEqual({
    größe: "ä…🦊\n",
    Δ: "─ä…🦊\n\u2028",
    "→": true,
    found: 1,
  });
});
