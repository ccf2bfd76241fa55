// Goal: row-level rules over sockets: official clients over `v3.bsatn` and `v2.bsatn`, and one over `v1.bsatn`, hold the rows that
// their rules show them, as rows come to be seen and cease to be by changes of any table, over hosts that are killed, a
// server that starts anew, and a publish of other rules.
// Method: a TypeScript module whose rules are SQL and queries. After each step what every client holds is what its own
// SQL finds, and what is written here.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { ByteReader, ByteWriter } from "@lightcone/sats";
import type { RowListView, ServerMessage } from "@lightcone/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleModule } from "../../../packages/cli/src/build/bundle.ts";
import { RawClient } from "../raw-client.ts";
import { Served } from "../served.ts";
import { GeneratedBindings, hasOfficialClient2 } from "./chat-client.ts";
import { offering } from "./offering.ts";

interface Table {
  iter(): Iterable<Record<string, unknown>>;
  onInsert(callback: (context: unknown, row: Record<string, unknown>) => void): void;
}
interface Connection {
  readonly db: Readonly<Record<string, Table>>;
  readonly reducers: Readonly<Record<string, (args: object) => Promise<unknown>>>;
  subscriptionBuilder(): {
    onApplied(callback: () => void): ReturnType<Connection["subscriptionBuilder"]>;
    onError(callback: (context: { readonly event?: Error }) => void): ReturnType<Connection["subscriptionBuilder"]>;
    subscribe(queries: readonly string[]): unknown;
  };
  disconnect(): void;
}
interface Builder {
  withUri(uri: string): Builder;
  withDatabaseName(name: string): Builder;
  withToken(token: string): Builder;
  withWSFn(open: (asked: object) => unknown): Builder;
  onConnect(callback: (connection: Connection) => void): Builder;
  onConnectError(callback: (context: unknown, error: Error) => void): Builder;
  onDisconnect(callback: () => void): Builder;
  build(): Connection;
}

const queries = ["SELECT * FROM note", "SELECT * FROM room", "SELECT * FROM message"];
const tables = ["note", "room", "message"] as const;
type Held = Readonly<Record<(typeof tables)[number], readonly string[]>>;

/** One client, whatever it speaks: the keys of the rows that it holds, and calls that are over when all before them was told. */
interface Client {
  readonly token: string;
  readonly over: Promise<unknown>;
  held(): Held;
  call(reducer: string, args: object): Promise<unknown>;
  leave(): void;
}

let served: Served;
let identity: string;
let code: string;
let generated: GeneratedBindings;
const entry = fileURLToPath(new URL("../typescript/modules/rules.ts", import.meta.url));

async function newToken(): Promise<string> {
  const { token }: { token: string } = JSON.parse(
    await (await fetch(`${served.url}/v1/identity`, { method: "POST" })).text(),
  );
  return token;
}

/** The official client. */
async function official(
  token: string,
  protocol: "v2" | "v3",
  withEvents = true,
): Promise<Client & { heard: string[] }> {
  const { DbConnection } = generated.bindings as unknown as { readonly DbConnection: { builder(): Builder } }; // as generated
  const over = Promise.withResolvers<void>();
  const heard: string[] = [];
  const connection = await new Promise<Connection>((resolve, reject) => {
    const builder = DbConnection.builder()
      .withUri(served.url.replace("http", "ws"))
      .withDatabaseName("rooms")
      .withToken(token)
      .onConnect(resolve)
      .onConnectError((_context, error) => reject(error))
      .onDisconnect(() => over.resolve());
    offering(`${protocol}.bsatn.spacetimedb`)(builder).build();
  });
  connection.db["shout"]?.onInsert((_context, row) => heard.push(String(row["text"])));
  await new Promise<void>((resolve, reject) => {
    connection
      .subscriptionBuilder()
      .onApplied(resolve)
      .onError(({ event }) => reject(event ?? new Error("refused")))
      .subscribe(withEvents ? [...queries, "SELECT * FROM shout"] : queries);
  });
  const keys = (name: string): string[] =>
    Array.from(connection.db[name]?.iter() ?? [], ({ id }) => String(id)).toSorted();
  return {
    token,
    heard,
    over: over.promise,
    held: () => ({ note: keys("note"), room: keys("room"), message: keys("message") }),
    call: async (reducer, args) => await connection.reducers[reducer]?.(args),
    leave: () => connection.disconnect(),
  };
}

/** A client of `v1.bsatn`, which counts rows as that protocol says them. */
async function raw(token: string): Promise<Client> {
  const client = await RawClient.open(served.url, "rooms", { token });
  const rows = new Map<string, number>();
  const waiting = new Map<number, () => void>();
  let lastRequest = 0;
  const count = (name: string, list: RowListView, by: number): void => {
    for (const row of list) {
      const id =
        name === "room" ? new ByteReader(row).u32() : new DataView(row.buffer, row.byteOffset).getBigUint64(0, true);
      rows.set(`${name} ${id}`, (rows.get(`${name} ${id}`) ?? 0) + by);
    }
  };
  client.onMessage = (message: ServerMessage) => {
    const update =
      message.kind === "SubscribeMultiApplied" || message.kind === "TransactionUpdateLight"
        ? message.tables
        : message.kind === "TransactionUpdate" && message.status.kind === "Committed"
          ? message.status.tables
          : [];
    for (const { tableName, updates } of update)
      for (const { deletes, inserts } of updates) {
        count(tableName, deletes, -1);
        count(tableName, inserts, 1);
      }
    if ("requestId" in message && message.requestId !== undefined) waiting.get(message.requestId)?.();
  };
  const answered = (): Promise<void> =>
    new Promise((resolve) => {
      lastRequest += 1;
      waiting.set(lastRequest, resolve);
    });
  const applied = answered();
  client.subscribe(queries, lastRequest, 1);
  await applied;
  const keys = (name: string): string[] => {
    const held = [...rows].filter(([key, times]) => key.startsWith(`${name} `) && times !== 0);
    expect(
      held.every(([, times]) => times === 1),
      JSON.stringify(held),
    ).toBe(true);
    return held.map(([key]) => key.slice(name.length + 1)).toSorted();
  };
  return {
    token,
    over: client.over,
    held: () => ({ note: keys("note"), room: keys("room"), message: keys("message") }),
    call: async (reducer, { room = 0, text = "" }: { room?: number; text?: string }) => {
      const out = new ByteWriter();
      if (reducer === "leave") out.u32(room);
      else out.string(text);
      const done = answered();
      client.call(reducer === "leave" ? "leave" : "write_note", out.toBytes(), lastRequest);
      await done;
    },
    leave: () => client.close(),
  };
}

/** What SQL finds for a client's token. */
async function found(token: string): Promise<Held> {
  const keys = await Promise.all(
    tables.map(async (name) => {
      const headers = { authorization: `Bearer ${token}` };
      const body = `SELECT id FROM ${name}`;
      const response = await fetch(`${served.url}/v1/database/rooms/sql`, { method: "POST", headers, body });
      const [{ rows }]: [{ rows: [number][] }] = JSON.parse(await response.text());
      return rows.map(([id]) => String(id)).toSorted();
    }),
  );
  return Object.fromEntries(tables.map((name, i) => [name, keys[i]])) as unknown as Held; // one list for each
}

let clients: readonly Client[] = [];
let ann: Awaited<ReturnType<typeof official>>;
let bob: Awaited<ReturnType<typeof official>>;

/** Every client holds what its SQL finds, once it has heard all that was committed. */
async function agree(): Promise<void> {
  for (const client of clients) await client.call("writeNote", { text: "are you there?" });
  for (const client of clients) await client.call("leave", { room: 99 }); // changes nothing, and is answered behind all else
  for (const client of clients) expect(client.held()).toEqual(await found(client.token));
}

describe.skipIf(!hasOfficialClient2)("row-level rules over sockets", () => {
  beforeAll(async () => {
    served = await Served.open();
    ({ code } = await bundleModule(entry));
    identity = await served.create("rooms", code);
    generated = await GeneratedBindings.of(new TextEncoder().encode(code), "Js", 2);
    for (const [id, open] of [
      [1, false],
      [2, false],
      [3, true],
    ])
      await served.call("rooms", "set_room", JSON.stringify([id, open]));
    for (const [room, text] of [
      [1, "one"],
      [1, "uno"],
      [2, "two"],
      [3, "three"],
    ])
      await served.call("rooms", "post", JSON.stringify([room, text]));
    ann = await official(await newToken(), "v3");
    bob = await official(await newToken(), "v2");
    clients = [ann, bob, await raw(ann.token), await raw(await newToken())];
  });
  afterAll(async () => {
    for (const client of clients) client.leave();
    await served.stop();
    await generated.remove();
  });

  test("first rows, and each one's own", async () => {
    for (const client of clients) expect(client.held()).toEqual({ note: [], room: ["3"], message: ["4"] });
    await ann.call("writeNote", { text: "mine" });
    expect([ann.held().note, bob.held().note]).toEqual([["1"], []]);
    await agree();
  });

  test("rows are gained and lost by rows of another table, which is private, and by those of one under rules", async () => {
    await ann.call("join", { room: 1 });
    expect(ann.held()).toMatchObject({ room: ["1", "3"], message: ["1", "2", "4"] });
    await bob.call("join", { room: 1 });
    await bob.call("join", { room: 1 });
    await agree();
    // A row of two memberships is lost with the second.
    await served.call("rooms", "post", JSON.stringify([1, "eins"]));
    await bob.call("leave", { room: 1 });
    expect(bob.held()).toMatchObject({ room: ["3"], message: ["4"] });
    await served.call("rooms", "set_room", "[3,false]");
    await agree();
    expect([ann.held().room, bob.held().room]).toEqual([["1"], []]);
    // An open room that one is a member of is seen once.
    await served.call("rooms", "set_room", "[1,true]");
    await agree();
    await served.call("rooms", "move", "[2,1]");
    await served.call("rooms", "move", "[1,2]");
    await agree();
    await served.call("rooms", "move", "[2,1]");
    await agree();
    expect(bob.held()).toMatchObject({ room: ["1"], message: ["1", "2", "3", "5"] });
  });

  test("events are heard by whom a rule says", async () => {
    await ann.call("shout", { room: 1, text: "heard" });
    await ann.call("shout", { room: 2, text: "not heard" });
    await agree();
    expect([ann.heard, bob.heard]).toEqual([["heard"], []]);
  });

  test("its host is killed: nobody loses or gains a row by that, and rules go on", async () => {
    for (const room of [2, 3]) {
      process.kill(served.hosts.get(identity) ?? 0, "SIGKILL");
      await bob.call("join", { room });
      await served.call("rooms", "post", JSON.stringify([room, "after"]));
      await agree();
    }
    expect(bob.held().room).toEqual(["1", "2", "3"]);
    await bob.call("leave", { room: 2 });
    await agree();
    expect(bob.held().room).toEqual(["1", "3"]);
  });

  test("the server is killed: who comes back sees the same", async () => {
    const before = [ann.held(), bob.held()];
    await served.killFront();
    await Promise.all(clients.map(({ over }) => over));
    await served.start();
    ann = await official(ann.token, "v2");
    bob = await official(bob.token, "v3");
    clients = [ann, bob, await raw(ann.token)];
    expect([ann.held(), bob.held()]).toEqual(before);
    await agree();
  });

  test("other rules disconnect everybody, and hold for whoever comes back", async () => {
    const changed = code.replace("SELECT * FROM note WHERE owner = :sender", "SELECT * FROM note");
    expect(changed).not.toBe(code);
    const refused = await served.request("PUT", "/v1/database/rooms?host_type=Js", changed);
    expect(await refused.text()).toContain("row-level rules");
    const plan = await served.request("POST", "/v1/database/rooms/pre_publish?host_type=Js", changed);
    const { token } = JSON.parse(await plan.text()).AutoMigrate;
    const path = `/v1/database/rooms?host_type=Js&policy=BreakClients&token=${token}`;
    expect((await served.request("PUT", path, changed)).status).toBe(200);
    await Promise.all(clients.map(({ over }) => over));
    ann = await official(ann.token, "v3");
    bob = await official(bob.token, "v2");
    clients = [ann, bob, await raw(bob.token)];
    await agree();
    expect(ann.held().note).toEqual(bob.held().note);
    expect(ann.held().note.length).toBeGreaterThan(10);
  });

  test("a program whose rules are not those of the text is another", async () => {
    expect(await readFile(entry, "utf8")).toContain("heardShouts");
    const rows = await served.sql("rooms", "SELECT sql FROM st_row_level_security");
    expect(rows).toHaveLength(5);
    expect(rows.flat().map(String)).toContain(
      `SELECT "room".* FROM "room" JOIN "member" ON "room"."id" = "member"."room" WHERE "member"."who" = :sender`,
    );
  });
});
