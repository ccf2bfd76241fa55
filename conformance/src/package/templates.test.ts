// Goal: issue 10, §5: each template goes from `init` to its green tests in a clean folder, with Node 20 and with Node 24.
// Method: here one of them, with the packages of this repository. In `npm run soak` all of them as strangers have them: packed, made by
// `npx`, installed by npm from the registry, by every Node that is on this machine; skipped where no registry answers, and says so.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Project } from "../browser/project.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const templates = ["chat", "todo", "game", "react"];
const isSoak = Number(process.env["LIGHTCONE_RUNS"] ?? 1) > 1;
const picked = templates[Number(process.env["LIGHTCONE_SEED"] ?? 2) % templates.length] ?? "game";

test(`template ${picked} (LIGHTCONE_SEED draws another): its types and its tests`, async () => {
  const project = await Project.init(picked);
  try {
    expect(project.test()).toMatch(/pass \d+\n[^]*fail 0\n/);
  } finally {
    await project.close();
  }
});

const hasRegistry = isSoak && spawnSync("npm", ["view", "vite", "version"], { timeout: 30_000 }).status === 0;
const nodes = [dirname(process.execPath), "/usr/bin", "/usr/local/bin"].filter(
  (folder, at, all) => existsSync(join(folder, "node")) && all.indexOf(folder) === at,
);

describe.skipIf(!hasRegistry)("packed, and installed by npm (skipped unless soaking, and without a registry)", () => {
  let folder = "";
  let tarball = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "lightcone-templates-"));
    const dist = join(folder, "dist");
    execFileSync(process.execPath, [join(root, "packages/cli/src/build/build-dist.ts"), dist], { cwd: root });
    tarball = join(dist, readdirSync(dist).find((name) => name.endsWith(".tgz")) ?? "");
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(nodes.flatMap((node) => templates.map((template) => ({ node, template }))))(
    "$template, Node of $node",
    ({ node, template }) => {
      const at = join(folder, `${template}-${nodes.indexOf(node)}`);
      mkdirSync(at);
      const env = {
        ...process.env,
        PATH: `${node}${delimiter}/usr/bin${delimiter}/bin`,
        XDG_CONFIG_HOME: join(folder, "config"),
      };
      const run = (cwd: string, command: string, ...args: readonly string[]): string => {
        const { status, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: "utf8" });
        expect(status, `${command} ${args.join(" ")}:\n${stdout}${stderr}`).toBe(0);
        return `${stdout}${stderr}`;
      };
      run(at, "npx", "--yes", "--package", tarball, "lightcone", "init", "my-app", "--template", template);
      const project = join(at, "my-app");
      expect(run(project, "npm", "install", "--no-audit", "--no-fund")).not.toMatch(/warn/i);
      for (const script of ["check", "test", "build"]) run(project, "npm", "run", script);
      rmSync(at, { recursive: true, force: true });
    },
  );
});
