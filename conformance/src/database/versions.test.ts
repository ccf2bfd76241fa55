// Goal: row 13: a publish that breaks clients says so by each change, and asks; then every client of the version before
// is disconnected before a call of theirs could mean something else, and all that they were answered is told. A publish
// that breaks nobody is not noticed.
// Method: versions of one small module, on a real server over a real socket: what the plan says, what an unasked publish
// answers, and what our client (which goes by names) and a client of plain bytes (which goes by places) go through.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildModule, op } from "@lightcone/host-wasm/testing";
import { t, type AlgebraicType } from "@lightcone/sats";
import { encodeRawV9 } from "@lightcone/schema";
import { connect, isLightconeError, type Client } from "lightcone/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleModule } from "../../../packages/cli/src/build/bundle.ts";
import { RawClient } from "../raw-client.ts";
import { Served } from "../served.ts";

const folder = mkdtempSync(join(tmpdir(), "lightcone-versions-"));
let served: Served;
beforeAll(async () => {
  mkdirSync(join(folder, "node_modules"));
  const lightcone = fileURLToPath(new URL("../../../packages/lightcone", import.meta.url));
  symlinkSync(lightcone, join(folder, "node_modules/lightcone"));
  served = await Served.open();
});
afterAll(async () => {
  await served.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The parts that versions differ in. */
interface Version {
  readonly params?: string;
  /** The body's argument and the row that it makes of it. */
  readonly takes?: string;
  readonly payment?: string;
  readonly extra?: string;
  readonly tables?: string;
}

const params = "{ from: t.u32(), to: t.u32(), amount: t.u64() }";
const takes = "{ from, to, amount }";
const mood = (...names: readonly string[]): string => `const mood = t.enum("Mood", ${JSON.stringify(names)});`;
const tip = `export const tip = app.reducer({ mood }, () => {});`;

const sourceOf = (version: Version): string => `import { schema, t, table } from "lightcone/module";
${mood("Glad", "Sad")}
const app = schema({
  payment: table({ public: true }, ${version.payment ?? "{ id: t.u64().primaryKey().autoInc(), from: t.u32(), to: t.u32().index(), amount: t.u64() }"}),
  ${version.tables ?? "wallet: table({ public: true }, { id: t.u32().primaryKey() }),"}
});
export default app;
export const pay = app.reducer(${version.params ?? params}, (ctx, ${version.takes ?? takes}) => {
  ctx.db.payment.insert({ id: 0n, from, to, amount: BigInt(amount) });
});
${version.extra ?? `export const close = app.reducer({}, () => {});\n${tip}`}
`;

let fileCount = 0;
async function programOf(version: Version, change: (source: string) => string = (source) => source): Promise<string> {
  const entry = join(folder, `version${fileCount++}.ts`);
  writeFileSync(entry, change(sourceOf(version)));
  return (await bundleModule(entry, { projectPath: folder })).code;
}

interface Plan {
  readonly AutoMigrate: { readonly migrate_plan: string; readonly break_clients: boolean; readonly token: string };
}

async function planOf(database: string, program: string): Promise<Plan["AutoMigrate"]> {
  const response = await served.request(
    "POST",
    `/v1/database/${database}/pre_publish?style=NoColor&details=true&host_type=Js`,
    program,
  );
  const text = await response.text();
  expect(response.status, text).toBe(200);
  const plan: Plan = JSON.parse(text);
  expect(plan.AutoMigrate, text).toBeDefined();
  return plan.AutoMigrate;
}

const put = async (database: string, program: string, query = ""): Promise<string> => {
  const response = await served.request("PUT", `/v1/database/${database}?host_type=Js${query}`, program);
  return `${response.status} ${await response.text()}`;
};

/** What becomes of a promise: \`done\`, or the error's code and text. */
const outcome = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "done",
    (error: unknown) => (isLightconeError(error) ? `${error.code}: ${error.message}` : String(error)),
  );

/** BSATN of the parameters of the first version. */
function payBytes(amount: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(16));
  view.setUint32(0, 1, true);
  view.setUint32(4, 2, true);
  view.setBigUint64(8, BigInt(amount), true);
  return new Uint8Array(view.buffer);
}

const payments = (): Promise<readonly (readonly unknown[])[]> =>
  served.sql(database, "SELECT from, to, amount FROM payment");

interface Opened {
  readonly db: Client;
  readonly raw: RawClient;
  readonly states: string[];
  /** When the client is there again. */
  readonly opened: (times: number) => Promise<void>;
}

async function open(): Promise<Opened> {
  const states: string[] = [];
  let wake: (() => void) | undefined;
  const db = connect({
    uri: served.url,
    database,
    onState: (state) => {
      states.push(state);
      wake?.();
    },
    onError: () => undefined,
  });
  await db.subscribe("SELECT * FROM payment").applied;
  const raw = await RawClient.open(served.url, database);
  expect((await raw.next())?.kind).toBe("IdentityToken");
  const opened = async (times: number): Promise<void> => {
    while (states.filter((state) => state === "open").length < times)
      await new Promise<void>((resolve) => (wake = resolve));
  };
  return { db, raw, states, opened };
}

const database = "till";
let first = "";
let isThere = false;

/** The first version, without payments. */
async function begin(): Promise<void> {
  first ||= await programOf({});
  const plan = isThere ? await planOf(database, first).catch(() => undefined) : undefined;
  // Where a table was added there is no way back but anew.
  const query = plan === undefined ? "&clear=true" : `&policy=BreakClients&token=${plan.token}`;
  expect(await put(database, first, query)).toMatch(/^200 /);
  isThere = true;
  await served.sql(database, "DELETE FROM payment");
}

const pay = (db: Client): Promise<unknown> =>
  db.reducers["pay"]?.({ from: 1, to: 2, amount: 3n }) ?? Promise.reject(new Error("no reducer"));

interface Case {
  readonly what: string;
  readonly next: Version;
  readonly change?: (source: string) => string;
  /** Of the plan's list. */
  readonly told: readonly string[];
  readonly isDisconnected: boolean;
  /** What a call by names does afterwards. */
  readonly call: RegExp;
}

describe("row 13: a version that breaks clients", () => {
  test.each<Case>([
    {
      what: "parameters reordered",
      next: { params: "{ to: t.u32(), from: t.u32(), amount: t.u64() }" },
      told: ["reducer pay: parameters reordered: to, from, amount, not from, to, amount"],
      isDisconnected: true,
      call: /^done$/, // by names: in their new places
    },
    {
      what: "a parameter renamed",
      next: { params: "{ from: t.u32(), target: t.u32(), amount: t.u64() }", takes: "{ from, target: to, amount }" },
      told: ["reducer pay: parameter to renamed to target"],
      isDisconnected: true,
      call: /^VersionDiffers: .*`to`/,
    },
    {
      what: "a parameter retyped",
      next: { params: "{ from: t.u32(), to: t.u32(), amount: t.i64() }" },
      told: ["reducer pay: parameter amount is I64, not U64"],
      isDisconnected: true,
      call: /^VersionDiffers: .*`amount`/,
    },
    {
      what: "a parameter added",
      next: { params: "{ from: t.u32(), to: t.u32(), amount: t.u64(), note: t.string() }" },
      told: ["reducer pay: parameter note: String added"],
      isDisconnected: true,
      call: /^VersionDiffers: .*`note`/,
    },
    {
      what: "a parameter removed",
      next: {
        params: "{ from: t.u32(), to: t.u32() }",
        takes: "{ from, to, amount = 7 }: { from: number; to: number; amount?: number }",
      },
      told: ["reducer pay: parameter amount removed"],
      isDisconnected: true,
      call: /^VersionDiffers: .*`amount`/,
    },
    {
      what: "a variant within a parameter",
      next: {},
      change: (source) => source.replace(mood("Glad", "Sad"), mood("Sad", "Glad")),
      told: ["reducer tip: parameter mood is (sad | glad), not (glad | sad)"],
      isDisconnected: true,
      call: /^done$/,
    },
    {
      what: "a reducer removed",
      next: { extra: tip },
      told: ["reducer close: removed"],
      isDisconnected: false,
      call: /^done$/,
    },
    {
      what: "a reducer renamed",
      next: { extra: `export const shut = app.reducer({}, () => {});\n${tip}` },
      told: ["reducer close: removed"],
      isDisconnected: false,
      call: /^done$/,
    },
    {
      what: "a table private",
      next: { tables: "wallet: table({}, { id: t.u32().primaryKey() })," },
      told: ["table wallet: private, so nobody but the owner may subscribe to it"],
      isDisconnected: false,
      call: /^done$/,
    },
    {
      what: "an index removed",
      next: { payment: "{ id: t.u64().primaryKey().autoInc(), from: t.u32(), to: t.u32(), amount: t.u64() }" },
      told: ["table payment: no index on column to: subscriptions that join by it may be refused"],
      isDisconnected: false,
      call: /^done$/,
    },
    {
      what: "several at once",
      next: { params: "{ to: t.u32(), from: t.u32(), amount: t.u64() }", extra: tip },
      told: ["reducer pay: parameters reordered: to, from, amount, not from, to, amount", "reducer close: removed"],
      isDisconnected: true,
      call: /^done$/,
    },
  ])("$what", async ({ next, change, told, isDisconnected, call }) => {
    await begin();
    const { db, raw, states, opened } = await open();
    await pay(db);
    expect(await payments()).toEqual([[1, 2, 3]]);

    const program = await programOf(next, change);
    const plan = await planOf(database, program);
    expect(plan.break_clients).toBe(true);
    for (const line of told) expect(plan.migrate_plan).toContain(`    • ${line}\n`);
    expect(plan.migrate_plan.match(/•/g)).toHaveLength(told.length);
    expect(plan.migrate_plan.includes("All clients will be disconnected")).toBe(isDisconnected);

    // Unasked it is refused, by every change, and nobody notices.
    const refused = await put(database, program);
    expect(refused).toMatch(/^400 Failed to create or update the database: Migration plan contains a client-breaking/);
    for (const line of told) expect(refused).toContain(`\n  ${line}`);
    await pay(db);
    expect([raw.closed, states]).toEqual([undefined, ["open"]]);

    expect(await put(database, program, `&policy=BreakClients&token=${plan.token}`)).toMatch(/^200 /);
    raw.call("pay", payBytes(9), 1);
    if (isDisconnected) {
      await raw.over;
      expect(raw.closed).toMatchObject({ code: 1001, reason: expect.stringContaining("breaks clients") as string });
      await opened(2);
    } else expect((await raw.next())?.kind).toBe("TransactionUpdate");
    expect(await outcome(pay(db))).toMatch(call);

    const rows = await payments();
    const expected = 2 + (call.test("done") ? 1 : 0);
    expect(rows.filter(([, , amount]) => amount !== 9)).toEqual(Array.from({ length: expected }, () => [1, 2, 3]));
    // The bytes of the version before were not taken for arguments of this one.
    expect(rows.filter(([, , amount]) => amount === 9)).toEqual(isDisconnected ? [] : [[1, 2, 9]]);
    expect(db.tables["payment"]?.rows()).toHaveLength(rows.length);
    db.close();
    raw.close();
  });
});

describe("row 13: a version that breaks nobody", () => {
  test.each<Omit<Case, "told" | "isDisconnected" | "call">>([
    {
      what: "another body",
      next: { extra: `export const close = app.reducer({}, () => { console.log("shut"); });\n${tip}` },
    },
    {
      what: "a reducer added",
      next: {
        extra: `export const close = app.reducer({}, () => {});\nexport const more = app.reducer({ x: t.u8() }, () => {});\n${tip}`,
      },
    },
    { what: "reducers reordered", next: { extra: `${tip}\nexport const close = app.reducer({}, () => {});` } },
    {
      what: "a table added",
      next: {
        tables:
          "wallet: table({ public: true }, { id: t.u32().primaryKey() }), coin: table({ public: true }, { id: t.u32() }),",
      },
    },
    {
      what: "an index added",
      next: {
        payment: "{ id: t.u64().primaryKey().autoInc(), from: t.u32().index(), to: t.u32().index(), amount: t.u64() }",
      },
    },
  ])("$what: is not noticed", async ({ next }) => {
    await begin();
    const { db, raw, states } = await open();
    const program = await programOf(next);
    const plan = await planOf(database, program);
    expect(plan.break_clients).toBe(false);
    expect(plan.migrate_plan).not.toContain("Breaks");
    expect(await put(database, program)).toMatch(/^200 /);
    await pay(db);
    raw.call("pay", payBytes(9), 1);
    expect((await raw.next())?.kind).toBe("TransactionUpdate");
    expect(await payments()).toEqual([
      [1, 2, 3],
      [1, 2, 9],
    ]);
    expect([raw.closed, states]).toEqual([undefined, ["open"]]);
    db.close();
    raw.close();
  });
});

test("row 13: calls that are on their way when a version with other places comes are done as they were meant, or not at all", async () => {
  for (let round = 0; round < 5; round++) {
    await begin();
    const program = await programOf({ params: "{ to: t.u32(), from: t.u32(), amount: t.u64() }" });
    const { token } = await planOf(database, program);
    const clients = await Promise.all(Array.from({ length: 4 }, () => RawClient.open(served.url, database)));
    let answered = 0;
    const senders = clients.map(async (raw) => {
      await raw.next();
      for (let amount = 0; raw.closed === undefined; amount++) {
        for (let burst = 0; burst < 20; burst++) raw.call("pay", payBytes(amount), amount);
        for (let burst = 0; burst < 20; burst++) {
          const message = await raw.next();
          if (message === undefined) return;
          expect(message).toMatchObject({ kind: "TransactionUpdate", status: { kind: "Committed" } });
          answered += 1;
        }
      }
    });
    const published = put(database, program, `&policy=BreakClients&token=${token}`);
    expect(await published).toMatch(/^200 /);
    await Promise.all(senders);
    for (const raw of clients) expect(raw.closed?.code).toBe(1001);
    const rows = await payments();
    expect(rows.filter(([from, to]) => from !== 1 || to !== 2)).toEqual([]);
    expect(rows.length, "what was done was told before the end").toBe(answered);
  }
});

test("row 13: a procedure's parameters, result and end, of a module in WebAssembly", async () => {
  const asking = (...procedures: readonly (readonly [params: readonly string[], returns: AlgebraicType])[]) =>
    new Uint8Array(
      buildModule({
        description: encodeRawV9({
          version: 9,
          typespace: [],
          types: [],
          tables: [],
          reducers: [],
          miscExports: procedures.map(([params, returns]) => ({
            kind: "procedure",
            name: "ask",
            params: params.map((name) => ({ name, type: t.u32 })),
            returns,
          })),
          rowLevelRules: [],
        }),
        reducer: op.i32(0),
        procedure: op.i32(0),
      }),
    );
  const send = async (path: string, method: string, program: Uint8Array<ArrayBuffer>): Promise<string> => {
    const response = await served.request(method, `/v1/database/oracle${path}`, program);
    return `${response.status} ${await response.text()}`;
  };
  expect(await send("", "PUT", asking([["from", "to"], t.u8]))).toMatch(/^200 /);
  const raw = await RawClient.open(served.url, "oracle");
  await raw.next();
  for (const [program, told, isDisconnected] of [
    [asking([["to", "from"], t.u8]), "procedure ask: parameters reordered: to, from, not from, to", true],
    [asking([["from", "to"], t.u16]), "procedure ask: returns U16, not U8", true],
    [asking(), "procedure ask: removed", false],
  ] as const) {
    const plan = await send("/pre_publish?style=NoColor&details=true", "POST", program);
    expect(plan).toContain(`    • ${told}\\n`);
    expect(plan).toContain(`"break_clients":true`);
    expect(plan.includes("will be disconnected")).toBe(isDisconnected);
    expect(await send("", "PUT", program)).toMatch(new RegExp(`^400 [^]*\n  ${told}$`));
  }
  expect(raw.closed).toBeUndefined();
  const { token }: { token: string } = JSON.parse(
    (await send("/pre_publish", "POST", asking([["from", "to"], t.u16]))).slice("200 ".length),
  ).AutoMigrate;
  const query = `?policy=BreakClients&token=${token}`;
  expect(await send(query, "PUT", asking([["from", "to"], t.u16]))).toMatch(/^200 /);
  await raw.over;
  expect(raw.closed?.code).toBe(1001);
});
