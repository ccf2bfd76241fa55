// Goal: nobody writes the rows by which a database knows what it is, and what of its files makes no sense is said to be
// damage, by file and byte; whatever is tried, the next start finds every row.
// Method: a real server. Statements over HTTP for each system table and kind of write, a module in WebAssembly whose
// calls do the same; then the server is killed, or takes a snapshot and ends, and the next one's rows are read. Files
// that are whole by their hashes and make no sense are written by the log and the snapshot store themselves.
import { readdir } from "node:fs/promises";
import { defined, realClock } from "@lightcone/base";
import { realFileSystem } from "@lightcone/base/node";
import { openLog, openSnapshotStore } from "@lightcone/commitlog";
import { systemTables, type TableSchema } from "@lightcone/schema";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Served } from "../served.ts";
import { GuestData, outAt, scriptProgram, type Step } from "../wasm/guest-script.ts";

let served: Served;
beforeEach(async () => {
  served = await Served.open();
});
afterEach(async () => await served.stop());

const shelf = "ledger";

async function publishShelf(): Promise<void> {
  await served.publishTypeScript(shelf, "ledger");
  for (const number of [1, 2, 3]) expect((await served.call(shelf, "record", `[7, ${number}]`)).status).toBe(200);
}

const entries = async (): Promise<unknown> => await served.sql(shelf, "SELECT client, number FROM entry");
const threeEntries = [
  [7, 1],
  [7, 2],
  [7, 3],
];

async function restart(how: "killed" | "snapshot"): Promise<void> {
  if (how === "killed") await served.killFront();
  else {
    const taken = await served.request("POST", `/v1/database/${shelf}/snapshot`);
    expect(taken.status, await taken.text()).toBe(200);
    await served.stopFront();
  }
  await served.start();
}

/** A literal of the types that one can be written of. */
const literals: Readonly<Record<string, string>> = { U32: "4097", U128: "4097", U256: "0x01", String: "'other'" };

/** Statements that write a table's rows, whether it has any or none. */
function writesOf({ def: { name, columns } }: TableSchema): readonly string[] {
  const values = columns.map(({ type }) => literals[type.kind]);
  const simple = columns.flatMap((column, i) => (values[i] === undefined ? [] : [`${column.name} = ${values[i]}`]));
  const names = columns.map((column) => column.name).join(", ");
  return [
    `DELETE FROM ${name}`,
    ...simple.flatMap((each) => [`UPDATE ${name} SET ${each}`, `DELETE FROM ${name} WHERE ${each}`]),
    ...(values.includes(undefined) ? [] : [`INSERT INTO ${name} (${names}) VALUES (${values.join(", ")})`]),
  ];
}

test.each(["killed", "snapshot"] as const)(
  "SQL of the owner writes no system table, and every row is there after a restart (%s)",
  async (how) => {
    await publishShelf();
    const before = await served.sql(shelf, "SELECT * FROM st_column");
    for (const table of systemTables) {
      if (table.def.name === "st_var") continue;
      for (const statement of writesOf(table)) {
        const response = await served.request("POST", `/v1/database/${shelf}/sql`, statement);
        expect([response.status, await response.text()], statement).toEqual([
          400,
          expect.stringContaining(`\`${table.def.name}\` is a system table`),
        ]);
      }
    }
    await restart(how);
    expect(await entries()).toEqual(threeEntries);
    expect(await served.sql(shelf, "SELECT * FROM st_column")).toEqual(before);
    expect((await served.call(shelf, "record", "[7, 4]")).status).toBe(200);
  },
);

test("variables are written by their statement, and taken back by a DELETE", async () => {
  await publishShelf();
  await served.sql(shelf, "SET row_limit = 1000");
  expect(await served.sql(shelf, "SELECT name FROM st_var")).toEqual([["row_limit"]]);
  await served.sql(shelf, "DELETE FROM st_var WHERE name = 'row_limit'");
  await restart("snapshot");
  expect(await served.sql(shelf, "SHOW row_limit")).toEqual([]);
  expect(await entries()).toEqual(threeEntries);
});

// A row of `st_event_table`, which has a `u32` alone and a key for it.
const eventTable = 17;
const data = new GuestData();
const [rowAt, rowLengthAt] = data.putWithLength({ hex: "01100000" });
const [rowsAt, rowsLength] = data.put({ hex: "01000000 01100000" });
test.each<[what: string, step: Step]>([
  ["insert", ["datastore_insert_bsatn", eventTable, rowAt, rowLengthAt]],
  ["delete", ["datastore_delete_all_by_eq_bsatn", eventTable, rowsAt, rowsLength, outAt]],
  ["clear", ["datastore_clear", 1, outAt]],
])("a module in WebAssembly cannot %s rows of a system table", async (_, step) => {
  await served.publish(shelf, scriptProgram([step], {}, data), "Wasm");
  const tables = await served.sql(shelf, "SELECT table_name FROM st_table");
  const response = await served.call(shelf, "run", "[]");
  expect([response.status, await response.text()]).toEqual([400, expect.stringContaining("is a system table")]);
  await restart("killed");
  expect(await served.sql(shelf, "SELECT table_name FROM st_table")).toEqual(tables);
  expect(await served.sql(shelf, "SELECT * FROM st_event_table")).toEqual([]);
});

async function databaseDirectory(): Promise<string> {
  const names = await readdir(served.dataDirectory, { recursive: true });
  return `${served.dataDirectory}/${defined(
    names.find((name) => /^databases\/\w+\/\d+$/.test(name)),
    "a database's directory",
  )}`;
}

const nonsense = new TextEncoder().encode("\u0001 whole by its hash, of a version that is known, and nothing of it");

test("a record that makes no sense is damage at a byte of the log's file, and stays so", async () => {
  await publishShelf();
  await served.stopFront();
  const directory = `${await databaseDirectory()}/log`;
  const log = await openLog({ fileSystem: realFileSystem, clock: realClock, directory, mustExist: true });
  log.append(nonsense, log.appendedOffset + 1);
  await log.close();
  await served.start();
  for (let time = 0; time < 2; time++) {
    const response = await served.request("POST", `/v1/database/${shelf}/sql`, "SELECT * FROM entry");
    expect([response.status, await response.text()]).toEqual([
      500,
      expect.stringMatching(/log\/\S+ is damaged at byte \d+: .*does not decode/),
    ]);
  }
});

test("a snapshot that makes no sense is passed over while the log has all", async () => {
  await publishShelf();
  await served.request("POST", `/v1/database/${shelf}/snapshot`);
  await served.stopFront();
  const snapshots = await openSnapshotStore(realFileSystem, `${await databaseDirectory()}/snapshots`);
  for (const { offset } of await snapshots.list())
    await snapshots.write({ offset, meta: new Uint8Array(0), chunks: [nonsense], durable: Promise.resolve() });
  await served.start();
  expect(await entries()).toEqual(threeEntries);
});
