// Goal: clients come and go as the module sees it, whoever ends what; and what a token says stays out of every file.
// Method: a module that notes each visit; databases in this process, ended in every way; then the rows are looked at.
import { manualClock, memoryFileSystem } from "@lightcone/commitlog/testing";
import { describe, expect, test } from "vitest";
import { WorkKind, type Suspect } from "@lightcone/database";
import { toHex } from "@lightcone/sats";
import { Hosts } from "./hosts.ts";
import { call, LocalClient, makeCaller, openLocal, publish, sql, textOf } from "./local.ts";

const doorman = "./modules/doorman.ts";

async function open(fileSystem = memoryFileSystem()) {
  const database = await openLocal({ fileSystem });
  expect((await publish(database, doorman)).status).toBe(200);
  return database;
}

const visits = async (database: Awaited<ReturnType<typeof open>>): Promise<readonly unknown[]> =>
  // The statement itself is a visit: it came, and has not gone.
  (await sql(database, "SELECT what FROM visit")).map(([what]) => what).slice(0, -1);

describe("a client", () => {
  test("is greeted after the module let it in, and noted when it leaves", async () => {
    const database = await open();
    const client = new LocalClient(database, makeCaller(7));
    expect((await client.next()).kind).toBe("IdentityToken");
    expect(await sql(database, "SELECT * FROM st_client")).toHaveLength(2);
    client.leave();
    expect(await visits(database)).toEqual(["init", "come", "come", "go", "go"]);
  });

  test("row 32: that is refused is told so by the Close alone, and is not kept", async () => {
    const database = await open();
    expect((await call(database, "shut", "[]")).status).toBe(200);
    const client = new LocalClient(database, makeCaller(7));
    await client.until((each) => each.closed !== undefined);
    expect(client.messages).toEqual([]);
    expect(client.closed).toEqual({ code: 4403, reason: "the door is shut" });
    expect(await sql(database, "SELECT * FROM st_client")).toHaveLength(1);
    const reply = await call(database, "stumble", "[]", makeCaller(8));
    expect([reply.status, textOf(reply)]).toEqual([403, "the door is shut"]);
  });

  test.each([
    { how: "crashes", code: 1011, reason: "The instance encountered a fatal error." },
    { how: "talks", code: 4403, reason: /^(é)+… \(cut; 200 characters\)$/ },
  ])("row 32: whose connect reducer $how is told what may be over by the next time", async ({ how, code, reason }) => {
    const database = await open();
    expect((await call(database, "shut", "[]")).status).toBe(200);
    const client = new LocalClient(database, makeCaller(how === "crashes" ? 0x0c : 0x0d));
    await client.until((each) => each.closed !== undefined);
    expect(client.closed).toEqual({ code, reason: expect.stringMatching(reason) });
    expect(new TextEncoder().encode(client.closed?.reason).length).toBeLessThanOrEqual(120);
  });

  test("over HTTP comes and goes with its call, also when the call fails", async () => {
    const database = await open();
    const reply = await call(database, "stumble", "[]", makeCaller(8));
    expect(reply.status).toBe(530);
    expect(await visits(database)).toEqual(["init", "come", "go"]);
    expect(await sql(database, "SELECT * FROM door")).toEqual([]);
  });

  test.each([{ how: "cut off" }, { how: "stopped" }])(
    "left by a server that was $how is noted as gone by the next",
    async ({ how }) => {
      const fileSystem = memoryFileSystem();
      const database = await open(fileSystem);
      const client = new LocalClient(database, makeCaller(7));
      await client.next();
      if (how === "stopped") await database.stop(1000);
      else fileSystem.endProcess();
      const next = await openLocal({ fileSystem });
      expect(await visits(next)).toEqual(["init", "come", "go"]);
      expect(await sql(next, "SELECT * FROM st_client")).toHaveLength(1);
    },
  );
});

describe("row 1: a client at whose connect its host ended", () => {
  const broken = { status: 403, told: "The instance encountered a fatal error." };
  const late = { status: 503, told: "reducer `come` took longer than 30 s (reducerTimeoutMs) and was ended" };
  test.each<{ reason: Suspect["reason"]; status: number; told: string }>([
    { reason: "crash", ...broken },
    { reason: "memory", ...broken },
    { reason: "time", ...late },
    { reason: "interrupted", ...late },
  ])("($reason) is told what it would be without that", async ({ reason, status, told }) => {
    const hosts = new Hosts();
    const link = await hosts.open();
    expect((await publish(link, doorman)).status).toBe(200);
    const endAt = ({ identity, connectionId }: ReturnType<typeof makeCaller>): void =>
      hosts.end({ kind: WorkKind.connect, id: toHex(identity) + toHex(connectionId), number: 0, reason });
    const [comes, asks, owner] = [makeCaller(9), makeCaller(8), makeCaller(1, true)];

    const client = new LocalClient(link, comes);
    endAt(comes);
    await client.until(({ closed }) => closed !== undefined);
    expect(client.messages).toEqual([]);
    expect(client.closed).toEqual({ code: 1011, reason: told });

    const asked = call(link, "shut", "[]", asks);
    endAt(asks);
    const reply = await asked;
    expect([reply.status, textOf(reply)]).toEqual([status, told]);
    const owned = call(link, "stumble", "[]", owner);
    endAt(owner);
    expect((await owned).status, "the owner is let in without it").toBe(530);
    expect(await sql(link, "SELECT * FROM door"), "nothing was run").toEqual([]);

    // It is told once: whoever comes again is let in.
    const again = new LocalClient(link, comes);
    expect((await again.next()).kind).toBe("IdentityToken");
    await link.stop(100);
  });
});

describe("a life-cycle reducer that never ends", () => {
  const openStubborn = async () => {
    const database = await openLocal({ limits: { reducerTimeoutMs: 1500 } });
    expect((await publish(database, "./modules/stubborn.ts")).status).toBe(200);
    return database;
  };
  /** Who is there, beside the one who asks; and how often the module did something that was kept. */
  const state = async (database: Awaited<ReturnType<typeof openStubborn>>): Promise<readonly [number, number]> => [
    (await sql(database, "SELECT * FROM st_client")).length - 1,
    (await sql(database, "SELECT * FROM done")).length - 1, // the statement before has gone
  ];

  test("keeps its client out, and nobody else", async () => {
    const database = await openStubborn();
    const client = new LocalClient(database, makeCaller(0x0b));
    await client.until((each) => each.closed !== undefined);
    expect((await call(database, "act", "[]", makeCaller(0x0b))).status).toBe(503);
    expect((await call(database, "act", "[]")).status).toBe(200);
    expect(await state(database)).toEqual([0, 2]);
    await database.stop(1000);
  });

  test("does not keep its client", async () => {
    const database = await openStubborn();
    const client = new LocalClient(database, makeCaller(0x0c));
    expect((await client.next()).kind).toBe("IdentityToken");
    client.leave();
    expect(await state(database)).toEqual([0, 0]);
    // Over HTTP the call before it has been carried out, and is answered.
    expect((await call(database, "act", "[]", makeCaller(0x0c))).status).toBe(200);
    expect((await call(database, "loop", "[]", makeCaller(0x0c))).status).toBe(402);
    expect(await state(database)).toEqual([0, 3]);
    await database.stop(1000);
  });
});

describe("what a token says", () => {
  test("is in no file", async () => {
    const fileSystem = memoryFileSystem();
    const clock = manualClock();
    const database = await openLocal({ fileSystem, clock });
    await publish(database, doorman);
    const secret = "a-claim-that-nobody-should-find";
    const client = new LocalClient(database, { ...makeCaller(7), claims: `{"sub":"${secret}"}` });
    await client.next();
    await call(database, "shut", "[]", { ...makeCaller(9), claims: `{"sub":"${secret}"}` });
    await database.snapshot();
    const needle = new TextEncoder().encode(secret).join();
    let fileCount = 0;
    const look = async (path: string): Promise<void> => {
      for (const name of await fileSystem.list(path)) {
        const entry = `${path}/${name}`;
        try {
          const handle = await fileSystem.open(entry, "read");
          const bytes = new Uint8Array(await handle.size());
          await handle.read(bytes, 0, bytes.length, 0);
          await handle.close();
          fileCount++;
          expect(bytes.join().includes(needle), entry).toBe(false);
        } catch (error) {
          if (!(error instanceof Error) || !("code" in error)) throw error;
          await look(entry);
        }
      }
    };
    await look("/data");
    expect(fileCount).toBeGreaterThan(2);
    expect(await sql(database, "SELECT * FROM st_connection_credentials")).toEqual([]);
  });
});
