// Goal: every page of the documentation can be read, on a phone too, and what it has is found.
// Method: the site as `npm run docs` builds it, from files alone; each page in Chromium at the widths of a phone and of
// a screen: nothing is wider than the window, nothing goes wrong by itself, and nothing is asked of another host.
// Skipped where there is no Chromium, and says so.
import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { browserPath, hasBrowser, openBrowser } from "./project.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "lightcone-site-"));
const built = join(folder, "site");
const kinds: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

/** A folder of files behind addresses without endings, as any web server has them. */
const server = createServer((request, response) => {
  const path = join(built, decodeURIComponent(new URL(request.url ?? "", "http://site").pathname));
  const file = [path, `${path}.html`, join(path, "index.html")].find(
    (each) => existsSync(each) && statSync(each).isFile(),
  );
  if (file === undefined) return void response.writeHead(404).end();
  response.writeHead(200, { "content-type": kinds[extname(file)] ?? "application/octet-stream" });
  response.end(readFileSync(file));
});

beforeAll(() => {
  execFileSync(process.execPath, [join(root, "scripts/run.mjs"), "docs", "--outDir", built], { cwd: root });
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

test("each page of docs/ is there", () => {
  const pages = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".md"),
  );
  expect(pages.length).toBeGreaterThan(20);
  expect(pages.filter((name) => !existsSync(join(built, name.replace(/\.md$/, ".html"))))).toEqual([]);
});

test("a link to a place that is not there is said", () => {
  const check = (href: string): string => {
    const pages = join(folder, "links");
    mkdirSync(pages, { recursive: true });
    writeFileSync(join(pages, "a.html"), `<a class="x" href="${href}">there</a>`);
    writeFileSync(join(pages, "b.html"), `<h2 id="a-place">there</h2>`);
    const links = JSON.stringify(join(root, "site/.vitepress/links.ts"));
    const text = `import { checkLinks } from ${links}; checkLinks(${JSON.stringify(pages)});`;
    const run = spawnSync(process.execPath, ["--input-type=module", "-e", text], { encoding: "utf8" });
    return run.stdout + run.stderr;
  };
  expect(check("/b#a-place")).toBe("site: 2 pages, 1 links\n");
  expect(check("/b#nowhere")).toContain("/a: /b has no place #nowhere");
  expect(check("./c")).toContain("/a: there is no ./c");
});

describe.skipIf(!hasBrowser)(`pages of the documentation in Chromium (${browserPath})`, () => {
  let browser: Browser;
  let page: Page;
  let url: string;
  const faults: string[] = [];

  beforeAll(async () => {
    await once(server.listen(0, "127.0.0.1"), "listening");
    const address = server.address();
    url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
    browser = await openBrowser();
    page = await browser.newPage({ reducedMotion: "reduce" });
    page.on("pageerror", (error) => faults.push(`${page.url()}: ${error.message}`));
    page.on("console", (line) => {
      if (["error", "warning"].includes(line.type())) faults.push(`${page.url()}: ${line.text()}`);
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(url) && !request.url().startsWith("data:")) faults.push(`asks ${request.url()}`);
    });
  });
  afterAll(() => browser?.close());

  test("each is as wide as the window, and nothing goes wrong in it", async () => {
    const names = readdirSync(built, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".html") && name !== "404.html")
      .map((name) => name.replace(/(index)?\.html$/, ""));
    expect(names.length).toBeGreaterThan(20);
    const wide: string[] = [];
    const plain = await browser.newPage({ javaScriptEnabled: false });
    for (const name of names) {
      // Decisions are many, and alike: what is asked of them is that they can be read.
      const at = name.startsWith("decisions/") ? plain : page;
      await at.goto(`${url}/${name}`);
      for (const width of [1280, 390]) {
        await at.setViewportSize({ width, height: 800 });
        const needed = await at.evaluate<number>("document.documentElement.scrollWidth");
        if (needed > width) wide.push(`/${name} needs ${needed} of ${width}`);
      }
      expect(await at.title(), name).toMatch(/Lightcone/);
    }
    expect(wide).toEqual([]);
    expect(faults).toEqual([]);
  });

  test("the search finds autoInc, and leads there", async () => {
    await page.setViewportSize({ width: 390, height: 800 });
    await page.goto(`${url}/quick-start`);
    await page.getByRole("button", { name: /search/i }).click();
    await page.getByRole("searchbox").fill("autoInc");
    await page.getByRole("option").first().click();
    await page.waitForURL(/\/(modules|api)/);
    await page.getByText("autoInc").first().waitFor({ state: "attached" });
    expect(faults).toEqual([]);
  });

  test("the menu of a phone, and the dark", async () => {
    await page.goto(`${url}/quick-start`);
    await page.getByRole("button", { name: /^menu$/i }).click();
    await page.getByRole("complementary").getByRole("link", { name: /SQL/ }).first().click();
    await page.waitForURL(/\/sql/);
    await page.setViewportSize({ width: 1280, height: 800 });
    const background = () => page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
    const light = await background();
    await page.getByRole("switch", { name: /dark/i }).first().click();
    expect(await background()).not.toBe(light);
    expect(faults).toEqual([]);
  });
});
