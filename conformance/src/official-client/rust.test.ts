// Goal: issue 9, rows `generate` and "protocols". Programs over the official Rust crate, of either line, with bindings of our
// generator, run the scenarios of the TypeScript client: the rows that they hold, the order of callbacks, what calls come to,
// procedures, event tables, refusals, hosts and servers that are killed.
// Method: the harbour of `modules/rust`, of the same line, on a real server; a native program that prints what its callbacks are given.
import { readFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { rustModule } from "../rust-modules.ts";
import { Served } from "../served.ts";
import { RustClient, rustClient } from "./rust-client.ts";

const lines = [
  { sdk: 1, program: rustClient(1), module: rustModule("harbor") },
  { sdk: 2, program: rustClient(2), module: rustModule("harbor2") },
] as const;

describe.each(lines)("row generate: the official Rust client of line $sdk", ({ sdk, program = "", module }) => {
  describe.skipIf(program === "" || module === undefined)("and the harbour", () => {
    let served: Served;
    let identity = "";
    const open = new Set<RustClient>();

    beforeAll(async () => {
      served = await Served.open();
      await served.publish("harbor", new Uint8Array(await readFile(module ?? "")), "Wasm");
      const info: { database_identity: { __identity__: string } } = JSON.parse(
        await (await served.request("GET", "/v1/database/harbor")).text(),
      );
      identity = info.database_identity.__identity__.slice(2);
    });
    afterEach(async () => {
      for (const client of open) await client.end();
      open.clear();
      for (const [name] of await served.sql("harbor", "SELECT name FROM boat"))
        await served.call("harbor", "leave", JSON.stringify([name]));
    });
    afterAll(() => served.stop());

    const client = (database = "harbor"): RustClient => {
      const made = new RustClient(program, served.url.replace("http", "ws"), database);
      open.add(made);
      return made;
    };
    const connected = async (compression = "none", token?: string): Promise<RustClient> => {
      const made = client();
      made.say("connect", compression, ...(token === undefined ? [] : [token]));
      await made.line("connected");
      return made;
    };
    const subscribed = async (queries: Readonly<Record<string, string>>, compression?: string): Promise<RustClient> => {
      const made = await connected(compression);
      for (const [id, query] of Object.entries(queries)) await made.ask(["subscribe", id, query], "applied", id);
      return made;
    };
    const boats = async (of: RustClient): Promise<string | undefined> => (await of.ask(["boats"], "boats")).at(-1)?.[1];
    const dock = (name: string, slot = 1): readonly string[] => ["dock_boat", name, "1", String(slot)];

    test("the token is kept: a reconnection with it is the same identity", async () => {
      const first = client();
      first.say("connect", "brotli");
      const [, who = "", token = ""] = await first.line("connected");
      expect(who).toMatch(/^c200[\da-f]{60}$/);
      first.say("disconnect");
      expect(await first.line("disconnected")).toEqual(["disconnected", "-"]);
      expect((await first.ask(["active"], "active")).at(-1)).toEqual(["active", "false"]);
      first.say("connect", "gzip", token);
      expect(await first.line("connected")).toEqual(["connected", who, token]);
    });

    test("a wrong token, and a database that is not there, are refused when it connects", async () => {
      const wrong = client();
      wrong.say("connect", "none", "no.such.token");
      expect(await wrong.line("refused")).toMatchObject({ length: 2 });
      const none = client("nowhere");
      none.say("connect", "none");
      expect(await none.line("refused")).toMatchObject({ length: 2 });
    });

    test("rows: first ones, inserts, updates, deletes; the client has them when the call is answered", async () => {
      const one = await subscribed({ b: "SELECT * FROM boat" });
      const two = await subscribed({ b: "SELECT * FROM boat WHERE dock = 1" });
      one.say(...dock("Ada"));
      // The older line runs the call's callback before the rows', when it has the row already.
      const order = sdk === 2 ? (["insert", "result"] as const) : (["result", "insert"] as const);
      const told = await one.until(order[1]);
      expect(told.map(([kind]) => kind)).toEqual(order);
      const about = Object.fromEntries(told.map(([kind = "", ...rest]) => [kind, rest]));
      expect(about).toEqual({
        insert: ["boat", "Ada", expect.stringMatching(/^of DockBoat \{ name: "Ada", dock: 1, slot: 1/)],
        result: sdk === 2 ? ["dock_boat", "ok", "1"] : ["dock_boat", "Ada", "Committed", "own", "1"],
      });
      expect((await two.line("insert", "boat", "Ada"))[3]).toMatch(sdk === 2 ? /^Transaction$/ : /^of DockBoat/);

      two.say("move_boat", "Ada", 1, 9);
      expect(await one.line("update")).toMatchObject({ 2: "Ada 1/1 1/9" });
      expect(await two.line("update")).toMatchObject({ 2: "Ada 1/1 1/9" });
      two.say("move_boat", "Ada", 2, 9);
      expect(await two.line("delete", "boat", "Ada")).toBeDefined();
      expect(await one.line("update")).toMatchObject({ 2: "Ada 1/9 2/9" });
      expect([await boats(one), await boats(two)]).toEqual(["Ada", ""]);
      one.say("leave", "Ada");
      await one.line("delete", "boat", "Ada");
      expect(await boats(one)).toBe("");
    });

    test("every column comes as it was written", async () => {
      const one = await subscribed({ b: "SELECT * FROM boat" });
      await one.ask(dock("Ada", 7), "result", "dock_boat");
      const [, row = ""] = (await one.ask(["show", "Ada"], "show")).at(-1) ?? [];
      expect(row).toMatch(
        /^Some\(Boat \{ id: \d+, name: "Ada", dock: 1, slot: 7, rig: Sail\(Hull \{ length: 7\.5, beam: 2\.5 \}\), hull: Hull \{ length: 7\.5, beam: 2\.5 \}, motto: None, tags: \["new"\], seal: \[222, 173\], crest: 258, weight: 1\.5, arrived: Timestamp \{ __timestamp_micros_since_unix_epoch__: \d{16} \}, berth_fee: 7 \}\)$/,
      );
      expect((await one.ask(["show", "Bob"], "show")).at(-1)).toEqual(["show", "None"]);
    });

    test("a reducer that refuses gives its text, one that crashes says so, and neither leaves rows", async () => {
      const one = await subscribed({ b: "SELECT * FROM boat", g: "SELECT * FROM gauge WHERE id = 50" });
      const [refused] = [(await one.ask(dock(""), "result", "dock_boat")).at(-1)];
      if (sdk === 2) expect(refused).toEqual(["result", "dock_boat", "err a boat needs a name", "0"]);
      else expect(refused).toMatchObject({ 3: expect.stringMatching(/^Failed\("a boat needs a name"\)$/) as string });
      const crashed = (await one.ask(["capsize"], "result", "capsize")).at(-1);
      expect(crashed?.[sdk === 2 ? 2 : 3]).toMatch(sdk === 2 ? /^panic / : /^Failed\(/);
      const idle = await one.ask(["idle"], "result", "idle");
      expect(idle.filter(([kind]) => kind === "insert")).toEqual([]);
    });

    test("many calls at once are carried out in their order", async () => {
      const one = await subscribed({ g: "SELECT * FROM gauge" });
      await one.ask(["set_gauge", "7", "0"], "result", "set_gauge");
      for (let level = 1; level <= 50; level++) one.say("set_gauge", 7, level);
      const levels: string[] = [];
      while (levels.length < 50) levels.push((await one.line("update", "gauge"))[2] ?? "");
      expect(levels).toEqual(Array.from({ length: 50 }, (_, level) => `7 ${level} ${level + 1}`));
    });

    test("overlapping subscriptions: rows leave with the last, after the end is told", async () => {
      const one = await subscribed({ all: "SELECT * FROM boat", first: "SELECT * FROM boat WHERE dock = 1" });
      await one.ask(dock("Ada"), "result", "dock_boat");
      await one.ask(["unsubscribe", "all"], "ended", "all", "1");
      expect(await boats(one)).toBe("Ada");
      const end = await one.ask(["unsubscribe", "first"], "delete", "boat", "Ada");
      expect(end.map(([kind]) => kind).slice(-2)).toEqual(["ended", "delete"]);
      expect(await boats(one)).toBe("");
    });

    test("a query that is wrong is told to its subscription alone", async () => {
      const one = await subscribed({ b: "SELECT * FROM boat" });
      const told = (await one.ask(["subscribe", "x", "SELECT * FROM nowhere"], "error", "x")).at(-1);
      expect(told?.[2]).toMatch(/no such table: `nowhere`/);
      const hidden = (await one.ask(["subscribe", "y", "SELECT * FROM visit"], "error", "y")).at(-1);
      expect(hidden?.[2]).toMatch(/no such table: `visit`/);
      await one.ask(dock("Ada"), "result", "dock_boat");
      expect(await boats(one)).toBe("Ada");
    });

    test("queries that the crate builds, with a quote in a text", async () => {
      const one = await connected();
      await one.ask(["where", "w", "Ada's"], "applied", "w", "0");
      await one.ask(dock("Ada's"), "result", "dock_boat");
      await one.ask(dock("Bob", 2), "result", "dock_boat");
      expect(await boats(one)).toBe("Ada's");
    });

    test.each(["none", "gzip", "brotli"])("many rows come, compressed by %s", async (compression) => {
      const names = Array.from({ length: 40 }, (_, at) => `boat-${String(at).padStart(2, "0")}-${"x".repeat(500)}`);
      const captain = await connected();
      for (const [at, name] of names.entries()) captain.say(...dock(name, at));
      await captain.ask(["idle"], "result", "idle");
      const one = await subscribed({ b: "SELECT * FROM boat" }, compression);
      expect(await boats(one)).toBe(names.join(" "));
    });

    test("what procedures return, and their refusals, with the rows there", async () => {
      const one = await subscribed({ g: "SELECT * FROM gauge WHERE id = 77" });
      const tide = (await one.ask(["tide", "2", "3"], "tide")).at(-1);
      expect(tide).toEqual(["tide", "Ok(Hull { length: 5.0, beam: 0.5 })"]);
      const no = (await one.ask(["refill", "77", "-1"], "refill")).at(-1);
      expect(no).toEqual(["refill", 'Ok(Err("only upwards"))', "0"]);
      const yes = await one.ask(["refill", "77", "5"], "refill");
      expect(yes.at(-1)?.[1]).toBe("Ok(Ok(5))");
      if (!yes.some(([kind]) => kind === "insert")) await one.line("insert", "gauge", "77");
      await served.call("harbor", "drop_gauge", "[77]");
    });

    test.skipIf(sdk === 1)("an event table tells its rows once and keeps none", async () => {
      const one = await subscribed({ h: "SELECT * FROM horn" });
      one.say("blow_horn", 1, "long");
      one.say("blow_horn", 1, "short");
      expect((await one.line("insert", "horn"))[2]).toBe("long");
      expect((await one.line("insert", "horn"))[2]).toBe("short");
      expect((await one.ask(["horns"], "horns")).at(-1)).toEqual(["horns", "0"]);
    });

    test.skipIf(sdk === 2)("a call that wants no news of itself, and a light connection", async () => {
      const one = await subscribed({ g: "SELECT * FROM gauge" });
      one.say("quiet");
      one.say("idle");
      const told = await one.ask(["set_gauge", "8", "1"], "result", "set_gauge");
      expect(told.filter(([, name]) => name === "idle")).toEqual([]);
      const light = client();
      light.say("connect", "none", "", "light");
      await light.line("connected");
      await light.ask(["subscribe", "g", "SELECT * FROM gauge"], "applied", "g");
      await served.call("harbor", "set_gauge", "[8, 2]");
      expect((await light.line("update", "gauge", "8 1 2"))[3]).toBe("UnknownTransaction");
    });

    test("its host is killed with calls on their way: each is done once, and it hears of them", async () => {
      const one = await subscribed({ g: "SELECT * FROM gauge" });
      await one.ask(["set_gauge", "9", "0"], "result", "set_gauge");
      for (let level = 1; level <= 40; level++) {
        one.say("set_gauge", 9, level);
        if (level === 20) process.kill(served.hosts.get(identity) ?? 0, "SIGKILL");
      }
      const levels: string[] = [];
      while (levels.length < 40) levels.push((await one.line("update", "gauge"))[2] ?? "");
      expect(levels).toEqual(Array.from({ length: 40 }, (_, level) => `9 ${level} ${level + 1}`));
    });

    test("the server is killed: it hears of it, and finds every boat when it comes back", async () => {
      const one = await subscribed({ b: "SELECT * FROM boat" });
      await one.ask(dock("Ada"), "result", "dock_boat");
      await served.killFront();
      await one.line("disconnected");
      expect((await one.ask(["active"], "active")).at(-1)).toEqual(["active", "false"]);
      await served.start();
      one.say("connect", "none");
      await one.line("connected");
      await one.ask(["subscribe", "b", "SELECT * FROM boat"], "applied", "b", "1");
      expect(await boats(one)).toBe("Ada");
    });
  });
});
