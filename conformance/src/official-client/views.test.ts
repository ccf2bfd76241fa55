/**
 * Goal: row 9, views. The official client 2.x holds of every view what it gives, for its own identity, after every commit, a kill of
 * the host, a rest, a restart and a publish; a view that fails costs who is subscribed to it, and no writer.
 * Method: a TypeScript module with views of each form on a server of its own process, bindings that our generator writes, real
 * sockets; the same rows over HTTP.
 */
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { bundleModule } from "../../../packages/cli/src/build/bundle.ts";
import type { ServerMessage, TableUpdate } from "@lightcone/protocol";
import { RawClient } from "../raw-client.ts";
import { Served } from "../served.ts";
import { GeneratedBindings, hasOfficialClient2 } from "./chat-client.ts";

interface Row {
  readonly [column: string]: unknown;
}
interface Subscribing {
  onApplied(callback: () => void): Subscribing;
  onError(callback: (context: { readonly event?: Error }) => void): Subscribing;
  subscribe(queries: readonly string[]): unknown;
}
interface Connection {
  readonly db: Readonly<Record<string, { iter(): Iterable<Row> }>>;
  readonly reducers: Readonly<Record<string, (args: object) => Promise<unknown>>>;
  subscriptionBuilder(): Subscribing;
  disconnect(): void;
}
interface Builder {
  withUri(uri: string): Builder;
  withDatabaseName(name: string): Builder;
  onConnect(callback: (connection: Connection) => void): Builder;
  onDisconnect(callback: () => void): Builder;
  onConnectError(callback: (context: unknown, error: Error) => void): Builder;
  build(): unknown;
}

let served: Served;
let identity: string;
let bindings: GeneratedBindings;
let code: string;
const open = new Set<Connection>();

/** @param disconnected is called when the client has given the connection up */
const connect = (disconnected: () => void = () => undefined): Promise<Connection> =>
  new Promise((resolve, reject) => {
    const { DbConnection } = bindings.bindings as unknown as { DbConnection: { builder(): Builder } };
    DbConnection.builder()
      .withUri(served.url.replace("http", "ws"))
      .withDatabaseName("views")
      .onConnect((connection) => {
        open.add(connection);
        resolve(connection);
      })
      .onDisconnect(disconnected)
      .onConnectError((_context, error) => reject(error))
      .build();
  });

const subscribed = (connection: Connection, ...queries: readonly string[]): Promise<void> =>
  new Promise((resolve, reject) => {
    connection
      .subscriptionBuilder()
      .onApplied(resolve)
      .onError(({ event }) => reject(event ?? new Error("refused")))
      .subscribe(queries);
  });

const rowsOf = (connection: Connection, view: string, column: string): readonly unknown[] =>
  Array.from(connection.db[view]?.iter() ?? [], (row) => row[column]).toSorted();
function tablesOf(message: ServerMessage): readonly TableUpdate[] {
  if (message.kind === "TransactionUpdate") return message.status.kind === "Committed" ? message.status.tables : [];
  return message.kind === "TransactionUpdateLight" || message.kind === "SubscribeMultiApplied" ? message.tables : [];
}
const call = (connection: Connection, reducer: string, args: object): Promise<unknown> =>
  connection.reducers[reducer]?.(args) ?? Promise.reject(new Error(`no reducer ${reducer}`));
const furnish = async (id: number, name: string): Promise<void> => {
  const response = await served.call("views", "furnish", JSON.stringify([id, name]));
  expect(response.status, await response.text()).toBe(200);
};

describe.skipIf(!hasOfficialClient2)("row 9: views, and the official client 2.x", { timeout: 60_000 }, () => {
  beforeAll(async () => {
    ({ code } = await bundleModule(fileURLToPath(new URL("../database/modules/views.ts", import.meta.url))));
    served = await Served.open({
      serverLimits: { parkAfterMs: 400, parkWakeTimesMin: 0, spareHostsMax: 2 },
      databaseLimits: { viewTimeoutMs: 100 },
    });
    identity = await served.create("views", code);
    bindings = await GeneratedBindings.of(new TextEncoder().encode(code), "Js", 2);
  });
  afterEach(() => {
    for (const connection of open) connection.disconnect();
    open.clear();
  });
  afterAll(async () => {
    await served.stop();
    await bindings.remove();
  });

  test("each caller has its own rows, and all have those of all", async () => {
    const [ann, bob] = [await connect(), await connect()];
    const all = [
      "SELECT * FROM my_notes",
      "SELECT * FROM summary",
      "SELECT * FROM early_notes",
      "SELECT * FROM my_rooms",
    ];
    for (const connection of [ann, bob]) await subscribed(connection, ...all);
    expect(rowsOf(ann, "summary", "notes")).toEqual([]);
    await furnish(5, "hall");
    await call(ann, "write", { at: 5, text: "of Ann" });
    await call(bob, "write", { at: 50, text: "of Bob" });
    await vi.waitFor(() => {
      expect(rowsOf(ann, "myNotes", "text")).toEqual(["of Ann"]);
      expect(rowsOf(bob, "myNotes", "text")).toEqual(["of Bob"]);
      for (const connection of [ann, bob]) {
        expect(rowsOf(connection, "summary", "notes")).toEqual([2n]);
        expect(rowsOf(connection, "earlyNotes", "text")).toEqual(["of Ann"]);
        expect(rowsOf(connection, "myRooms", "name")).toEqual(["hall"]);
      }
    });
    await furnish(5, "attic");
    await vi.waitFor(() => expect(rowsOf(bob, "myRooms", "name")).toEqual(["attic"]));
    const [[id]] = (await served.sql("views", "SELECT id FROM note WHERE text = 'of Ann'")) as [[unknown]];
    await call(ann, "erase", { id: BigInt(String(id)) });
    await vi.waitFor(() => {
      expect(rowsOf(ann, "myNotes", "text")).toEqual([]);
      expect(rowsOf(ann, "earlyNotes", "text")).toEqual([]);
    });
    expect(rowsOf(bob, "myNotes", "text")).toEqual(["of Bob"]);
  });

  test("a host that ends, a rest and a restart change nothing of what is told", async () => {
    const ann = await connect();
    await subscribed(ann, "SELECT * FROM my_notes", "SELECT * FROM summary");
    await call(ann, "write", { at: 20, text: "before" });
    served.killHost();
    await call(ann, "write", { at: 21, text: "after the kill" });
    await vi.waitFor(() => expect(rowsOf(ann, "myNotes", "text")).toEqual(["after the kill", "before"]));
    await vi.waitFor(() => expect(served.isAwake(identity)).toBe(false), 10_000);
    await call(ann, "write", { at: 22, text: "after the rest" });
    await vi.waitFor(() =>
      expect(rowsOf(ann, "myNotes", "text")).toEqual(["after the kill", "after the rest", "before"]),
    );
    const [before] = rowsOf(ann, "summary", "notes");
    await served.stopFront();
    await served.start();
    expect(await served.sql("views", "SELECT notes FROM summary")).toEqual([[Number(before)]]);
  });

  test("over HTTP: joined with tables, by a condition, of whoever asks", async () => {
    await served.call("views", "write", JSON.stringify([5, "of the owner"]));
    await furnish(5, "cellar");
    expect(await served.sql("views", "SELECT text FROM my_notes")).toEqual([["of the owner"]]);
    expect(await served.sql("views", "SELECT COUNT(*) AS n FROM my_notes WHERE at = 6")).toEqual([[0]]);
    expect(
      await served.sql("views", "SELECT room.name, my_notes.text FROM my_notes JOIN room ON my_notes.at = room.id"),
    ).toEqual([["cellar", "of the owner"]]);
    expect(await served.sql("views", "SELECT view_name, is_anonymous FROM st_view WHERE is_anonymous = true")).toEqual([
      ["early_notes", true],
      ["summary", true],
    ]);
    const refused = await served.request("POST", "/v1/database/views/sql", "DELETE FROM my_notes");
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining("is a view")]);
  });

  test.each([
    ["loop", /took longer than 0.1 s/],
    ["throw", /it broke; the database's log says how/],
    ["refuse", /not for you/],
    ["write", /it broke/],
    ["promise", /it broke/],
    ["wrong", /it broke/],
    ["nothing", /it broke/],
  ])("one that does this costs its subscribers, and nobody else: %s", async (what, told) => {
    await furnish(99, "");
    // The official client gives up a connection whose subscription ends by an error.
    const gaveUp = vi.fn<() => void>();
    const [ann, bob] = [await connect(gaveUp), await connect()];
    await subscribed(ann, "SELECT * FROM odd");
    await subscribed(bob, "SELECT * FROM summary", "SELECT * FROM room");
    await furnish(99, what);
    await vi.waitFor(() => {
      expect(gaveUp).toHaveBeenCalled();
      expect(rowsOf(bob, "room", "name")).toContain(what);
    });
    const eve = await connect();
    await expect(subscribed(eve, "SELECT * FROM odd")).rejects.toThrow(told);
    const response = await served.request("POST", "/v1/database/views/sql", "SELECT * FROM odd");
    expect([response.status, await response.text()]).toEqual([530, expect.stringMatching(told)]);
    await furnish(99, "well again");
    expect((await served.sql("views", "SELECT name FROM odd")).length).toBeGreaterThan(0);
    await subscribed(eve, "SELECT * FROM odd");
    expect(rowsOf(eve, "odd", "name").length).toBeGreaterThan(0);
    expect(await served.sql("views", "SELECT name FROM room WHERE id = 1000")).toEqual([]);
  });

  test("over version 1 the rows of a view that fails are taken back, and it is said why", async () => {
    await furnish(5, "cellar");
    await furnish(99, "well");
    const client = await RawClient.open(served.url, "views");
    const heard: ServerMessage[] = [];
    client.onMessage = (message) => heard.push(message);
    client.say({ kind: "SubscribeMulti", queries: ["SELECT * FROM odd"], requestId: 1, queryId: 7 });
    await vi.waitFor(() => expect(heard.map(({ kind }) => kind)).toContain("SubscribeMultiApplied"));
    const before = heard.length;
    await furnish(99, "throw");
    const told = (): readonly ServerMessage[] => heard.slice(before);
    await vi.waitFor(() => expect(told().at(-1)?.kind).toBe("SubscriptionError"));
    expect(told().at(-1)).toMatchObject({ message: expect.stringContaining("view `odd` failed") });
    const count = (messages: readonly ServerMessage[], list: "deletes" | "inserts"): number =>
      messages
        .flatMap((message) => tablesOf(message))
        .flatMap(({ updates }) => updates)
        .reduce((sum, update) => sum + update[list].count, 0);
    expect(count(heard.slice(0, before), "inserts")).toBeGreaterThan(0);
    expect(count(told(), "deletes")).toBe(count(heard.slice(0, before), "inserts"));
    expect(count(told(), "inserts")).toBe(0);
    await furnish(99, "well again");
    client.close();
  });

  test("a new program's views are told at once, and count from nought", async () => {
    const ann = await connect();
    await subscribed(ann, "SELECT * FROM my_notes");
    await call(ann, "write", { at: 70, text: "shown" });
    await vi.waitFor(() => expect(rowsOf(ann, "myNotes", "text")).toEqual(["shown"]));
    const changed = code
      .replace("...ctx.db.note.byOwner.filter(ctx.sender)", "")
      .replace(/filter\(ctx\.sender\)/, "filter(ctx.sender).filter(() => false)");
    expect(changed).not.toBe(code);
    await served.publish("views", changed, "Js");
    await vi.waitFor(() => expect(rowsOf(ann, "myNotes", "text")).toEqual([]));
    await served.publish("views", code, "Js");
    await vi.waitFor(() => expect(rowsOf(ann, "myNotes", "text")).toEqual(["shown"]));
  });
});
