// Goal: what the README promises a stranger: two windows chat, the server is killed and started again, and the
// page finds its way back by itself with every message.
// Method: the chat as `npm start` serves it, in a process of its own; Debian's Chromium, steered from outside.
// Skipped where there is no Chromium, and says so.
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium, type BrowserContext, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const browserPath = process.env["LIGHTCONE_CHROMIUM"] ?? "/usr/bin/chromium";
const browserArgs = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const main = fileURLToPath(new URL("../../../packages/cli/src/main.ts", import.meta.url));

/** The demo on one data directory and, from its second start on, one port. */
class Demo {
  private readonly folder: string;
  private child: ChildProcess | undefined;
  url = "";

  constructor(folder: string) {
    this.folder = folder;
  }

  async start(): Promise<void> {
    const address = this.url === "" ? "127.0.0.1:0" : new URL(this.url).host;
    const args = [main, "demo", "--data-dir", join(this.folder, "data"), "--listen-addr", address];
    const env = { ...process.env, XDG_CONFIG_HOME: join(this.folder, "config"), NO_COLOR: "1" };
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"], env });
    this.child = child;
    const url = await new Promise<string>((resolve, reject) => {
      child.once("exit", (code) => reject(new Error(`the demo ended with ${code} before it listened`)));
      createInterface({ input: child.stdout }).on("line", (line) => {
        const found = /Chat +(\S+)/.exec(line)?.[1];
        if (found !== undefined) resolve(found);
      });
    });
    this.url = url;
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await gone;
  }
}

const said = (page: Page, text: string) => page.getByRole("log").getByText(text, { exact: true });
const state = (page: Page, text: string) => page.getByRole("status").getByText(text, { exact: true });

async function comeIn(page: Page, url: string, name: string): Promise<void> {
  await page.goto(url);
  await page.getByLabel("What should people call you?").fill(name);
  await page.getByRole("button", { name: "Come in" }).click();
  await page.getByLabel("Message", { exact: true }).waitFor();
}

async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.keyboard.press("Enter");
}

describe.skipIf(!existsSync(browserPath))(`the chat's page in Chromium (${browserPath})`, () => {
  let folder: string;
  let demo: Demo;
  let browser: BrowserContext;
  /** What went wrong in a page by itself. That the server is away shows there too, and is no fault. */
  const faults: string[] = [];

  async function openWindow(): Promise<Page> {
    const page = await browser.newPage();
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("console", (line) => {
      if (line.type() === "error" && !/ERR_CONNECTION|WebSocket connection/.test(line.text())) faults.push(line.text());
    });
    return page;
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lightcone-browser-"));
    demo = new Demo(folder);
    await demo.start();
    browser = await chromium.launchPersistentContext(join(folder, "profile"), {
      executablePath: browserPath,
      args: browserArgs,
    });
    browser.setDefaultTimeout(20_000);
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await demo?.end("SIGTERM");
    await rm(folder, { recursive: true, force: true });
  }, 30_000);

  test("two windows chat, and go on after kill -9 and a restart", async () => {
    const [ada, grace] = [await openWindow(), await openWindow()];
    await comeIn(ada, demo.url, "Ada");
    await comeIn(grace, demo.url, "Grace");

    // Names: each sees the other, and itself as "you".
    const people = ada.getByRole("region", { name: "Here now" });
    await people.getByText("Grace", { exact: true }).waitFor();
    await people.getByText("(you)").waitFor();

    // A message each way, under the name of who said it.
    await say(ada, "Is anyone there?");
    await said(grace, "Is anyone there?").waitFor();
    await say(grace, "Right here.");
    await said(ada, "Right here.").waitFor();
    expect(
      await grace.getByRole("log").getByRole("listitem").filter({ hasText: "Is anyone there?" }).innerText(),
    ).toContain("Ada");

    // The server goes, as in a power cut. The pages say so and keep what they have.
    await demo.end("SIGKILL");
    await state(ada, "reconnecting").waitFor();
    await state(grace, "reconnecting").waitFor();
    await say(ada, "Said while nobody listened.");
    expect(await said(grace, "Right here.").count()).toBe(1);

    // It comes back; nobody touches the pages.
    await demo.start();
    await state(ada, "live").waitFor();
    await state(grace, "live").waitFor();
    await said(grace, "Said while nobody listened.").waitFor();
    await say(grace, "Welcome back.");
    await said(ada, "Welcome back.").waitFor();
    const all = ["Is anyone there?", "Right here.", "Said while nobody listened.", "Welcome back."];
    for (const page of [ada, grace]) {
      for (const text of all) await expect.poll(() => said(page, text).count(), { message: text }).toBe(1);
    }

    // A window that was reloaded is still the same person.
    await ada.reload();
    await said(ada, "Welcome back.").waitFor();
    await ada.getByRole("region", { name: "Here now" }).getByText("(you)").waitFor();
    expect(await ada.getByLabel("Message", { exact: true }).isVisible()).toBe(true);
    expect(await ada.getByRole("listitem").filter({ hasText: "(you)" }).innerText()).toContain("Ada");
  });

  test("a window may say who it is, and rename itself", async () => {
    const page = await openWindow();
    await page.goto(`${demo.url}?as=Emmy`);
    await page.getByLabel("Message", { exact: true }).waitFor();
    const own = page.getByRole("listitem").filter({ hasText: "(you)" });
    await own.getByText("Emmy", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Change your name" }).click();
    await page.getByLabel("Name", { exact: true }).fill("Noether");
    await page.getByRole("button", { name: "Save" }).click();
    await own.getByText("Noether", { exact: true }).waitFor();
    expect(await own.innerText()).not.toContain("Emmy");
  });

  test("a page whose database is not there says so, and stops asking", async () => {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    await page.goto(`${demo.url}?db=nowhere`);
    await page.getByRole("alert").getByText("there is no database `nowhere`").waitFor();
    let asked = 0;
    page.on("request", () => (asked += 1));
    page.on("websocket", () => (asked += 1));
    await page.waitForTimeout(1000);
    expect([asked, errors]).toEqual([0, []]);
  });

  test("nothing went wrong in any page", () => {
    expect(faults).toEqual([]);
  });
});
