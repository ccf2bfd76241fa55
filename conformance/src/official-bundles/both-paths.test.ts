// Goal: issue 9, row "TypeScript modules": code that is written for the official package 2.x compiles and runs when its import paths
// are changed to `lightcone/module`, and does the same.
// Method: modules of `modules/official` on one server twice: as bundles of the official package, and with their import paths changed.
// The same calls; then the rows of all tables are compared. The compiler reads them by both paths.
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleModule } from "@lightcone/cli/bundle";
import { connect } from "lightcone/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Served } from "../served.ts";
import { complaintsAbout, makeProject } from "../typescript/type-check.ts";
import { officialBundle, officialLines } from "./official.ts";

interface Module {
  readonly name: string;
  /** What is compared of each table. */
  readonly columns: Readonly<Record<string, string>>;
  /** With their answers. */
  readonly calls: readonly (readonly [answer: string, reducer: string, ...args: unknown[]])[];
  /** What the last of it is known by: a statement and how many rows it has then. */
  readonly settled: readonly [statement: string, rowCount: number];
}

const modules: readonly Module[] = [
  {
    name: "market",
    columns: {
      customer: "name",
      goods: "*",
      order: "id, number, item_id, count, status, paid, note",
      ledger: "text",
      shipment: "order_id",
    },
    calls: [
      ["200 ", "set_name", "Ada"],
      ["530 A name needs a letter", "set_name", " "],
      ["200 ", "stock", "plum", 80, 5, ["fruit", "small"]],
      ["200 ", "stock", "plum", 80, 7, []],
      ["200 ", "place_order", "apple", 2, { cash: [] }, { some: "soon" }],
      ["200 ", "place_order", "pear", 3, { card: "1234" }, { none: [] }],
      ["530 Only 7 of pear are left", "place_order", "pear", 30, { cash: [] }, { none: [] }],
      ["530 There is no kiwi", "place_order", "kiwi", 1, { cash: [] }, { none: [] }],
      ["200 ", "double", "pear"],
      ["530 The instance encountered a fatal error.", "clash_of_goods"],
      ["200 ", "look_up", 2],
      ["200 ", "look_up", 50],
      ["200 ", "cancel_all", "pear"],
      ["200 ", "place_order", "plum", 1, { split: [{ amount: 80, currency: "EUR" }] }, { none: [] }],
      ["200 ", "drop", "plum"],
      ['200 [0,[960,"EUR"]]', "worth", "apple"],
      ["200 [1,[]]", "worth", "plum"],
    ],
    settled: ["SELECT * FROM ledger WHERE text = 'shipped 1 by the shop'", 1],
  },
  {
    name: "arena",
    columns: { player: "*", seenLine: "*", badge: "owner", RoundTimer: "left" },
    calls: [
      ["200 ", "fillUp", 2, 5],
      ["200 ", "look"],
      ["200 ", "award", "b3"],
      ["530 nobody is called zoe", "award", "zoe"],
      ["200 ", "startRounds", 2],
    ],
    settled: ["SELECT * FROM seenLine WHERE text = 'round 0 Interval true'", 1],
  },
  {
    name: "club",
    columns: {
      member: "*",
      "chat.chat_line": "line_id, room_name, mood, text",
      "backRoom.chat_line": "line_id, room_name, mood, text",
      "chat.audit.entry_made": "*",
      "backRoom.audit.entry_made": "*",
      "chat.hall_lines": "text",
      "backRoom.my_lines": "text",
      hall_texts: "text",
      "chat.secret": "text",
      st_row_level_security: "sql",
      st_table: "table_name",
      st_index: "index_name",
      st_table_accessor: "*",
    },
    calls: [
      ["200 ", "join_club", "Ada"],
      ["200 ", "chat.send_line", "hall", "HELLO"],
      ["530 A line needs words", "backRoom.send_line", "hall", ""],
      ["200 ", "backRoom.send_line", "cellar", "psst"],
      ["200 ", "hush", "hall"],
      ["200 ", "chat.keep_secret", "mine"],
      ["200 ", "chat.audit.note_down", "by hand"],
      ["200 2", "chat.count_lines"],
      ["200 5", "count_all"],
      ["200 ", "backRoom.remind_soon", "time is up"],
    ],
    settled: ["SELECT * FROM backRoom.chat_line WHERE text = 'time is up'", 1],
  },
];

/** The files of a module: one, or those of a folder. */
function filesOf(name: string): Record<string, string> {
  const path = fileURLToPath(new URL(`../../../modules/official/${name}-2`, import.meta.url));
  if (!existsSync(path)) return { "index.ts": readFileSync(`${path}.ts`, "utf8") };
  return Object.fromEntries(readdirSync(path).map((file) => [file, readFileSync(join(path, file), "utf8")]));
}
const moved = (text: string): string => text.replaceAll(/"spacetimedb(?:\/server)?"/g, `"lightcone/module"`);
const changed = (name: string, change: (text: string) => string, folder = ""): Record<string, string> =>
  Object.fromEntries(Object.entries(filesOf(name)).map(([file, text]) => [folder + file, change(text)]));
const isInstalled = officialLines.includes(2);

async function ours(name: string): Promise<string> {
  const folder = makeProject(changed(name, moved));
  try {
    return (await bundleModule(join(folder, "index.ts"))).code;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("issue 9: the compiler takes them by both import paths", () => {
  const each = (change: (text: string) => string): Record<string, string> =>
    Object.assign({}, ...modules.map(({ name }) => changed(name, change, `${name}/`)));
  // As the official template has it: its declarations are found in no other way.
  const options = { module: "esnext", moduleResolution: "bundler" };
  expect(complaintsAbout(each(moved), options)).toEqual([]);
  const named = (text: string): string => text.replaceAll(`"spacetimedb`, `"spacetimedb-2`);
  if (isInstalled) expect(complaintsAbout(each(named), options)).toEqual([]);
});

describe.skipIf(!isInstalled)("issue 9: by both import paths they do the same", () => {
  let served: Served;
  beforeAll(async () => {
    served = await Served.open();
  });
  afterAll(() => served.stop());

  test.each(modules)("$name", async ({ name, columns, calls, settled }) => {
    const did = async (database: string, program: string): Promise<object> => {
      await served.publish(database, program, "Js");
      for (const [answer, reducer, ...args] of calls) {
        const got = await served.call(database, reducer, JSON.stringify(args));
        expect([reducer, ...args, `${got.status} ${await got.text()}`]).toEqual([reducer, ...args, answer]);
      }
      const [statement, rowCount] = settled;
      await expect.poll(async () => (await served.sql(database, statement)).length).toBe(rowCount);
      const rows: Record<string, unknown> = {};
      for (const [table, list] of Object.entries(columns)) {
        const found = await served.sql(database, `SELECT ${list} FROM "${table}"`);
        rows[table] = found.map((row) => JSON.stringify(row)).toSorted();
      }
      return rows;
    };
    const theirs = await did(`${name}-theirs`, await officialBundle(name, 2));
    expect(await did(`${name}-ours`, await ours(name))).toEqual(theirs);
  });

  test("a page has what libraries bring by their names, whoever made the bundle", async () => {
    for (const database of ["club-theirs", "club-ours"]) {
      const db = connect({ uri: served.url, database });
      const { "chat.chatLine": lines, "chat.waved": waves, "chat.hallLines": views } = db.tables;
      const heard: unknown[] = [];
      waves?.onInsert((row) => heard.push(row["roomName"]));
      await db.subscribe("SELECT * FROM chat.chat_line", "SELECT * FROM chat.waved", "SELECT * FROM chat.hall_lines")
        .applied;
      await db.reducers["chat.sendLine"]?.({ roomName: "hall", text: "from a page" });
      await db.reducers["chat.waveTo"]?.({ roomName: "hall" });
      const texts = lines?.rows().map(({ text }) => text);
      expect(texts).toContain("from a page");
      expect(heard).toEqual(["hall"]);
      expect(waves?.size).toBe(0);
      expect(await db.procedures["chat.countLines"]?.()).toBe(BigInt(texts?.length ?? 0));
      await expect(db.reducers["chat.none"]?.()).rejects.toThrow("`chat.none`");
      expect(views?.rows().map(({ text }) => text)).toContain("from a page");
      db.close();
    }
  });
});
