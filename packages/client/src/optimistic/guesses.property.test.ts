// Goal: whatever order calls, answers, others' changes and lost connections come in, a client shows what it was told, and on top
// of it what its pending calls do, in their order: at every step, in one step, and told once. In the end it shows what the
// server has.
// Method: real clients against a server without sockets and time, which has rules that no guess knows; one goes on from where it was
// when it comes back, the other gets all of its rows anew. Random histories; a
// model that knows of neither, of plain maps, says after each step what is shown. What is told is held against the difference.
import { assertProperty, runCount } from "@lightcone/base/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Range } from "@lightcone/module";
import { connect, type Client } from "../connect.ts";
import type { Platform } from "../platform.ts";
import { FakeWorld, settled } from "../testing/fake-world.ts";
import { schemaText } from "../testing/schema-text.ts";
import { optimistic } from "./optimistic.ts";
import { boardSchema, keyOf, noRows, ran, type AnyRow, type Call, type Rows, type TableName } from "./testing/board.ts";
import { asksIn, BoardConnection, BoardServer } from "./testing/board-server.ts";

const usual = 500;
/** In `npm run soak` 100,000. */
const numRuns = runCount(usual) > usual ? 10 * runCount(usual) : usual;
const tables = ["item", "note", "entry"] as const;
const text = schemaText(boardSchema);
/** Numbers that the database makes are below. */
const firstGuessed = 2 ** 31;

const guesses = optimistic({
  put: (ctx, args) => void ctx.db["item"].insert(args),
  bump: (ctx, { id, by }) => {
    const item = ctx.db["item"].id.find(id);
    ctx.db["item"].id.update({ ...item, n: item.n + by });
  },
  swap: (ctx, { one, other }) => {
    const { id } = ctx.db["item"];
    const [first, second] = [id.find(one), id.find(other)];
    id.update({ ...first, n: second?.n ?? 0 });
    if (second === null) throw new Error("there is none");
    id.update({ ...second, n: first.n });
  },
  move: (ctx, { from, to }) => {
    for (const item of ctx.db["item"].group.filter(from)) ctx.db["item"].id.update({ ...item, group: to });
  },
  remove: (ctx, { id }) => {
    if (ctx.db["item"].id.delete(id) !== true) throw new Error("there is none");
  },
  noteTop: (ctx, { group, from }) => {
    const { item, note } = ctx.db;
    for (const { id, n } of item.byNumber.filter([group, new Range({ tag: "included", value: from })]))
      note.insert({ item: id, text: `${n} of ${item.count()}` });
  },
  forget: (ctx, { item }) => void ctx.db["note"].item.delete(item),
  add: (ctx, args) => void ctx.db["entry"].insert(args),
});

interface Pending {
  readonly call: Call;
  readonly serial: number;
  /** Its place among the calls that went over the connection; none while it waits for one. */
  place: number | undefined;
}

/** A client, and what the model says of it. */
class Page {
  readonly server: BoardServer;
  readonly world = new FakeWorld(text);
  readonly db: Client;
  readonly isWhole: boolean;
  connection: BoardConnection | undefined;
  asked: BoardConnection["queue"] = [];
  isLive = false;
  truth = noRows;
  told = noRows;
  pending: Pending[] = [];
  placed = 0;
  shown = noRows;
  readonly heard: string[] = [];
  readonly seenWhenTold: string[] = [];
  objects = new Map<string, object>();
  static serial = 0;

  constructor(server: BoardServer, isWhole: boolean) {
    this.server = server;
    this.isWhole = isWhole;
    const platform: Platform = {
      ...this.world.platform,
      openSocket: (url, protocols, events) => {
        this.asked = [];
        const { asked } = this;
        const socket = this.world.platform.openSocket(url, protocols, events);
        const send = (frame: Uint8Array): void => void asked.push(...asksIn(frame));
        const protocol = isWhole ? (protocols[0] ?? "") : socket.protocol;
        return { close: () => socket.close(), protocol, send };
      },
    };
    this.db = connect({ uri: "http://server", database: "board", platform, optimistic: guesses });
    const { item, note, entry } = this.db.tables;
    if (item === undefined || note === undefined || entry === undefined) throw new Error("there are such tables");
    if (isWhole) {
      this.db.subscribe(item, note);
      this.db.subscribe('SELECT * FROM "entry"');
    } else {
      this.db.subscribe(item.where({ group: 1 }));
      this.db.subscribe(note);
    }
    for (const table of tables) {
      const view = this.db.tables[table];
      view?.onInsert((row) => this.heard.push(`${table} + ${normal(row)}`));
      view?.onDelete((row) => this.heard.push(`${table} - ${normal(row)}`));
      view?.onUpdate((before, after) => this.heard.push(`${table} - ${normal(before)}`, `${table} + ${normal(after)}`));
      view?.onChange(() => this.seenWhenTold.push(this.all()));
    }
  }

  covers = (table: TableName, row: AnyRow): boolean =>
    this.isWhole || (table === "item" ? "group" in row && row.group === 1 : table === "note");

  async greet(): Promise<void> {
    this.connection = new BoardConnection(this.asked, this.isWhole);
    this.server.connections.add(this.connection);
    this.told = noRows;
    this.placed = 0;
    this.world.socket.receiveBytes(this.server.greet(this.connection));
    await settled();
  }

  call(call: Call): void {
    this.pending.push({
      call,
      serial: Page.serial++,
      place: this.isLive ? this.placed++ : undefined,
    });
    this.db.reducers[call.name]?.(call.args).catch(() => {});
  }

  deliver(): void {
    const message = this.connection?.outbox.shift();
    if (message === undefined) return;
    this.world.socket.receiveBytes(message.frame);
    this.told = message.told;
    const { answers } = message;
    if (answers !== undefined) this.pending = this.pending.filter(({ place }) => place !== answers.place);
    if (message.applied < 2) return;
    this.truth = this.told;
    if (this.isLive) return;
    this.isLive = true;
    // What waited is sent.
    for (const each of this.pending) each.place = this.placed++;
  }

  drop(): void {
    if (this.connection === undefined) return;
    this.server.connections.delete(this.connection);
    this.connection = undefined;
    this.isLive = false;
    this.world.socket.drop();
    // What was sent fails; what waits goes on waiting.
    this.pending = this.pending.filter(({ place }) => place === undefined);
  }

  async comeBack(): Promise<void> {
    if (this.connection !== undefined) return;
    this.world.pass(60_000);
    await settled(); // its token is exchanged first
    await this.greet();
  }

  get hasBeenLive(): boolean {
    return this.truth !== noRows;
  }

  /** What is shown, of every table. */
  all(): string {
    return tables.map((table) => sorted(this.db.tables[table]?.rows() ?? []).join(" ")).join("; ");
  }

  /** Holds the client against the model. */
  check(): void {
    let expected: Rows = this.truth;
    if (this.hasBeenLive)
      for (const { call, serial } of this.pending)
        try {
          expected = ran(expected, call, this.covers, firstGuessed + serial);
        } catch {
          // It is not shown.
        }
    for (const table of tables) {
      const view = this.db.tables[table];
      same(sorted(view?.rows() ?? []), sorted([...expected[table].values()]));
      same([String(view?.size)], [String(expected[table].size)]);
    }
    const { item } = this.db.tables;
    for (const group of [1, 2]) {
      const inGroup = [...expected.item.values()].filter((row) => "group" in row && row.group === group);
      same(sorted(item?.where({ group }).rows() ?? []), sorted(inGroup));
    }
    for (const row of expected.item.values()) if ("id" in row) same([normal(item?.get(row.id) ?? {})], [normal(row)]);
    this.checkTold(expected);
    this.checkObjects();
    this.shown = expected;
  }

  /** What was told is the difference, once; and whoever heard it saw all of it. */
  checkTold(expected: Rows): void {
    const difference = tables.flatMap((table) => {
      const [before, now] = [this.shown[table], expected[table]].map((rows) => sorted([...rows.values()]));
      return [
        ...less(before, now).map((row) => `${table} - ${row}`),
        ...less(now, before).map((row) => `${table} + ${row}`),
      ];
    });
    const heard = this.heard.splice(0);
    same(less(heard, netOf(heard)), []);
    same(netOf(heard).toSorted(), difference.toSorted());
    for (const seen of this.seenWhenTold.splice(0)) same([seen], [this.all()]);
  }

  /** A row that stays is the same object. */
  checkObjects(): void {
    const now = new Map<string, object>();
    for (const table of tables)
      for (const row of this.db.tables[table]?.rows() ?? []) {
        const key = `${table} ${JSON.stringify(row)}`;
        now.set(key, row);
        const before = this.objects.get(key);
        if (before !== undefined && row !== before) expect(row).toBe(before);
      }
    this.objects = now;
  }
}

/** Said by `expect` when it is not so: it is slow. */
function same(actual: readonly string[], expected: readonly string[]): void {
  if (actual.join("\n") !== expected.join("\n")) expect(actual).toEqual(expected);
}

/** Numbers that stand for what the database will make are all one here. */
function normal(row: object): string {
  const id: unknown = Reflect.get(row, "id");
  return typeof id === "number" && id >= firstGuessed ? keyOf({ ...(row as AnyRow), id: 0 }) : keyOf(row as AnyRow);
}
const sorted = (rows: readonly object[]): string[] => rows.map(normal).toSorted();
function less(all: readonly string[] = [], some: readonly string[] = []): string[] {
  const left = [...some];
  return all.filter((each) => {
    const at = left.indexOf(each);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}
/** Without what came and went. */
function netOf(heard: readonly string[]): string[] {
  const opposite = (each: string): string => each.replace(/ [+-] /, (sign) => (sign === " + " ? " - " : " + "));
  return less(heard, heard.map(opposite));
}

type Step =
  | { readonly kind: "call"; readonly page: number; readonly call: Call }
  | { readonly kind: "serve"; readonly page: number; readonly isSlow: boolean }
  | { readonly kind: "deliver" | "drop" | "back"; readonly page: number }
  | { readonly kind: "other"; readonly call: Call };

const small = fc.integer({ min: 1, max: 3 });
const callOf = <N extends Call["name"], A extends object>(name: N, args: { [K in keyof A]: fc.Arbitrary<A[K]> }) =>
  fc.record(args).map((given) => ({ name, args: given }) as unknown as Call);
const call: fc.Arbitrary<Call> = fc.oneof(
  { weight: 4, arbitrary: callOf("put", { id: small, group: small, n: fc.nat(9) }) },
  { weight: 4, arbitrary: callOf("bump", { id: small, by: fc.integer({ min: -2, max: 5 }) }) },
  { weight: 2, arbitrary: callOf("swap", { one: small, other: small }) },
  { weight: 2, arbitrary: callOf("move", { from: small, to: small }) },
  { weight: 2, arbitrary: callOf("remove", { id: small }) },
  { weight: 2, arbitrary: callOf("noteTop", { group: small, from: fc.nat(5) }) },
  { weight: 1, arbitrary: callOf("forget", { item: small }) },
  { weight: 1, arbitrary: callOf("add", { group: small }) },
);
const page = fc.nat(1);
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("call" as const), page, call }) },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant("serve" as const), page, isSlow: fc.boolean() }) },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("deliver" as const), page }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("drop" as const), page }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("back" as const), page }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("other" as const), call }) },
  ),
  { minLength: 4, maxLength: 30 },
);

const mostly = fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) });

/** @param isFromLive whether all of them have their rows when it begins */
async function run(history: readonly Step[], isFromLive: boolean): Promise<void> {
  const server = new BoardServer();
  server.run({ name: "put", args: { id: 1, group: 1, n: 0 } });
  server.run({ name: "put", args: { id: 2, group: 2, n: 5 } });
  const pages = [new Page(server, true), new Page(server, false)];
  const settle = (): void => {
    for (const each of pages) each.check();
  };
  for (const each of pages) {
    await each.greet();
    await Promise.resolve();
    const first = isFromLive ? 2 : 0; // subscriptions
    for (let count = 0; count < first; count += 1) {
      if (each.connection !== undefined) server.serve(each.connection, false);
      each.deliver();
    }
    each.check();
  }
  for (const step of history) {
    const at = step.kind === "other" ? undefined : pages[step.page];
    switch (step.kind) {
      case "call":
        at?.call(step.call);
        await Promise.resolve(); // what is sent in one turn goes together
        break;
      case "serve":
        if (at?.connection !== undefined) server.serve(at.connection, step.isSlow);
        break;
      case "deliver":
        at?.deliver();
        break;
      case "drop":
        at?.drop();
        break;
      case "back":
        await at?.comeBack();
        break;
      case "other":
        server.run(step.call);
    }
    settle();
  }
  for (const each of pages) await each.comeBack();
  const isQuiet = ({ connection }: Page): boolean =>
    (connection?.queue.length ?? 0) + (connection?.outbox.length ?? 0) === 0;
  while (!pages.every(isQuiet)) {
    for (const each of pages) {
      if (each.connection !== undefined) server.serve(each.connection, false);
      each.deliver();
    }
    settle();
    await Promise.resolve();
  }
  for (const each of pages) {
    expect(each.pending).toEqual([]);
    for (const table of tables) {
      const rows = [...server.rows[table].values()].filter((row) => each.covers(table, row));
      expect(sorted(each.db.tables[table]?.rows() ?? [])).toEqual(sorted(rows));
    }
    expect([each.world.reported, each.world.complained]).toEqual([[], []]);
    each.db.close();
  }
}

test("issue 10: what is shown is what was told, and the pending calls on top of it, in any history", async () => {
  const before = BoardServer.resumedCount;
  await assertProperty(fc.asyncProperty(steps, mostly, run), numRuns);
  if (process.env["LIGHTCONE_PATH"] === undefined)
    expect(BoardServer.resumedCount - before).toBeGreaterThan(numRuns / 10);
});
