// Goal: row 19: whatever a module says of itself, publishing it is answered, in words that name what is wrong and never by
// the end of its host; and the database goes on.
// Method: random modules of the SDK that no compiler has seen, and recorded descriptions with bytes of them changed, inside
// a WebAssembly module; each is published to a database that then must take a good one. Seeded; LIGHTCONE_RUNS multiplies.
// Then, through the real command and a real server, the modules that a host ended by.
import { runCount, testSeed } from "@lightcone/base/testing";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleModule } from "@lightcone/cli/bundle";
import { seededNumbers } from "@lightcone/commitlog/testing";
import type { Database, Reply } from "@lightcone/database";
import { buildModule } from "@lightcone/host-wasm/testing";
import { afterAll, describe, expect, test } from "vitest";
import { Place } from "../../../packages/cli/src/testing/command.ts";
import { openLocal, publish } from "../database/local.ts";
import { emptyRawV10, encodeRawV10, type RawModuleDefV10 } from "@lightcone/schema";
import vectors from "../../vectors/module-def.json" with { type: "json" };
import { randomModule } from "./random-modules.ts";

const seed = testSeed(19);
const runs = runCount(1);
const text = ({ status, body }: Reply): string => `${status} ${new TextDecoder().decode(body)}`;

/** The answer to a publish, or how the database ended. */
async function publishBytes(database: Database, program: Uint8Array, hostType: "js" | "wasm"): Promise<string> {
  const request = { program, hostType, breakClients: false } as const;
  const plan = await Promise.race([database.request({ kind: "plan", ...request }), database.failed]);
  if (plan instanceof Error) return `the database ended: ${plan.stack}`;
  const reply = await Promise.race([database.request({ kind: "publish", ...request }), database.failed]);
  return reply instanceof Error ? `the database ended: ${reply.stack}` : text(reply);
}

/** A database with a module, for as long as it has that one. */
let used: Database | undefined;

/** Publishes to a new database, and to one that has a module; both must go on. */
async function tryOut(program: Uint8Array, hostType: "js" | "wasm"): Promise<string> {
  const fresh = await openLocal();
  const said = await publishBytes(fresh, program, hostType);
  if (said.startsWith("200"))
    for (const form of ["9", "10", "client"] as const)
      expect((await fresh.request({ kind: "schema", form })).status).toBe(200);
  else if (!said.startsWith("the database")) expect((await publish(fresh, "./modules/doorman.ts")).status).toBe(200);
  await fresh.stop(1000);
  if (used === undefined) {
    used = await openLocal();
    expect((await publish(used, "./modules/doorman.ts")).status).toBe(200);
  }
  const saidOfUpdate = await publishBytes(used, program, hostType);
  expect(saidOfUpdate).toMatch(/^(200|400) /);
  if (saidOfUpdate.startsWith("200")) {
    await used.stop(1000);
    used = undefined;
  }
  return said;
}

/** Names something of the module's, or the place where it was thrown. */
const good =
  /^200 |^400 the module's schema is not valid:\n {2}(table|reducer|type|index|sequence|column|the (export|function|reducer|name|scope))|^400 the program is not a module that can run here: [^]*\n {4}at /;

describe(`row 19: random modules, seed ${seed}`, () => {
  test("are answered in words", { timeout: 600_000 }, async () => {
    const entry = join(mkdtempSync(join(place.folder, "sdk-")), "sdk.ts");
    writeFileSync(entry, `export * from "lightcone/module";`);
    const { code } = await bundleModule(entry);
    const sdk = `const sdk = {}; ((exports) => {\n${code.replace(/\n\/\/# sourceMappingURL[^]*$/, "")}\n})(sdk);\nconst { schema, t, table } = sdk;\n`;
    const chance = seededNumbers(seed);
    let taken = 0;
    let count = 0;
    // One in five is good: of a few seeds' fifty modules hardly any is.
    for (; count < 50 * runs || (taken < 5 && count < 500); count++) {
      const module = randomModule(chance);
      const said = await tryOut(new TextEncoder().encode(sdk + module), "js");
      expect(said, module).toMatch(good);
      expect(said, module).not.toMatch(/SyntaxError|is not a function|Cannot read|fault of its own/);
      if (said.startsWith("200")) taken += 1;
    }
    expect(taken, "some are good").toBeGreaterThanOrEqual(5);
    expect(count - taken, "and some are not").toBeGreaterThanOrEqual(5);
  });

  test("descriptions with other bytes in them are answered", { timeout: 600_000 }, async () => {
    const chance = seededNumbers(seed);
    const known = vectors.vectors.map(({ bsatn_hex }) => Buffer.from(bsatn_hex, "hex"));
    const fitting = known.filter(({ length }) => length > 0 && length < 1900);
    expect(fitting.length).toBeGreaterThan(3);
    let taken = 0;
    for (let run = 0; run < 80 * runs; run++) {
      const bytes = Uint8Array.from(fitting[Math.floor(chance() * fitting.length)] ?? []);
      const changes = Math.floor(chance() * 4);
      for (let change = 0; change < changes; change++) {
        const at = Math.floor(chance() * bytes.length);
        bytes[at] = chance() < 0.5 ? Math.floor(chance() * 6) : Math.floor(chance() * 256);
      }
      const said = await tryOut(buildModule({ description: bytes }), "wasm");
      expect(said, Buffer.from(bytes).toString("hex")).toMatch(/^(200|400) /);
      expect(said, Buffer.from(bytes).toString("hex")).not.toContain("fault of its own");
      if (said.startsWith("200")) taken += 1;
    }
    expect(taken, "some are good").toBeGreaterThan(5);
  });
});

const place = new Place();
afterAll(() => place.close());

describe("row 19: by the command and a server", () => {
  const httpHead = `import { Router, schema, SyncResponse } from "lightcone/module";\nconst app = schema({});\nexport default app;\n`;
  const head = `import { schema, t, table } from "lightcone/module";\n`;
  const one = (column: string): string => `${head}export default schema({ item: table({}, { name: ${column} }) });\n`;
  const cases = [
    {
      why: "autoInc on text",
      module: one("t.string().autoInc()"),
      says: /table `item`, column `name`: autoInc\(\) is for integer columns.*this one is t\.string\(\)/,
    },
    {
      why: "autoInc on a bool",
      module: one("t.bool().autoInc()"),
      says: /column `name`: autoInc\(\) is for integer columns.*this one is t\.bool\(\)/,
    },
    {
      why: "autoInc on an option",
      module: one("t.u32().autoInc().optional()"),
      says: /column `name`: autoInc\(\) is for integer columns.*this one is an option/,
    },
    {
      why: "a key that is a float",
      module: one("t.f64().primaryKey()"),
      says: /column `name`: only integers, .* can be keys or indexed; this one is t\.f64\(\)/,
    },
    {
      why: "a word that nothing reads",
      module: `${head}export default schema({ item: table({ pubic: true }, { name: t.string() }) });\n`,
      says: /table `item`: there is no option `pubic`; there are name, public/,
    },
    {
      why: "a timer of a function that there is not",
      module: `${head}export default schema({ item: table({ scheduled: "nope" }, { id: t.u64().primaryKey(), at: t.scheduleAt() }) });\n`,
      says: /table `item`: no export of the entry file is the function that it schedules, `nope`/,
    },
    {
      why: "a reducer that is not exported",
      module: `${head}const app = schema({});\nexport default app;\nconst lost = app.reducer(() => {});\nvoid lost;\n`,
      says: /the function that is made at module\.ts:4:18 is not exported/,
    },
    {
      why: "a route whose handler is not exported",
      module: `${httpHead}const hi = app.httpHandler(() => new SyncResponse("hi"));\nexport const routes = app.httpRouter(new Router().get("/hi", hi));\n`,
      says: /the route GET "\/hi": its handler is no export of the entry file/,
    },
    {
      why: "two routers",
      module: `${httpHead}export const a = app.httpRouter(new Router());\nexport const b = app.httpRouter(new Router());\n`,
      says: /2 routers are exported; a module has one: merge them/,
    },
    {
      why: "two routes that overlap",
      module: `${httpHead}export const hi = app.httpHandler(() => new SyncResponse("hi"));\nexport const a = app.httpRouter(new Router().any("/x", hi).get("/x", hi));\n`,
      says: /the route GET "\/x" overlaps ANY of the same path/,
    },
    {
      why: "a path that cannot be",
      module: `${httpHead}export const hi = app.httpHandler(() => new SyncResponse("hi"));\nexport const a = app.httpRouter(new Router().get("/A:b", hi));\n`,
      says: /the path "\/A:b" cannot be/,
    },
  ];

  test("build and publish say the same, once, and the server goes on", { timeout: 300_000 }, async () => {
    const server = place.start("start", "--listen-addr", "127.0.0.1:0", "--data-dir", place.path("data"));
    const [, url = ""] = await server.saying(/(http:\/\/127\.0\.0\.1:\d+)/);
    const folder = (name: string, module: string): string => {
      mkdirSync(place.path(name));
      writeFileSync(join(place.path(name), "module.ts"), module);
      return place.path(name);
    };
    const fine = folder("fine", one("t.string()"));
    const send = (path: string): ReturnType<Place["run"]> => place.run("publish", "shop", "-s", url, "-p", path, "-y");
    expect(await send(fine)).toMatchObject({ code: 0 });
    for (const [at, { why, module, says }] of cases.entries()) {
      const path = folder(`case${at}`, module);
      const built = await place.run("build", "-p", path);
      expect([why, built.code, built.err]).toEqual([why, 1, expect.stringMatching(says)]);
      const published = await send(path);
      expect([why, published.code, published.err]).toEqual([why, 1, expect.stringMatching(says)]);
      expect(published.err.match(new RegExp(says, "g")), "said once").toHaveLength(1);
      if (at > 0) continue;
      const fresh = await place.run("publish", `fresh${at}`, "-s", url, "-p", path, "-y");
      expect([why, fresh.code, fresh.err]).toEqual([why, 1, expect.stringMatching(says)]);
    }
    expect(await place.run("sql", "shop", "SELECT * FROM item", "-s", url)).toMatchObject({ code: 0 });

    // What a library of an official bundle declares, and its package cannot call.
    const handler = {
      httpHandlers: ["hi"],
      httpRoutes: [{ handler: "hi", method: { kind: "any" }, path: "/hi" }],
    } as const;
    const module: RawModuleDefV10 = {
      ...emptyRawV10,
      submodules: [{ namespace: "lib", module: { ...emptyRawV10, ...handler } }],
    };
    writeFileSync(place.path("routes.wasm"), buildModule({ description: encodeRawV10(module) }));
    const says = /submodule `lib`: its routes \(ANY \/hi\) are not served\. /;
    for (const name of ["library", "library", "shop"]) {
      const published = await place.run("publish", name, "-s", url, "-b", place.path("routes.wasm"), "-c", "-y");
      expect([published.code, published.err]).toEqual([0, expect.stringMatching(says)]);
      expect((await place.run("logs", name, "-s", url)).out).toMatch(says);
      expect((await place.run("describe", name, "-s", url)).err).toMatch(says);
    }
  });
});
