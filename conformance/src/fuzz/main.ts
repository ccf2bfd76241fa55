/**
 * `npm run fuzz -- [--minutes 10] [--target NAME] [--seed N] [--from N] [--count N]`
 *
 * Each target in a process of its own, one after another. One that says nothing for a minute hangs, and is ended. What is met wrongly is
 * told with what makes it again; keep such an input as a file of conformance/vectors/fuzz/NAME, which tests run first.
 */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { fuzz, targets } from "./run.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    target: { type: "string" },
    seed: { type: "string", default: String(Math.floor(Date.now() / 1000)) },
    from: { type: "string", default: "1" },
    count: { type: "string", default: "Infinity" },
  },
});
const seed = Number(values.seed);
const from = Number(values.from);
const silentMsMax = 60_000;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

if (process.send === undefined) await runAll();
else await runOne(values.target ?? "");

async function runOne(name: string): Promise<void> {
  const target = targets[name];
  if (target === undefined) throw new Error(`there is no target ${name}; there are ${Object.keys(targets).join(", ")}`);
  const endMs = performance.now() + Number(values.minutes) * 60_000;
  let toldMs = 0;
  const count = await fuzz(name, target, {
    seed,
    from,
    goesOn(number) {
      const nowMs = performance.now();
      if (nowMs - toldMs > 200) process.send?.(number);
      if (nowMs - toldMs > 200) toldMs = nowMs;
      return nowMs < endMs && number < from + Number(values.count);
    },
  });
  say(`${name}: ${count} inputs`);
  process.exit(0);
}

async function runAll(): Promise<void> {
  const names = values.target === undefined ? Object.keys(targets) : [values.target];
  const minutes = Number(values.minutes) / names.length;
  say(`seed ${seed}, ${minutes.toFixed(1)} minutes for each of ${names.join(", ")}`);
  let failedCount = 0;
  for (const name of names) if (!(await runApart(name, minutes))) failedCount += 1;
  say(failedCount === 0 ? "all inputs were met as they should be" : `${failedCount} targets met an input wrongly`);
  process.exitCode = failedCount === 0 ? 0 : 1;
}

/** @returns whether all went well */
function runApart(name: string, minutes: number): Promise<boolean> {
  const args = [
    "--target",
    name,
    "--minutes",
    String(minutes),
    "--seed",
    String(seed),
    "--from",
    String(from),
    "--count",
    values.count,
  ];
  return new Promise((resolve) => {
    const child = fork(fileURLToPath(import.meta.url), args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    let number = from;
    let silent = setTimeout(() => child.kill("SIGKILL"), silentMsMax);
    child.on("message", (at: number) => {
      number = at;
      clearTimeout(silent);
      silent = setTimeout(() => {
        say(`${name}: nothing for ${silentMsMax / 1000} s: --target ${name} --seed ${seed} --from ${number}`);
        child.kill("SIGKILL");
      }, silentMsMax);
    });
    child.on("exit", (code, signal) => {
      clearTimeout(silent);
      if (code !== 0) say(`${name}: ended by ${signal ?? `code ${code}`} after --seed ${seed} --from ${number}`);
      resolve(code === 0);
    });
  });
}
