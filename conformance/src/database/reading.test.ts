// Goal: however rows are asked for (a subscription or a one-off query in either wire form, SQL over HTTP), many of
// them are exactly those of the offset at which the asking job ran, and calls run between the slices in which they are
// read and worded. A reading ends with the known errors when it takes too long in all or holds too much.
// Method: a model of the accounts follows every transfer; each query is asked while another client transfers, one call
// after the other, and its rows are compared with the model as it was when the query entered the queue. Calls that
// were answered meanwhile are counted: each needs a turn of its own.
import { manualClock } from "@lightcone/commitlog/testing";
import type { Caller, ConnectionHandle, ConnectionSink, Database } from "@lightcone/database";
import type { ClientMessage } from "@lightcone/protocol";
import { ByteReader, ByteWriter } from "@lightcone/sats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call, LocalClient, makeCaller, openLocal, publish, sql, textOf } from "./local.ts";

const accountCount = 12_000;
const branchCount = 100;
const tables = ["account", "ranked_account", "branch_account"] as const;
const reducers = { account: "transfer", ranked_account: "transfer_ranked", branch_account: "transfer_branch" } as const;

/** A clock that passes with every look at it, so that slices and turns end. */
function passingClock() {
  let steadyMs = 0;
  const clock = {
    ...manualClock(),
    /** How much passes with a look. */
    stepMs: 0.2,
    steadyMs: (): number => (steadyMs += clock.stepMs),
  };
  return clock;
}

async function openBank(options: Parameters<typeof openLocal>[0]): Promise<Database> {
  const database = await openLocal(options);
  await publish(database, "../../../modules/typescript/bank/src/index.ts");
  for (const opens of ["open_accounts", "open_ranked_accounts", "open_branch_accounts"])
    expect((await call(database, opens, `[${accountCount}]`)).status).toBe(200);
  return database;
}

// --- the model

type Balances = number[];
const model: Record<(typeof tables)[number], Balances> = {
  account: [],
  ranked_account: [],
  branch_account: [],
};

/** A row as its values, comma-separated. */
type Row = string;
const branchRow = (balance: number, id: number): Row => `${id},${id % branchCount},${balance}`;
const row = (balance: number, id: number): Row => `${id},${balance}`;
const ids = Array.from({ length: accountCount }, (_, id) => id);

interface Case {
  readonly sql: string;
  readonly rows: () => readonly Row[];
  /** Only for SQL over HTTP: subscriptions take whole rows of one table. */
  readonly isStatement?: boolean;
}

const cases: readonly Case[] = [
  { sql: "SELECT * FROM account", rows: () => model.account.map(row) },
  {
    sql: "SELECT * FROM ranked_account WHERE balance >= 999999",
    rows: () => model.ranked_account.map(row).filter((_, id) => (model.ranked_account[id] ?? 0) >= 999_999),
  },
  {
    sql: "SELECT * FROM ranked_account WHERE balance = 1000000",
    rows: () => model.ranked_account.map(row).filter((_, id) => model.ranked_account[id] === 1_000_000),
  },
  {
    sql: "SELECT * FROM branch_account WHERE branch >= 10 AND balance <= 1000000",
    rows: () =>
      model.branch_account
        .map(branchRow)
        .filter((_, id) => id % branchCount >= 10 && (model.branch_account[id] ?? 0) <= 1_000_000),
  },
  {
    sql: "SELECT a.* FROM account a JOIN branch_account b ON a.id = b.id WHERE b.branch < 60",
    rows: () => model.account.map(row).filter((_, id) => id % branchCount < 60),
  },
  {
    // Each of the first accounts as often as its branch has others.
    sql: "SELECT a.* FROM account a JOIN branch_account b ON a.id = b.branch WHERE b.balance <= 1000000",
    rows: () =>
      ids
        .filter((id) => (model.branch_account[id] ?? 0) <= 1_000_000)
        .map((id) => row(model.account[id % branchCount] ?? 0, id % branchCount)),
  },
  {
    sql: "SELECT b.* FROM branch_account b JOIN account a ON b.branch = a.id WHERE a.id > 10",
    rows: () => model.branch_account.map(branchRow).filter((_, id) => id % branchCount > 10),
  },
  {
    isStatement: true,
    sql: "SELECT COUNT(*) AS n FROM ranked_account WHERE balance >= 1000000",
    rows: () => [String(model.ranked_account.filter((balance) => balance >= 1_000_000).length)],
  },
  {
    isStatement: true,
    sql: "SELECT COUNT(*) AS n FROM account a JOIN branch_account b ON a.id = b.branch",
    rows: () => [String(accountCount)],
  },
  {
    isStatement: true,
    sql: "SELECT b.branch, a.balance FROM branch_account b JOIN account a ON b.id = a.id WHERE a.balance <= b.balance",
    rows: () =>
      ids
        .filter((id) => (model.account[id] ?? 0) <= (model.branch_account[id] ?? 0))
        .map((id) => `${id % branchCount},${model.account[id]}`),
  },
];

// --- clients

/** A client of `v1.json` without a socket. */
class JsonClient implements ConnectionSink {
  readonly queuedBytes = 0;
  readonly caller: Caller = makeCaller(7);
  readonly handle: ConnectionHandle;
  private text = "";
  private take: (message: unknown) => void = () => undefined;

  constructor(database: Database) {
    const info = { token: "", protocol: "v1.json", compression: "none", light: false, confirmed: true } as const;
    this.handle = database.connect({ ...info, caller: this.caller }, this);
  }

  send(bytes: Uint8Array, at: number, length: number, last: boolean): void {
    this.text += new TextDecoder().decode(bytes.subarray(at, at + length));
    if (!last) return;
    this.take(JSON.parse(this.text));
    this.text = "";
  }

  answered(): void {}
  note(): void {}
  close(): void {
    this.take(undefined);
  }

  /** The next message, which this asks for. */
  ask(text: string): Promise<unknown> {
    const asked = new Promise<unknown>((resolve) => (this.take = resolve));
    if (text !== "") this.handle.receive(new TextEncoder().encode(text), 0, text.length, true);
    return asked;
  }
}

function rowFrom(query: string, bytes: Uint8Array): Row {
  const reader = new ByteReader(bytes);
  const isBranch = /^SELECT (?:\* FROM|b\.\* FROM) branch_account/.test(query);
  const values = [reader.u32(), ...(isBranch ? [reader.u32()] : []), Number(reader.i64())];
  return values.join(",");
}

const rowsFromJson = (texts: readonly string[]): Row[] =>
  texts.map((text) => Object.values(JSON.parse(text) as object).join(","));

interface JsonAnswer {
  readonly OneOffQueryResponse?: { readonly tables: readonly [{ readonly rows: readonly string[] }] };
  readonly SubscribeApplied?: {
    readonly rows: { readonly table_rows: { readonly updates: readonly [{ readonly inserts: readonly string[] }] } };
  };
}

/** Each way to ask a query: sends it at once, and gives its rows when they are there. */
const ways: Readonly<Record<string, (database: Database, query: string) => Promise<() => Promise<readonly Row[]>>>> = {
  "a subscription in v1.bsatn": (database, query) =>
    askBsatn(database, query, { kind: "SubscribeSingle", query, requestId: 1, queryId: 1 }),
  "a one-off query in v1.bsatn": (database, query) =>
    askBsatn(database, query, { kind: "OneOffQuery", messageId: Uint8Array.of(1), query }),
  "a subscription in v1.json": (database, query) =>
    askJson(database, { SubscribeSingle: { query, request_id: 1, query_id: { id: 1 } } }),
  "a one-off query in v1.json": (database, query) =>
    askJson(database, { OneOffQuery: { message_id: "01", query_string: query } }),
  "SQL over HTTP": (database, query) =>
    Promise.resolve(async () => (await sql(database, query)).map((values) => values.join(","))),
};

async function askBsatn(database: Database, query: string, message: ClientMessage) {
  const client = new LocalClient(database, makeCaller(8));
  await client.next();
  return async () => {
    client.say(message);
    const answer = await client.next();
    client.leave();
    if (answer.kind === "OneOffQueryResponse")
      return answer.tables.flatMap(({ rows }) => [...rows].map((each) => rowFrom(query, each)));
    if (answer.kind !== "SubscribeApplied") throw new Error(JSON.stringify(answer));
    return answer.table.updates.flatMap(({ inserts }) => [...inserts].map((each) => rowFrom(query, each)));
  };
}

async function askJson(database: Database, message: object) {
  const client = new JsonClient(database);
  await client.ask("");
  return async () => {
    const answer = (await client.ask(JSON.stringify(message))) as JsonAnswer;
    client.handle.closed();
    const rows =
      answer.OneOffQueryResponse?.tables[0].rows ?? answer.SubscribeApplied?.rows.table_rows.updates[0].inserts;
    if (rows === undefined) throw new Error(JSON.stringify(answer));
    return rowsFromJson(rows);
  };
}

// --- what is asked

describe.each(Object.keys(ways))("%s", (way) => {
  let database: Database;
  let writer: LocalClient;
  let turn = 0;

  beforeAll(async () => {
    database = await openBank({ clock: passingClock() });
    for (const table of tables) model[table] = ids.map(() => 1_000_000);
    writer = new LocalClient(database, makeCaller(9), { confirmed: false });
    await writer.next();
  });
  afterAll(() => database.stop(1000));

  /** One transfer, told to the model once it is answered. */
  async function transfer(): Promise<void> {
    turn += 1;
    const table = tables[turn % 3] ?? "account";
    const from = (turn * 7919) % accountCount;
    const to = (turn * 104_729 + 1) % accountCount;
    if (from === to) return;
    const args = new ByteWriter();
    args.u32(from);
    args.u32(to);
    args.u64(1n);
    writer.call(reducers[table], args.toBytes(), turn);
    expect(await writer.next()).toMatchObject({ kind: "TransactionUpdate", status: { kind: "Committed" } });
    const balances = model[table];
    balances[from] = (balances[from] ?? 0) - 1;
    balances[to] = (balances[to] ?? 0) + 1;
  }

  test.each(cases.filter(({ isStatement }) => isStatement !== true || way === "SQL over HTTP"))(
    "$sql",
    async ({ sql: query, rows }) => {
      const ask = await ways[way]?.(database, query);
      if (ask === undefined) throw new Error(way);
      for (let count = 0; count < 30; count += 1) await transfer();
      const expected = rows().toSorted();
      const over = new AbortController();
      const asked = ask().finally(() => over.abort());
      let between = 0;
      for (; !over.signal.aborted; between += 1) await transfer();
      expect((await asked).toSorted()).toEqual(expected);
      // A slice looks at 2,000 rows at most; most look at fewer, with this clock.
      expect(between).toBeGreaterThan(accountCount / 2000);
    },
  );
});

describe("bounds", () => {
  const semijoin = "SELECT a.* FROM account a JOIN branch_account b ON a.id = b.id";
  const count = "SELECT COUNT(*) AS n FROM account a JOIN branch_account b ON a.id = b.id";
  const ask = (database: Database, text: string) =>
    database.request({ kind: "sql", caller: makeCaller(1, true), text, confirmed: true });

  test("reducerTimeoutMs holds for all slices of a reading together", async () => {
    const clock = passingClock();
    const database = await openBank({ clock, limits: { reducerTimeoutMs: 5000 } });
    const client = new LocalClient(database, makeCaller(5));
    await client.next();
    clock.stepMs = 100;
    client.say({ kind: "SubscribeSingle", query: semijoin, requestId: 1, queryId: 1 });
    expect(await client.next()).toMatchObject({
      kind: "SubscriptionError",
      queryId: 1,
      message: expect.stringMatching(/^the query took longer than [\d.]+ s \(reducerTimeoutMs\) and was ended$/),
    });
    const refused = await ask(database, count);
    expect([refused.status, refused.headers["lightcone-error"]]).toEqual([402, "ReducerTimedOut"]);
    clock.stepMs = 0.2;
    // Nothing is left of either: the id is free, and whoever visited has gone.
    client.say({ kind: "SubscribeSingle", query: "SELECT * FROM account WHERE id = 3", requestId: 2, queryId: 1 });
    expect(await client.next()).toMatchObject({ kind: "SubscribeApplied" });
    expect(await sql(database, "SELECT * FROM st_client")).toHaveLength(2);
    await database.stop(1000);
  });

  test("queryRowsMax holds for the rows that a join keeps", async () => {
    const database = await openBank({ clock: passingClock(), limits: { queryRowsMax: accountCount / 2 } });
    const refused = await ask(database, count);
    expect([refused.status, textOf(refused)]).toEqual([429, expect.stringContaining("queryRowsMax")]);
    expect((await ask(database, "SELECT COUNT(*) AS n FROM account WHERE balance > 5")).status).toBe(200);
    await database.stop(1000);
  });

  test("a large answer that nobody confirms comes without a wait for the disk", async () => {
    const database = await openBank({ clock: passingClock() });
    const reply = await database.request({
      kind: "sql",
      caller: makeCaller(1, true),
      text: semijoin,
      confirmed: false,
    });
    const [{ rows }] = JSON.parse(textOf(reply)) as [{ rows: unknown[] }];
    expect(rows).toHaveLength(accountCount);
    await database.stop(1000);
  });
});
