// Goal: row 8. Connection ids are chosen by clients, and nothing of one client is taken for another's for that: an id in
// use is refused, one that is free again is not, each connect has its disconnect, each call runs once.
// Method: databases in this process that are cut off and started again at random moments, and clients that share ids
// within an identity and across two. The module notes who comes, goes and speaks; in the end its rows are counted.
import { assertProperty, runCount } from "@lightcone/base/testing";
import fc from "fast-check";
import type { FailoverLink } from "@lightcone/database";
import { toHex } from "@lightcone/sats";
import { describe, expect, test } from "vitest";
import { Hosts } from "./hosts.ts";
import { LocalClient, makeCaller, openLocal, publish, sql } from "./local.ts";

const cases = runCount(12);
const module = "./modules/lobby.ts";
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const callerOf = (who: number, id: number) => ({
  ...makeCaller(who),
  connectionId: new Uint8Array(16).fill(id),
  claims: `{"who":${who}}`,
});

describe("row 8: a connection id", () => {
  test("in use by the same identity is refused, and the one who has it notices nothing", async () => {
    const database = await openLocal();
    expect((await publish(database, module)).status).toBe(200);
    const first = new LocalClient(database, callerOf(7, 1));
    expect((await first.next()).kind).toBe("IdentityToken");
    const second = new LocalClient(database, callerOf(7, 1));
    await second.until(({ closed }) => closed !== undefined);
    expect(second.closed).toEqual({
      code: 4409,
      reason: "this identity has a connection with id 01010101010101010101010101010101 already",
    });
    expect(second.messages).toEqual([]);
    first.call("speak", Uint8Array.of(5, 0, 0, 0), 5);
    expect(await first.next()).toMatchObject({ kind: "TransactionUpdate", status: { kind: "Committed" } });
    first.leave();
    const third = new LocalClient(database, callerOf(7, 1));
    expect((await third.next()).kind).toBe("IdentityToken");
    third.leave();
    const visits = await sql(database, "SELECT what FROM visit");
    expect(visits.map(([what]) => what).slice(0, 4)).toEqual(["come", "go", "come", "go"]);
    await database.stop(100);
  });

  test("of another identity is another's: both are there, and each is answered for itself", async () => {
    const database = await openLocal();
    expect((await publish(database, module)).status).toBe(200);
    const clients = [7, 8].map((who) => new LocalClient(database, callerOf(who, 1)));
    for (const client of clients) expect((await client.next()).kind).toBe("IdentityToken");
    for (const [index, client] of clients.entries()) {
      client.call("speak", Uint8Array.of(index, 0, 0, 0), index);
      const update = await client.next();
      if (update.kind !== "TransactionUpdate") throw new Error(update.kind);
      expect([toHex(update.callerIdentity), update.requestId]).toEqual([toHex(client.caller.identity), index]);
    }
    clients[0]?.leave();
    clients[1]?.call("speak", Uint8Array.of(9, 0, 0, 0), 9);
    expect((await clients[1]?.next())?.kind).toBe("TransactionUpdate");
    expect(await sql(database, "SELECT * FROM st_client")).toHaveLength(2); // the statement itself is there
    await database.stop(100);
  });

  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant("come" as const), who: fc.nat(1), id: fc.nat(1) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("leave" as const), which: fc.nat(5) }) },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant("speak" as const),
        which: fc.nat(5),
        count: fc.integer({ min: 1, max: 3 }),
      }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("turns" as const), count: fc.integer({ min: 1, max: 6 }) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("end" as const), after: fc.nat(4) }) },
    { weight: 1, arbitrary: fc.constant({ kind: "restart" as const }) },
  );

  test("used again and again, over hosts and servers, is one client's at a time", async () => {
    await assertProperty(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const hosts = new Hosts();
        let link: FailoverLink = await hosts.open();
        expect((await publish(link, module)).status).toBe(200);
        const clients: LocalClient[] = [];
        const left = new Set<LocalClient>();
        const asked = new Map<LocalClient, number[]>();
        let number = 0;
        const isThere = (client: LocalClient): boolean => client.closed === undefined && !left.has(client);
        for (const each of steps) {
          const there = clients.filter(isThere);
          switch (each.kind) {
            case "come":
              clients.push(new LocalClient(link, callerOf(7 + each.who, 1 + each.id)));
              break;
            case "leave": {
              const client = there[each.which % Math.max(1, there.length)];
              if (client === undefined) break;
              left.add(client);
              client.leave();
              break;
            }
            case "speak": {
              const client = there[each.which % Math.max(1, there.length)];
              if (client === undefined || client.messages.length === 0) break; // who was not greeted does not speak
              for (let count = each.count; count > 0; count--) {
                asked.set(client, [...(asked.get(client) ?? []), ++number]);
                client.call("speak", Uint8Array.of(number & 255, number >> 8, 0, 0), number);
              }
              break;
            }
            case "turns":
              for (let count = each.count; count > 0; count--) await turn();
              break;
            case "end":
              for (let count = each.after; count > 0; count--) await turn();
              hosts.end();
              break;
            case "restart":
              for (const client of there) {
                left.add(client);
                client.leave();
              }
              await sql(link, "SELECT number FROM word"); // a host that is on its way has come
              await link.stop(1000);
              link = await hosts.open();
          }
        }
        const there = clients.filter(isThere);
        for (const client of there) {
          const count = asked.get(client)?.length ?? 0;
          await client.until(
            ({ closed, messages, answeredCount }) =>
              closed !== undefined || (messages.length > 0 && answeredCount >= count),
          );
        }
        // Of each pair one is there at most.
        const pairs = clients.filter(isThere).map(({ caller }) => toHex(caller.identity) + toHex(caller.connectionId));
        expect(new Set(pairs).size).toBe(pairs.length);
        const answered = (client: LocalClient): readonly number[] =>
          client.messages.flatMap((message) =>
            message.kind === "TransactionUpdate" && message.status.kind === "Committed" ? [message.requestId] : [],
          );
        const words = (await sql(link, "SELECT number FROM word")).map(([said]) => Number(said));
        expect(new Set(words).size, "a call ran twice").toBe(words.length);
        for (const client of clients) {
          const isStill = there.includes(client) && client.closed === undefined;
          for (const said of isStill ? (asked.get(client) ?? []) : answered(client))
            expect(words, `call ${said} was dropped`).toContain(said);
          if (isStill) expect(answered(client)).toEqual(asked.get(client) ?? []);
        }
        for (const client of there) client.leave();
        const visits = await sql(link, "SELECT what, who, connection FROM visit");
        const present = new Map<string, number>();
        for (const [what, ...who] of visits) {
          const key = JSON.stringify(who);
          const count = (present.get(key) ?? 0) + (what === "come" ? 1 : -1);
          expect(count, `${String(what)} of ${key}`).toBeGreaterThanOrEqual(0);
          expect(count, `${String(what)} of ${key}`).toBeLessThanOrEqual(1);
          present.set(key, count);
        }
        // The statement itself has come, and not gone.
        expect([...present.values()].reduce((sum, count) => sum + count, 0)).toBe(1);
        await link.stop(100);
      }),
      cases,
    );
  });
});
