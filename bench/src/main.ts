/**
 * `npm run bench -- NAME… [--smoke] [--json] [--protocol v1,v2,v3]`: runs questions, or lists them.
 *
 * Each says what it does and expects before it runs. Results go to `bench/results/`, with the machine and the sync
 * time of the same run; `--json` prints them too.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { questions } from "./questions.ts";
import { setEngineFlags } from "@lightcone/server";
import { machineLine } from "./support/machine.ts";
import type { Figure } from "./support/question.ts";
import { runQuestion } from "./support/run-question.ts";
import { protocols } from "./support/websocket-client.ts";

const args = process.argv.slice(2);
const isSmoke = args.includes("--smoke");
const asJson = args.includes("--json");
const protocolAt = args.indexOf("--protocol");
const named = protocolAt < 0 ? "v1" : (args.splice(protocolAt, 2)[1] ?? "");
const asked = named.split(",").map((name) => protocols.find((protocol) => protocol === name));
const names = args.filter((arg) => !arg.startsWith("--"));
const unknown = names.filter((name) => name !== "all" && !questions.some((question) => question.name === name));
const say = (text: string): void => void (asJson ? process.stderr : process.stdout).write(`${text}\n`);

if (names.length === 0 || unknown.length > 0 || asked.includes(undefined)) {
  if (asked.includes(undefined)) process.stderr.write(`--protocol takes ${protocols.join(", ")}, or some of them\n`);
  for (const name of unknown) process.stderr.write(`there is no bench ${name}\n`);
  process.stdout.write("usage: npm run bench -- NAME… | all [--smoke] [--json] [--protocol v1,v2,v3]\n\n");
  for (const { name, workload } of questions) process.stdout.write(`  ${name.padEnd(12)} ${workload}\n`);
  process.exit(names.length > 0 ? 2 : 0);
}

// Questions about the database's thread are asked in this one.
setEngineFlags();
say(machineLine());
for (const question of questions.filter(({ name }) => names.includes("all") || names.includes(name))) {
  say(`\n${question.name}: ${question.workload}\n  unit ${question.unit}; expected: ${question.expected}`);
  const spoken = asked.filter((protocol) => protocol !== undefined);
  const answer = await runQuestion(question, isSmoke, say, spoken);
  for (const figure of answer.figures) say(`  ${line(figure)}`);
  const { p50Ms, p99Ms } = answer.sync;
  say(`  fdatasync of 4 KiB: p50 ${p50Ms.toFixed(3)} ms, p99 ${p99Ms.toFixed(3)} ms`);
  const result = { ...answer, machine: machineLine(), date: new Date().toISOString(), isSmoke };
  if (asJson) process.stdout.write(`${JSON.stringify(result)}\n`);
  if (!isSmoke) await keep(question.name, result.date, result);
}

function line({ name, value, unit, reach }: Figure): string {
  const shown = value >= 1000 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
  return `${name.padEnd(44)} ${shown.padStart(12)} ${unit}${reach === undefined ? "" : `   (to reach: ${reach})`}`;
}

async function keep(name: string, date: string, result: object): Promise<void> {
  const directory = fileURLToPath(new URL("../results/", import.meta.url));
  await mkdir(directory, { recursive: true });
  const file = `${directory}${date.slice(0, 19).replaceAll(":", "")}-${name}.json`;
  await writeFile(file, `${JSON.stringify(result, undefined, 2)}\n`);
}
