// Goal: issue 10, §1 "Real networks". However a connection ends, each thing that a client was asked for is settled once and truly: what is
// done is in the database once, what failed is not there, of what is unknown there is at most one, what was held is done later; and
// the rows that the page sees become the database's, by the net change alone.
// Method: kinds × endings, on a server in processes of its own: calls, procedures, questions and subscriptions under way and held while a
// host is killed, a server is killed or stopped and started again, or a socket breaks. Outcomes are held against the rows.
import { connect, isLightconeError, optimistic, type Client, type WebSocketClass } from "lightcone/client";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { Served } from "../served.ts";
import { program } from "./arena.ts";
import type * as board from "./modules/board.ts";

let served: Served;
beforeAll(async () => {
  served = await Served.open();
});
afterAll(() => served.stop());

/** The sockets of one client. */
class Sockets {
  readonly all: WebSocket[] = [];
  readonly Class: WebSocketClass;

  constructor() {
    const { all } = this;
    this.Class = class extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        all.push(this);
      }
    };
  }
}

interface Ending {
  readonly how: string;
  /** Ends what there is; what it gives brings it back. */
  readonly end: (sockets: Sockets) => Promise<() => Promise<void>>;
}

const endings: readonly Ending[] = [
  {
    how: "its socket breaks",
    end: async ({ all }) => {
      const socket = all.at(-1);
      const closed = new Promise((resolve) => socket?.once("close", resolve));
      socket?.terminate();
      await closed;
      return async () => {};
    },
  },
  {
    how: "the host is killed",
    end: async () => {
      served.killHost();
      return async () => {};
    },
  },
  {
    how: "the server is killed",
    end: async () => {
      await served.killFront();
      return () => served.start();
    },
  },
  {
    how: "the server is stopped",
    end: async () => {
      await served.stopFront();
      return () => served.start();
    },
  },
];

type Outcome = "done" | "failed" | "unknown";
const outcomeOf = (promise: Promise<unknown>): Promise<Outcome> =>
  promise.then(
    () => "done",
    (error: unknown) => {
      if (isLightconeError(error, "ResultLost")) return "done"; // and stays; only what it gave is lost
      if (isLightconeError(error, "ConnectionLost")) return "unknown";
      if (isLightconeError(error, "ReducerFailed") || isLightconeError(error, "ProcedureFailed")) return "failed";
      throw error;
    },
  );

describe.each(endings)("issue 10, real networks: $how", ({ how, end }) => {
  test("each call, procedure, question and subscription ends once, as the rows say", async () => {
    const database = how.replaceAll(" ", "-");
    await served.publish(database, await program("board"), "Js");
    const sockets = new Sockets();
    const errors: string[] = [];
    const db: Client<typeof board> = connect<typeof board>({
      uri: served.url,
      database,
      WebSocket: sockets.Class,
      onError: ({ message }) => errors.push(message),
      onState: () => undefined,
    });
    const live = db.tables.card.where({ board: 1 }).orderBy("title").limit(1000);
    await db.subscribe(live).applied;
    await db.reducers.add({ board: 1, position: 0, title: "before" });
    const before = db.tables.card.rows()[0];
    // What a page would draw of what it is told, and nothing else.
    const drawn = new Map(db.tables.card.rows().map((card) => [card.id, card]));
    const left: string[] = [];
    db.tables.card.onInsert((card) => {
      expect(drawn.has(card.id)).toBe(false);
      drawn.set(card.id, card);
    });
    db.tables.card.onUpdate((_, card) => drawn.set(card.id, card));
    db.tables.card.onDelete(({ id, title }) => {
      left.push(title);
      drawn.delete(id);
    });

    const outcomes = new Map<string, Promise<Outcome>>();
    const add = (title: string): void =>
      void outcomes.set(title, outcomeOf(db.reducers.add({ board: 1, position: 1, title })));
    for (let index = 0; index < 40; index += 1) add(`sent ${index}`);
    const sentProcedure = outcomeOf(db.procedures.titles({ board: 1 }));
    const sentQuestion = db.query(live);
    const sentSubscription = db.subscribe(db.tables.card.where({ board: 2 }));
    await outcomes.get("sent 0"); // all have been sent; some are answered, some are not
    for (let index = 40; index < 80; index += 1) add(`sent ${index}`);
    const refused = outcomeOf(db.reducers.add({ board: 1, position: 1, title: "" }));
    await Promise.resolve();
    const back = await end(sockets);
    // The end of a process is there before the client has heard of its socket's.
    if (how.startsWith("the server")) await vi.waitFor(() => expect(db.state).not.toBe("open"));
    for (let index = 0; index < 20; index += 1) add(`held ${index}`);
    const heldProcedure = outcomeOf(db.procedures.titles({ board: 1 }));
    const heldQuestion = db.query("SELECT * FROM card WHERE board = 1");
    const heldSubscription = db.subscribe(db.tables.card.where({ board: 3 }));
    await back();

    const ended = new Map<string, Outcome>();
    for (const [title, outcome] of outcomes) ended.set(title, await outcome);
    expect(["failed", "unknown"]).toContain(await refused);
    await Promise.all([sentSubscription.applied, heldSubscription.applied, sentQuestion, heldQuestion]);
    const procedures = [await sentProcedure, await heldProcedure];
    await db.reducers.add({ board: 1, position: 2, title: "after" });
    expect(db.state).toBe("open");

    const counts = new Map<string, number>();
    for (const [title] of await served.sql(database, "SELECT title FROM card"))
      counts.set(String(title), (counts.get(String(title)) ?? 0) + 1);
    for (const [title, outcome] of ended) {
      const count = counts.get(title) ?? 0;
      if (outcome === "done") expect([title, count]).toEqual([title, 1]);
      else if (outcome === "failed") expect([title, count]).toEqual([title, 0]);
      else expect(count).toBeLessThan(2);
    }
    // What was called while there was no connection was held; a host that ends is no end of a connection.
    const held = [...ended].filter(([title]) => title.startsWith("held")).map(([, outcome]) => outcome);
    if (how !== "the host is killed") expect(new Set([...held, procedures[1]])).toEqual(new Set(["done"]));
    else expect([...ended.values()]).not.toContain("unknown");

    const seen = live.rows().map(({ title }) => title);
    expect(seen).toEqual([...counts.keys()].toSorted());
    expect(new Set(drawn.values())).toEqual(new Set(db.tables.card.rows()));
    // Nothing blinked: no row went that is there, and one that stayed is the same object.
    expect(left).toEqual([]);
    expect(db.tables.card.get(before?.id ?? 0n)).toBe(before);
    expect(errors).toEqual([]);
    db.close();
  });

  test("what is guessed is shown at once, never twice, never taken away from what happens, and withdrawn from what does not", async () => {
    const database = `guessed-${how.replaceAll(" ", "-")}`;
    await served.publish(database, await program("board"), "Js");
    const sockets = new Sockets();
    const db = connect<typeof board>({
      uri: served.url,
      database,
      WebSocket: sockets.Class,
      onError: () => undefined,
      onState: () => undefined,
      // It does not know that a card needs a title.
      optimistic: optimistic<typeof board>({ add: (ctx, card) => void ctx.db.card.insert(card) }),
    });
    const { card } = db.tables;
    await db.subscribe(card).applied;
    const titles = (): string[] => card.rows().map(({ title }) => title);
    // A host that starts again tells what was committed apart from the answers that it finds in its log: for that moment a guess
    // and its row are there both, or neither is.
    const isTogether = how !== "the host is killed";
    // Each step of what the page shows, and whether it was what its callbacks say.
    const steps: ReadonlySet<string>[] = [];
    const drawn = new Set<object>();
    card.onInsert((row) => drawn.add(row));
    card.onDelete((row) => drawn.delete(row));
    card.onUpdate((before, after) => drawn.delete(before) && drawn.add(after));
    card.onChange(() => {
      const shown = titles();
      if (isTogether) expect(new Set(shown).size).toBe(shown.length);
      expect(drawn).toEqual(new Set(card.rows()));
      steps.push(new Set(shown));
    });

    const outcomes = new Map<string, Promise<Outcome>>();
    const add = (title: string): void => {
      outcomes.set(title, outcomeOf(db.reducers.add({ board: 1, position: 1, title })));
      expect(titles()).toContain(title);
    };
    const refused = db.reducers.add({ board: 1, position: 1, title: "" });
    expect(titles()).toEqual([""]);
    await expect(refused).rejects.toMatchObject({ code: "ReducerFailed" });
    expect(titles()).toEqual([]);
    for (let index = 0; index < 20; index += 1) add(`sent ${index}`);
    await outcomes.get("sent 0");
    for (let index = 20; index < 40; index += 1) add(`sent ${index}`);
    await Promise.resolve();
    const back = await end(sockets);
    if (how.startsWith("the server")) await vi.waitFor(() => expect(db.state).not.toBe("open"));
    for (let index = 0; index < 10; index += 1) add(`held ${index}`);
    await back();

    const ended = new Map<string, Outcome>();
    for (const [title, outcome] of outcomes) ended.set(title, await outcome);
    await db.reducers.add({ board: 1, position: 2, title: "after" });
    const stored = (await served.sql(database, "SELECT title FROM card")).map(([title]) => String(title));
    expect(titles().toSorted()).toEqual(stored.toSorted());
    const ids = await served.sql(database, "SELECT id FROM card");
    expect(
      card
        .rows()
        .map(({ id }) => String(id))
        .toSorted(),
    ).toEqual(ids.map(([id]) => String(id)).toSorted());
    for (const [title, outcome] of ended) {
      const first = steps.findIndex((shown) => shown.has(title));
      const gone = steps.slice(first).findIndex((shown) => !shown.has(title));
      if (outcome === "done" && isTogether) expect([title, gone]).toEqual([title, -1]);
      if (outcome === "failed") expect(titles()).not.toContain(title);
    }
    db.close();
  });
});
