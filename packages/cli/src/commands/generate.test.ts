// Goal: issue 9, row `generate`. Bindings fit the client library that is there, and a folder holds no stale ones.
// Method: a folder per case, with or without an installed library; the command as its users run it.
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Place } from "../testing/command.ts";

const place = new Place();
afterAll(() => place.close());

let module = "";
beforeAll(() => {
  module = mkdtempSync(join(place.folder, "module-"));
  writeFileSync(
    join(module, "module.ts"),
    `import { schema, t, table } from "lightcone/module";
const spacetime = schema({ boat: table({ public: true }, { id: t.u32().primaryKey(), name: t.string() }) });
export default spacetime;
export const dock = spacetime.reducer({ name: t.string() }, () => undefined);
`,
  );
});

/** A project's folder, with a version of a client library installed. */
function project(version?: string): string {
  const folder = mkdtempSync(join(place.folder, "client-"));
  if (version !== undefined) {
    mkdirSync(join(folder, "node_modules", "spacetimedb"), { recursive: true });
    writeFileSync(join(folder, "node_modules", "spacetimedb", "package.json"), JSON.stringify({ version }));
  }
  return folder;
}

const generate = (language: string, out: string, ...more: readonly string[]) =>
  place.run("generate", "--lang", language, "--out-dir", out, "--project-path", module, ...more);

describe("row generate: which version TypeScript bindings are for", () => {
  const cases = [
    { installed: undefined, flags: [], made: "2.10.1", says: /npm install spacetimedb@2\n/ },
    { installed: "1.12.0", flags: [], made: "1.12.0", says: /finished/ },
    { installed: "2.10.1", flags: [], made: "2.10.1", says: /finished/ },
    { installed: "3.0.0", flags: [], made: "2.10.1", says: /finished/ },
    { installed: "2.10.1", flags: ["--sdk", "1"], made: "1.12.0", says: /version 2: npm install spacetimedb@1\.12\n/ },
    { installed: undefined, flags: ["--sdk", "1"], made: "1.12.0", says: /npm install spacetimedb@1\.12\n/ },
  ];
  test.each(cases)("$installed is installed, flags $flags: for $made", async ({ installed, flags, made, says }) => {
    const out = join(project(installed), "src", "module_bindings");
    const ended = await generate("typescript", out, ...flags);
    expect(ended).toMatchObject({ code: 0, out: expect.stringMatching(says) as string });
    expect(readFileSync(join(out, "index.ts"), "utf8")).toContain(`cliVersion: "${made}"`);
  });
});
