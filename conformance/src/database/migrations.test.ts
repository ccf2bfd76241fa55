// Goal: a version with other tables takes over what the one before had, whole or not at all, and everybody sees the same rows
// before and after, live and after a restart.
// Method: real programs in TypeScript and in Rust, published by the real CLI to a server in a process of its own, which is
// killed between; rows are read over HTTP and by clients on sockets.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { testSeed } from "@lightcone/base/testing";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleModule } from "../../../packages/cli/src/build/bundle.ts";
import { RawClient } from "../raw-client.ts";
import { rustModule } from "../rust-modules.ts";
import { Served } from "../served.ts";

const main = fileURLToPath(new URL("../../../packages/cli/src/main.ts", import.meta.url));
const versions = ["first", "second", "third"] as const;
type Version = (typeof versions)[number];

/** Numbers of any width, in JSON. */
const plain = (_: string, value: unknown): unknown => (typeof value === "bigint" ? String(value) : value);

/** Each takes seconds: a publish, an end and a start. */
const killCount = Math.ceil(Number(process.env["LIGHTCONE_CRASHES"] ?? 5) / 4);
const seed = testSeed(1);

describe("row migrations", () => {
  let served: Served;
  let folder: string;
  const path = (version: Version): string => join(folder, `${version}.js`);

  beforeAll(async () => {
    served = await Served.open();
    folder = await mkdtemp(join(tmpdir(), "lightcone-migrations-"));
    for (const version of versions) {
      const entry = fileURLToPath(new URL(`modules/shop/${version}.ts`, import.meta.url));
      await writeFile(path(version), (await bundleModule(entry)).code);
    }
    expect(await cli("login", "--token", served.token)).toMatchObject({ code: 0 });
  });
  afterAll(async () => {
    await served.stop();
    await rm(folder, { recursive: true });
  });

  /** Runs the CLI; gives what it says, and its code. */
  function cli(...args: readonly string[]): Promise<{ readonly code: number; readonly says: string }> {
    const all = [main, "--config-path", join(folder, "cli.toml"), ...args];
    const env = { ...process.env, LIGHTCONE_SERVER: served.url, NO_COLOR: "1" };
    return new Promise((resolve) =>
      execFile(process.execPath, all, { env }, (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === "number" ? error.code : error === null ? 0 : 1, says: stdout + stderr }),
      ),
    );
  }
  const publish = (database: string, version: Version, ...flags: readonly string[]) =>
    cli("publish", database, "--js-path", path(version), ...flags);
  const call = async (database: string, reducer: string, args: string): Promise<void> => {
    const answer = await served.call(database, reducer, args);
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
  };
  const rowsOf = async (database: string, table: string): Promise<readonly unknown[]> =>
    (await served.sql(database, `SELECT * FROM ${table}`)).toSorted((a, b) =>
      JSON.stringify(a) < JSON.stringify(b) ? -1 : 1,
    );
  async function shop(database: string): Promise<void> {
    expect(await publish(database, "first")).toMatchObject({ code: 0 });
    await call(database, "enter", `["Ann", 40]`);
    await call(database, "enter", `["Bea", 7]`);
    await call(database, "sell", `[1, "Ann", 250]`);
    await call(database, "sell", `[2, "Ann", 50]`);
    await call(database, "sell", `[3, "Bea", 4000000000]`);
  }
  /** Looks, ends the server as a power cut would, and looks again. */
  async function nowAndAfterRestart(look: () => Promise<void>): Promise<void> {
    await look();
    await served.killFront();
    await served.start();
    await look();
  }

  test("columns and tables that are renamed, moved, widened, made optional, added and dropped keep their rows", async () => {
    await shop("renamed");
    const client = await RawClient.open(served.url, "renamed");
    const before = await rowsOf("renamed", "people");
    const dry = await publish("renamed", "second", "--dry-run");
    expect(dry.code).toBe(1);
    expect(dry.says).toContain("Removing a column note from table person requires a manual migration");
    expect(dry.says).toContain("--drop-data");
    const refused = await publish("renamed", "second", "--break-clients");
    expect([refused.code, refused.says]).toEqual([1, expect.stringContaining("requires a manual migration")]);
    const plan = await publish("renamed", "second", "--dry-run", "--drop-data");
    expect(plan.code).toBe(0);
    for (const line of [
      "Changed name of table people to person",
      "Changed name of column full_name of table person to name",
      "Lost: column note of table person, with the values of 2 rows",
      "Rows made anew: 2 of people, 3 of sale",
      "Clients: disconnected",
      "Nothing was changed",
    ])
      expect(plan.says).toContain(line);
    expect(await rowsOf("renamed", "people")).toEqual(before);
    expect(client.closed).toBeUndefined();

    expect(await publish("renamed", "second", "--drop-data", "--break-clients")).toMatchObject({ code: 0 });
    await client.over;
    expect(client.closed).toMatchObject({ code: 1001 });
    await nowAndAfterRestart(async () => {
      expect(await rowsOf("renamed", "person")).toEqual([
        [[1, []], 1, "Ann", [0, 40], 1],
        [[1, []], 2, "Bea", [0, 7], 1],
      ]);
      expect(await rowsOf("renamed", "sale")).toEqual([
        [1, "Ann", 250],
        [2, "Ann", 50],
        [3, "Bea", 4000000000],
      ]);
    });
    // The sequence goes on past the rows that were carried over; a name is there once.
    await call("renamed", "enter", `["Cid"]`);
    expect((await rowsOf("renamed", "person")).length).toBe(3);
    expect((await served.call("renamed", "enter", `["Ann"]`)).status).toBe(530);
  });

  test("a unique column is checked against the rows: the one that is there twice is named, and the version before goes on", async () => {
    await shop("twice");
    await call("twice", "enter", `["Ann", 41]`);
    const client = await RawClient.open(served.url, "twice");
    const { code, says } = await publish("twice", "second", "--drop-data", "--break-clients");
    expect([code, says]).toEqual([1, expect.stringMatching(/Unique constraint violation[^]*person[^]*Ann/)]);
    expect(client.closed).toBeUndefined();
    await nowAndAfterRestart(async () => {
      expect((await rowsOf("twice", "people")).length).toBe(3);
      await call("twice", "enter", `["Dot", 1]`);
      await served.sql("twice", "DELETE FROM people WHERE full_name = 'Dot'");
    });
    const logs = await (await served.request("GET", "/v1/database/twice/logs")).text();
    expect(logs).toContain("Database update failed: Unique constraint violation");
  });

  test("a function carries rows over into tables of any shape", async () => {
    await shop("carried");
    await publish("carried", "second", "--drop-data", "--break-clients");
    const { code, says } = await publish("carried", "third", "--break-clients");
    expect([code, says]).toEqual([0, expect.stringContaining("Changed name of table sale to old_sale")]);
    expect(says).toContain("Carried over by carry: the rows of old tables");
    await nowAndAfterRestart(async () => {
      expect(await rowsOf("carried", "sale")).toEqual([
        ["Ann", 3, 2],
        ["Bea", 40000000, 1],
      ]);
      expect(await rowsOf("carried", "old_sale")).toEqual([]);
      expect((await rowsOf("carried", "person")).length).toBe(2);
    });
    // It has done its work: it is nobody's to call, and does not run again.
    const other: { token: string } = JSON.parse(
      await (await fetch(`${served.url}/v1/identity`, { method: "POST" })).text(),
    );
    expect((await served.call("carried", "carry", "[]", other.token)).status).toBe(404);
    // Nor is it the owner's, over HTTP, a socket or by the command.
    const nobodys = "reducer `carry` carries rows over in a publish, and is called by nothing else";
    const answer = await served.call("carried", "carry", "[]");
    expect([answer.status, await answer.text()]).toEqual([400, nobodys]);
    expect((await cli("call", "carried", "carry")).says).toContain(nobodys);
    const socket = await RawClient.open(served.url, "carried", { token: served.token });
    await socket.next();
    socket.say({
      kind: "CallReducer",
      reducer: "carry",
      args: new Uint8Array(0),
      argsText: undefined,
      notify: true,
      requestId: 1,
    });
    const update = await socket.next();
    expect(JSON.stringify(update, plain)).toContain(nobodys.replaceAll('"', ""));
    socket.close();
    await socket.over;
    expect((await rowsOf("carried", "sale")).length).toBe(2);
    await call("carried", "owe", `["Eve"]`);
    expect((await rowsOf("carried", "sale")).length).toBe(3);
  });

  test("row 9: names are exchanged, of tables and of columns: rows keep their values, once, and clients come again", async () => {
    const module = join(folder, "swap", "module.ts");
    await mkdir(join(folder, "swap"));
    const send = async (was: (name: string) => string, more = ""): Promise<string> => {
      const columns = `{ id: t.u32().primaryKey(), left: t.string().unique()${was("right")}, right: t.string()${was("left")} }`;
      const tables = [
        `here: table({ public: true${was("there,")} }, ${columns})`,
        `there: table({ public: true${was("here,")} }, ${columns})`,
      ];
      await writeFile(
        module,
        `import { schema, t, table } from "lightcone/module";
         const app = schema({ ${tables.join(", ")} });
         export default app;
         export const put = app.reducer({ id: t.u32(), left: t.string() }, (ctx, row) => void ctx.db.here.insert({ ...row, right: "new" }));
         ${more}`,
      );
      const { code, says } = await cli("publish", "swap", "-p", join(folder, "swap"), "--break-clients");
      expect([code, says]).toEqual([0, expect.anything()]);
      return says;
    };
    const was = (name: string): string => (name.endsWith(",") ? `, was: "${name.slice(0, -1)}"` : `.was("${name}")`);
    await send(() => "");
    await served.sql("swap", "INSERT INTO here (id, left, right) VALUES (1, 'l1', 'r1'), (2, 'l2', 'r2')");
    await served.sql("swap", "INSERT INTO there (id, left, right) VALUES (7, 'L7', 'R7')");
    const client = await RawClient.open(served.url, "swap");
    await client.next();
    const says = await send(was);
    for (const change of [
      "table here to there",
      "table there to here",
      "column left of table here to right",
      "column right of table there to left",
    ])
      expect(says).toContain(`Changed name of ${change}`);
    await client.over;
    const swapped = async (): Promise<void> => {
      expect(await rowsOf("swap", "here")).toEqual([[7, "R7", "L7"]]);
      expect(await rowsOf("swap", "there")).toEqual([
        [1, "r1", "l1"],
        [2, "r2", "l2"],
      ]);
    };
    await nowAndAfterRestart(swapped);
    // The words may stay in the source.
    await send(was, "export const more = app.reducer({}, () => undefined);");
    await nowAndAfterRestart(swapped);
    expect((await served.call("swap", "put", '[8, "R7"]')).status).toBe(530);
    await call("swap", "put", '[8, "r1"]');
    expect(await rowsOf("swap", "here")).toEqual([
      [7, "R7", "L7"],
      [8, "r1", "new"],
    ]);
  });

  test("a function that carries numbers of a sequence over: new rows get others, and none that was there before", async () => {
    const bundle = async (version: string): Promise<string> => {
      const entry = fileURLToPath(new URL(`modules/tickets/${version}.ts`, import.meta.url));
      const file = join(folder, `tickets-${version}.js`);
      await writeFile(file, (await bundleModule(entry)).code);
      return file;
    };
    expect(await cli("publish", "tickets", "--js-path", await bundle("first"))).toMatchObject({ code: 0 });
    for (const holder of ["Ann", "Bea", "Cid"]) await call("tickets", "hand", `["${holder}"]`);
    await served.sql("tickets", "DELETE FROM ticket WHERE id = 3");
    const second = ["--js-path", await bundle("second"), "--break-clients"];
    expect(await cli("publish", "tickets", ...second)).toMatchObject({ code: 0 });
    await call("tickets", "hand", `["Dot"]`);
    await nowAndAfterRestart(async () => {
      // The third ticket is gone, and its number was given out; nobody had a third number in the other table.
      expect(await rowsOf("tickets", "ticket")).toEqual([
        [1, 3],
        [2, 3],
        [4, 3],
      ]);
      expect(await rowsOf("tickets", "holder")).toEqual([
        [1, "Ann"],
        [2, "Bea"],
        [3, "Dot"],
      ]);
    });
    await call("tickets", "hand", `["Eve"]`);
    expect((await rowsOf("tickets", "ticket")).length).toBe(4);
    expect((await rowsOf("tickets", "holder")).length).toBe(4);
  });

  test("a rule that reads a view is refused over a version that has the view, too: the database starts again", async () => {
    const bundle = async (version: string): Promise<string> => {
      const file = join(folder, `guarded-${version}.js`);
      const entry = fileURLToPath(new URL(`modules/guarded/${version}.ts`, import.meta.url));
      await writeFile(file, (await bundleModule(entry)).code);
      return file;
    };
    expect(await cli("publish", "guarded", "--js-path", await bundle("first"))).toMatchObject({ code: 0 });
    await call("guarded", "add", "[1]");
    const { code, says } = await cli("publish", "guarded", "--js-path", await bundle("second"), "--break-clients");
    expect([code, says]).toEqual([1, expect.stringContaining("no such table: `shown`")]);
    await nowAndAfterRestart(async () => {
      expect(await rowsOf("guarded", "note")).toEqual([[1]]);
      expect(await rowsOf("guarded", "shown")).toEqual([[1]]);
    });
  });

  test("a function that fails leaves the version before as it was, and its text is told", async () => {
    await shop("failing");
    await publish("failing", "second", "--drop-data", "--break-clients");
    await served.sql("failing", "UPDATE sale SET cents = -5 WHERE id = 2");
    const { code, says } = await publish("failing", "third", "--break-clients");
    expect([code, says]).toEqual([1, expect.stringContaining("a sale to Ann is below zero")]);
    await nowAndAfterRestart(async () => {
      expect(await rowsOf("failing", "sale")).toEqual([
        [1, "Ann", 250],
        [2, "Ann", -5],
        [3, "Bea", 4000000000],
      ]);
      await call("failing", "enter", `["${Math.random()}"]`);
    });
  });

  test("clients stay where rows keep their bytes, and their subscriptions go on over the table that was made anew", async () => {
    const program = await readFile(path("first"), "utf8");
    await served.create("grown", program);
    await call("grown", "enter", `["Ann", 40]`);
    const client = await RawClient.open(served.url, "grown", { token: served.token });
    await client.next();
    for (const [requestId, query] of ["SELECT * FROM people WHERE age = 40", "SELECT * FROM sale"].entries())
      client.say({ kind: "SubscribeSingle", query, requestId, queryId: requestId });
    await client.next();
    await client.next();
    // A variant behind the others, an index, and a sequence less.
    const grown = program
      .replace(/\["red",\s*"green"\]/, `["red", "green", "blue"]`)
      .replace(/buyer: (\w+)\.string\(\)/, "buyer: $1.string().index()");
    expect(grown.length).toBeGreaterThan(program.length + 10);
    const plan = await served.request("POST", "/v1/database/grown/pre_publish?host_type=Js&details=true", grown);
    const { AutoMigrate }: { AutoMigrate: { token: string; disconnects: boolean; breaks: string[] } } = JSON.parse(
      await plan.text(),
    );
    expect([AutoMigrate.disconnects, AutoMigrate.breaks]).toEqual([false, [expect.stringContaining("blue")]]);
    const query = `host_type=Js&policy=BreakClients&token=${AutoMigrate.token}`;
    expect((await served.request("PUT", `/v1/database/grown?${query}`, grown)).status).toBe(200);
    await call("grown", "enter", `["Bea", 40]`);
    await call("grown", "enter", `["Cid", 7]`);
    await call("grown", "sell", `[1, "Ann", 250]`);
    const told = [await client.next(), await client.next()].map((message) =>
      message?.kind === "TransactionUpdateLight" || message?.kind === "TransactionUpdate"
        ? JSON.stringify(message, plain)
        : message,
    );
    expect(told).toEqual([expect.stringContaining('"people"'), expect.stringContaining('"sale"')]);
    expect(client.closed).toBeUndefined();
    await nowAndAfterRestart(async () => {
      expect((await rowsOf("grown", "people")).length).toBe(3);
      expect(await served.sql("grown", "SELECT * FROM sale WHERE buyer = 'Ann'")).toEqual([[1, "Ann", 250]]);
    });
  });

  describe(`ended at any moment, ${killCount} times each (seed ${seed})`, () => {
    const rowCount = 20_000;
    const delays = (from: number): readonly number[] =>
      fc.sample(fc.integer({ min: 0, max: 400 }), { numRuns: killCount, seed: seed + from });
    const second = async (database: string): Promise<Response> => {
      const program = await readFile(path("second"), "utf8");
      const query = "host_type=Js&drop_data=true";
      const plan = await served.request("POST", `/v1/database/${database}/pre_publish?${query}`, program);
      const { AutoMigrate }: { AutoMigrate: { token: string } } = JSON.parse(await plan.text());
      return served.request(
        "PUT",
        `/v1/database/${database}?${query}&policy=BreakClients&token=${AutoMigrate.token}`,
        program,
      );
    };
    const created = async (database: string): Promise<string> => {
      const identity = await served.create(database, await readFile(path("first"), "utf8"));
      await call(database, "fill", `[${rowCount}]`);
      return identity;
    };
    /** Which version's tables are there, with all their rows and no others. */
    const versionOf = async (database: string): Promise<string> => {
      const people = await served.sql(database, "SELECT COUNT(*) AS n FROM people").catch(() => undefined);
      if (people !== undefined) {
        expect(people).toEqual([[rowCount]]);
        await expect(served.sql(database, "SELECT COUNT(*) AS n FROM person")).rejects.toThrow("no such table");
        return "first";
      }
      expect(await served.sql(database, "SELECT COUNT(*) AS n FROM person")).toEqual([[rowCount]]);
      expect(await served.sql(database, "SELECT * FROM person WHERE name = 'person 777'")).toEqual([
        [[0, []], 778, "person 777", [0, 77], 1],
      ]);
      return "second";
    };

    test(
      "a host: the next one takes the program in, and the publisher hears nothing of it",
      { timeout: 120_000 },
      async () => {
        for (const [round, delayMs] of delays(1).entries()) {
          const database = `host-${round}`;
          const identity = await created(database);
          const client = await RawClient.open(served.url, database);
          const answer = second(database);
          await new Promise((resolve) => setTimeout(resolve, delayMs));
          process.kill(served.hosts.get(identity) ?? 0, "SIGKILL");
          expect((await answer).status).toBe(200);
          expect(await versionOf(database)).toBe("second");
          await client.over;
          expect(client.closed?.code).toBe(1001);
        }
      },
    );

    test(
      "the server: it comes back with one version whole, and takes the other then",
      { timeout: 120_000 },
      async () => {
        for (const [round, delayMs] of delays(2).entries()) {
          const database = `front-${round}`;
          await created(database);
          const answer = second(database).then(
            ({ status }) => status,
            () => undefined,
          );
          await new Promise((resolve) => setTimeout(resolve, delayMs));
          await served.killFront();
          const status = await answer;
          await served.start();
          const version = await versionOf(database);
          if (status === 200) expect(version).toBe("second");
          if (version === "first") expect((await second(database)).status).toBe(200);
          expect(await versionOf(database)).toBe("second");
        }
      },
    );
  });

  describe.skipIf(rustModule("harbor2m") === undefined)("in Rust", () => {
    const harbor = (name: "harbor2" | "harbor2m", database: string, ...flags: readonly string[]) =>
      cli("publish", database, "--bin-path", rustModule(name) ?? "", ...flags);

    test("a reducer carries rows over, and a column has another name: the section says so", async () => {
      expect(await harbor("harbor2", "harbor")).toMatchObject({ code: 0 });
      await call("harbor", "set_gauge", "[2, 15]");
      const { code, says } = await harbor("harbor2m", "harbor", "--break-clients");
      expect([code, says]).toEqual([0, expect.stringContaining("Changed name of table gauge to old_gauge")]);
      expect(says).toContain("Changed name of column since of table visit to began");
      await nowAndAfterRestart(async () => {
        expect(await rowsOf("harbor", "gauge")).toEqual([
          ["gauge 1", -300],
          ["gauge 2", 1500],
        ]);
        expect(await rowsOf("harbor", "old_gauge")).toEqual([]);
      });
    });

    test("one that refuses leaves the version before as it was", async () => {
      expect(await harbor("harbor2", "cursed")).toMatchObject({ code: 0 });
      await call("cursed", "set_gauge", "[2, 666]");
      const { code, says } = await harbor("harbor2m", "cursed", "--break-clients");
      expect([code, says]).toEqual([1, expect.stringContaining("gauge 2 is cursed")]);
      await nowAndAfterRestart(async () => {
        expect(await rowsOf("cursed", "gauge")).toEqual([
          [1, -3],
          [2, 666],
        ]);
        await call("cursed", "set_gauge", "[1, -3]");
      });
    });
  });
});

describe("row 9: functions of a publish that take all the memory", () => {
  let served: Served;
  const bundle = async (version: string): Promise<string> => {
    const { code } = await bundleModule(fileURLToPath(new URL(`modules/tickets/${version}.ts`, import.meta.url)));
    return code;
  };
  beforeAll(async () => {
    served = await Served.open({ nodeFlags: ["--max-old-space-size=96"] });
  });
  afterAll(() => served.stop());

  const send = async (database: string, program: string): Promise<string> => {
    const plan = await served.request("POST", `/v1/database/${database}/pre_publish?host_type=Js`, program);
    const query =
      plan.status === 200 ? `&policy=BreakClients&token=${JSON.parse(await plan.text()).AutoMigrate.token}` : "";
    const response = await served.request("PUT", `/v1/database/${database}?host_type=Js${query}`, program);
    return `${response.status} ${await response.text()}`;
  };

  test("the one that carries rows over is named, to who publishes and in the log, and the version before goes on", async () => {
    await served.publish("greedy", await bundle("first"), "Js");
    expect((await served.call("greedy", "hand", '["Ann"]')).status).toBe(200);
    const said = /reducer `carry` failed: .*(full JavaScript heap|took more memory)/;
    expect(await send("greedy", await bundle("greedy"))).toMatch(said);
    expect(await served.sql("greedy", "SELECT * FROM ticket")).toEqual([[1, "Ann"]]);
    expect((await served.call("greedy", "hand", '["Bea"]')).status).toBe(200);
    const log = await (await served.request("GET", "/v1/database/greedy/logs")).text();
    expect(log).toMatch(/Database update failed: .*(full JavaScript heap|took more memory)/);
    expect(log).toContain('"function":"carry"');
  });

  test("so is `init`, and there is no database then", async () => {
    expect(await send("made", await bundle("greedy"))).toMatch(
      /reducer `begin` failed: .*(full JavaScript heap|took more memory)/,
    );
    expect((await served.request("GET", "/v1/database/made")).status).toBe(404);
  });
});
