// Goal: a database whose row-level rule this release does not take any more is there: its table is shut to all but owners,
// what reads it under its rules as well, everything else serves, and a line says what to do.
// Method: a real server is killed; while it is down the log gets a record that has another program in it, as an older release
// would have taken it; the next server is asked by SQL, subscriptions and the command. Then the rule is mended by a publish.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { asTableId, defined, realClock } from "@lightcone/base";
import { realFileSystem } from "@lightcone/base/node";
import { openLog } from "@lightcone/commitlog";
import { CommitKind, openStore } from "@lightcone/engine";
import { fromHex, programHash, toHex } from "@lightcone/sats";
import { Place } from "../../../packages/cli/src/testing/command.ts";
import { storeProgram } from "../../../packages/database/src/publish/module-row.ts";
import { storeRules } from "../../../packages/database/src/publish/rule-rows.ts";
import { RawClient } from "../raw-client.ts";
import { Served } from "../served.ts";
import { moduleOf, type SketchedTable } from "./tables-module.ts";

const tablesWith = (rule: string): readonly SketchedTable[] => [
  { name: "note", access: "public", columns: [["id", "U64"]], unique: [["id"]], indexes: [["id"]], rls: [rule] },
  {
    name: "reply",
    access: "public",
    columns: [["note", "U64"]],
    indexes: [["note"]],
    rls: ["SELECT reply.* FROM reply JOIN note ON reply.note = note.id"],
  },
  { name: "open", access: "public", columns: [["id", "U64"]], unique: [["id"]], indexes: [["id"]] },
];
const goodRule = "SELECT * FROM note WHERE id > 1";
const badRule = "SELECT * FROM note WHERE gone = :sender";
const shut = /^table note is shut to all but owners: a row-level rule of its does not compile any more/;

const place = new Place();
let served: Served;
let identity: string;
let stranger: string;

/** Has the database's log say that it runs this program, whose rule nobody has looked at. */
async function takeUnchecked(program: Uint8Array, rule: string): Promise<void> {
  const directory = `${await served.directoryOf(identity)}/log`;
  const log = await openLog({ fileSystem: realFileSystem, clock: realClock, directory, mustExist: true });
  const store = openStore();
  for await (const { records } of log.read(0)) for (const record of records) store.release(store.apply(record));
  const [note] = store.tables().filter(({ schema }) => schema.def.name === "note");
  const owner = new Uint8Array(32);
  store.begin();
  const hash = toHex(programHash(program));
  storeProgram({ store, identity: fromHex(identity).toReversed(), owner }, { bytes: program, hash, hostType: "wasm" });
  storeRules({ store, access: { rules: [{ table: asTableId(defined(note, "the table").schema.id), sql: rule }] } });
  const commit = defined(
    store.commit({
      kind: CommitKind.publish,
      sender: owner,
      connection: new Uint8Array(16),
      timestampMicros: store.timestampMicros,
      functionName: "",
      reducerId: 0xffff_ffff,
      args: new Uint8Array(0),
      requestId: 0,
      requestSequence: 0,
    }),
    "a commit",
  );
  log.append(commit.bytes, commit.offset);
  await log.whenDurable(commit.offset);
  await log.close();
}

/** The rows' first columns, or why there are none. */
async function asked(sql: string, token: string): Promise<unknown> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${served.url}/v1/database/shut/sql`, { method: "POST", headers, body: sql });
  const text = await response.text();
  if (response.status !== 200) return text;
  const [{ rows }]: [{ rows: [number][] }] = JSON.parse(text);
  return rows.map(([first]) => first).toSorted();
}

async function subscribed(query: string): Promise<unknown> {
  const client = await RawClient.open(served.url, "shut", { token: stranger });
  await client.next();
  client.say({ kind: "SubscribeSingle", query, requestId: 1, queryId: 1 });
  const message = await client.next();
  client.close();
  await client.over;
  return message?.kind === "SubscriptionError" ? message.message : message?.kind;
}

beforeAll(async () => {
  served = await Served.open();
  identity = await (async () => {
    await served.publish("shut", moduleOf(tablesWith(goodRule)), "Wasm");
    return (await (await served.request("GET", "/v1/database/shut/identity")).text()).trim();
  })();
  ({ token: stranger } = JSON.parse(await (await fetch(`${served.url}/v1/identity`, { method: "POST" })).text()));
  for (const rows of ["note (id) VALUES (1), (2)", "reply (note) VALUES (1), (2)", "open (id) VALUES (7)"])
    await served.sql("shut", `INSERT INTO ${rows}`);
  place.env["LIGHTCONE_SERVER"] = served.url;
});
afterAll(async () => {
  await place.close();
  await served.stop();
});

describe("row 9: a row-level rule that does not compile any more", () => {
  test("shuts its table, and what is read under it, to all but owners; everything else serves", async () => {
    expect(await asked("SELECT id FROM note", stranger)).toEqual([2]);
    await served.killFront();
    await takeUnchecked(moduleOf(tablesWith(badRule)), badRule);
    await served.start();
    expect(await asked("SELECT id FROM note", served.token)).toEqual([1, 2]);
    expect(await asked("SELECT id FROM note", stranger)).toMatch(shut);
    expect(await asked("SELECT * FROM reply", stranger)).toMatch(shut);
    expect(await asked("SELECT id FROM open", stranger)).toEqual([7]);
    expect(await subscribed("SELECT * FROM note")).toMatch(shut);
    expect(await subscribed("SELECT * FROM open")).toBe("SubscribeApplied");
    await served.sql("shut", "INSERT INTO note (id) VALUES (3)");
  });

  const told =
    /table note is shut to all but owners: the row-level rule `SELECT \* FROM note WHERE gone = :sender` is refused: .*Publish the module with a rule that this release takes/;

  test("is told in the module's log and by `describe`, with what to do", async () => {
    expect(await (await served.request("GET", "/v1/database/shut/logs")).text()).toMatch(told);
    const { code, out, err } = await place.run("describe", "shut");
    expect([code, out, err]).toEqual([0, expect.stringContaining(`rule ${badRule}`), expect.stringMatching(told)]);
    expect((await place.run("describe", "shut", "--json")).err).toMatch(told);
  });

  test("is not lost by a publish that is refused, and is mended by one that is not", async () => {
    const publish = async (rule: string): Promise<string> => {
      const bytes = moduleOf(tablesWith(rule));
      const plan = await served.request("POST", "/v1/database/shut/pre_publish?host_type=Wasm", bytes);
      const { token } = JSON.parse(await plan.text()).AutoMigrate;
      const query = `host_type=Wasm&policy=BreakClients&token=${token}`;
      const response = await served.request("PUT", `/v1/database/shut?${query}`, bytes);
      return `${response.status} ${await response.text()}`;
    };
    expect(await publish("SELECT * FROM note WHERE gone = 1")).toMatch(/^400 .*gone = 1/);
    expect(await asked("SELECT id FROM note", stranger)).toMatch(shut);
    expect(await publish(goodRule)).toMatch(/^200/);
    expect(await asked("SELECT id FROM note", stranger)).toEqual([2, 3]);
    expect(await asked("SELECT note FROM reply", stranger)).toEqual([2]);
    expect((await place.run("describe", "shut")).err).toBe("");
  });
});
