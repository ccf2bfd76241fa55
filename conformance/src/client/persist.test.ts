// Goal: issue 10, §1 "Cache persisted on request". A client that keeps its rows shows them at its next start before there is a connection, and goes on
// from them; nobody else sees them, and a store that fails, or holds what is damaged or of another schema, costs nothing else.
// Method: a real server behind a line that is cut, rows in files; each start is a client of its own.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  fileStore,
  optimistic,
  persist,
  type Optimistic,
  type PersistOptions,
  type RowsStore,
  type TokenStore,
} from "lightcone/client";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { Served } from "../served.ts";
import type * as desk from "./modules/desk.ts";
import { program } from "./arena.ts";
import { Away, Line } from "./away.ts";

let served: Served;
let line: Line;
let folder: string;
let database = "";
let file = "";
let token: string | undefined;
let count = 0;
const pages: Away[] = [];
const warned = vi.spyOn(console, "warn").mockImplementation(() => undefined);

beforeAll(async () => {
  served = await Served.open();
  line = await Line.to(served.url);
  folder = await mkdtemp(join(tmpdir(), "lightcone-persist-"));
});
afterEach(() => {
  for (const page of pages.splice(0)) page.db.close();
  warned.mockClear();
});
afterAll(async () => {
  warned.mockRestore();
  line.close();
  await served.stop();
  await rm(folder, { recursive: true });
});

const tokens: TokenStore = {
  get: () => token,
  set: (next) => void (token = next),
  remove: () => void (token = undefined),
};

/** Starts a client. @param isAway whether there is no network */
function start(
  isAway = false,
  store: RowsStore = fileStore(file),
  options: PersistOptions = {},
  guesses?: Optimistic,
  schema?: object,
): Away {
  if (isAway) line.cut();
  else line.mend();
  const kept = persist(store, { afterMs: 10, ...options });
  const page = new Away(line, database, {
    tokenStore: tokens,
    persist: kept,
    ...(guesses === undefined ? {} : { optimistic: guesses }),
    ...(schema === undefined ? {} : { schema }),
  });
  pages.push(page);
  return page;
}

/** A database with notes, and a file with what a page had of it. */
async function keep(text = "SELECT * FROM note"): Promise<void> {
  count += 1;
  database = `kept-${count}`;
  file = join(folder, `${count}.rows`);
  token = undefined;
  await served.publish(database, await program("desk"), "Js");
  await put(1, "one");
  await put(2, "two");
  const page = start();
  await page.db.subscribe(text).applied;
  await page.db.reducers.hide({ id: 1, text: "secret" });
  page.db.close();
  await written(2);
}

const put = async (id: number, text: string): Promise<void> => {
  const answer = await served.call(database, "put", JSON.stringify([id, 1, text]));
  expect(answer.status).toBe(200);
};
/** Waits until the file has what was in that many notes. */
const written = (notes: number): Promise<void> =>
  vi.waitFor(async () => {
    const text = (await readFile(file)).toString("latin1");
    expect(["one", "two", "three"].filter((each) => text.includes(each))).toHaveLength(notes);
  });
/** Rows that are there before any connection is. */
const shown = (page: Away, notes: readonly (readonly [number, string])[]): Promise<void> =>
  vi.waitFor(() => expect(page.notes).toEqual(notes));

describe("issue 10, kept rows", () => {
  test("are shown at once, without a network, and then only the difference travels", async () => {
    await keep();
    await put(3, "three");
    await put(1, "");
    const page = start(true);
    await shown(page, [
      [1, "one"],
      [2, "two"],
    ]);
    expect(page.db.state).not.toBe("open");
    expect(page.told).toEqual(["note +1", "note +2"]);
    const two = page.db.tables.note.get(2);
    const subscription = page.db.subscribe("SELECT * FROM note");
    page.told.length = 0;
    await page.back();
    await subscription.applied;
    expect(page.kinds).toEqual(["InitialConnection", "Resumed"]);
    expect(page.told.toSorted()).toEqual(["note +3", "note -1"]);
    expect(page.db.tables.note.get(2)).toBe(two);
    // And what it has now is kept in its turn: until it is, the file has two notes as well.
    await vi.waitFor(async () => expect((await readFile(file)).toString("latin1")).toContain("three"));
    page.db.close();
    const next = start(true);
    await shown(next, [
      [2, "two"],
      [3, "three"],
    ]);
  });

  test("say who the caller is: what it does without a network is seen on top of them", async () => {
    await keep();
    const before = pages.at(-1)?.db.identity?.toHexString();
    const page = start(
      true,
      fileStore(file),
      {},
      optimistic<typeof desk>({
        put: (ctx, note) => void ctx.db.note.insert({ ...note, text: `${note.text} of ${ctx.sender.toHexString()}` }),
      }),
    );
    await shown(page, [
      [1, "one"],
      [2, "two"],
    ]);
    expect(page.db.identity?.toHexString()).toBe(before);
    expect(before).toMatch(/^c200/);
    page.db.subscribe("SELECT * FROM note");
    const made = page.db.reducers.put({ id: 3, room: 1, text: "three" });
    expect(page.db.tables.note.get(3)?.text).toBe(`three of ${before}`);
    await page.back();
    await made;
    expect([page.db.tables.note.get(3)?.text, page.db.identity?.toHexString()]).toEqual(["three", before]);
    expect(warned).not.toHaveBeenCalled();
  });

  test("of what the page does not subscribe to any more leave once it is connected", async () => {
    await keep();
    const page = start(true);
    await shown(page, [
      [1, "one"],
      [2, "two"],
    ]);
    page.db.subscribe("SELECT * FROM note WHERE id = 2");
    await page.back();
    await shown(page, [[2, "two"]]);
    expect(page.told).toEqual(["note +1", "note +2", "note -1"]);
  });

  test("are shown to nobody else", async () => {
    await keep();
    for (const other of [undefined, served.token]) {
      token = other;
      const page = start(true);
      await page.back();
      await page.db.query("SELECT * FROM room");
      expect([page.told, page.notes]).toEqual([[], []]);
      page.db.close();
    }
  });

  test("of another schema come anew, and nothing is said to differ", async () => {
    await keep();
    const next = await program("desk-next");
    const path = `/v1/database/${database}`;
    const planned = await served.request("POST", `${path}/pre_publish?host_type=Js`, next);
    const { AutoMigrate: plan }: { AutoMigrate?: { token: string } } = JSON.parse(await planned.text());
    const query = `host_type=Js&policy=BreakClients&token=${encodeURIComponent(plan?.token ?? "")}`;
    expect((await served.request("PUT", `${path}?${query}`, next)).status).toBe(200);
    const page = start(true);
    await shown(page, [
      [1, "one"],
      [2, "two"],
    ]);
    await page.back();
    await page.db.subscribe("SELECT * FROM note").applied;
    expect(page.resumed ?? []).toEqual([]);
    expect(page.notes).toEqual([
      [1, "one"],
      [2, "two"],
    ]);
    expect(page.errors).toEqual([]);
  });

  test("are shown and stay kept when what the page was built with is out of reach as well", async () => {
    await keep();
    const load = (): Promise<never> => Promise.reject(new Error("there is no network"));
    for (let times = 0; times < 2; times += 1) {
      const page = start(true, fileStore(file), {}, undefined, { hash: 1, load });
      await shown(page, [
        [1, "one"],
        [2, "two"],
      ]);
      page.db.close();
    }
    expect(warned).not.toHaveBeenCalled();
  });

  test.each([
    { how: "cut short", damage: (bytes: Buffer) => bytes.subarray(0, bytes.length - 3) },
    {
      how: "turned over in the middle",
      damage: (bytes: Buffer) => bytes.fill(0x5a, bytes.length - 20, bytes.length - 15),
    },
    { how: "empty", damage: () => Buffer.alloc(0) },
    { how: "something else", damage: () => Buffer.from("not rows at all") },
  ])("that are $how are let go of, once said, and kept anew", async ({ damage }) => {
    await keep();
    await writeFile(file, damage(await readFile(file)));
    const page = start();
    await page.db.subscribe("SELECT * FROM note").applied;
    expect(page.notes).toHaveLength(2);
    expect(warned.mock.calls.map(([text]) => String(text).slice(0, 90))).toEqual([
      expect.stringMatching(/^lightcone: rows of kept-\d+ are not kept for the next start: they are let go of/),
    ]);
    await written(2);
  });

  test("that cannot be written or read cost nothing else, and that is said once", async () => {
    await keep();
    const full = async (): Promise<never> => {
      throw new Error("the quota has been exceeded");
    };
    const page = start(false, { load: full, save: full, remove: full });
    await page.db.subscribe("SELECT * FROM note").applied;
    await put(3, "three");
    await put(4, "four");
    await shown(page, [
      [1, "one"],
      [2, "two"],
      [3, "three"],
      [4, "four"],
    ]);
    await vi.waitFor(() => expect(warned.mock.calls).toHaveLength(2));
    expect(page.errors).toEqual([]);
  });

  test("keptBytesMax: what is more is not kept, and what was there before is not either", async () => {
    await keep();
    const page = start(false, fileStore(file), { bytesMax: 200 });
    await page.db.subscribe("SELECT * FROM note").applied;
    await vi.waitFor(async () => expect(await readFile(file).catch(() => "none")).toBe("none"));
    expect(String(warned.mock.calls[0]?.[0])).toContain("more than 200 bytes");
  });

  test("of two clients with one file are of one of them, and good", async () => {
    await keep();
    const both = [start(), start()];
    await both[0]?.db.subscribe("SELECT * FROM note").applied;
    await both[1]?.db.subscribe("SELECT * FROM note WHERE id = 1").applied;
    for (let round = 0; round < 20; round += 1) await put(1, `one ${round}`);
    await vi.waitFor(() => expect(both.map((page) => page.drawn.get(1))).toEqual(["one 19", "one 19"]));
    for (const each of both) each.db.close();
    const page = start(true);
    await vi.waitFor(() => expect(page.drawn.get(1)).toMatch(/^one/));
    page.db.subscribe("SELECT * FROM note WHERE id < 3");
    await page.back();
    await shown(page, [
      [1, "one 19"],
      [2, "two"],
    ]);
    expect(warned.mock.calls).toEqual([]);
  });
});
