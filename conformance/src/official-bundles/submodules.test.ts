// Goal: issue 9, submodules of official bundles 2.x: a bundle with libraries in it is published and runs as it is; their tables, functions,
//   rules and schedules are there under the library's name, for each protocol, over HTTP, after a kill and a restart; a version with one
//   library more or less is a migration.
// Method: `modules/official/club-2`, which has one library twice, with a library inside, on a server in a process of its own; the official
//   clients of both lines with bindings that our generator writes, and frames of version 1.
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { encodeRawV10, emptyRawV10, type RawModuleDefV10 } from "@lightcone/schema";
import { product, t } from "@lightcone/sats";
import { buildModule } from "@lightcone/host-wasm/testing";
import { RawClient } from "../raw-client.ts";
import { GeneratedBindings, hasOfficialClient, hasOfficialClient2 } from "../official-client/chat-client.ts";
import { Served } from "../served.ts";
import { officialBundle, officialLines } from "./official.ts";

interface Row {
  readonly [column: string]: unknown;
}
interface Table {
  iter(): Iterable<Row>;
  onInsert(callback: (context: unknown, row: Row) => void): void;
}
interface Subscribing {
  onApplied(callback: () => void): Subscribing;
  onError(callback: (context: { readonly event?: Error }) => void): Subscribing;
  subscribe(queries: unknown): unknown;
}
interface Connection {
  readonly db: Readonly<Record<string, Table>>;
  readonly reducers: Readonly<Record<string, (args: object) => unknown>>;
  readonly procedures: Readonly<Record<string, (args: object) => Promise<unknown>>>;
  subscriptionBuilder(): Subscribing;
  disconnect(): void;
}
interface Builder {
  withUri(uri: string): Builder;
  withDatabaseName(name: string): Builder;
  withModuleName(name: string): Builder;
  onConnect(callback: (connection: Connection) => void): Builder;
  onConnectError(callback: (context: unknown, error: Error) => void): Builder;
  build(): unknown;
}

const clients = ([1, 2] as const).filter((line) => (line === 1 ? hasOfficialClient : hasOfficialClient2));

let served: Served;
let code = "";
const bindings = new Map<1 | 2, GeneratedBindings>();
const boundTo = <T>(line: 1 | 2): T => {
  const found: unknown = bindings.get(line)?.bindings;
  if (found === undefined) throw new Error(`there are no bindings for line ${line}`);
  return found as T;
};

const connect = (line: 1 | 2): Promise<Connection> =>
  new Promise((resolve, reject) => {
    const { DbConnection } = boundTo<{ DbConnection: { builder(): Builder } }>(line);
    const builder = DbConnection.builder().withUri(served.url.replace("http", "ws"));
    (line === 1 ? builder.withModuleName("club") : builder.withDatabaseName("club"))
      .onConnect(resolve)
      .onConnectError((_context, error) => reject(error))
      .build();
  });
const subscribed = (connection: Connection, queries: unknown): Promise<void> =>
  new Promise((resolve, reject) => {
    connection
      .subscriptionBuilder()
      .onApplied(resolve)
      .onError(({ event }) => reject(event ?? new Error("refused")))
      .subscribe(queries);
  });
const call = async (name: string, ...args: readonly unknown[]): Promise<string> => {
  const response = await served.call("club", name, JSON.stringify(args));
  return `${response.status} ${await response.text()}`;
};
const texts = async (statement: string): Promise<readonly unknown[]> =>
  (await served.sql("club", statement)).map(([text]) => text).toSorted();

describe.skipIf(!officialLines.includes(2))("issue 9: submodules of official bundles", { timeout: 60_000 }, () => {
  beforeAll(async () => {
    code = await officialBundle("club", 2);
    served = await Served.open();
    await served.publish("club", code, "Js");
    for (const line of clients)
      bindings.set(line, await GeneratedBindings.of(new TextEncoder().encode(code), "Js", line));
  });
  afterAll(async () => {
    await served.stop();
    for (const each of bindings.values()) await each.remove();
  });

  test("functions of each library work on the library's own tables, and on those inside it", async () => {
    expect(await call("join_club", "Ada")).toBe("200 ");
    expect(await call("chat.send_line", "hall", "HELLO")).toBe("200 ");
    expect(await call("backRoom.send_line", "cellar", "psst")).toBe("200 ");
    expect(await call("chat.send_line", "hall", "")).toBe("530 A line needs words");
    expect(await call("chat.audit.note_down", "by hand")).toBe("200 ");
    expect(await call("hush", "hall")).toBe("200 ");
    expect(await texts("SELECT text FROM chat.chat_line")).toEqual(["ada is here", "hello"]);
    expect(await texts("SELECT text FROM backRoom.chat_line")).toEqual(["Ada!", "psst"]);
    expect(await texts("SELECT what FROM chat.audit.entry_made")).toEqual([
      "a line in hall",
      "a line in hall",
      "by hand",
      "hushed",
    ]);
    expect(await texts("SELECT what FROM backRoom.audit.entry_made")).toEqual(["a line in cellar"]);
    expect(await call("chat.count_lines")).toBe("200 2");
    expect(await call("count_all")).toBe("200 5");
    // By the canonical name alone, and none that is the library's by itself.
    expect((await call("chat.sendLine", "hall", "x")).slice(0, 3)).toBe("404");
    expect((await call("send_line", "hall", "x")).slice(0, 3)).toBe("404");
  });

  test("a row of a library's timer runs the library's function; clients cannot", async () => {
    expect(await call("backRoom.remind_soon", "time is up")).toBe("200 ");
    await expect
      .poll(() => texts("SELECT text FROM backRoom.chat_line WHERE room_name = 'reminders'"))
      .toEqual(["time is up"]);
    expect(await texts("SELECT text FROM backRoom.reminder")).toEqual([]);
    expect(await texts("SELECT text FROM chat.chat_line WHERE room_name = 'reminders'")).toEqual([]);
    const stranger = await fetch(`${served.url}/v1/identity`, { method: "POST" });
    const { token }: { token: string } = JSON.parse(await stranger.text());
    expect((await served.call("club", "chat.remind_now", "[[1, [0, [1]], [2]]]", token)).status).not.toBe(200);
    expect((await served.call("club", "chat.send_line", `["yard", "of a stranger"]`, token)).status).toBe(200);
  });

  test("names in SQL: either spelling, quoted or not, whole or in parts; joined, counted, changed", async () => {
    const same = [
      "SELECT text FROM chat.chat_line WHERE room_name = 'yard'",
      `SELECT text FROM "chat"."chatLine" WHERE "chat"."chatLine"."roomName" = 'yard'`,
      `SELECT l.text FROM "chat.chat_line" l WHERE l.room_name = 'yard'`,
      "SELECT text FROM chat.chat_line WHERE chat.chat_line.room_name = 'yard'",
    ];
    for (const statement of same) expect([statement, await texts(statement)]).toEqual([statement, ["of a stranger"]]);
    expect(await served.sql("club", "SELECT COUNT(*) AS n FROM chat.chat_line")).toEqual([[4]]);
    expect(
      await texts("SELECT m.name FROM member m JOIN chat.chat_line l ON m.name = l.room_name WHERE l.text = 'none'"),
    ).toEqual([]);
    await served.sql("club", "INSERT INTO backRoom.audit.entry_made (id, what) VALUES (0, 'by SQL')");
    await served.sql("club", "UPDATE backRoom.audit.entry_made SET what = 'changed' WHERE what = 'by SQL'");
    expect(await texts("SELECT what FROM backRoom.audit.entry_made WHERE what = 'changed'")).toEqual(["changed"]);
    await served.sql("club", "DELETE FROM backRoom.audit.entry_made WHERE what = 'changed'");
    expect(await texts("SELECT what FROM backRoom.audit.entry_made WHERE what = 'changed'")).toEqual([]);
    const missing = await served.request("POST", "/v1/database/club/sql", "SELECT * FROM chat.member");
    expect([missing.status, await missing.text()]).toEqual([400, expect.stringContaining("`chat.member`")]);
  });

  test("views of a library, and of the module over a library's tables", async () => {
    expect(await texts("SELECT text FROM chat.hall_lines")).toEqual(["ada is here", "hello"]);
    expect(await texts("SELECT text FROM hall_texts")).toEqual(["ada is here", "hello"]);
    expect(await texts("SELECT text FROM backRoom.hall_lines")).toEqual([]);
    // Of the one who asks: the owner's, in either library.
    expect(await texts("SELECT text FROM chat.my_lines")).toEqual(["ada is here", "hello", "one more"]);
    expect(await texts("SELECT text FROM backRoom.my_lines")).toEqual(["Ada!", "psst"]);
  });

  test.each(clients)("the official client, line %i, hears of a library's rows, by its rules", async (line) => {
    const [ann, bob] = [await connect(line), await connect(line)];
    const waves: unknown[] = [];
    const queries = ["chat.chat_line", "chat.secret", "backRoom.hall_lines", "chat.audit.entry_made"];
    if (line === 2) queries.push("chat.waved");
    for (const connection of [ann, bob])
      await subscribed(
        connection,
        queries.map((name) => `SELECT * FROM ${name}`),
      );
    bob.db["chat.waved"]?.onInsert((_context, row) => waves.push(row["roomName"]));
    const rows = (connection: Connection, table: string, column: string): readonly unknown[] =>
      Array.from(connection.db[table]?.iter() ?? [], (row) => row[column]);
    await ann.reducers["chat.sendLine"]?.({ roomName: `room ${line}`, text: "from Ann" });
    await ann.reducers["chat.keepSecret"]?.({ text: `Ann's ${line}` });
    await ann.reducers["backRoom.sendLine"]?.({ roomName: "hall", text: `for all ${line}` });
    await ann.reducers["chat.waveTo"]?.({ roomName: `wave ${line}` });
    await vi.waitFor(() => {
      for (const connection of [ann, bob]) {
        expect(rows(connection, "chat.chatLine", "roomName")).toContain(`room ${line}`);
        expect(rows(connection, "backRoom.hallLines", "text")).toContain(`for all ${line}`);
        expect(rows(connection, "chat.audit.entryMade", "what")).toContain(`a line in room ${line}`);
      }
      expect(rows(ann, "chat.secret", "text")).toEqual([`Ann's ${line}`]);
      expect(waves).toEqual(line === 2 ? ["wave 2"] : []);
    });
    expect(rows(bob, "chat.secret", "text")).toEqual([]);
    expect(rows(bob, "chat.waved", "roomName")).toEqual([]);
    expect(await ann.procedures["backRoom.countLines"]?.({})).toBeTypeOf("bigint");
    if (line === 2) {
      // The client's own query builder quotes each part.
      interface Queries {
        readonly chat: Readonly<Record<string, { where(of: (row: Row) => unknown): unknown }>>;
      }
      const { tables } = boundTo<{ tables: Queries }>(2);
      const room = (row: Row): unknown => (row["roomName"] as { eq(text: string): unknown }).eq("no room");
      await subscribed(ann, [tables.chat["chatLine"]?.where(room)]);
      await expect(subscribed(ann, "SELECT * FROM chat.none")).rejects.toThrow("`chat.none`");
    }
    ann.disconnect();
    bob.disconnect();
  });

  test("frames of version 1 have tables and reducers by these names", async () => {
    const client = await RawClient.open(served.url, "club");
    expect((await client.next())?.kind).toBe("IdentityToken");
    client.subscribe(["SELECT * FROM chat.audit.entry_made WHERE what = 'by frame'"], 1, 1);
    expect((await client.next())?.kind).toBe("SubscribeMultiApplied");
    const bytes = new TextEncoder().encode("by frame");
    client.call("chat.audit.note_down", Uint8Array.of(bytes.length, 0, 0, 0, ...bytes), 2);
    const update = await client.next();
    if (update?.kind !== "TransactionUpdate" || update.status.kind !== "Committed") throw new Error(update?.kind);
    expect(update.reducerName).toBe("chat.audit.note_down");
    expect(update.status.tables.map(({ tableName }) => tableName)).toEqual(["chat.audit.entry_made"]);
    client.close();
  });

  test("rows are there after a kill of the host and a start of the server", async () => {
    const lines = await texts("SELECT text FROM chat.chat_line");
    served.killHost();
    expect(await call("chat.send_line", "hall", "after the kill")).toBe("200 ");
    await served.stopFront();
    await served.start();
    expect(await texts("SELECT text FROM chat.chat_line")).toEqual([...lines, "after the kill"].toSorted());
    expect(await call("chat.send_line", "hall", "after the start")).toBe("200 ");
  });

  test("a library more or less is a migration, which keeps the other's rows", async () => {
    const without = code.replace(/,\s*backRoom: \w+\n/, "\n").replace(/ctx\.db\.backRoom[^;]*;/, ";");
    expect(without).not.toBe(code);
    const kept = await texts("SELECT text FROM chat.chat_line");
    const plan = await served.request("POST", "/v1/database/club/pre_publish?host_type=Js", without);
    const said = await plan.text();
    expect(said).toContain("Removing the table backRoom.chat_line requires a manual migration");
    for (const table of ["chat_line", "audit.entry_made", "secret"])
      await served.sql("club", `DELETE FROM backRoom.${table}`);
    const next = await served.request("POST", "/v1/database/club/pre_publish?host_type=Js", without);
    const { AutoMigrate: auto }: { AutoMigrate: { token: string; migrate_plan: string } } = JSON.parse(
      await next.text(),
    );
    expect(auto.migrate_plan).toContain("backRoom.audit.entry_made");
    const query = `host_type=Js&policy=BreakClients&token=${auto.token}`;
    const published = await served.request("PUT", `/v1/database/club?${query}`, without);
    expect([published.status, await published.text()]).toEqual([200, expect.anything()]);
    expect(await texts("SELECT text FROM chat.chat_line")).toEqual(kept);
    expect((await call("backRoom.send_line", "hall", "x")).slice(0, 3)).toBe("404");
    expect(await call("chat.send_line", "hall", "alone")).toBe("200 ");
    await served.publish("club", code, "Js");
    expect(await call("backRoom.send_line", "hall", "again")).toBe("200 ");
    expect(await texts("SELECT text FROM backRoom.chat_line")).toEqual(["again"]);
    expect(await texts("SELECT text FROM chat.chat_line")).toEqual([...kept, "alone"].toSorted());
  });

  test.each([
    ["a namespace that is too long", "a".repeat(64), {}, "a namespace has at most 63 bytes"],
    ["a namespace that is no name", "a-b", {}, `the namespace "a-b" may hold only`],
    [
      "a reducer of the life cycle",
      "lib",
      {
        reducers: [{ name: "start", params: [], visibility: "client", ok: product({}), err: t.string }],
        lifecycles: [{ lifecycle: "init", functionName: "start" }],
      } as const,
      "submodule `lib`: a submodule cannot have lifecycle reducers",
    ],
  ])("refused as it is published: %s", async (_, namespace, module: Partial<RawModuleDefV10>, problem) => {
    const description = encodeRawV10({
      ...emptyRawV10,
      submodules: [{ namespace, module: { ...emptyRawV10, ...module } }],
    });
    const program = buildModule({ description });
    const response = await served.request("PUT", "/v1/database/refused?host_type=Wasm", program);
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining(problem)]);
  });
});
