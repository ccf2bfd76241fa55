/** How soon does an edit of a module run, under `lightcone dev`? */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect } from "@lightcone/client";
import type { Figure, Question } from "./support/question.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const main = join(root, "packages/cli/src/main.ts");

export const edits: Question = {
  name: "edits",
  workload:
    "`lightcone dev` on the template react, types checked: a reducer's text is saved anew, a table gets one column more; a connected client calls until the new module answers",
  unit: "ms from the save to the answer",
  expected: "half a second",
  run: async (run) => {
    const { directory, isSmoke } = run;
    const env = { ...process.env, XDG_CONFIG_HOME: join(directory, "config"), NO_COLOR: "1" };
    const made = spawnSync(process.execPath, [main, "init", "edits", "--template", "react"], { cwd: directory, env });
    if (made.status !== 0) throw new Error(made.stderr.toString());
    const project = join(directory, "edits");
    // Package by package: what Vite keeps beside them is this project's own.
    for (const name of ["lightcone", "react", "react-dom", "typescript", "vite"]) {
      mkdirSync(join(project, "node_modules"), { recursive: true });
      symlinkSync(join(root, "node_modules", name), join(project, "node_modules", name), "dir");
    }
    const port = await freePort();
    change(join(project, "lightcone.json"), ":3000", `:${port}`);
    const dev = spawn(process.execPath, [main, "dev"], { cwd: project, env, stdio: ["ignore", "pipe", "ignore"] });
    try {
      let said = "";
      while (!said.includes("Waiting for next change")) said += String((await once(dev.stdout, "data"))[0]);
      dev.stdout.resume();
      const db = connect({ uri: `http://127.0.0.1:${port}`, database: "edits" });
      const answer = async (): Promise<string> =>
        db.reducers["addNote"]?.({ text: " " }).then(
          () => "",
          (error: Error) => error.message,
        ) ?? "";
      const source = join(project, "module/src/index.ts");
      const times: Record<"reducer" | "table", number[]> = { reducer: [], table: [] };
      const rounds = isSmoke ? 1 : 5;
      let text = "A note needs a text";
      for (let round = 0; round < rounds; round += 1)
        for (const kind of ["reducer", "table"] as const) {
          await answer();
          // A change of a table ends connections, and a client that was not connected for long waits longer before it comes back.
          if (kind === "table" && !isSmoke) await new Promise((resolve) => setTimeout(resolve, steadyMs));
          if (kind === "table") change(source, " },\n);", `, more${round}: t.u32().default(0) },\n);`);
          if (kind === "table") change(source, "text: text.trim()", `text: text.trim(), more${round}: 0`);
          const next = `${kind} ${round}`;
          const from = performance.now();
          change(source, text, next);
          text = next;
          while ((await answer()) !== next) await new Promise((resolve) => setTimeout(resolve, 5));
          times[kind].push(performance.now() - from);
          run.say(`${next}: ${Math.round(performance.now() - from)} ms`);
        }
      db.close();
      return Object.entries(times).map(([kind, each]): Figure => {
        const median = each.sort((a, b) => a - b)[Math.floor(each.length / 2)] ?? Number.NaN;
        return { name: `an edit of a ${kind}, median`, value: median, unit: "ms", reach: "<= 1000" };
      });
    } finally {
      dev.kill();
      if (dev.exitCode === null && dev.signalCode === null) await once(dev, "exit");
    }
  },
};

/** Longer than a connection of a client has to last for its next attempts to be counted anew. */
const steadyMs = 6_000;

function change(path: string, before: string, after: string): void {
  const text = readFileSync(path, "utf8");
  if (!text.includes(before)) throw new Error(`${path} has no ${before}`);
  writeFileSync(path, text.replace(before, after));
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  await new Promise((closed) => probe.close(closed));
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}
