// Goal: issue 9, row "HTTP, SQL". A join of 200 tables answers, and is refused where a subscription may have two; and the variable
// `row_limit` holds for everybody but the owner, in statements and in subscriptions, over a restart and a publish.
// Method: a real server; rows are counted, and subscribers over real sockets.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fileURLToPath } from "node:url";
import { bundleModule } from "../../../packages/cli/src/build/bundle.ts";
import { RawClient } from "../raw-client.ts";
import { Served } from "../served.ts";

let served: Served;
let program: string;
let stranger: string;
beforeAll(async () => {
  program = (await bundleModule(fileURLToPath(new URL("./modules/points.ts", import.meta.url)))).code;
  served = await Served.open({ serverLimits: { parkAfterMs: 60_000 } });
  await served.create("wide", program);
  expect((await served.call("wide", "fill", "[0, 500]")).status).toBe(200);
  const made = await fetch(`${served.url}/v1/identity`, { method: "POST" });
  const { token }: { token: string } = JSON.parse(await made.text());
  stranger = token;
});
afterAll(() => served.stop());

async function ask(sql: string, token: string): Promise<string | number> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${served.url}/v1/database/wide/sql`, { method: "POST", body: sql, headers });
  const text = await response.text();
  if (response.status !== 200) return `${response.status} ${text}`;
  const [{ rows }]: [{ rows: readonly unknown[] }] = JSON.parse(text);
  return rows.length;
}

/** A chain of joins, every second table the other one. */
function chain(count: number, where = "", on = "id"): string {
  const table = (at: number): string => (at % 2 === 0 ? "left" : "right");
  const joins = Array.from(
    { length: count - 1 },
    (_, at) => ` JOIN ${table(at + 1)} t${at + 1} ON t${at}.${on} = t${at + 1}.${on}`,
  );
  return `SELECT t0.* FROM left t0${joins.join("")}${where}`;
}

/** The first answer to a subscription: its rows, or why there are none. */
async function subscribe(sql: string, token: string): Promise<string | number> {
  const client = await RawClient.open(served.url, "wide", { token });
  try {
    await client.next();
    client.subscribe([sql], 1, 1);
    const answer = await client.next();
    if (answer?.kind === "SubscriptionError") return answer.message;
    if (answer?.kind !== "SubscribeMultiApplied") return answer?.kind ?? "closed";
    return answer.tables.reduce((sum, { rowCount }) => sum + Number(rowCount), 0);
  } finally {
    client.close();
  }
}

describe("row 9: joins of 200 tables", () => {
  test.each([
    [chain(200), 500],
    [chain(200, " WHERE t199.id < 7"), 7],
    [chain(200, " WHERE t0.a = 3 AND t150.b = 3"), 1],
    [chain(200, " WHERE t0.a = 3 AND t150.b = 4"), 0],
    [chain(200, " LIMIT 9"), 9],
    [chain(200, "", "f"), 500],
    [chain(200).replace("SELECT t0.*", "SELECT COUNT(*) AS n"), 1],
  ])("%#: answers", async (sql, rowCount) => {
    expect(await ask(sql, stranger)).toBe(rowCount);
  });

  test("more than a statement may hold is refused with a code, and the next is answered", async () => {
    expect(await ask(chain(2000), stranger)).toMatch(/^400 /);
    expect(await ask(chain(3), stranger)).toBe(500);
  });

  test("a subscription has two at most", async () => {
    expect(await subscribe(chain(200), stranger)).toMatch(/executing: `SELECT t0\.\*/);
    expect(await subscribe(chain(2), stranger)).toBe(500);
  });
});

describe("row 9: the variable row_limit", () => {
  const refused = /Estimated cardinality \(\d+ rows\) exceeds limit \(100 rows\)/;
  const all = "SELECT * FROM left";

  const no = expect.stringMatching(refused);
  const holding = [no, no, no, 1, 1, 500, 500];

  async function answers(): Promise<readonly (string | number)[]> {
    return [
      await ask(all, stranger),
      await subscribe(all, stranger),
      await ask(chain(200), stranger),
      await ask(`${all} WHERE id = 3`, stranger),
      await subscribe(`${all} WHERE id = 3`, stranger),
      await ask(all, served.token),
      await subscribe(all, served.token),
    ];
  }

  test("holds for all but the owner, whoever was subscribed before goes on", async () => {
    const client = await RawClient.open(served.url, "wide", { token: stranger });
    await client.next();
    client.subscribe([all], 1, 1);
    expect((await client.next())?.kind).toBe("SubscribeMultiApplied");
    expect(await ask("SET row_limit = 100", stranger)).toMatch(/^400 Caller \w+ is not authorized/);
    expect(await ask("SET row_limit = 100", served.token)).toBe(0);
    expect(await answers()).toEqual(holding);
    expect((await served.call("wide", "put", "[false, 7, 1, 1, 0, 0]")).status).toBe(200);
    expect((await client.next())?.kind).toMatch(/^TransactionUpdate/);
    client.close();
  });

  test("holds after its process was killed, the server was, and another program was published", async () => {
    served.killHost();
    expect(await answers()).toEqual(holding);
    await served.killFront();
    await served.start();
    expect(await answers()).toEqual(holding);
    await served.publish("wide", `${program}\n//`, "Js");
    expect(await answers()).toEqual(holding);
  });

  test("is taken back by deleting its row", async () => {
    expect(await ask("DELETE FROM st_var WHERE name = 'row_limit'", served.token)).toBe(0);
    expect([await ask(all, stranger), await subscribe(all, stranger)]).toEqual([500, 500]);
  });
});
