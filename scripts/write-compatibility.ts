/**
 * Writes the lists at the end of `docs/compatibility.md` from the recordings' differences: what stands above the
 * mark is written by hand. `npm run ok` fails when they are not what this writes.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { differences } from "../conformance/src/conversations/differences.ts";

const path = "docs/compatibility.md";
const mark = "<!-- The rest is written by scripts/write-compatibility.ts. -->";

const reasons = differences.map((difference, index) =>
  difference.why === "as above" ? lastReasonBefore(index) : difference.why,
);

function lastReasonBefore(index: number): string {
  return differences.slice(0, index).findLast(({ why }) => why !== "as above")?.why ?? "";
}

const different = [...Map.groupBy(differences, (_, index) => reasons[index])].map(
  ([why, members]) => `| ${why} | ${members.map(({ name }) => name).join(" · ")} |`,
);
const lists = `${mark}

## Different on purpose

Exchanges of the recorded conversations that end otherwise here.

| why | exchanges |
|---|---|
${different.join("\n")}
`;

const page = readFileSync(path, "utf8");
const [byHand] = page.split(mark);
const wanted = `${byHand ?? ""}${lists}`;
if (process.argv.includes("--check")) {
  if (page !== wanted) {
    process.stderr.write(`${path} is not what the lists say: run node scripts/write-compatibility.ts\n`);
    process.exit(1);
  }
  process.stdout.write(`compatibility: ${differences.length} differences\n`);
} else {
  writeFileSync(path, wanted);
}
