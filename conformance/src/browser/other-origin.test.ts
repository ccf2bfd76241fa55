// Goal: a page from anywhere, under a strict policy, has the rows of a server elsewhere: what the client asks over HTTP
// and WebSocket passes between origins, and nothing in it makes code from text.
// Method: a page built by Vite, served by a server of its own with a Content-Security-Policy without `eval`; a real
// database server on another port; Debian's Chromium. Skipped where there is no Chromium, and says so.
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium, type BrowserContext, type Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Served } from "../served.ts";

const browserPath = process.env["LIGHTCONE_CHROMIUM"] ?? "/usr/bin/chromium";
const root = fileURLToPath(new URL("../../../", import.meta.url));
const pageText = `import { connect } from "lightcone/client";
const uri = new URLSearchParams(location.search).get("server");
const say = (text) => document.body.append(Object.assign(document.createElement("p"), { textContent: text }));
const db = connect({ uri, database: "chat", token: new URLSearchParams(location.search).get("token") ?? undefined,
  onError: ({ code, message }) => say(code + ": " + message) });
db.tables.message.onInsert(({ text }) => say(text));
await db.subscribe(db.tables.message).applied;
await db.reducers.sendMessage({ text: "from another origin" });
try { new Function("")(); say("eval is allowed"); } catch { say("eval is forbidden"); }
`;
/** Keeps its rows in the browser. Its title is the client's state. */
const keptText = `import { connect, indexedDbStore, persist, webTokenStore } from "lightcone/client";
const uri = new URLSearchParams(location.search).get("server");
const say = (text) => document.body.append(Object.assign(document.createElement("p"), { textContent: text }));
const db = connect({ uri, database: "chat", tokenStore: webTokenStore(localStorage, "token"),
  persist: persist(indexedDbStore(), { afterMs: 10 }), onState: (state) => (document.title = state) });
db.tables.message.onInsert(({ text }) => say(text));
db.subscribe(db.tables.message);
globalThis.me = () => db.identity.toHexString();
globalThis.send = (text) => db.reducers.sendMessage({ text });
`;

describe.skipIf(!existsSync(browserPath))(`a page of another origin in Chromium (${browserPath})`, () => {
  const folder = mkdtempSync(join(tmpdir(), "lightcone-origin-"));
  const scripts = new Map<string, string>();
  let served: Served;
  let browser: BrowserContext;
  const pages = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const script = scripts.get(pathname);
    if (script !== undefined) response.setHeader("content-type", "text/javascript").end(script);
    else
      response
        .setHeader("content-type", "text/html")
        .setHeader("content-security-policy", "default-src 'none'; script-src 'self'; connect-src http: ws:")
        .end(
          `<!doctype html><body><script type="module" src="${pathname === "/" ? "/page" : pathname}.js"></script></body>`,
        );
  });

  beforeAll(async () => {
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(join(root, "packages/lightcone"), join(folder, "node_modules/lightcone"));
    for (const [name, text] of [
      ["page.js", pageText],
      ["kept.js", keptText],
    ] as const) {
      writeFileSync(join(folder, name), text);
      const built = await build({
        root: folder,
        logLevel: "error",
        configFile: false,
        build: { write: false, lib: { entry: join(folder, name), formats: ["es"] } },
      });
      for (const { output } of Array.isArray(built) ? built : []) scripts.set(`/${name}`, output[0].code);
    }
    served = await Served.open();
    await served.publishTypeScript("chat", "chat");
    pages.listen(0, "127.0.0.1");
    await once(pages, "listening");
    browser = await chromium.launchPersistentContext(join(folder, "profile"), {
      executablePath: browserPath,
      args: ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"],
    });
    browser.setDefaultTimeout(20_000);
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    pages.close();
    await served?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 30_000);

  const address = (query: string, path = ""): string =>
    `http://localhost:${(pages.address() as AddressInfo).port}/${path}?server=${encodeURIComponent(served.url)}${query}`;

  test("row 15: rows and calls, with and without a token", async () => {
    for (const query of ["", `&token=${served.token}`]) {
      const page = await browser.newPage();
      const faults: string[] = [];
      page.on("pageerror", (error) => faults.push(error.message));
      await page.goto(address(query));
      await page.getByText("from another origin").first().waitFor();
      await page.getByText("eval is forbidden").waitFor();
      expect(faults).toEqual([]);
      await page.close();
    }
  });

  test("row 32: a token that is not believed is told as what it is", async () => {
    const page = await browser.newPage();
    await page.goto(address("&token=not.a.token"));
    expect(await page.locator("p").first().innerText()).toMatch(/^Unauthorized: ./);
    await page.close();
  });

  const send = (page: Page, text: string): Promise<void> => page.evaluate(`send(${JSON.stringify(text)})`);
  const hasSaid = (page: Page, text: string): Promise<void> => page.getByText(text, { exact: true }).waitFor();
  const isOpen = (page: Page): Promise<void> => expect.poll(() => page.title()).toBe("open");
  /** Waits until a text is among the rows that the browser keeps. */
  const isKept = (page: Page, text: string): Promise<void> =>
    expect
      .poll(() =>
        page.evaluate(
          `new Promise((resolve) => { const open = indexedDB.open("lightcone"); open.onsuccess = () => {
            const all = open.result.transaction("rows").objectStore("rows").getAll();
            all.onsuccess = () => { open.result.close(); resolve(all.result.some((bytes) => new TextDecoder("latin1").decode(bytes).includes(${JSON.stringify(text)}))); };
          }; })`,
        ),
      )
      .toBe(true);

  test("issue 10, kept rows: two tabs keep theirs in IndexedDB, and a reload shows them without a server", async () => {
    const [one, two] = [await browser.newPage(), await browser.newPage()];
    for (const page of [one, two]) {
      await page.goto(address("", "kept"));
      await isOpen(page);
    }
    await send(one, "kept by both");
    await send(two, "and this");
    for (const page of [one, two]) await hasSaid(page, "and this");
    await isKept(one, "and this");
    await served.stopFront();
    await one.reload();
    await hasSaid(one, "kept by both");
    await hasSaid(one, "and this");
    expect(await one.title()).not.toBe("open");
    await served.start();
    await isOpen(one);
    await send(one, "back again");
    for (const page of [one, two]) await hasSaid(page, "back again");
    expect(await one.getByText("kept by both", { exact: true }).count()).toBe(1);
    for (const page of [one, two]) await page.close();
  });

  test("issue 10: two tabs at once on a first visit are one identity, and stay it", async () => {
    const tabs = await Promise.all([0, 1].map(() => browser.newPage()));
    const identities = (): Promise<unknown[]> => Promise.all(tabs.map((page) => page.evaluate("me()")));
    await tabs[0]?.goto(address("", "blank"));
    await tabs[0]?.evaluate("localStorage.clear()");
    await Promise.all(tabs.map((page) => page.goto(address("", "kept"))));
    for (const page of tabs) await isOpen(page);
    const [one, two] = await identities();
    expect(two).toBe(one);
    await Promise.all(tabs.map((page) => page.reload()));
    for (const page of tabs) await isOpen(page);
    expect(await identities()).toEqual([one, one]);
    for (const page of tabs) await page.close();
  });

  test("issue 10, kept rows: with a full quota the page works, and says so once", async () => {
    const page = await browser.newPage();
    const warned: string[] = [];
    page.on("console", (line) => {
      if (line.type() === "warning") warned.push(line.text());
    });
    const devTools = await browser.newCDPSession(page);
    const own = address("", "kept").replace("localhost", "127.0.0.1");
    const { origin } = new URL(own);
    // Before the page has opened its store: Chromium asks for room ahead.
    await devTools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 20_000 });
    await page.goto(own);
    await isOpen(page);
    await send(page, "before the quota");
    await isKept(page, "before the quota");
    await send(page, "over the quota ".repeat(100_000));
    await expect.poll(() => warned.filter((text) => text.includes("they cannot be written"))).toHaveLength(1);
    await send(page, "and on it goes");
    await hasSaid(page, "and on it goes");
    await devTools.send("Storage.overrideQuotaForOrigin", { origin });
    await page.close();
  });
});
