// Goal: hooks show what the database has, all of it and nothing else, through everything that happens to a page.
// Method: a page of parts in Debian's Chromium, in React's strict mode, against a real server in a process of its own; rows
// on the screen are looked at, and the frames that the page sends. Skipped where there is no Chromium, and says so.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect, type LightconeError } from "lightcone/client";
import { liveQueries, preload } from "lightcone/live";
import { chromium, type BrowserContext, type Locator, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleModule } from "../../../packages/cli/src/build/bundle.ts";
import { Served } from "../served.ts";
import type * as board from "./module.ts";
import { BuiltPage } from "./built-page.ts";
import { Relay } from "./relay.ts";

const browserPath = process.env["LIGHTCONE_CHROMIUM"] ?? "/usr/bin/chromium";
const browserArgs = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"];
const modulePath = fileURLToPath(new URL("./module.ts", import.meta.url));
const root = fileURLToPath(new URL("../../../", import.meta.url));

test("the page's types are right", () => {
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const project = join(root, "conformance/src/react/page");
  expect(execFileSync(process.execPath, [tsc, "-p", project], { encoding: "utf8" })).toBe("");
});

/** What a page of `page/main.tsx` has for its test. */
interface PageApp {
  readonly app: {
    readonly db: {
      readonly identity: { toHexString(): string } | undefined;
      readonly tables: Readonly<Record<string, { readonly size: number }>>;
    };
    readonly seen: { renders: Record<string, number>; torn: string[]; connections: object[] };
    readonly errors: string[];
    readonly swap: () => void;
  };
}

let served: Served;
beforeAll(async () => {
  served = await Served.open();
  const { code } = await bundleModule(modulePath);
  for (const database of ["live", "board"]) await served.publish(database, code, "Js");
});
afterAll(async () => served?.stop());

describe("issue 10: live queries, without a framework", () => {
  /** Timers that run when they are told to. */
  class Timers {
    readonly waiting = new Set<() => void>();
    readonly after = (_delayMs: number, run: () => void): (() => void) => {
      this.waiting.add(run);
      return () => void this.waiting.delete(run);
    };
    pass(): void {
      for (const run of this.waiting) {
        this.waiting.delete(run);
        run();
      }
    }
  }
  function open(database = "live") {
    const told: string[] = [];
    const onError = ({ code }: LightconeError): void => void told.push(code);
    const db = connect<typeof board>({ uri: served.url, database, onError });
    const timers = new Timers();
    return { db, told, timers, live: liveQueries(db, { after: timers.after }) };
  }

  test("one object for each state, and rows that are the client's", async () => {
    const { db, live } = open();
    const query = live.of(db.tables.note);
    expect(live.of(db.tables.note)).toBe(query);
    expect(query.now()).toEqual({ rows: [], ready: false, error: undefined });
    expect(query.now()).toBe(query.now());
    const seen: unknown[] = [];
    const end = query.watch(() => seen.push(query.now()));
    await query.load();
    const before = query.now();
    expect([before.ready, before.rows]).toEqual([true, db.tables.note.rows()]);
    await db.reducers.addNote({ text: "seen" });
    expect(seen.at(-1)).toBe(query.now());
    expect(query.now().rows.filter((row) => !before.rows.includes(row))).toEqual([{ text: "seen" }]);
    const count = seen.length;
    await db.reducers.addCard({ board: "live", text: "of another table" });
    end();
    await db.reducers.addNote({ text: "not told" });
    expect(seen).toHaveLength(count);
    db.close();
  });

  test("it ends when time has passed since the last one left, and not before; then it can begin again", async () => {
    const { db, live, timers } = open();
    await preload(db, db.tables.card);
    const { size } = db.tables.card;
    const ends = [live.of(db.tables.card).watch(() => {}), live.of(db.tables.card).watch(() => {})];
    timers.pass();
    ends[0]?.();
    timers.pass();
    expect(db.tables.card.size).toBe(size);
    ends[1]?.();
    const back = live.of(db.tables.card).watch(() => {});
    timers.pass();
    expect(live.of(db.tables.card).now().ready).toBe(true);
    back();
    timers.pass();
    await expect.poll(() => db.tables.card.size).toBe(0);
    expect(live.of(db.tables.card).now()).toEqual({ rows: [], ready: false, error: undefined });
    expect([timers.waiting.size, size > 0]).toEqual([1, true]);
    await live.of(db.tables.card).load();
    expect(db.tables.card.size).toBe(size);
    db.close();
  });

  test("a query of a table whose rows are all here is ready at once; of one text there is one", async () => {
    const { db, live, timers } = open();
    for (const text of ["b", "c", "a"]) await db.reducers.addCard({ board: "query", text });
    const query = () => db.tables.card.where({ board: "query" }).orderBy("text").limit(2);
    const texts = (): unknown[] =>
      live
        .of(query())
        .now()
        .rows.map(({ text }) => text);
    expect(live.of(query())).toBe(live.of(query()));
    expect(live.of(query()).now()).toEqual({ rows: [], ready: false, error: undefined });
    await preload(db, db.tables.card);
    expect([live.of(query()).now().ready, texts()]).toEqual([true, ["a", "b"]]);
    const heard: unknown[] = [];
    const end = live.of(query()).watch(() => heard.push(texts()));
    timers.pass(); // the table's query goes, and the other's rows stay
    await expect.poll(() => db.tables.card.size).toBe(3);
    const before = live.of(query()).now().rows;
    await db.reducers.addCard({ board: "query", text: "d" });
    expect(live.of(query()).now().rows).toBe(before);
    await db.reducers.addCard({ board: "query", text: "aa" });
    expect([heard, live.of(query()).now().ready]).toEqual([[["a", "aa"]], true]);
    end();
    db.close();
  });

  test("a query that its table refuses has no rows, and says why", async () => {
    const { db, live } = open();
    await db.reducers.addCard({ board: "wrong", text: "a" });
    await preload(db, db.tables.card);
    const query = live.of(db.tables.card.where({ colour: 1 } as never));
    expect(query.now()).toMatchObject({ rows: [], error: undefined });
    query.watch(() => {});
    expect([query.now().rows, query.now().error?.code]).toEqual([[], "SubscriptionRefused"]);
    expect(query.now().error?.message).toMatch(/^card.colour: there is no such column; there are /);
    db.close();
  });

  test("what is asked for and never watched is let go", async () => {
    const { db, live, timers } = open();
    live.of(db.tables.card).now();
    await preload(db, db.tables.note);
    expect(timers.waiting.size).toBe(2);
    timers.pass();
    expect(timers.waiting.size).toBe(0);
    await expect.poll(() => db.tables.note.size).toBe(0);
    db.close();
  });

  test("no such database, and a client that is closed: each query says so, and `load` rejects", async () => {
    const { db, live, told } = open("nowhere");
    const query = live.of(db.tables.card);
    query.watch(() => {});
    await expect(query.load()).rejects.toMatchObject({ code: "NoSuchDatabase" });
    expect([query.now().ready, query.now().error?.code, told]).toEqual([false, "NoSuchDatabase", ["NoSuchDatabase"]]);
    const later = live.of(db.tables.note);
    later.watch(() => {});
    expect(later.now().error?.code).toBe("ConnectionClosed");
    const closed = open();
    closed.db.close();
    await expect(preload(closed.db, closed.db.tables.card)).rejects.toMatchObject({ code: "ConnectionClosed" });
  });
});

describe.skipIf(!existsSync(browserPath))(`issue 10: hooks of React in Chromium (${browserPath})`, () => {
  const folder = mkdtempSync(join(tmpdir(), "lightcone-react-"));
  let built: BuiltPage;
  let browser: BrowserContext;

  beforeAll(async () => {
    built = await BuiltPage.open(folder);
    browser = await chromium.launchPersistentContext(join(folder, "profile"), {
      executablePath: browserPath,
      args: browserArgs,
    });
    browser.setDefaultTimeout(20_000);
  });
  afterAll(async () => {
    await browser?.close();
    built?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A page with these parts, what went wrong in it by itself, and what it sent. */
  async function open(shown: string, query: Readonly<Record<string, string>> = {}, path = "/") {
    const page = await browser.newPage();
    const faults: string[] = [];
    const frames: string[] = [];
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("console", (line) => {
      if (line.type() === "error" && !/ERR_|WebSocket connection/.test(line.text())) faults.push(line.text());
    });
    page.on("websocket", (socket) =>
      socket.on("framesent", ({ payload }) => frames.push(Buffer.from(payload).toString("latin1"))),
    );
    await page.goto(built.url(path, { server: served.url, database: "board", shown, ...query }));
    const asked = (table: string): number => frames.join("").split(`SELECT * FROM "${table}"`).length - 1;
    return { page, faults, frames, asked };
  }
  const app = <T>(page: Page, look: (app: PageApp["app"]) => T): Promise<T> => page.evaluate(`(${String(look)})(app)`);
  const call = async (reducer: string, ...args: readonly unknown[]): Promise<void> => {
    const response = await served.call("board", reducer, JSON.stringify(args));
    expect([response.status, await response.text()]).toEqual([200, ""]);
  };
  const list = (page: Page, name: string): Locator => page.getByRole("region", { name }).getByRole("listitem");
  /** The texts of the cards in the database. */
  const cards = async (): Promise<unknown[]> =>
    (await served.sql("board", "SELECT text FROM card")).map(([text]) => text);
  const expectCards = async (page: Page, name: string): Promise<void> => {
    const texts = await cards();
    await expect.poll(async () => (await list(page, name).allInnerTexts()).toSorted()).toEqual(texts.toSorted());
  };
  const show = (page: Page, name: string): Promise<void> => page.getByLabel(`show ${name}`).click();
  const settled = (page: Page): Promise<void> => page.getByRole("status").getByText("open somebody fine").waitFor();

  test("in strict mode, one subscription for all that show a table, and rows as they change", async () => {
    await call("add_card", "all", "first");
    const { page, faults, asked } = await open("one two tally twice status skipped again");
    await settled(page);
    // What is the same is the same object, however often it is rendered.
    await app(page, ({ seen }) => void (seen.connections = []));
    for (const count of [0, 1, 2]) await page.getByRole("button", { name: `again ${count}` }).click();
    await page.getByRole("button", { name: "again 3" }).waitFor();
    const connections = await app(page, ({ seen }) => [seen.connections.length, new Set(seen.connections).size]);
    expect(connections).toEqual([6, 1]);
    await expectCards(page, "one");
    await expectCards(page, "two");
    await call("add_card", "other", "second");
    await expectCards(page, "two");
    await page.getByText("2 counted").waitFor();
    expect(await page.getByLabel("skipped", { exact: true }).innerText()).toBe("0 false");
    expect([asked("card"), asked("tally"), asked("note"), faults]).toEqual([1, 1, 0, []]);
    await page.close();
  });

  test("only the row that changed is rendered again, and no half of a transaction is on the screen", async () => {
    const { page, faults } = await open("one tally twice add");
    await expectCards(page, "one");
    await page.getByText("counted").waitFor();
    await app(page, ({ seen }) => void (seen.renders = {}));
    await call("edit_card", 1, "first, edited");
    await list(page, "one").getByText("first, edited").waitFor();
    for (let n = 0; n < 20; n += 1) await call("add_card", n % 2 === 0 ? "all" : "other", `more ${n}`);
    await expectCards(page, "one");
    const { renders, torn } = await app(page, ({ seen }) => seen);
    // Strict mode renders each twice.
    expect(Object.keys(renders)).toHaveLength(21);
    expect(Object.entries(renders).filter(([, count]) => count > 2)).toEqual([]);
    expect([renders["second"], torn, faults]).toEqual([undefined, [], []]);
    await page.close();
  });

  test("a row by its key: asked for by itself, and rendered again when it is another", async () => {
    await call("add_card", "all", "counted");
    await call("add_card", "other", "counted");
    const count = async (name: string): Promise<number> =>
      Number((await served.sql("board", `SELECT count FROM tally WHERE board = '${name}'`))[0]?.[0]);
    const { page, faults, asked } = await open("boards");
    const shown = (name: string): Locator => page.getByLabel(`board ${name}`, { exact: true });
    for (const name of ["all", "other"])
      await shown(name)
        .getByText(`${await count(name)} cards ready`)
        .waitFor();
    await shown("nowhere").getByText("no cards ready fine").waitFor();
    await shown("none").getByText("no cards not ready fine").waitFor();
    await app(page, ({ seen }) => void (seen.renders = {}));
    await call("add_card", "other", "counted as well");
    await shown("other")
      .getByText(`${await count("other")} cards ready`)
      .waitFor();
    const { renders } = await app(page, ({ seen }) => seen);
    expect([Object.keys(renders), asked("tally"), faults]).toEqual([["board other"], 3, []]);
    expect(await app(page, ({ db }) => db.tables["tally"]?.size)).toBe(2);
    await page.close();
  });

  test("an ordered and limited query: rows in their places, and nothing rendered for the others", async () => {
    for (const [board, text] of ["b", "d", "c"].flatMap((text) => [
      ["first", text],
      ["second", `${text}${text}`],
    ]))
      await call("add_card", board, text);
    const { page, faults, asked } = await open("first status");
    await settled(page);
    const texts = (): Promise<string[]> => list(page, "first").allInnerTexts();
    await expect.poll(texts).toEqual(["b", "c"]);
    await app(page, ({ seen }) => void (seen.renders = {}));
    await call("add_card", "first", "e"); // behind the limit
    await call("add_card", "all", "a"); // of another board
    await call("add_card", "first", "a");
    await expect.poll(texts).toEqual(["a", "b"]);
    const { renders } = await app(page, ({ seen }) => seen);
    expect(renders).toEqual({ a: 2, "first of first": 2 });
    await page.getByText("not first").click();
    await expect.poll(texts).toEqual(["bb", "cc"]);
    // Whoever comes back within the time finds the rows.
    await page.getByText("not second").click();
    expect([await texts(), await page.getByRole("region", { name: "first" }).getAttribute("data-ready")]).toEqual([
      ["a", "b"],
      "true",
    ]);
    expect([asked("card"), faults]).toEqual([2, []]);
    await page.close();
  });

  test("a part that goes and comes back finds its rows; one that stays away lets them go", async () => {
    const { page, faults, frames, asked } = await open("one status", { keepMs: "300" });
    await expectCards(page, "one");
    await show(page, "one");
    await show(page, "one");
    expect(await page.getByRole("region", { name: "one" }).getAttribute("data-ready")).toBe("true");
    await expectCards(page, "one");
    expect([asked("card"), frames.length]).toEqual([1, 1]);
    await show(page, "one");
    await expect.poll(() => app(page, ({ db }) => db.tables["card"]?.size)).toBe(0);
    expect([asked("card"), frames.length]).toEqual([1, 2]);
    await show(page, "one");
    await expectCards(page, "one");
    expect([asked("card"), faults]).toEqual([2, []]);
    await page.close();
  });

  test("a call shows that it is on its way, and why it failed; the next one clears that", async () => {
    const { page, faults } = await open("one add careless length");
    await expectCards(page, "one");
    const form = page.getByRole("form", { name: "add" });
    await form.getByRole("button").click();
    await form.getByRole("alert").getByText("A card needs a text").waitFor();
    await form.getByLabel("text").fill("with a text");
    await form.getByRole("button").click();
    await list(page, "one").getByText("with a text").waitFor();
    await form.getByText("saved").waitFor();
    expect([await form.getByRole("alert").count(), faults]).toEqual([0, []]);
    await page.getByText("length 0").click();
    await page.getByText("length 4").waitFor();
    // Nobody reads that hook's error: it is where every unhandled failure is.
    await page.getByText("Add nothing").click();
    await expect.poll(() => faults).toEqual(["A card needs a text"]);
    await page.close();
  });

  test("issue 10: a guess is shown at once, then its row; one that is refused goes, with the error; neither blinks", async () => {
    const { page, faults, asked } = await open("one add status", { guesses: "" });
    await settled(page);
    await expectCards(page, "one");
    const form = page.getByRole("form", { name: "add" });
    // Each state of the screen: how many cards have the text, how the call does, and why it failed.
    await page.evaluate(`globalThis.screens = [];
      globalThis.countOf = (text) => [...document.querySelectorAll("[aria-label=one] li")].filter((li) => li.innerText === text).length;
      globalThis.watch = (text) => {
        const look = () => {
          const form = document.querySelector("[aria-label=add]");
          const now = [countOf(text), form.querySelector("p").innerText, form.querySelector("[role=alert]")?.innerText ?? "fine"].join(" ");
          if (screens.at(-1) !== now) screens.push(now);
        };
        screens.length = 0;
        look();
        globalThis.observer?.disconnect();
        globalThis.observer = new MutationObserver(look);
        observer.observe(document.body, { childList: true, subtree: true, characterData: true });
      }`);
    const screens = async () => page.evaluate<readonly string[]>("screens");

    await form.getByLabel("text").fill("guessed");
    await page.evaluate(`watch("guessed")`);
    await app(page, ({ seen }) => void (seen.renders = {}));
    await form.getByRole("button").click();
    await expect.poll(screens).toEqual(["0 saved fine", "1 saving fine", "1 saved fine"]);
    await expectCards(page, "one");
    // The guess and the row that took its place, each twice in strict mode, and no other card.
    const { renders } = await app(page, ({ seen }) => seen);
    expect(Object.keys(renders)).toEqual(["guessed"]);
    expect(renders["guessed"]).toBeLessThanOrEqual(4);

    await form.getByLabel("text").fill("");
    await page.evaluate(`watch("")`);
    await form.getByRole("button").click();
    await form.getByRole("alert").getByText("A card needs a text").waitFor();
    const refused = await screens();
    expect(refused.slice(0, 2)).toEqual(["0 saved fine", "1 saving fine"]);
    // It goes and does not come back, whatever else is rendered until the error is.
    expect(refused.slice(2).filter((screen) => !screen.startsWith("0 "))).toEqual([]);
    expect(refused.at(-1)).toBe("0 saved A card needs a text");
    await expectCards(page, "one");
    expect([asked("card"), faults, await app(page, ({ errors }) => errors)]).toEqual([1, [], []]);
    await page.close();
  });

  test("what suspends waits for its rows, empty as they are, and shows them as they change", async () => {
    const { page, faults, asked } = await open("waiting");
    await page.getByText("notes:").waitFor();
    await call("add_note", "one");
    await page.getByText("notes: one").waitFor();
    expect([asked("note"), faults]).toEqual([1, []]);
    await page.close();
  });

  test("a query in the place of another, in a transition: the rows before stay until the next are there", async () => {
    for (const text of ["b", "a"]) await call("add_card", "turn 1", text);
    await call("add_card", "turn 2", "z");
    const { page, faults, asked } = await open("turning");
    const turned = page.getByLabel("turned", { exact: true });
    await turned.getByText("a b").waitFor();
    await page.evaluate(`globalThis.shown = [];
      new MutationObserver(() => shown.push(document.querySelector("[aria-label=turned]")?.innerText))
        .observe(document.body, { childList: true, subtree: true, characterData: true })`);
    await page.getByRole("button", { name: "turn" }).click();
    await turned.getByText("z").waitFor();
    const shown = new Set(await page.evaluate<readonly unknown[]>("shown"));
    expect([[...shown], asked("card"), faults]).toEqual([["a b", "z"], 2, []]);
    await page.close();
  });

  test("another client takes the place of the first: somebody else, and the same rows", async () => {
    const { page, faults, asked } = await open("one add status");
    await settled(page);
    await expectCards(page, "one");
    const identity = () => app(page, ({ db }) => db.identity?.toHexString());
    const before = await identity();
    await app(page, ({ swap }) => swap());
    await expect.poll(identity).toMatch(/^(?!undefined)[0-9a-f]{64}$/);
    await settled(page);
    expect(await identity()).not.toBe(before);
    await expectCards(page, "one");
    await page.getByLabel("text").fill("by the second");
    await page.getByRole("form").getByRole("button").click();
    await list(page, "one").getByText("by the second").waitFor();
    expect([asked("card"), faults, await app(page, ({ errors }) => errors)]).toEqual([2, [], []]);
    await page.close();
  });

  test("the server is killed, and started again", async () => {
    const { page, faults } = await open("one tally add status");
    await settled(page);
    await expectCards(page, "one");
    const before = await list(page, "one").allInnerTexts();
    await served.killFront();
    await page.getByRole("status").getByText("waiting").waitFor();
    expect(await list(page, "one").allInnerTexts()).toEqual(before);
    const form = page.getByRole("form", { name: "add" });
    await form.getByLabel("text").fill("while it was away");
    await form.getByRole("button").click();
    await form.getByText("saving").waitFor();
    await served.start();
    await list(page, "one").getByText("while it was away").waitFor();
    await form.getByText("saved").waitFor();
    await settled(page);
    await expectCards(page, "one");
    expect([await app(page, ({ seen }) => seen.torn), faults]).toEqual([[], []]);
    await page.close();
  });

  test("the database's process is killed, and the page goes on", async () => {
    const { page, faults, asked } = await open("one add status");
    await settled(page);
    await expectCards(page, "one");
    expect(served.killHost()).toBeGreaterThan(0);
    const form = page.getByRole("form", { name: "add" });
    await form.getByLabel("text").fill("after the host");
    await form.getByRole("button").click();
    await list(page, "one").getByText("after the host").waitFor();
    await form.getByText("saved").waitFor();
    await expectCards(page, "one");
    expect([asked("card"), faults]).toEqual([1, []]);
    await page.close();
  });

  test("the network goes in the middle of a write: its outcome is unknown, and the rows say what it was", async () => {
    const relay = await Relay.open(served.url);
    const { page, faults } = await open("one add status", { server: relay.url });
    await settled(page);
    await expectCards(page, "one");
    const before = await list(page, "one").count();
    const form = page.getByRole("form", { name: "add" });
    await form.getByLabel("text").fill("done and not answered");
    relay.isDeaf = true;
    await form.getByRole("button").click();
    await form.getByText("saving").waitFor();
    await expect.poll(cards).toContain("done and not answered");
    // The browser's own offline mode leaves the sockets that there are: so they are cut.
    await browser.setOffline(true);
    relay.cut();
    await page.getByRole("status").getByText("waiting").waitFor();
    await form.getByRole("alert").getByText("may or may not have happened").waitFor();
    await form.getByText("saved").waitFor();
    // One that is made meanwhile waits, and is sent once.
    await form.getByLabel("text").fill("made while offline");
    await form.getByRole("button").click();
    await form.getByText("saving").waitFor();
    expect([await form.getByRole("alert").count(), await list(page, "one").count()]).toEqual([0, before]);
    relay.isDeaf = false;
    await browser.setOffline(false);
    await settled(page);
    await form.getByText("saved").waitFor();
    await list(page, "one").getByText("done and not answered").waitFor();
    await list(page, "one").getByText("made while offline").waitFor();
    await expectCards(page, "one");
    expect([await list(page, "one").count(), faults]).toEqual([before + 2, []]);
    await page.close();
    relay.close();
  });

  test("a page goes on from what its server has shown, without a flash, and with no connection too", async () => {
    await call("add_card", "all", "shown by a server");
    await call("add_note", "of </script> a <server>");
    const { render } = await built.renderer();
    const { html, rows } = await render(served.url, ["one", "waiting", "status"], 60_000);
    // A server of pages whose database is away does not wait for ever.
    await expect(render("http://127.0.0.1:9", ["one"], 1)).rejects.toMatchObject({ code: "ConnectionClosed" });
    const texts = await cards();
    expect(texts.filter((text) => !html.includes(`<li>${String(text)}</li>`))).toEqual([]);
    expect([html.includes("of &lt;/script&gt; a &lt;server&gt;"), rows.includes("<")]).toEqual([true, false]);
    built.pages.set(
      "/shown",
      `<div id="root">${html}</div><script type="application/json" id="rows">${rows}</script>
<script>
  const items = () => document.querySelectorAll("li").length;
  const least = { items: items() };
  const look = () => { least.items = Math.min(least.items, items()); };
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
</script>`,
    );
    const noServer = { server: "http://127.0.0.1:9" };
    const away = await open("one waiting status", noServer, "/shown");
    await away.page.getByRole("status").getByText("waiting").waitFor();
    await expectCards(away.page, "one");
    await show(away.page, "two"); // React has taken over
    expect((await list(away.page, "two").allInnerTexts()).toSorted()).toEqual(texts.toSorted());
    expect([await app(away.page, ({ errors }) => errors), away.faults]).toEqual([[], []]);

    await call("add_card", "all", "since it was shown");
    const { page, faults, asked } = await open("one waiting status", {}, "/shown");
    await list(page, "one").getByText("since it was shown").waitFor();
    await expectCards(page, "one");
    await page.getByText(/^notes: .*of <\/script> a <server>$/).waitFor();
    await call("add_note", "one more");
    await page.getByText(/^notes: .*one more/).waitFor();
    expect(await page.evaluate("least.items")).toBe(texts.length);
    expect([await app(page, ({ errors }) => errors), faults, asked("card"), asked("note")]).toEqual([[], [], 1, 1]);
    await Promise.all([page.close(), away.page.close()]);
  });

  test("the same by Vue, whose adapter has less than a hundred lines", async () => {
    const adapter = readFileSync(join(root, "examples/vue/lightcone.ts"), "utf8");
    expect(adapter.split("\n").length).toBeLessThan(100);
    const { page, faults, asked } = await open("", {}, "/vue");
    await expectCards(page, "one");
    await expectCards(page, "two");
    await page.getByRole("button", { name: "Add" }).click();
    await page.getByRole("alert").getByText("A card needs a text").waitFor();
    await page.getByLabel("text").fill("by Vue");
    await page.getByRole("button", { name: "Add" }).click();
    await list(page, "two").getByText("by Vue").waitFor();
    await page.getByText("saved").waitFor();
    expect([await page.getByRole("alert").count(), asked("card")]).toEqual([0, 1]);
    await page.getByText("show or hide").click();
    await page.getByText("show or hide").click();
    await expectCards(page, "one");
    expect(asked("card")).toBe(1);
    await page.getByText("show or hide").click();
    await expect.poll(() => app(page, ({ db }) => db.tables["card"]?.size)).toBe(0);
    expect(served.killHost()).toBeGreaterThan(0);
    await page.getByText("show or hide").click();
    await expectCards(page, "one");
    expect([asked("card"), await page.getByRole("status").innerText(), faults]).toEqual([2, "open", []]);
    await page.close();
  });

  test("a table that is made private is refused, to a page that shows it and to one that comes later", async () => {
    const { page } = await open("notes one");
    await page.getByText(/^\d ready fine/).waitFor();
    const later = join(folder, "later.ts");
    const text = readFileSync(modulePath, "utf8");
    const madePrivate = text.replace("const note = table({ public: true }", "const note = table({}");
    expect(madePrivate).not.toBe(text);
    writeFileSync(later, madePrivate);
    const { code } = await bundleModule(later);
    const plan = await served.request("POST", "/v1/database/board/pre_publish?host_type=Js", code);
    const { AutoMigrate }: { AutoMigrate: { token: string } } = JSON.parse(await plan.text());
    const query = `host_type=Js&policy=BreakClients&token=${encodeURIComponent(AutoMigrate.token)}`;
    const published = await served.request("PUT", `/v1/database/board?${query}`, code);
    expect([published.status, await published.text()]).toEqual([200, expect.stringContaining("Success")]);
    await page.getByText("0 not ready SubscriptionRefused").waitFor();
    await expectCards(page, "one");
    const { page: second } = await open("notes waiting one");
    await second.getByText(/0 not ready (VersionDiffers|SubscriptionRefused)/).waitFor();
    await second.getByRole("alert").waitFor();
    await expectCards(second, "one");
    await Promise.all([page.close(), second.close()]);
  });
});
