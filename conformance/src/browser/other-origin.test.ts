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
import { chromium, type BrowserContext } from "playwright-core";
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

describe.skipIf(!existsSync(browserPath))(`a page of another origin in Chromium (${browserPath})`, () => {
  const folder = mkdtempSync(join(tmpdir(), "lightcone-origin-"));
  let script = "";
  let served: Served;
  let browser: BrowserContext;
  const pages = createServer((request, response) => {
    if (request.url?.startsWith("/page.js") === true) response.setHeader("content-type", "text/javascript").end(script);
    else
      response
        .setHeader("content-type", "text/html")
        .setHeader("content-security-policy", "default-src 'none'; script-src 'self'; connect-src http: ws:")
        .end(`<!doctype html><body><script type="module" src="/page.js"></script></body>`);
  });

  beforeAll(async () => {
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(join(root, "packages/lightcone"), join(folder, "node_modules/lightcone"));
    writeFileSync(join(folder, "page.js"), pageText);
    const built = await build({
      root: folder,
      logLevel: "error",
      configFile: false,
      build: { write: false, lib: { entry: join(folder, "page.js"), formats: ["es"] } },
    });
    for (const { output } of Array.isArray(built) ? built : []) script = output[0].code;
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

  const address = (query: string): string =>
    `http://localhost:${(pages.address() as AddressInfo).port}/?server=${encodeURIComponent(served.url)}${query}`;

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
});
