// Goal: a page that is open while another version is published is told what differs, by name, and what it does goes
// where it was meant to: no argument lands in another's place.
// Method: the arena on a real server, our client on it; the next version is published as its publisher would, and the
// database's own rows are looked at.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { connect, type BuiltSchema } from "lightcone/client";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { Arena, endOf, program } from "./arena.ts";
import type * as views from "./modules/arena-views.ts";

const command = fileURLToPath(new URL("../../../packages/lightcone/bin/lightcone.js", import.meta.url));
let arena: Arena;
beforeAll(async () => {
  arena = await Arena.open();
});
afterAll(() => arena.close());

const differs = (database: string, what: string): string =>
  `this page was built for another version of ${database}: ${what}`;

describe("row 13: the next version is published while the page is open", () => {
  test("arguments go by their names, what is renamed or gone fails by its name, the rest goes on", async () => {
    const database = "arena-open";
    await arena.publish(database);
    const { db, errors, when, states } = arena.connect(database);
    await db.subscribe(db.tables.player, db.tables.step).applied;
    await db.subscribe(db.tables.spell).applied;
    await db.reducers.enter({ id: 1, userName: "Ada" });
    await db.reducers.learn({ spellName: "light", cost: 1 });
    await db.reducers.move({ dx: 1, dy: 2 });
    expect(db.tables.spell.size).toBe(1);
    const spellsGone: string[] = [];
    db.tables.spell.onDelete(({ spellName }) => spellsGone.push(spellName));

    await arena.publishOther(database, "arena-next");
    await when(/^waiting/);
    expect(await endOf(db.reducers.move({ dx: 3, dy: 4 }))).toBe("done");
    expect(await arena.served.sql(database, "SELECT dx, dy FROM step")).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(db.tables.step.rows()).toContainEqual({ dx: 3, dy: 4 });
    expect(await endOf(db.reducers.enter({ id: 2, userName: "Bo" }))).toBe(
      `VersionDiffers: ${differs(database, "reducer `enter` has no parameter `userName`")}`,
    );
    expect(await endOf(db.reducers.learn({ spellName: "dark", cost: 9 }))).toBe(
      `VersionDiffers: ${differs(database, "there is no reducer `learn` for clients; there are enter, move")}`,
    );
    expect(errors.map(({ message }) => message)).toContain(
      differs(database, "there is no public table `spell`; there are player, step, duel"),
    );
    expect([db.tables.spell.rows(), spellsGone]).toEqual([[], ["light"]]);
    expect(db.tables.player.rows()).toEqual([{ id: 1, userName: "Ada", hitPoints: 100 }]);
    expect(states.at(-1)).toBe("open");
    db.close();
  });

  test("calls that are under way while it is published: none lands with its arguments changed", async () => {
    const database = "arena-busy";
    await arena.publish(database);
    const pages = Array.from({ length: 4 }, () => arena.connect(database).db);
    await Promise.all(pages.map((db) => db.subscribe(db.tables.step).applied));
    const over = new AbortController();
    const made: Promise<string>[] = [];
    const callOn = async (db: (typeof pages)[number], from: number): Promise<void> => {
      for (let index = from; !over.signal.aborted; index += pages.length) {
        made.push(endOf(db.reducers.move({ dx: index, dy: -index })));
        if (made.length % 50 === 0) await made.at(-1);
      }
    };
    const calling = pages.map((db, index) => callOn(db, index + 1));
    await made[100];
    await arena.publishOther(database, "arena-next");
    const after = made.length;
    while (made.length < after + 200) await new Promise((resolve) => setImmediate(resolve));
    over.abort();
    await Promise.all(calling);
    const ends = await Promise.all(made);
    const rows = (await arena.served.sql(database, "SELECT dx, dy FROM step")) as readonly (readonly [
      number,
      number,
    ])[];
    expect(rows.filter(([dx, dy]) => dx < 1 || dy !== -dx)).toEqual([]);
    const there = new Set(rows.map(([dx]) => dx));
    expect(there.size).toBe(rows.length);
    expect(ends.filter((end) => end !== "done" && !end.startsWith("ConnectionLost"))).toEqual([]);
    expect(ends.filter((end) => end === "done").length).toBeLessThanOrEqual(rows.length);
    for (const db of pages) db.close();
  });

  test("a table that becomes private takes its rows along and says so; the rest goes on", async () => {
    const database = "arena-private";
    await arena.publish(database);
    const { db, errors, states } = arena.connect(database);
    await db.subscribe(db.tables.player, db.tables.step).applied;
    await db.subscribe("SELECT * FROM spell").applied;
    await db.reducers.learn({ spellName: "light", cost: 1 });
    await db.reducers.enter({ id: 1, userName: "Ada" });
    expect(db.tables.spell.size).toBe(1);
    const gone = new Promise((resolve) => db.tables.spell.onDelete(resolve));

    await arena.publishOther(database, "arena-private");
    expect(await gone).toEqual({ spellName: "light", cost: 1 });
    expect(await endOf(db.reducers.learn({ spellName: "dark", cost: 9 }))).toBe("done");
    expect(errors.map(({ code }) => code)).toEqual(["SubscriptionRefused"]);
    expect(states).toEqual(["open"]);
    expect(await endOf(db.reducers.move({ dx: 3, dy: 4 }))).toBe("done");
    expect(db.tables.step.rows()).toEqual([{ dx: 3, dy: 4 }]);
    expect(db.tables.spell.rows()).toEqual([]);
    db.close();
  });
});

describe("issue 10: a page that was built before another version was published", () => {
  /** What the command puts beside the types of a project whose module is the arena, as a page has it. */
  async function build() {
    const folder = mkdtempSync(join(tmpdir(), "lightcone-built-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    mkdirSync(join(folder, "module/src"), { recursive: true });
    copyFileSync(new URL("modules/arena.ts", import.meta.url), join(folder, "module/src/index.ts"));
    const project = { database: "arena", module: "module", schema: "module/built/schema.ts" };
    writeFileSync(join(folder, "lightcone.json"), JSON.stringify(project));
    execFileSync(process.execPath, [command, "build"], { cwd: folder });
    const path = pathToFileURL(join(folder, project.schema)).href;
    const built: BuiltSchema = await import(/* @vite-ignore */ path);
    let loads = 0;
    return { schema: { hash: built.hash, load: () => ((loads += 1), built.load()) }, loads: () => loads };
  }

  test("of the same version: nothing is compared", async () => {
    const database = "arena-same";
    await arena.publish(database);
    const { schema, loads } = await build();
    const { db, errors } = arena.connect(database, { schema });
    await db.subscribe(db.tables.spell).applied;
    expect(await endOf(db.reducers.learn({ spellName: "light", cost: 1 }))).toBe("done");
    expect(db.tables.spell.rows()).toEqual([{ spellName: "light", cost: 1 }]);
    expect([errors, loads()]).toEqual([[], 0]);
  });

  test("of another: what it uses as it was goes on, what is another or gone is named, from its first connection on", async () => {
    const database = "arena-other";
    await arena.publish(database);
    await arena.publishOther(database, "arena-next");
    const { schema, loads } = await build();
    const { db, errors } = arena.connect(database, { schema });
    await db.subscribe(db.tables.step).applied;
    expect(await endOf(db.reducers.move({ dx: 3, dy: 4 }))).toBe("done");
    expect(db.tables.step.rows()).toEqual([{ dx: 3, dy: 4 }]);
    expect([errors, loads()]).toEqual([[], 1]);
    expect(await endOf(db.reducers.learn({ spellName: "dark", cost: 9 }))).toBe(
      `VersionDiffers: ${differs(database, "there is no reducer `learn` for clients; there are enter, move")}`,
    );
    expect(await endOf(db.subscribe(db.tables.spell).applied)).toBe(
      `VersionDiffers: ${differs(database, "there is no public table `spell`; there are player, step, duel")}`,
    );
  });
});

describe("a view whose rows are of another type since a publish", () => {
  test("is subscribed to again by a client that comes back, and goes on", async () => {
    const database = "arena-views";
    await arena.served.publish(database, await program("arena-views"), "Js");
    const errors: string[] = [];
    const left = Promise.withResolvers<void>();
    const db = connect<typeof views>({
      uri: arena.served.url,
      database,
      onError: ({ code, message }) => errors.push(`${code}: ${message}`),
      onState: (state) => {
        if (state === "waiting") left.resolve();
      },
    });
    await db.subscribe("SELECT * FROM my_bag").applied;
    await db.reducers.take({ gold: 1 });
    expect(db.tables.myBag.rows()).toMatchObject([{ gold: 1 }]);

    await arena.publishOther(database, "arena-views-next");
    await left.promise;
    await db.reducers.take({ gold: 2 });
    expect(db.tables.myBag.rows()).toMatchObject([{ gold: 2, silver: 0 }]);
    expect(errors).toEqual([]);
    db.close();
  });
});

describe("a program that hears no errors", () => {
  const folder = mkdtempSync(join(tmpdir(), "lightcone-unheard-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const client = fileURLToPath(import.meta.resolve("lightcone/client"));
  const program = (database: string): string => `
import { connect } from ${JSON.stringify(client)};
const db = connect({ uri: ${JSON.stringify(arena.served.url)}, database: "${database}" });
await db.subscribe("SELECT * FROM spell").applied;
await db.subscribe("SELECT * FROM player").applied;
db.tables.player.onInsert(() => {});
try { db.tables.nope.rows(); } catch {}
db.subscribe("SELECT * FROM nowhere");
console.log("ready");
process.stdin.on("data", async () => {
  await db.reducers.move({ dx: 1, dy: 2 });
  console.log("moved", db.state);
  db.close();
  process.stdin.destroy();
});
`;

  test.each([
    { file: "arena-private", says: /^lightcone: .*`spell`.*Correct the query/m },
    {
      file: "arena-columns",
      says: /^lightcone: this page was built .*: column `id` of table `player` is u64, not u32.*Check the name/m,
    },
  ] as const)(
    "$file is published: it reads what differs on its standard error, and goes on",
    async ({ file, says }) => {
      const database = `unheard-${file}`;
      await arena.publish(database);
      const path = join(folder, `${file}.ts`);
      writeFileSync(path, program(database));
      const child = spawn(process.execPath, [path], { stdio: "pipe" });
      const out: Buffer[] = [];
      let err = "";
      const written = (pattern: RegExp): Promise<void> =>
        new Promise((resolve) => {
          const look = (): void => void (pattern.test(err) && resolve());
          child.stderr.on("data", look);
          look();
        });
      child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
      child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
      await once(child.stdout, "data");
      await written(/nowhere/);
      if (file === "arena-private") await arena.publishOther(database, file);
      else await arena.publishAnew(database, file);
      await written(says);
      child.stdin.write("go\n");
      expect({ end: await once(child, "close"), err }).toMatchObject({ end: [0, null] });
      expect(Buffer.concat(out).toString()).toBe("ready\nmoved open\n");
      expect(err.match(/no public table `nope`/g)).toHaveLength(1);
      expect(err).not.toMatch(/Uncaught|throw/);
      expect(await arena.served.sql(database, "SELECT dx, dy FROM step")).toEqual([[1, 2]]);
    },
  );
});

describe("row 13: the page is opened after the next version was published", () => {
  const folder = mkdtempSync(join(tmpdir(), "lightcone-built-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("it brings the schema that it was built with, and is told what differs when it uses it", async () => {
    const database = "arena-later";
    await arena.publish(database);
    writeFileSync(join(folder, "bundle.js"), await program("arena"));
    const main = fileURLToPath(new URL("../../../packages/cli/src/main.ts", import.meta.url));
    execFileSync(process.execPath, [main, "generate", "-l", "json", "-o", folder, "-j", join(folder, "bundle.js")]);
    const text = readFileSync(join(folder, "schema.json"), "utf8");
    const told = await arena.served.request("GET", `/v1/database/${database}/schema?version=10&for=client`);
    expect(JSON.parse(text)).toEqual(await told.json());

    await arena.publishOther(database, "arena-next");
    const { db, errors } = arena.connect(database, { schema: JSON.parse(text) as object });
    await db.subscribe(db.tables.step).applied;
    expect(await endOf(db.reducers.move({ dx: 3, dy: 4 }))).toBe("done");
    expect(db.tables.step.rows()).toEqual([{ dx: 3, dy: 4 }]);
    expect(errors).toEqual([]);
    expect(await endOf(db.subscribe(db.tables.spell).applied)).toBe(
      `VersionDiffers: ${differs(database, "there is no public table `spell`; there are player, step, duel")}`,
    );
    expect(await endOf(db.reducers.enter({ id: 1, userName: "Ada" }))).toBe(
      `VersionDiffers: ${differs(database, "reducer `enter` has no parameter `userName`")}`,
    );
    expect(await arena.served.sql(database, "SELECT id FROM player")).toEqual([]);
    db.close();
  });
});
