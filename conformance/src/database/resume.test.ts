// Goal: however often its host ends or is let go, a client is answered once for each call, each call and statement runs
// once, and what it was sent of its subscriptions, in whatever form, adds up to what there is.
// Method: databases in this process that are cut off at random moments, as a killed process is, behind the pipe of
// processes: from then on nothing of theirs reaches a client or a file; or that are asked to rest, between any two
// messages. Clients hold on through `openFailoverLink`. The seed replays a run.
import { assertProperty, runCount } from "@lightcone/base/testing";
import fc from "fast-check";
import type { ServerMessage, TableUpdate } from "@lightcone/protocol";
import { toHex } from "@lightcone/sats";
import { describe, expect, test } from "vitest";
import { Hosts } from "./hosts.ts";
import { call, LocalClient, makeCaller, program, publish, sql, textOf } from "./local.ts";

const cases = runCount(20);
const ledger = "../../../modules/typescript/ledger/src/index.ts";

/** The rows that a message tells of. Clients of a module in TypeScript hear of others in the light form. */
function tablesOf(message: ServerMessage): readonly TableUpdate[] {
  switch (message.kind) {
    case "TransactionUpdate":
      return message.status.kind === "Committed" ? message.status.tables : [];
    case "TransactionUpdateLight":
    case "InitialSubscription":
    case "SubscribeMultiApplied":
    case "UnsubscribeMultiApplied":
      return message.tables;
    case "SubscribeApplied":
    case "UnsubscribeApplied":
      return [message.table];
    default:
      return [];
  }
}

/** Adds up what a client was sent: rows by their bytes, with counts. */
function addUp(messages: readonly ServerMessage[]): Map<string, number> {
  const rows = new Map<string, number>();
  const add = (list: Iterable<Uint8Array>, by: number): void => {
    for (const row of list) {
      const key = toHex(row);
      const count = (rows.get(key) ?? 0) + by;
      expect(count).toBeGreaterThanOrEqual(0);
      if (count === 0) rows.delete(key);
      else rows.set(key, count);
    }
  };
  for (const message of messages) {
    if (message.kind === "InitialSubscription") rows.clear();
    const tables = tablesOf(message);
    for (const table of tables) {
      for (const update of table.updates) {
        add(update.deletes, -1);
        add(update.inserts, 1);
      }
    }
  }
  return rows;
}

function args(client: number, number: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setUint32(0, client, true);
  new DataView(bytes.buffer).setUint32(4, number, true);
  return bytes;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const clientCount = 3;
/** More than any answer takes. */
const turnsMax = 5000;
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("call" as const),
      client: fc.nat(clientCount - 1),
      count: fc.integer({ min: 1, max: 5 }),
      quiet: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("subscribe" as const),
      client: fc.nat(clientCount - 1),
      form: fc.constantFrom("multi" as const, "single" as const, "legacy" as const),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("turns" as const), count: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("end" as const), after: fc.nat(4) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("rest" as const), isAwaited: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("http" as const, "sql" as const) }) },
);

/** Lives through steps, and looks at answers and rows. @returns how often the database rested when that was waited for */
async function live(steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[]): Promise<number> {
  const hosts = new Hosts();
  const link = await hosts.open();
  const published = await publish(link, ledger);
  expect(published.status, textOf(published)).toBe(200);
  let restCount = 0;
  const clients = Array.from({ length: clientCount }, (_, index) => new LocalClient(link, makeCaller(10 + index)));
  for (const client of clients) await client.until(({ messages }) => messages.length > 0);
  const sent = clients.map(() => 0);
  const asked = clients.map(() => 0);
  const loud = clients.map(() => 0);
  /** What each client is subscribed to: the form and the id; and whether it ever was. */
  const subscriptions: ({ readonly form: "multi" | "single" | "legacy"; readonly id: number } | undefined)[] = [];
  const wasSubscribed = clients.map(() => false);
  let nextId = 1;
  let sqlCount = 0;
  const answers: number[] = [];
  let httpCount = 0;
  let callCount = 0;
  for (const each of steps) {
    switch (each.kind) {
      case "call":
        for (let left = each.count; left > 0; left--) {
          const number = sent[each.client] ?? 0;
          sent[each.client] = number + 1;
          asked[each.client] = (asked[each.client] ?? 0) + 1;
          if (!each.quiet) loud[each.client] = (loud[each.client] ?? 0) + 1;
          clients[each.client]?.call("record", args(each.client, number), number, !each.quiet);
        }
        break;
      case "subscribe": {
        const client = clients[each.client];
        const present = subscriptions[each.client];
        const [requestId, queryId] = [nextId, nextId];
        nextId += 1;
        // A legacy set is replaced; another is let go, and the next step takes one again.
        if (present !== undefined && present.form !== "legacy") {
          const kind = present.form === "multi" ? "UnsubscribeMulti" : "Unsubscribe";
          client?.say({ kind, requestId, queryId: present.id });
          subscriptions[each.client] = undefined;
        } else {
          const form = present?.form ?? each.form;
          if (form === "single")
            client?.say({ kind: "SubscribeSingle", query: "SELECT * FROM entry", requestId, queryId });
          else if (form === "legacy")
            client?.say({
              kind: "Subscribe",
              queries: ["SELECT * FROM entry", "SELECT * FROM tally"],
              requestId,
            });
          else
            client?.say({
              kind: "SubscribeMulti",
              queries: ["SELECT * FROM entry", "SELECT * FROM tally"],
              requestId,
              queryId,
            });
          subscriptions[each.client] = { form, id: queryId };
          wasSubscribed[each.client] = true;
        }
        asked[each.client] = (asked[each.client] ?? 0) + 1;
        break;
      }
      case "turns":
        for (let left = each.count; left > 0; left--) await turn();
        break;
      case "end":
        for (let left = each.after; left > 0; left--) await turn();
        hosts.end();
        break;
      case "rest": {
        const rested = link.rest();
        if (each.isAwaited && (await rested)) restCount += 1;
        break;
      }
      case "http":
        httpCount++;
        void call(link, "record", `[99, ${callCount++}]`, makeCaller(50)).then((reply) => answers.push(reply.status));
        break;
      case "sql": {
        httpCount++;
        const values = `(${1_000_000 + sqlCount}, 98, ${sqlCount++}, 'sql')`;
        const statement = `INSERT INTO entry (id, client, number, note) VALUES ${values}`;
        void link
          .request({ kind: "sql", caller: makeCaller(1, true), text: statement, confirmed: true })
          .then((reply) => {
            expect(textOf(reply)).toContain(`"rows_inserted":1`);
            answers.push(reply.status);
          });
      }
    }
  }
  const isDone = (): boolean =>
    clients.every((client, index) => client.answeredCount >= (asked[index] ?? 0) || client.closed !== undefined) &&
    answers.length === httpCount;
  for (let left = turnsMax; left > 0 && !isDone(); left--) await turn();
  expect(
    clients
      .map((client, index) => `${client.answeredCount} of ${asked[index]}`)
      .concat(`${answers.length} of ${httpCount}`),
    "answers that came",
  ).toEqual(clients.map((_, index) => `${asked[index]} of ${asked[index]}`).concat(`${httpCount} of ${httpCount}`));
  expect(answers).toEqual(answers.map(() => 200));

  const entries = await sql(link, "SELECT client, number FROM entry");
  for (const [index, client] of clients.entries()) {
    expect(client.closed).toBeUndefined();
    const numbers = entries.filter(([of]) => of === index).map(([, number]) => Number(number));
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: sent[index] ?? 0 }, (_, number) => number));
    expect(client.messages.filter((message) => message.kind === "IdentityToken").length).toBe(1);
    const own = client.messages.filter(
      (message) =>
        message.kind === "TransactionUpdate" && toHex(message.callerConnectionId) === toHex(client.caller.connectionId),
    );
    if (wasSubscribed[index] !== true) expect(own.length).toBe(loud[index]);
    else {
      const rows = await sql(link, "SELECT id FROM entry");
      const tallies = await sql(link, "SELECT client FROM tally");
      const total = [...addUp(client.messages).values()].reduce((sum, count) => sum + count, 0);
      const form = subscriptions[index]?.form;
      const there = form === undefined ? 0 : rows.length + (form === "single" ? 0 : tallies.length);
      expect(total, `${form} of client ${index}`).toBe(there);
    }
  }
  expect(entries.filter(([of]) => of === 99).length).toBe(callCount);
  expect(entries.filter(([of]) => of === 98).length).toBe(sqlCount);
  await link.stop(100);
  return restCount;
}

describe("rows 1 and 17: clients of a database whose host ends, or is let go", () => {
  test("are answered once, and told everything once", async () => {
    await assertProperty(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => void (await live(steps))),
      cases,
    );
  });

  // Whether a database of the test before rests is chance.
  test("so they are by one that rests and is woken", async () => {
    const all = { count: 3, quiet: false };
    const rests = [
      { kind: "turns", count: turnsMax },
      { kind: "rest", isAwaited: true },
    ] as const;
    const steps = [
      { kind: "subscribe", client: 0, form: "multi" },
      { kind: "call", client: 0, ...all },
      ...rests,
      { kind: "call", client: 1, ...all },
      ...rests,
      { kind: "sql" },
      ...rests,
    ] as const;
    expect(await live(steps)).toBe(3);
  });
});

test("row 13: a host that ends between a version that breaks clients and its word to them: the next one says it", async () => {
  const hosts = new Hosts();
  const link = await hosts.open();
  expect((await publish(link, ledger)).status).toBe(200);
  const client = new LocalClient(link, makeCaller(10));
  client.call("record", args(1, 2), 1, true);
  while (client.answeredCount < 1) await turn();

  // The same with its parameters in another order.
  const text = new TextDecoder().decode(await program(ledger));
  const swapped = new TextEncoder().encode(
    text.replace("client: t.u32(),\n\tnumber: t.u32()\n}, (ctx", "number: t.u32(),\n\tclient: t.u32()\n}, (ctx"),
  );
  expect(swapped).not.toEqual(await program(ledger));
  const plan = await link.request({ kind: "plan", program: swapped, hostType: "js" });
  const { AutoMigrate }: { AutoMigrate: { token: string; break_clients: boolean } } = JSON.parse(textOf(plan));
  expect(AutoMigrate.break_clients).toBe(true);
  hosts.endAtClose();
  const publication = { kind: "publish", program: swapped, hostType: "js", breakClients: true } as const;
  void link.request({ ...publication, migrationToken: AutoMigrate.token });
  while (hosts.count < 2) await turn();
  client.call("record", args(1, 3), 2, true);
  for (let left = turnsMax; left > 0 && client.closed === undefined; left--) await turn();
  expect(hosts.count).toBe(2);
  expect(client.closed).toMatchObject({ code: 1001 });
  expect(await sql(link, "SELECT client, number FROM entry")).toEqual([[1, 2]]);
  await link.stop(100);
});
