// Goal: issue 10, §1 "Real networks". A client that comes back gets the difference alone, as long as the server knows it; callbacks run for
// the net change, nothing blinks. Where the server does not know it, or the client might see what is not its own, all rows
// come, and what the page is told is the same.
// Method: a server in processes of its own, a client whose sockets are cut and kept away while others write; what comes over
// them when it is back is read and counted. Rows are held against the database's.
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lightcone } from "@lightcone/protocol";
import { ByteWriter } from "@lightcone/sats";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { Served } from "../served.ts";
import { program } from "./arena.ts";
import { Away } from "./away.ts";

const resumeBytesMax = 1024 * 1024;
let served: Served;
let page: Away;
let database = "";
let count = 0;
beforeAll(async () => {
  served = await Served.open({ databaseLimits: { resumeBytesMax } });
});
afterEach(() => page.close());
afterAll(() => served.stop());

const call = async (reducer: string, ...args: readonly unknown[]): Promise<void> => {
  const { status } = await served.call(database, reducer, JSON.stringify(args));
  expect(status).toBe(200);
};
const put = (id: number, text: string, room = 1): Promise<void> => call("put", id, room, text);

/** A database with 300 notes, 80 kB, and a page that has them. */
async function begin(...queries: [string, ...string[]]): Promise<void> {
  count += 1;
  database = `desk-${count}`;
  await served.publish(database, await program("desk"), "Js");
  await call("fill", 0, 300, 1);
  page = await Away.open(served, database);
  await page.db.subscribe(...queries).applied;
}

const allNotes = "SELECT * FROM note";
/** The page has what the database has, and was told so. */
async function holds(where = ""): Promise<void> {
  const rows = await served.sql(database, `SELECT id, text FROM note${where}`);
  expect(page.notes).toEqual(rows.toSorted(([a], [b]) => Number(a) - Number(b)));
  expect([...page.drawn].toSorted(([a], [b]) => a - b)).toEqual(page.notes);
}

/** What happens while the client is away, in all of these tests. */
async function meanwhile(): Promise<void> {
  await put(1000, "new");
  await put(1001, "comes and goes");
  await put(1001, "");
  await put(7, "other");
  await put(8, "");
  await put(9, "first");
  await put(9, "second");
}
const told = ["note +1000", "note -8", "note ~7", "note ~9"];

describe("issue 10, resume: only the difference travels", () => {
  const ways: readonly { readonly how: string; readonly way: () => Promise<void> }[] = [
    { how: "the network was gone", way: async () => undefined },
    { how: "the host was killed", way: async () => void served.killHost() },
    {
      how: "the server was killed",
      way: async () => {
        await served.killFront();
        await served.start();
      },
    },
    {
      how: "the server was stopped, which takes a snapshot",
      way: async () => {
        await served.stopFront();
        await served.start();
      },
    },
  ];
  test.each(ways)("when $how", async ({ way }) => {
    await begin(allNotes);
    const same = page.db.tables.note.get(3);
    await page.cut();
    await meanwhile();
    await way();
    await page.back();
    expect(page.kinds).toEqual(["InitialConnection", "Resumed"]);
    expect(page.bytes).toBeLessThan(2000);
    expect(page.told.toSorted()).toEqual(told);
    expect(page.db.tables.note.get(3)).toBe(same);
    await holds();
    // And it goes on from there, and from there again.
    await put(2000, "live");
    await expect.poll(() => page.drawn.get(2000)).toBe("live");
    await page.cut();
    await put(2000, "later");
    await page.back();
    expect(page.told).toEqual(["note ~2000"]);
    expect(page.bytes).toBeLessThan(1000);
    await holds();
  });

  test("nothing has changed: nothing is told", async () => {
    await begin(allNotes);
    await page.cut();
    await page.back();
    expect([page.told, page.kinds]).toEqual([[], ["InitialConnection", "Resumed"]]);
    await holds();
  });

  test("each set by its own condition, rows in several sets, rows without a key, none of what only happened", async () => {
    await begin("SELECT * FROM note WHERE room = 1", "SELECT * FROM tally", "SELECT * FROM bell");
    const others = page.db.subscribe("SELECT * FROM note WHERE id < 10", "SELECT * FROM note WHERE room = 2");
    await others.applied;
    await call("count", 1, "one");
    await expect.poll(() => page.told).toContain("tally +1");
    await page.cut();
    await put(5, "another room", 2); // leaves a set, stays in one, comes into a third
    await put(20, "another room", 3);
    await put(2001, "new", 3);
    await put(2002, "new", 2);
    await call("count", 1, "one");
    await call("count", 2, "two");
    await call("ring", "unheard");
    await page.back();
    expect(page.resumed).toHaveLength(2);
    expect(page.told.toSorted()).toEqual(["note +2002", "note -20", "note ~5", "tally +2", "tally -1"].toSorted());
    await holds(" WHERE room = 1 OR room = 2 OR id < 10");
    // What each set has of a row is right: it goes with the last that has it.
    others.unsubscribe();
    await expect.poll(() => page.notes.some(([id]) => id === 5)).toBe(false);
    await holds(" WHERE room = 1");
  });

  test("what was subscribed to and unsubscribed from while it was away", async () => {
    await begin("SELECT * FROM note WHERE id < 50");
    const gone = page.db.subscribe("SELECT * FROM note WHERE id > 40 AND id < 60");
    await gone.applied;
    await page.cut();
    gone.unsubscribe();
    const come = page.db.subscribe("SELECT * FROM note WHERE id > 290", "SELECT * FROM tally");
    await put(41, "changed");
    await page.back();
    await come.applied;
    await expect.poll(() => page.notes.some(([id]) => id === 55)).toBe(false);
    expect(page.resumed).toHaveLength(2);
    await holds(" WHERE id < 50 OR id > 290");
  });

  test("where the changes are many, in slices, while others write", async () => {
    await begin(allNotes);
    await page.cut();
    await call("fill", 5000, 2000, 4);
    for (let id = 5000; id < 5040; id += 1) await put(id, "");
    const writing = (async () => {
      for (let id = 5040; id < 5080; id += 1) await put(id, "at the same time");
    })();
    await page.back();
    await writing;
    expect(page.resumed).toHaveLength(1);
    await expect.poll(() => page.drawn.get(5079)).toBe("at the same time");
    await holds();
  });
});

describe("issue 10, resume: all rows come, and the same is told", () => {
  async function comesWhole(): Promise<readonly string[]> {
    await page.back();
    expect(page.kinds.filter((kind) => kind === "SubscribeApplied")).not.toEqual([]);
    expect(page.resumed ?? []).toEqual([]);
    await holds();
    return page.told.toSorted();
  }

  test("more has been written since than is kept", async () => {
    await begin(allNotes);
    await page.cut();
    await meanwhile();
    for (let round = 0; round < 5; round += 1) {
      await call("fill", 10_000, 2000, 9);
      for (let id = 10_000; id < 10_010; id += 1) await put(id, "");
      await served.sql(database, "DELETE FROM note WHERE room = 9");
    }
    expect(await comesWhole()).toEqual(told);
  });

  test("the module was published again", async () => {
    await begin(allNotes);
    await page.cut();
    await meanwhile();
    const source = await program("desk");
    await served.publish(database, `${source}\n// again`, "Js");
    expect(await comesWhole()).toEqual(told);
  });

  test("the database was deleted, and another has its name", async () => {
    await begin(allNotes);
    await page.cut();
    expect((await served.request("DELETE", `/v1/database/${database}`)).status).toBe(200);
    await served.publish(database, await program("desk"), "Js");
    await call("fill", 299, 3, 1);
    await page.back();
    expect(page.resumed ?? []).toEqual([]);
    await holds();
  });

  test("the data directory is one from before, on which others have written since: the offset is there, and another commit", async () => {
    await begin(allNotes);
    await served.stopFront();
    const kept = await mkdtemp(join(tmpdir(), "lightcone-resume-"));
    await cp(served.dataDirectory, kept, { recursive: true });
    await served.start();
    await page.back();
    await put(1, "in the future that is lost");
    await put(2, "in the future that is lost");
    await expect.poll(() => page.drawn.get(2)).toBe("in the future that is lost");
    await page.cut();
    await served.stopFront();
    await rm(served.dataDirectory, { recursive: true });
    await cp(kept, served.dataDirectory, { recursive: true });
    await rm(kept, { recursive: true });
    await served.start();
    for (let id = 100; id < 110; id += 1) await put(id, "in another");
    await page.back();
    expect(page.resumed ?? []).toEqual([]);
    await holds();
  });

  test("the data directory is one from before: the client has seen more than there is", async () => {
    await begin(allNotes);
    await served.stopFront();
    const kept = await mkdtemp(join(tmpdir(), "lightcone-resume-"));
    await cp(served.dataDirectory, kept, { recursive: true });
    await served.start();
    await page.back();
    for (let id = 0; id < 5; id += 1) await put(id, "in the future that is lost");
    await expect.poll(() => page.drawn.get(4)).toBe("in the future that is lost");
    await page.cut();
    await served.stopFront();
    await rm(served.dataDirectory, { recursive: true });
    await cp(kept, served.dataDirectory, { recursive: true });
    await rm(kept, { recursive: true });
    await served.start();
    expect(await comesWhole()).toEqual(["note ~0", "note ~1", "note ~2", "note ~3", "note ~4"]);
  });
});

describe("issue 10, resume: many come back at once", () => {
  test("each is told its changes, though those of a few are gathered at a time", { timeout: 120_000 }, async () => {
    await begin(allNotes);
    const others = await Promise.all(Array.from({ length: 11 }, () => Away.open(served, database)));
    try {
      await Promise.all(others.map(({ db }) => db.subscribe(allNotes).applied));
      const all = [page, ...others];
      await Promise.all(all.map((each) => each.cut()));
      await call("fill", 2000, 3000, 1);
      await put(1, "other");
      await Promise.all(all.map((each) => each.back()));
      await Promise.all(all.map((each) => expect.poll(() => each.notes.length).toBe(3300)));
      await holds();
      for (const each of others) expect([each.resumed?.length, each.notes]).toEqual([1, page.notes]);
    } finally {
      for (const each of others) each.close();
    }
  });
});

describe("issue 10, resume: nobody sees what is not theirs", () => {
  test("sets over rules, views and joins come whole, and with them those that share a table", async () => {
    await begin("SELECT * FROM secret", "SELECT * FROM my_secrets");
    const joined = page.db.subscribe("SELECT room.* FROM room JOIN note ON note.room = room.id");
    const shares = page.db.subscribe(allNotes);
    const apart = page.db.subscribe("SELECT * FROM tally");
    await Promise.all([joined.applied, shares.applied, apart.applied]);
    await page.db.reducers.hide({ id: 1, text: "mine" });
    await call("hide", 2, "another's");
    await page.cut();
    await call("hide", 3, "another's");
    await call("hide", 1, ""); // taken away from whom it belonged to
    await call("open_room", 1, true);
    await call("count", 5, "five");
    await put(4, "changed");
    await page.back();
    expect(page.resumed).toHaveLength(1);
    expect(page.kinds.filter((kind) => kind === "SubscribeApplied")).toHaveLength(3);
    expect(page.told.toSorted()).toEqual(["note ~4", "room +1", "tally +5"]);
    expect(page.db.tables.secret.rows()).toEqual([]);
    await holds();
  });

  test("another caller", async () => {
    const tokens: (string | undefined)[] = [];
    await begin(allNotes);
    page.close();
    const identities = await Promise.all(
      [1, 2].map(async () => {
        const { token }: { token: string } = JSON.parse(
          await (await fetch(`${served.url}/v1/identity`, { method: "POST" })).text(),
        );
        return token;
      }),
    );
    tokens.push(...identities);
    page = await Away.open(served, database, { token: () => tokens[0] ?? "" });
    await page.db.subscribe(allNotes, "SELECT * FROM secret WHERE owner = :sender").applied;
    await page.db.reducers.hide({ id: 1, text: "the first one's" });
    await expect.poll(() => page.db.tables.secret.rows()).toHaveLength(1);
    await page.cut();
    tokens.shift();
    await page.back();
    expect(page.resumed ?? []).toEqual([]);
    expect(page.db.tables.secret.rows()).toEqual([]);
    await holds();
  });
});

describe("issue 10, resume: what a hostile client asks for", () => {
  /** A client by hand, which has seen the database as it is now. */
  async function byHand() {
    const url = `${served.url.replace("http", "ws")}/v1/database/${database}/subscribe?compression=None`;
    const socket = new WebSocket(url, ["v1.bsatn.lightcone"], { perMessageDeflate: false });
    const heard: lightcone.Placed[] = [];
    socket.on("message", (data: Buffer) => heard.push(...lightcone.decodeServerPayload(data.subarray(1))));
    const say = (message: lightcone.ClientMessage): void => {
      const out = new ByteWriter(64);
      lightcone.encodeClientMessage(out, message);
      socket.send(out.toBytes());
    };
    const hears = (many: number) => expect.poll(() => heard.length, { timeout: 20_000 }).toBe(many);
    await hears(1);
    const [greeting] = heard;
    const lineage = greeting?.message.kind === "InitialConnection" ? greeting.message.lineage : new Uint8Array(0);
    say({ kind: "Subscribe", requestId: 1, querySetId: 1_000_000, queries: ["SELECT * FROM tally"] });
    await hears(2);
    const place = heard[1]?.place ?? { offset: 0n, timestampMicros: 0n };
    const resume = (count: number, queries: readonly string[]): void => {
      const sets = Array.from({ length: count }, (_, querySetId) => ({ querySetId, queries }));
      say({ kind: "Resume", requestId: count, lineage, place, sets });
    };
    const kept = () => heard.flatMap(({ message }) => (message.kind === "Resumed" ? [message.sets.length] : []));
    return { socket, heard, say, hears, resume, kept };
  }

  test("sets without queries count as well: no more go on than may be subscribed to", async () => {
    await begin(allNotes);
    const { socket, heard, say, hears, resume, kept } = await byHand();
    try {
      for (const count of [10_000, 9_999]) resume(count, []);
      await hears(4);
      expect(kept()).toEqual([0, 9_999]);
      say({ kind: "Subscribe", requestId: 2, querySetId: 1_000_001, queries: [] });
      await hears(5);
      expect(heard[4]?.message).toMatchObject({ message: "subscriptionsPerConnectionMax: 10001 is over 10000" });
    } finally {
      socket.terminate();
    }
  });

  test("the same rows for many sets: no more is gathered than some times what is kept, and none of them goes on", async () => {
    await begin(allNotes);
    const { socket, heard, say, hears, resume, kept } = await byHand();
    try {
      await call("fill", 5000, 2000, 4);
      resume(100, [allNotes]);
      await hears(3);
      resume(2, [allNotes]);
      await hears(4);
      expect(kept()).toEqual([0, 2]);
      say({ kind: "Subscribe", requestId: 2, querySetId: 50, queries: [allNotes] });
      await hears(5);
      expect(heard[4]?.message.kind).toBe("SubscribeApplied");
    } finally {
      socket.terminate();
    }
  });
});
