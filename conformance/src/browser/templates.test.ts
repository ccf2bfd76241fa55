// Goal: issue 10, the loop: each template is what a stranger begins with: `init`, `dev`, and two windows that share what they do,
// whatever becomes of the network, of the database's process and of the server meanwhile.
// Method: the commands as they are typed, Vite as it is, Debian's Chromium with its own offline mode, steered from outside, at a
// phone's width. Skipped where there is no Chromium, and says so.
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { browserPath, hasBrowser, openBrowser, openWindow, Project, type Window } from "./project.ts";

const faults: string[] = [];
let browser: Browser;
beforeAll(async () => {
  if (hasBrowser) browser = await openBrowser();
});
afterAll(() => browser?.close());

const windows: Window[] = [];
async function windowAt(url: string): Promise<Window> {
  const window = await openWindow(browser, url, faults);
  windows.push(window);
  return window;
}
afterEach(async () => {
  await Promise.all(windows.splice(0).map((window) => window.close()));
});

const state = (page: Page, text: string) => page.getByRole("status").getByText(text, { exact: true });
/** Nothing of a page is wider than a phone. */
const overflow = (page: Page): Promise<number> =>
  page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");

describe.skipIf(!hasBrowser)(`template todo in Chromium (${browserPath})`, () => {
  let project: Project;
  let deployed = "";
  beforeAll(async () => {
    project = await Project.init("todo");
    [deployed] = await Promise.all([project.preview(), project.dev()]);
  });
  afterAll(() => project?.close());

  const task = (page: Page, text: string) => page.getByRole("list", { name: "Tasks" }).getByText(text, { exact: true });
  async function add(page: Page, text: string): Promise<void> {
    await page.getByLabel("New task").fill(text);
    await page.keyboard.press("Enter");
  }

  test("two people share a list, over a network that is cut, a process that is killed and a server that starts anew", async () => {
    const [ann, ben] = [await windowAt(deployed), await windowAt(deployed)];
    await ann.page.goto("/");
    await ann.page.getByLabel("Your name").fill("Ann");
    await ann.page.getByLabel("Its title").fill("Groceries");
    await ann.page.getByRole("button", { name: "Begin" }).click();
    await add(ann.page, "milk");
    await task(ann.page, "milk").waitFor();

    // Ben sees nothing of it until he has the invitation, which the owner of the database looks up for him.
    await ben.page.goto("/");
    await ben.page.getByRole("heading", { name: "A new list" }).waitFor();
    const invitation = /"(\w{16})"/.exec(project.run(project.folder, "sql", "SELECT invitation FROM list"))?.[1] ?? "";
    await ben.page.goto(`/?join=${invitation}`);
    await ben.page.getByLabel("Your name").fill("Ben");
    await ben.page.getByRole("button", { name: "Begin" }).click();
    await task(ben.page, "milk").waitFor();
    await ann.page.getByText("Ann (owner), Ben").waitFor();
    expect(await overflow(ben.page)).toBe(0);

    // Ann's network goes in the middle of what she writes. It shows at once, and is there for both when it is back.
    await ann.cut();
    await state(ann.page, "offline").waitFor();
    await add(ann.page, "bread");
    await add(ann.page, "butter");
    await task(ann.page, "butter").waitFor();
    expect(await ann.page.getByText("not saved yet").count()).toBe(2);
    await add(ben.page, "eggs");
    await task(ben.page, "eggs").waitFor();
    expect(await task(ben.page, "bread").count()).toBe(0);
    await ann.mend();
    for (const { page } of [ann, ben])
      for (const text of ["milk", "bread", "butter", "eggs"]) await task(page, text).waitFor();
    await expect.poll(() => ann.page.getByText("not saved yet").count()).toBe(0);

    // Ann's laptop sleeps. When it wakes, its connection is dead, and nothing has told it so. She only looks.
    await ann.sleep();
    await add(ben.page, "rice");
    await task(ben.page, "rice").waitFor();
    await ann.wake();
    await task(ann.page, "rice").waitFor();
    await add(ann.page, "tea");
    for (const { page } of [ann, ben]) for (const text of ["rice", "tea"]) await task(page, text).waitFor();

    // The database's process is killed: nobody need do anything.
    for (const pid of project.hosts()) process.kill(pid, "SIGKILL");
    await add(ben.page, "salt");
    await task(ann.page, "salt").waitFor();

    // All of it is killed, and started again.
    await project.end("SIGKILL");
    await state(ben.page, "offline").waitFor();
    await project.dev();
    for (const { page } of [ann, ben]) await state(page, "live").waitFor();
    await add(ann.page, "pepper");
    for (const { page } of [ann, ben])
      for (const text of ["milk", "bread", "butter", "eggs", "rice", "tea", "salt", "pepper"])
        await expect.poll(() => task(page, text).count(), { message: text }).toBe(1);
  });

  test("an edit of the module and of the page is live, and a broken one changes nothing", async () => {
    const { page } = await windowAt(project.url);
    await page.goto("/");
    const refusal = async (): Promise<string> => {
      await page.getByLabel("Your name").fill("Eve");
      await page.getByLabel("Its title").fill("x".repeat(30));
      await page.getByRole("button", { name: "Begin" }).click();
      return page.getByRole("alert").innerText();
    };
    let from = project.out.length;
    project.edit("module/src/index.ts", "const textLengthMax = 200;", "const textLengthMax = 20;");
    await project.saying(/Published successfully![^]*Waiting/, from);
    await expect.poll(refusal).toContain("at most 20 characters");
    from = project.out.length;
    project.edit("module/src/index.ts", "const textLengthMax = 20;", 'const textLengthMax = "many";');
    await project.saying(/src\/index\.ts\(\d+,\d+\): error[^]*Waiting/, from);
    expect(await refusal()).toContain("at most 20 characters");
    project.edit("module/src/index.ts", '"many"', "200");
    project.edit("page/index.html", "<h1>To do</h1>", "<h1>Things</h1>");
    await page.getByRole("heading", { name: "Things" }).waitFor();
  });
});

describe.skipIf(!hasBrowser)(`template react in Chromium (${browserPath})`, () => {
  let project: Project;
  let deployed = "";
  beforeAll(async () => {
    project = await Project.init("react");
    [deployed] = await Promise.all([project.preview(), project.dev()]);
  });
  afterAll(() => project?.close());

  test("two windows share notes, over a network that is cut", async () => {
    const [ann, ben] = [await windowAt(deployed), await windowAt(deployed)];
    for (const { page } of [ann, ben]) await page.goto("/");
    const note = (page: Page, text: string) => page.getByRole("listitem").filter({ hasText: text });
    const add = async (page: Page, text: string): Promise<void> => {
      await page.getByLabel("A note").fill(text);
      await page.getByRole("button", { name: "Add" }).click();
    };
    await add(ann.page, "one");
    await note(ben.page, "one").waitFor();
    await ann.cut();
    await state(ann.page, "offline").waitFor();
    await add(ann.page, "two");
    await add(ben.page, "three");
    await note(ben.page, "three").waitFor();
    await ann.mend();
    for (const { page } of [ann, ben])
      for (const text of ["one", "two", "three"]) await expect.poll(() => note(page, text).count()).toBe(1);
    // Only who wrote a note may remove it.
    expect(await ben.page.getByRole("button", { name: "Remove one" }).count()).toBe(0);
    await ann.page.getByRole("button", { name: "Remove one" }).click();
    await note(ben.page, "one").waitFor({ state: "detached" });
    await add(ann.page, "  ");
    await ann.page.getByRole("alert").getByText("A note needs a text").waitFor();
    expect(await overflow(ann.page)).toBe(0);
  });

  test("an edited component is live, and the page keeps what is typed in it", async () => {
    const { page } = await windowAt(project.url);
    await page.goto("/");
    await page.getByLabel("A note").fill("half a th");
    project.edit("page/app.tsx", "<h1>Notes</h1>", "<h1>Our notes</h1>");
    await page.getByRole("heading", { name: "Our notes" }).waitFor();
    expect(await page.getByLabel("A note").inputValue()).toBe("half a th");
  });
});

describe.skipIf(!hasBrowser)(`template game in Chromium (${browserPath})`, () => {
  let project: Project;
  let deployed = "";
  beforeAll(async () => {
    project = await Project.init("game");
    [deployed] = await Promise.all([project.preview(), project.dev()]);
  });
  afterAll(() => project?.close());

  const places = () => project.rows("SELECT place.* FROM place JOIN player ON place.id = player.id");

  test("who plays moves, is gone with the network, and goes on with it", async () => {
    const [ann, ben] = [await windowAt(deployed), await windowAt(deployed)];
    for (const [who, { page }] of [
      ["Ann", ann],
      ["Ben", ben],
    ] as const) {
      await page.goto("/");
      await page.getByLabel("What should people call you?").fill(who);
      await page.getByRole("button", { name: "Play" }).click();
      await page.locator("form").waitFor({ state: "hidden" });
    }
    const before = await places();
    expect(before).toHaveLength(2);
    await ann.page.keyboard.down("ArrowRight");
    await expect.poll(places).not.toEqual(before);
    await ann.page.keyboard.up("ArrowRight");
    await ann.cut();
    await state(ann.page, "offline").waitFor();
    await expect.poll(places).toHaveLength(1);
    await ann.mend();
    await expect.poll(places).toHaveLength(2);
    expect(await overflow(ann.page)).toBe(0);
  });
});

test.skipIf(!hasBrowser)("nothing went wrong in any page", () => {
  expect(faults).toEqual([]);
});
