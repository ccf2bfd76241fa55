// Goal: the official TypeScript client 1.12 works against our server unchanged, whatever the module is written in.
// Method: bindings that our generator writes for the chat; each feature of the client's surface once, against the
// Rust module, the TypeScript module and a bundle of the official package.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { bundleModule } from "../../../packages/cli/src/build/bundle.ts";
import { officialBundle } from "../official-bundles/official.ts";
import { rustModule } from "../rust-modules.ts";
import { Served } from "../served.ts";
import {
  GeneratedBindings,
  hasOfficialClient,
  type Connection,
  type Identity,
  type ReducerContext,
} from "./chat-client.ts";

const rust = rustModule("chat");
const typescript = fileURLToPath(new URL("../../../examples/chat/module/src/index.ts", import.meta.url));

describe.skipIf(!hasOfficialClient)("the official client 1.12", () => {
  describe.skipIf(rust === undefined)("and the Rust chat", () =>
    chats(async () => ({ bytes: new Uint8Array(await readFile(rust ?? "")), hostType: "Wasm" })),
  );
  describe("and the TypeScript chat", () =>
    chats(async () => ({ bytes: new TextEncoder().encode((await bundleModule(typescript)).code), hostType: "Js" })));
  describe("and the chat of the official package 1.12 (row 9: official bundles)", () =>
    chats(async () => ({ bytes: new TextEncoder().encode(await officialBundle("chat", 1)), hostType: "Js" })));
});

interface Program {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly hostType: "Js" | "Wasm";
}

interface Connected {
  readonly connection: Connection;
  readonly identity: Identity;
  readonly token: string;
  /** Resolves when the client says that it was disconnected. */
  readonly disconnected: Promise<Error | undefined>;
}

interface ConnectOptions {
  readonly token?: string | undefined;
  readonly light?: boolean;
  readonly confirmed?: boolean;
  readonly uri?: string;
}

function chats(load: () => Promise<Program>): void {
  let served: Served;
  let generated: GeneratedBindings;
  const open = new Set<Connection>();

  beforeAll(async () => {
    const program = await load();
    served = await Served.open();
    await served.publish("chat", program.bytes, program.hostType);
    generated = await GeneratedBindings.of(program.bytes, program.hostType);
  });
  afterEach(() => {
    for (const connection of open) connection.disconnect();
    open.clear();
  });
  afterAll(async () => {
    await served.stop();
    await generated.remove();
  });

  function connect({ token, light, confirmed, uri = served.url }: ConnectOptions = {}): Promise<Connected> {
    return new Promise((resolve, reject) => {
      const over = Promise.withResolvers<Error | undefined>();
      const builder = generated.bindings.DbConnection.builder()
        .withUri(uri.replace("http", "ws"))
        .withModuleName("chat")
        .withToken(token)
        .onConnect((connection, identity, kept) => {
          open.add(connection);
          resolve({ connection, identity, token: kept, disconnected: over.promise });
        })
        .onConnectError((_context, error) => reject(error))
        .onDisconnect((_context, error) => over.resolve(error));
      if (light !== undefined) builder.withLightMode(light);
      if (confirmed !== undefined) builder.withConfirmedReads(confirmed);
      builder.build();
    });
  }

  const subscribed = (connection: Connection, queries: string | readonly string[]) =>
    new Promise<ReturnType<ReturnType<Connection["subscriptionBuilder"]>["subscribe"]>>((resolve, reject) => {
      const handle = connection
        .subscriptionBuilder()
        .onApplied(() => resolve(handle))
        .onError((context) => reject(context.event ?? new Error("refused")))
        .subscribe(queries);
    });

  const texts = (connection: Connection): readonly string[] =>
    Array.from(connection.db.message.iter(), ({ text }) => text);

  test("the token is kept: a reconnection with it is the same identity", async () => {
    const first = await connect();
    const again = await connect({ token: first.token });
    expect(again.identity.toHexString()).toBe(first.identity.toHexString());
    const other = await connect();
    expect(other.identity.toHexString()).not.toBe(first.identity.toHexString());
    await expect(connect({ token: "x.y.z" })).rejects.toThrow(/verify token/);
  });

  test("rows: first ones, inserts, updates; a reducer's own callback with the row there", async () => {
    const { connection, identity } = await connect();
    await subscribed(connection, ["SELECT * FROM user", "SELECT * FROM message"]);
    const me = Array.from(connection.db.user.iter()).find(
      (user) => user.identity.toHexString() === identity.toHexString(),
    );
    expect(me).toMatchObject({ online: true });

    const updated = Promise.withResolvers<readonly [string | undefined, string | undefined]>();
    connection.db.user.onUpdate((_context, before, after) => updated.resolve([before.name, after.name]));
    connection.reducers.setName({ name: "Ada" });
    expect(await updated.promise).toEqual([undefined, "Ada"]);

    const inserted = Promise.withResolvers<string>();
    const called = Promise.withResolvers<readonly string[]>();
    connection.db.message.onInsert((_context, row) => inserted.resolve(row.text));
    connection.reducers.onSendMessage((context, args) => called.resolve([context.event.status.tag, args.text]));
    connection.reducers.sendMessage({ text: "hello" });
    expect(await inserted.promise).toBe("hello");
    expect(await called.promise).toEqual(["Committed", "hello"]);
    expect(texts(connection)).toContain("hello");
  });

  test("a reducer that refuses: status Failed with its text, and no rows", async () => {
    const { connection } = await connect();
    await subscribed(connection, "SELECT * FROM message");
    const count = texts(connection).length;
    const failed = Promise.withResolvers<ReducerContext["event"]["status"]>();
    connection.reducers.onSendMessage((context) => failed.resolve(context.event.status));
    connection.reducers.sendMessage({ text: "  " });
    expect(await failed.promise).toEqual({ tag: "Failed", value: "Messages must not be empty" });
    expect(texts(connection).length).toBe(count);
  });

  test("overlapping subscriptions: rows leave with the last", async () => {
    const { connection, identity } = await connect();
    const mine = `SELECT * FROM user WHERE identity = 0x${identity.toHexString()}`;
    const all = await subscribed(connection, "SELECT * FROM user");
    const one = await subscribed(connection, mine);
    const isThere = (): boolean =>
      Array.from(connection.db.user.iter()).some((user) => user.identity.toHexString() === identity.toHexString());
    expect(isThere()).toBe(true);
    await new Promise<void>((resolve) => all.unsubscribeThen(resolve));
    expect(isThere()).toBe(true);
    expect([...connection.db.user.iter()].length).toBe(1);
    const left = Promise.withResolvers<string>();
    connection.db.user.onDelete((_context, user) => left.resolve(user.identity.toHexString()));
    await new Promise<void>((resolve) => one.unsubscribeThen(resolve));
    expect(await left.promise).toBe(identity.toHexString());
    expect(isThere()).toBe(false);
  });

  test("a query that is wrong is told to its subscription alone", async () => {
    const { connection } = await connect();
    await expect(subscribed(connection, "SELECT * FROM nothing")).rejects.toThrow(/no such table/);
    await subscribed(connection, "SELECT * FROM message");
  });

  test.each([{}, { light: true }, { confirmed: true }, { confirmed: false }, { light: true, confirmed: false }])(
    "two clients at once, the second with %o",
    async (options) => {
      const speaker = await connect();
      const listener = await connect(options);
      await subscribed(speaker.connection, "SELECT * FROM message");
      await subscribed(listener.connection, ["SELECT * FROM message", "SELECT * FROM user"]);
      const heard = Promise.withResolvers<string>();
      const text = `from one to the other ${JSON.stringify(options)}`;
      listener.connection.db.message.onInsert((_context, row) => {
        if (row.text === text) heard.resolve(row.sender.toHexString());
      });
      speaker.connection.reducers.sendMessage({ text });
      expect(await heard.promise).toBe(speaker.identity.toHexString());
      const answered = Promise.withResolvers<string>();
      listener.connection.reducers.onSetName((context) => answered.resolve(context.event.status.tag));
      listener.connection.reducers.setName({ name: "Bob" });
      expect(await answered.promise).toBe("Committed");

      const gone = Promise.withResolvers<boolean>();
      listener.connection.db.user.onUpdate((_context, _before, after) => {
        if (after.identity.toHexString() === speaker.identity.toHexString()) gone.resolve(after.online);
      });
      speaker.connection.disconnect();
      expect(await speaker.disconnected).toBeUndefined();
      expect(await gone.promise).toBe(false);
    },
  );

  test("a database that does not exist is a connect error", async () => {
    const refused = new Promise<Error>((resolve, reject) => {
      generated.bindings.DbConnection.builder()
        .withUri(served.url.replace("http", "ws"))
        .withModuleName("no-such-chat")
        .onConnect(() => reject(new Error("it connected")))
        .onConnectError((_context, error) => resolve(error))
        .build();
    });
    expect(await refused).toBeDefined();
  });

  test("the server is killed: the client hears of it, and finds every message when it comes back", async () => {
    const before = await connect();
    await subscribed(before.connection, "SELECT * FROM message");
    const said = Promise.withResolvers<void>();
    before.connection.reducers.onSendMessage(() => said.resolve());
    before.connection.reducers.sendMessage({ text: "before the end" });
    await said.promise;
    await served.killFront();
    await before.disconnected;
    await served.start();
    const after = await connect({ token: before.token });
    expect(after.identity.toHexString()).toBe(before.identity.toHexString());
    await subscribed(after.connection, "SELECT * FROM message");
    expect(texts(after.connection)).toContain("before the end");
  });
}
