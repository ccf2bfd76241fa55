// Goal: row-level rules over the wire: who sees which rows by SQL over HTTP and by one-off queries, what publishing says
// of rules, and what is told of them.
// Method: a module of tables and rules on a real server; rows by the owner's SQL; callers with tokens of their own.
import { RowListView } from "@lightcone/protocol";
import { toHex } from "@lightcone/sats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RawClient } from "../raw-client.ts";
import { Served } from "../served.ts";
import { moduleOf, type SketchedTable } from "./tables-module.ts";

const note: SketchedTable = {
  name: "note",
  access: "public",
  columns: [
    ["id", "U64"],
    ["owner", "Identity"],
  ],
  unique: [["id"]],
  indexes: [["id"], ["owner"]],
  rls: ["SELECT * FROM note WHERE owner = :sender"],
};
/** A room is seen by its members, and by everybody if it is open; a message by whoever sees its room, and by its author. */
const tables: readonly SketchedTable[] = [
  note,
  {
    name: "room",
    access: "public",
    columns: [
      ["id", "U64"],
      ["is_open", "Bool"],
    ],
    unique: [["id"]],
    indexes: [["id"]],
    rls: [
      "SELECT room.* FROM room JOIN member ON member.room = room.id WHERE member.who = :sender",
      "SELECT * FROM room WHERE is_open = true",
    ],
  },
  {
    name: "member",
    access: "private",
    columns: [
      ["who", "Identity"],
      ["room", "U64"],
    ],
    indexes: [["room"]],
  },
  {
    name: "message",
    access: "public",
    columns: [
      ["id", "U64"],
      ["room", "U64"],
      ["author", "Identity"],
    ],
    unique: [["id"]],
    indexes: [["id"], ["room"]],
    rls: [
      "SELECT message.* FROM message JOIN room ON message.room = room.id",
      "SELECT m.* FROM message m WHERE m.author = :sender",
    ],
  },
  {
    name: "secret",
    access: "public",
    columns: [["id", "U64"]],
    rls: ["SELECT secret.* FROM secret JOIN member WHERE member.who = :sender"],
  },
  {
    name: "door",
    access: "public",
    columns: [["id", "U64"]],
    rls: ["SELECT door.* FROM door JOIN member WHERE member.who = :sender AND member.room > door.id"],
  },
  {
    name: "loop_a",
    access: "public",
    columns: [["id", "U64"]],
    indexes: [["id"]],
    rls: ["SELECT a.* FROM loop_a a JOIN loop_b b ON a.id = b.id"],
  },
  {
    name: "loop_b",
    access: "public",
    columns: [["id", "U64"]],
    indexes: [["id"]],
    rls: ["SELECT b.* FROM loop_a a JOIN loop_b b ON a.id = b.id"],
  },
];

interface Caller {
  readonly identity: string;
  readonly token: string;
}

let served: Served;
let ann: Caller;
let bob: Caller;

async function newCaller(): Promise<Caller> {
  return JSON.parse(await (await fetch(`${served.url}/v1/identity`, { method: "POST" })).text());
}

/** The rows, sorted, or the text of why there are none. */
async function asked(sql: string, token = served.token): Promise<unknown> {
  const response = await fetch(`${served.url}/v1/database/chat/sql`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: sql,
  });
  const text = await response.text();
  if (response.status !== 200) return text;
  const [{ rows }]: [{ rows: unknown[] }] = JSON.parse(text);
  return rows.map((row) => JSON.stringify(row)).toSorted();
}

/** Publishes, clients or not. @returns why not, if it is refused */
async function publish(program: readonly SketchedTable[]): Promise<string> {
  const bytes = moduleOf(program);
  const plan = await served.request("POST", "/v1/database/chat/pre_publish?host_type=Wasm", bytes);
  const policy =
    plan.status === 200 ? `&policy=BreakClients&token=${JSON.parse(await plan.text()).AutoMigrate.token}` : "";
  const response = await served.request("PUT", `/v1/database/chat?host_type=Wasm${policy}`, bytes);
  return response.status === 200 ? "" : await response.text();
}

const ids = (...of: readonly number[]): readonly string[] => of.map((id) => `[${id}]`);

beforeAll(async () => {
  served = await Served.open();
  expect(await publish(tables)).toBe("");
  ann = await newCaller();
  bob = await newCaller();
  const [a, b] = [`0x${ann.identity}`, `0x${bob.identity}`];
  for (const values of [
    `note (id, owner) VALUES (1, ${a}), (2, ${b}), (3, ${a})`,
    "room (id, is_open) VALUES (10, false), (11, false), (12, true), (13, false)",
    `member (who, room) VALUES (${a}, 10), (${a}, 11), (${b}, 11), (${b}, 12)`,
    `message (id, room, author) VALUES (100, 10, ${a}), (101, 11, ${b}), (102, 12, ${b}), (103, 13, ${a}), (104, 13, ${b})`,
    "secret (id) VALUES (7)",
    "door (id) VALUES (9), (10), (11), (12)",
    "loop_a (id) VALUES (1)",
    "loop_b (id) VALUES (1)",
  ]) {
    expect(await asked(`INSERT INTO ${values}`)).toEqual([]);
  }
});
afterAll(async () => {
  await served.stop();
});

describe("row-level rules: who sees what by SQL", () => {
  test.each<readonly [sql: string, ann: readonly string[], bob: readonly string[]]>([
    ["SELECT id FROM note", ids(1, 3), ids(2)],
    ["SELECT id FROM note WHERE id = 2", [], ids(2)],
    ["SELECT id FROM note WHERE id = 2 OR id = 3", ids(3), ids(2)],
    ["SELECT COUNT(*) AS n FROM note", ids(2), ids(1)],
    // Members, and everybody in an open room: a row that two rules show comes once.
    ["SELECT id FROM room", ids(10, 11, 12), ids(11, 12)],
    ["SELECT COUNT(*) AS n FROM room", ids(3), ids(2)],
    ["SELECT id FROM room WHERE id = 12", ids(12), ids(12)],
    // A rule over a table that has rules of its own, which read a private table.
    ["SELECT id FROM message", ids(100, 101, 102, 103), ids(101, 102, 104)],
    ["SELECT COUNT(*) AS n FROM message", ids(4), ids(3)],
    ["SELECT id FROM message WHERE room = 13", ids(103), ids(104)],
    ["SELECT id FROM message LIMIT 0", [], []],
    // Each table of a join is under its own rules; the caller's multiplicities stay.
    ["SELECT m.id FROM message m JOIN room r ON m.room = r.id", ids(100, 101, 102), ids(101, 102)],
    ["SELECT a.id FROM note a JOIN note b ON a.owner = b.owner", ids(1, 1, 3, 3), ids(2)],
    ["SELECT COUNT(*) AS n FROM note a JOIN message m ON a.owner = m.author", ids(4), ids(3)],
    // A rule without an equality between its tables.
    ["SELECT id FROM secret", ids(7), ids(7)],
    // Another comparison of its tables.
    ["SELECT id FROM door", ids(10, 9), ids(10, 11, 9)],
  ])("%s", async (sql, forAnn, forBob) => {
    expect([await asked(sql, ann.token), await asked(sql, bob.token)]).toEqual([forAnn, forBob]);
  });

  test("nobody sees nothing, and the owner sees all", async () => {
    const { token } = await newCaller();
    expect(await asked("SELECT id FROM note", token)).toEqual([]);
    expect(await asked("SELECT id FROM room", token)).toEqual(ids(12));
    expect(await asked("SELECT id FROM message", token)).toEqual(ids(102));
    expect(await asked("SELECT id FROM secret", token)).toEqual([]);
    expect(await asked("SELECT COUNT(*) AS n FROM note")).toEqual(ids(3));
    expect(await asked("SELECT COUNT(*) AS n FROM message")).toEqual(ids(5));
    expect(await asked("SELECT id FROM loop_a")).toEqual(ids(1));
  });

  test("a private table that rules read stays private", async () => {
    expect(await asked("SELECT * FROM member", ann.token)).toMatch(/^no such table: `member`/);
  });

  test("one-off queries are under the rules", async () => {
    const client = await RawClient.open(served.url, "chat", { token: ann.token });
    await client.next();
    const queryOnce = async (query: string): Promise<unknown> => {
      client.say({ kind: "OneOffQuery", messageId: Uint8Array.of(1), query });
      const message = await client.next();
      if (message?.kind !== "OneOffQueryResponse") return message;
      return message.error ?? message.tables.map(({ rows }) => rows.data.length);
    };
    expect(await queryOnce("SELECT * FROM note")).toEqual([2 * 40]);
    expect(await queryOnce("SELECT * FROM message")).toEqual([4 * 48]);
    expect(await queryOnce("SELECT m.* FROM message m JOIN room r ON m.room = r.id")).toEqual([3 * 48]);
    expect(await queryOnce("SELECT * FROM loop_a")).toMatch(
      /^Discovered cyclic dependency when resolving RLS rules for table id `\d+`/,
    );
    client.close();
    await client.over;
  });
});

describe("row 9: a rule without an equality between its tables, live", () => {
  /** Makes changes one by one; looks at how many rows are deleted and inserted for a client, where it is told of any. */
  async function expectTold(
    stranger: Caller,
    query: string,
    changes: readonly (readonly [sql: string, told: readonly [number, number] | undefined])[],
  ): Promise<void> {
    const client = await RawClient.open(served.url, "chat", { token: stranger.token });
    await client.next();
    client.subscribe([query], 1, 1);
    const told = async (): Promise<unknown> => {
      const message = await client.next();
      if (message?.kind === "SubscribeMultiApplied") return message.tables;
      if (message?.kind !== "TransactionUpdate" || message.status.kind !== "Committed") return message;
      const updates = message.status.tables.flatMap((each) => each.updates);
      const count = (of: "deletes" | "inserts"): number => updates.reduce((sum, each) => sum + [...each[of]].length, 0);
      return [count("deletes"), count("inserts")];
    };
    expect(await told()).toEqual([]);
    for (const [sql, counts] of changes) {
      expect(await asked(sql)).toEqual([]);
      if (counts !== undefined) expect([sql, await told()]).toEqual([sql, counts]);
    }
    client.close();
    await client.over;
  }

  test("one row elsewhere switches all of the table's on and off for its caller", async () => {
    const stranger = await newCaller();
    const who = `0x${stranger.identity}`;
    await expectTold(stranger, "SELECT * FROM secret", [
      ["INSERT INTO secret (id) VALUES (8)", undefined],
      [`INSERT INTO member (who, room) VALUES (${who}, 10)`, [0, 2]],
      [`INSERT INTO member (who, room) VALUES (${who}, 11)`, undefined],
      ["INSERT INTO secret (id) VALUES (9)", [0, 1]],
      [`DELETE FROM member WHERE who = ${who} AND room = 10`, undefined],
      ["DELETE FROM secret WHERE id = 8", [1, 0]],
      [`DELETE FROM member WHERE who = ${who}`, [2, 0]],
      ["DELETE FROM secret WHERE id = 9", undefined],
      [`INSERT INTO member (who, room) VALUES (${who}, 10)`, [0, 1]],
      [`DELETE FROM member WHERE who = ${who}`, [1, 0]],
    ]);
  });

  test("one that is compared with the row shows those that it is above", async () => {
    const stranger = await newCaller();
    const who = `0x${stranger.identity}`;
    await expectTold(stranger, "SELECT * FROM door", [
      [`INSERT INTO member (who, room) VALUES (${who}, 11)`, [0, 2]],
      ["INSERT INTO door (id) VALUES (20), (3)", [0, 1]],
      [`INSERT INTO member (who, room) VALUES (${who}, 9)`, undefined],
      [`UPDATE member SET room = 21 WHERE who = ${who} AND room = 11`, [0, 3]],
      ["DELETE FROM door WHERE id = 20", [1, 0]],
      [`UPDATE member SET room = 10 WHERE who = ${who} AND room = 21`, [3, 0]],
      [`DELETE FROM member WHERE who = ${who}`, [2, 0]],
      ["DELETE FROM door WHERE id = 3", undefined],
    ]);
  });
});

describe("row-level rules: publishing", () => {
  const refusals: readonly (readonly [rule: string, told: RegExp])[] = [
    ["SELECT * FROM nowhere", /no such table: `nowhere`/],
    [
      "SELECT * FROM member WHERE who = :sender",
      /Cannot define RLS rule on private table: member. Please make table public if you wish to restrict access using RLS./,
    ],
    [
      "SELECT * FROM st_table WHERE table_id > 1",
      /Cannot define RLS rule on system table: st_table. Rules are for the module's own tables./,
    ],
    ["SELECT * FROM st_client", /Cannot define RLS rule on system table: st_client/],
    ["SELECT * FROM note WHERE owner = 5 AND", /sql parser error/],
    ["SELECT * FROM note WHERE owner = true", /Unexpected type/],
    ["SELECT id FROM note", /Subscriptions must return a table type/],
    ["SELECT * FROM note LIMIT 5", /Unsupported/],
    ["DELETE FROM note", /Unsupported/],
    ["SELECT * FROM *", /sql parser error/],
  ];

  test.each(refusals)("%s", async (rule, told) => {
    const text = await publish(tables.map((table) => (table === note ? { ...note, rls: [rule] } : table)));
    expect(text).toContain(rule);
    expect(text).toMatch(told);
    // The module that ran goes on, with its rules.
    expect(await asked("SELECT id FROM note", ann.token)).toEqual(ids(1, 3));
  });

  test("st_row_level_security names each rule with its table", async () => {
    const [own, ...others] = await Promise.all(
      ["note", "room", "message", "secret", "loop_a", "loop_b"].map(async (name) => {
        const [id] = (await asked(`SELECT table_id FROM st_table WHERE table_name = '${name}'`)) as string[];
        return await asked(`SELECT sql FROM st_row_level_security WHERE table_id = ${id?.slice(1, -1)}`);
      }),
    );
    expect(own).toEqual([JSON.stringify(note.rls)]);
    expect(others.map((rows) => (rows as string[]).length)).toEqual([2, 2, 1, 1, 1]);
  });

  test("rules that depend on each other are published, with a line in the log", async () => {
    const log = await (await served.request("GET", "/v1/database/chat/logs?num_lines=50")).text();
    expect(log).toContain("only the owner can read table loop_a: Discovered cyclic dependency");
    expect(log).toContain("only the owner can read table loop_b: Discovered cyclic dependency");
  });

  test("after a restart the rules are the same", async () => {
    await served.stopFront();
    await served.start();
    expect(await asked("SELECT id FROM message", bob.token)).toEqual(ids(101, 102, 104));
  });
});

// Goal: what rules hide leaves no trace in what a caller is told.
// Method: two databases with one program, which differ in rows that a caller may not see; the same caller asks both the same,
// by SQL, one-off queries and a subscription, while rows that it sees and rows that it does not come and go.
describe("row-level rules: databases that differ in hidden rows alone give the same bytes", () => {
  const names = ["plain", "twin"] as const;
  const statements = [
    ..."note room message secret loop_a"
      .split(" ")
      .flatMap((name) => [
        `SELECT * FROM ${name}`,
        `SELECT COUNT(*) AS n FROM ${name}`,
        `SELECT id FROM ${name} WHERE id > 10 LIMIT 3`,
        `SELECT nope FROM ${name}`,
      ]),
    "SELECT * FROM member",
    "SELECT m.id FROM message m JOIN room r ON m.room = r.id",
    "SELECT COUNT(*) AS n FROM note a JOIN note b ON a.owner = b.owner",
    "SELECT r.* FROM room r JOIN message m ON m.room = r.id WHERE m.id > 0",
    "DELETE FROM note",
  ];
  let asker: Caller;

  const owners = async (database: string, sql: string): Promise<void> => {
    const response = await served.request("POST", `/v1/database/${database}/sql`, sql);
    expect(response.status, await response.text()).toBe(200);
  };

  /** Status and body, times and the order of rows left out. */
  const told = async (database: string, sql: string): Promise<string> => {
    const headers = { authorization: `Bearer ${asker.token}` };
    const response = await fetch(`${served.url}/v1/database/${database}/sql`, { method: "POST", headers, body: sql });
    const text = await response.text();
    if (response.status !== 200) return `${response.status} ${text}`;
    const [{ rows, ...others }] = JSON.parse(text);
    delete others.total_duration_micros;
    return JSON.stringify([others, rows.map((row: unknown) => JSON.stringify(row)).toSorted()]);
  };

  const words = (message: unknown): string =>
    JSON.stringify(message, (key, value: unknown) => {
      if (/duration|timestamp|token|connection|energy/i.test(key)) return undefined;
      if (value instanceof RowListView) return Array.from(value, (row) => toHex(row)).toSorted();
      if (value instanceof Uint8Array) return toHex(value);
      return typeof value === "bigint" ? String(value) : value;
    });

  test.each([undefined, 2, 4])("row_limit %s", async (limit) => {
    asker = await newCaller();
    const stranger = await newCaller();
    const [a, b] = [`0x${asker.identity}`, `0x${stranger.identity}`];
    const seen = [
      `note (id, owner) VALUES (1, ${a}), (3, ${a})`,
      "room (id, is_open) VALUES (10, false), (12, true)",
      `member (who, room) VALUES (${a}, 10)`,
      `message (id, room, author) VALUES (100, 10, ${b}), (102, 12, ${b}), (103, 13, ${a})`,
      "secret (id) VALUES (7), (8)",
    ];
    const hidden = [
      `note (id, owner) VALUES (2, ${b}), (4, ${b}), (20, ${b})`,
      "room (id, is_open) VALUES (11, false), (13, false), (14, false)",
      `member (who, room) VALUES (${b}, 10), (${b}, 11), (${b}, 13)`,
      `message (id, room, author) VALUES (101, 11, ${b}), (104, 13, ${b}), (105, 14, ${b})`,
      "loop_a (id) VALUES (1)",
      "loop_b (id) VALUES (1)",
    ];
    const clients = await Promise.all(
      names.map(async (name) => {
        const database = `${name}-${limit ?? "none"}`;
        await served.publish(database, moduleOf(tables), "Wasm");
        if (limit !== undefined) await owners(database, `SET row_limit = ${limit}`);
        for (const values of name === "twin" ? [...hidden, ...seen] : seen)
          await owners(database, `INSERT INTO ${values}`);
        const client = await RawClient.open(served.url, database, { token: asker.token });
        await client.next();
        return { database, client };
      }),
    );
    const heard = async (ask: (client: RawClient) => void): Promise<readonly string[]> =>
      await Promise.all(
        clients.map(async ({ client }) => {
          ask(client);
          return words(await client.next());
        }),
      );
    const same = ([first, second]: readonly string[]): void => expect(second).toBe(first);
    const asksAll = async (): Promise<void> => {
      for (const sql of statements) {
        same(await Promise.all(clients.map(({ database }) => told(database, sql))));
        same(await heard((client) => client.say({ kind: "OneOffQuery", messageId: Uint8Array.of(1), query: sql })));
      }
    };
    await asksAll();
    const queries = ["SELECT * FROM note", "SELECT * FROM room", "SELECT * FROM message"];
    for (const [i, query] of queries.entries()) same(await heard((client) => client.subscribe([query], i, i)));
    // What is hidden changes in one of them; what is seen, in both: the one message that comes is of that.
    for (const [inTwin, inBoth] of [
      [`INSERT INTO note (id, owner) VALUES (5, ${b})`, `INSERT INTO note (id, owner) VALUES (6, ${a})`],
      [`INSERT INTO member (who, room) VALUES (${b}, 12)`, "INSERT INTO room (id, is_open) VALUES (15, true)"],
      ["DELETE FROM room WHERE id = 14", `DELETE FROM member WHERE who = ${a}`],
      [`DELETE FROM note WHERE owner = ${b}`, "DELETE FROM note WHERE id = 1"],
    ] as const) {
      await owners(clients[1]?.database ?? "", inTwin);
      for (const { database } of clients) await owners(database, inBoth);
      if (limit === undefined) same(await heard(() => undefined));
    }
    await asksAll();
    if (limit === undefined)
      for (const [queryId] of queries.entries())
        same(await heard((client) => client.say({ kind: "UnsubscribeMulti", requestId: 9, queryId })));
    for (const { client } of clients) client.close();
    await Promise.all(clients.map(({ client }) => client.over));
  });
});
