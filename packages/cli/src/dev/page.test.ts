// Goal: issue 10, the loop: what is wrong with the page's server is said with a way out and keeps no module from being published; a change
// that would lose data is asked about, and done when that is wanted; on a terminal the stream has colours.
// Method: `dev` as its users run it, with Vite as it is, a port that something else has, and an answer on standard input.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bin, Place, repository } from "../testing/command.ts";

const place = new Place();
let server = "";
let taken: Server;
let port = 0;
beforeAll(async () => {
  const started = place.start("start", "--listen-addr", "127.0.0.1:0", "--in-memory");
  server = (await started.saying(/http:\/\/127\.0\.0\.1:\d+/))[0];
  taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const address = taken.address();
  port = typeof address === "object" ? (address?.port ?? 0) : 0;
});
afterAll(async () => {
  taken.close();
  await place.close();
});

const columns = "id: t.u64().primaryKey().autoInc(), text: t.string()";
const notes = (fields: string, row: string): string => `import { schema, t, table } from "lightcone/module";
const app = schema({ note: table({ public: true }, { ${fields} }) });
export default app;
export const add = app.reducer({ text: t.string() }, (ctx, { text }) => {
  console.warn("added", text);
  ctx.db.note.insert({ ${row} });
});
`;

function project(name: string, vite: string | undefined, packages: readonly string[]): string {
  const at = place.path(name);
  mkdirSync(join(at, "module", "src"), { recursive: true });
  mkdirSync(join(at, "node_modules"));
  for (const each of packages)
    symlinkSync(join(repository, "node_modules", each), join(at, "node_modules", each), "dir");
  writeFileSync(join(at, "lightcone.json"), JSON.stringify({ database: name, module: "module", server }));
  writeFileSync(join(at, "module", "src", "index.ts"), notes(columns, "id: 0n, text"));
  writeFileSync(join(at, "index.html"), "<h1>A page</h1>");
  if (vite !== undefined) writeFileSync(join(at, "vite.config.mjs"), `export default ${vite};\n`);
  return at;
}
const dev = (at: string, input?: string) =>
  place.open(process.execPath, [bin, "dev"], { cwd: at, ...(input === undefined ? {} : { input }) });

test("Vite's port is taken: the next one, unless the project insists on it", async () => {
  const options = `host: "127.0.0.1", port: ${port}`;
  const other = dev(project("other", `{ server: { ${options} } }`, ["lightcone", "vite"]));
  const [, url = ""] = await other.saying(/^page +Port \d+ is in use[^]*^Page: (http:\S+)$/m);
  expect(await (await fetch(url)).text()).toContain("A page");
  // The page's own address leads to the database.
  expect((await fetch(`${url}v1/ping`)).status).toBe(200);
  const strict = dev(project("strict", `{ server: { ${options}, strictPort: true } }`, ["lightcone", "vite"]));
  await strict.saying(/Published successfully![^]*Waiting for next change/);
  await expect
    .poll(() => strict.err)
    .toMatch(/the page's server did not start[^]*Port \d+ is already in use[^]*Hint: /);
  for (const each of [other, strict]) each.child.kill("SIGTERM");
});

test("Vite is not installed, or its settings are broken: the module is published, and what to do is said", async () => {
  const none = dev(project("none", "{}", ["lightcone"]));
  await none.saying(/Published successfully![^]*Waiting for next change/);
  expect(none.err).toMatch(/served by Vite, which is not installed here[^]*Hint: npm install --prefix \S+none/);
  const broken = dev(project("broken", "{ server: ", ["lightcone", "vite"]));
  await broken.saying(/Published successfully![^]*Waiting for next change/);
  await expect
    .poll(() => broken.err)
    .toMatch(/the page's server did not start[^]*Hint: It is Vite, by \S+vite\.config\.mjs/);
  for (const each of [none, broken]) each.child.kill("SIGTERM");
});

test("a change that loses values is asked about, and done after a yes", async () => {
  const at = project("asked", undefined, ["lightcone"]);
  const running = dev(at, "y\n");
  await running.saying(/Published successfully!/);
  await place.open(process.execPath, [bin, "call", "add", "one"], { cwd: at }).ended;
  writeFileSync(join(at, "module", "src", "index.ts"), notes("id: t.u64().primaryKey().autoInc()", "id: 0n"));
  await running.saying(/Lost: column text of table note[^]*Published successfully!/);
  expect(running.err).toContain("Go on, and lose what is named above? [y/N]");
  const rows = await place.open(process.execPath, [bin, "sql", "SELECT * FROM note"], { cwd: at }).ended;
  expect(rows.out).toMatch(/^ id *\n-+\n 1 *\n$/);
  running.child.kill("SIGTERM");
});

const hasScript = existsSync("/usr/bin/script") && spawnSync("script", ["--version"]).status === 0;
test.skipIf(!hasScript)(
  "on a terminal the lines of each source have their colour, and nothing is drawn over",
  async () => {
    const at = project("coloured", undefined, ["lightcone"]);
    // Node takes a terminal of a CI run for one without colours.
    const { NO_COLOR: _, CI: __, ...env } = place.env;
    const child = spawn("script", ["-qec", `${process.execPath} ${bin} dev`, "/dev/null"], {
      cwd: at,
      env: { ...env, TERM: "xterm-256color" },
    });
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    await expect.poll(() => out).toContain("Waiting for next change");
    await place.open(process.execPath, [bin, "call", "add", "one"], { cwd: at }).ended;
    // oxlint-disable-next-line no-control-regex -- colours are looked for
    await expect.poll(() => out).toMatch(/\u001b\[35mmodule\u001b\[39m [^\n]*\u001b\[33m WARN[^\n]*added one/);
    // oxlint-disable-next-line no-control-regex -- as are movements of the cursor
    expect(out).not.toMatch(/\u001b\[\d*[ABCDGHJK]/);
    child.kill();
    await once(child, "close");
  },
);
