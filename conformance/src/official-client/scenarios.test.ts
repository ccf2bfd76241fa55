// Goal: issue 10, §5: the official client's scenarios also pass through ours. What an application sees is the same, whichever
// client it holds; where it is not, the difference is named here.
// Method: one chat on one server; each scenario tells what it saw, and is played by the official clients 1.12 and 2.x and by
// ours over versions 3 and 1 of the protocol, each through an adapter of its own surface.
import { fileURLToPath } from "node:url";
import { bundleModule } from "@lightcone/cli/bundle";
import { connect, LightconeError } from "lightcone/client";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type * as chat from "../../../examples/chat/module/src/index.ts";
import { Served } from "../served.ts";
import {
  GeneratedBindings,
  hasOfficialClient,
  hasOfficialClient2,
  type Bindings,
  type Connection,
  type User,
} from "./chat-client.ts";

const entry = fileURLToPath(new URL("../../../examples/chat/module/src/index.ts", import.meta.url));

/** A chat, as an application holds it. */
interface Chat {
  readonly identity: string;
  readonly token: string;
  /** Resolves when the rows are there. What it gives ends it, and resolves when rows that nobody else asked for have left. */
  subscribe(...queries: readonly string[]): Promise<() => Promise<void>>;
  texts(): readonly string[];
  users(): readonly User[];
  readonly onMessage: (run: (text: string) => void) => void;
  readonly onUser: (run: (before: User, after: User) => void) => void;
  readonly onUserGone: (run: (user: User) => void) => void;
  /** Rejects with what the module said. */
  send(text: string): Promise<void>;
  setName(name: string): Promise<void>;
  /**
   * Resolves once it has the rows of a server that was started again: the same client where it finds its way back by itself.
   *
   * @param isStarted resolves when the server is there
   */
  again(isStarted: Promise<void>): Promise<Chat>;
  close(): void;
}
type Open = (database: string, token?: string) => Promise<Chat>;

let served: Served;
const generated: GeneratedBindings[] = [];
const opened = new Set<Chat>();

beforeAll(async () => {
  const { code } = await bundleModule(entry);
  const bytes = new TextEncoder().encode(code);
  served = await Served.open();
  await served.publish("chat", bytes, "Js");
  if (hasOfficialClient) generated[1] = await GeneratedBindings.of(bytes, "Js", 1);
  if (hasOfficialClient2) generated[2] = await GeneratedBindings.of(bytes, "Js", 2);
});
afterEach(() => {
  for (const each of opened) each.close();
  opened.clear();
});
afterAll(async () => {
  await served.stop();
  for (const each of generated) await each?.remove();
});

function bindingsOf(sdk: 1 | 2): Bindings {
  const found = generated[sdk];
  if (found === undefined) throw new Error(`there are no bindings for ${sdk}`);
  return found.bindings;
}

const official =
  (sdk: 1 | 2): Open =>
  (database, token) =>
    new Promise((resolve, reject) => {
      const { DbConnection } = bindingsOf(sdk);
      const over = Promise.withResolvers<void>();
      const builder = DbConnection.builder().withUri(served.url.replace("http", "ws"));
      // The option has another name in 2.x.
      const named =
        sdk === 1
          ? builder.withModuleName(database)
          : (builder as unknown as { withDatabaseName(name: string): typeof builder }).withDatabaseName(database);
      named
        .withToken(token)
        .onConnect((connection, identity, kept) => {
          const chats = officialChat(sdk, connection, identity.toHexString(), kept, over.promise);
          opened.add(chats);
          resolve(chats);
        })
        .onConnectError((_context, error) => reject(error))
        .onDisconnect(() => over.resolve())
        .build();
    });

function officialChat(sdk: 1 | 2, connection: Connection, identity: string, token: string, over: Promise<void>): Chat {
  const { user, message } = connection.db;
  const waiting = new Map<string, PromiseWithResolvers<void>[]>();
  const answered = (name: string, { tag, value }: { readonly tag: string; readonly value?: unknown }): void => {
    const call = waiting.get(name)?.shift();
    if (tag === "Committed") call?.resolve();
    else call?.reject(new Error(String(value)));
  };
  if (sdk === 1) {
    connection.reducers.onSendMessage(({ event }) => answered("send", event.status));
    connection.reducers.onSetName(({ event }) => answered("name", event.status));
  }
  // In 1.12 a call gives nothing, and is heard of by a callback; in 2.x it gives a promise.
  const call = async (name: string, run: () => unknown): Promise<void> => {
    if (sdk === 2) return void (await run());
    const ended = Promise.withResolvers<void>();
    waiting.set(name, [...(waiting.get(name) ?? []), ended]);
    run();
    return ended.promise;
  };
  const chats: Chat = {
    identity,
    token,
    subscribe: (...queries) =>
      new Promise((resolve, reject) => {
        const handle = connection
          .subscriptionBuilder()
          .onApplied(() => resolve(() => new Promise((ended) => handle.unsubscribeThen(ended))))
          .onError(({ event }) => reject(event ?? new Error("refused")))
          .subscribe(queries);
      }),
    texts: () => Array.from(message.iter(), ({ text }) => text),
    users: () => Array.from(user.iter()),
    onMessage: (run) => message.onInsert((_context, { text }) => run(text)),
    onUser: (run) => user.onUpdate((_context, before, after) => run(before, after)),
    onUserGone: (run) => user.onDelete((_context, row) => run(row)),
    send: (text) => call("send", () => connection.reducers.sendMessage({ text })),
    setName: (name) => call("name", () => connection.reducers.setName({ name })),
    // Difference: it ends with its connection, and the application makes another and asks again.
    again: async (isStarted) => {
      await over;
      await isStarted;
      const next = await official(sdk)("chat", token);
      await next.subscribe("SELECT * FROM message");
      return next;
    },
    close: () => connection.disconnect(),
  };
  return chats;
}

const ours =
  (version: 1 | 3): Open =>
  async (database, token) => {
    class Offering extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(
          url,
          protocols.filter((name) => Number(name[1]) <= version),
        );
      }
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const db = connect<typeof chat>({
      uri: served.url,
      database,
      ...(token === undefined ? {} : { token }),
      WebSocket: Offering,
      onState: (state) => void (state === "open" && resolve()),
      onError: reject,
    });
    await promise;
    const { message, user } = db.tables;
    const chats: Chat = {
      identity: db.identity?.toHexString() ?? "",
      token: db.token ?? "",
      subscribe: async (...queries) => {
        const [first = "", ...rest] = queries;
        const subscription = db.subscribe(first, ...rest);
        await subscription.applied;
        return async () => {
          subscription.unsubscribe();
          // Difference: `unsubscribe` gives nothing to wait for; what is asked later is answered later.
          await db.query("SELECT * FROM user WHERE online = false AND online = true");
        };
      },
      texts: () => message.rows().map(({ text }) => text),
      users: () => user.rows(),
      onMessage: (run) => void message.onInsert(({ text }) => run(text)),
      onUser: (run) => void user.onUpdate(run),
      onUserGone: (run) => void user.onDelete(run),
      send: (text) => db.reducers.sendMessage({ text }),
      setName: (name) => db.reducers.setName({ name }),
      again: async () => {
        await new Promise<void>((back) => db.onState((state) => void (state === "open" && back())));
        return chats;
      },
      close: () => db.close(),
    };
    opened.add(chats);
    return chats;
  };

const endOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "done",
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
/** Resolves with the first that is so. */
function heard<T>(listen: (run: (value: T) => void) => void, isSo: (value: T) => boolean): Promise<T> {
  return new Promise((resolve) => listen((value) => void (isSo(value) && resolve(value))));
}

const title = "issue 10, the official client's scenarios";
describe.skipIf(!hasOfficialClient)(`${title}: the official client 1.12`, () => scenarios("1.12", official(1)));
describe.skipIf(!hasOfficialClient2)(`${title}: the official client 2.x`, () => scenarios("2.x", official(2)));
describe(`${title}: ours, over version 3`, () => scenarios("ours over 3", ours(3)));
describe(`${title}: ours, over version 1`, () => scenarios("ours over 1", ours(1)));

function scenarios(client: string, open: Open): void {
  const isOurs = client.startsWith("ours");

  test("the token is kept: a reconnection with it is the same identity", async () => {
    const first = await open("chat");
    const again = await open("chat", first.token);
    expect([again.identity, again.token]).toEqual([first.identity, first.token]);
    expect((await open("chat")).identity).not.toBe(first.identity);
  });

  test("who is not let in is told", async () => {
    const wrong = open("chat", "x.y.z");
    const missing = open("no-such-chat");
    // Difference: ours says why, as an error with a code, where the official ones know no more than that there is no connection.
    const codes = (await Promise.allSettled([wrong, missing])).map((each) =>
      each.status === "rejected" && each.reason instanceof LightconeError ? each.reason.code : each.status,
    );
    expect(codes).toEqual(isOurs ? ["Unauthorized", "NoSuchDatabase"] : ["rejected", "rejected"]);
  });

  test("first rows, inserts, updates; a call has ended when its rows are there", async () => {
    const ann = await open("chat");
    await ann.subscribe("SELECT * FROM user", "SELECT * FROM message");
    const me = ann.users().find(({ identity }) => identity.toHexString() === ann.identity);
    expect([me?.online, me?.name]).toEqual([true, undefined]);
    const updates: unknown[] = [];
    ann.onUser((before, after) => updates.push([before.name, after.name]));
    await ann.setName("Ada");
    const messages: string[] = [];
    ann.onMessage((text) => messages.push(text));
    await ann.send(`hello from ${client}`);
    expect(ann.texts()).toContain(`hello from ${client}`);
    expect([updates, messages]).toEqual([[[undefined, "Ada"]], [`hello from ${client}`]]);
  });

  test("a reducer that refuses: its text, and no rows", async () => {
    const ann = await open("chat");
    await ann.subscribe("SELECT * FROM message");
    const before = ann.texts();
    expect(await endOf(ann.send("  "))).toBe("Messages must not be empty");
    expect(ann.texts()).toEqual(before);
  });

  test("many calls of one tick: in their order, those that are refused among them, and others see them so", async () => {
    const [ann, bob] = [await open("chat"), await open("chat")];
    await ann.subscribe("SELECT * FROM message");
    await bob.subscribe("SELECT * FROM message");
    const told = Array.from({ length: 60 }, (_, index) => (index % 20 === 7 ? "" : `${client} number ${index}`));
    const last = heard(bob.onMessage, (text) => text === `${client} number 59`);
    const ended = await Promise.all(told.map((text) => endOf(ann.send(text))));
    expect(ended).toEqual(told.map((text) => (text === "" ? "Messages must not be empty" : "done")));
    await last;
    const wanted = told.filter((text) => text !== "");
    for (const each of [ann, bob])
      expect(each.texts().filter((text) => text.startsWith(`${client} number`))).toEqual(wanted);
  });

  test("overlapping subscriptions: rows leave with the last", async () => {
    const ann = await open("chat");
    const all = await ann.subscribe("SELECT * FROM user");
    const one = await ann.subscribe(`SELECT * FROM user WHERE identity = 0x${ann.identity}`);
    expect(ann.users().length).toBeGreaterThan(0);
    await all();
    expect(ann.users().map(({ identity }) => identity.toHexString())).toEqual([ann.identity]);
    const gone: string[] = [];
    ann.onUserGone(({ identity }) => gone.push(identity.toHexString()));
    await one();
    expect([gone, ann.users()]).toEqual([[ann.identity], []]);
  });

  test("a query that is wrong is told to its subscription alone", async () => {
    const ann = await open("chat");
    expect(await endOf(ann.subscribe("SELECT * FROM nothing"))).toMatch(/no such table/);
    await ann.subscribe("SELECT * FROM message");
    await ann.send(`${client} goes on`);
    expect(ann.texts()).toContain(`${client} goes on`);
  });

  test("two at once: who speaks is heard, who leaves is seen to", async () => {
    const [ann, bob] = [await open("chat"), await open("chat")];
    await bob.subscribe("SELECT * FROM message", "SELECT * FROM user");
    const message = heard(bob.onMessage, (text) => text === `${client} to bob`);
    await ann.send(`${client} to bob`);
    await message;
    const left = heard<User>(
      (run) => bob.onUser((_before, after) => run(after)),
      ({ identity, online }) => identity.toHexString() === ann.identity && !online,
    );
    ann.close();
    expect((await left).online).toBe(false);
  });

  test("the server is killed: every message is there when it has come back, for the same identity", async () => {
    const ann = await open("chat");
    await ann.subscribe("SELECT * FROM message");
    await ann.send(`${client} before the end`);
    await served.killFront();
    const isStarted = Promise.withResolvers<void>();
    const back = ann.again(isStarted.promise);
    await served.start();
    isStarted.resolve();
    const after = await back;
    expect([after.identity, after.texts().filter((text) => text.startsWith(`${client} before`))]).toEqual([
      ann.identity,
      [`${client} before the end`],
    ]);
    await after.send(`${client} after it`);
    expect(after.texts()).toContain(`${client} after it`);
    // Difference: ours is the same client still.
    expect(after === ann).toBe(isOurs);
  });
}
