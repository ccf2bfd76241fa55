// Goal: each host function keeps the ABI's rules, the odd ones included: what traps, what is an error number, what is written.
// Method: guests assembled from host calls with constant arguments, on the real engine; a row per rule.
// Rules: docs/wire/module-abi.md.
import { outsideMicrotasks } from "@lightcone/base/node";
import { Errno, LogLevel } from "@lightcone/host";
import { op } from "@lightcone/host-wasm/testing";
import { describe, expect, test } from "vitest";
import { traceCaller } from "./engine-database.ts";
import { bufferAt, GuestData, outAt, runScript, type ScriptOptions, type Step } from "./guest-script.ts";

const probe = runScript([]).database;
const tableId = (name: string): number => probe.store.tableByName(name)?.id ?? 0;
const indexId = (name: string): number => {
  const index = probe.store
    .tables()
    .flatMap((table) => table.indexes)
    .find((found) => found.def.name === name);
  if (index === undefined) throw new Error(`no index ${name}`);
  return index.id;
};
const [item, mark, blob] = [tableId("item"), tableId("mark"), tableId("blob")];
const [byId, byName, byPair, byHash] = [
  indexId("item_id_idx_btree"),
  indexId("item_name_idx_btree"),
  indexId("item_a_b_idx_btree"),
  indexId("item_a_idx_hash"),
];
const blobById = indexId("blob_id_idx_btree");

const hex = (width: number, value: number | bigint): string => {
  const view = Buffer.alloc(8);
  view.writeBigInt64LE(BigInt(value));
  return view.subarray(0, width).toString("hex");
};
const textHex = (text: string): string => hex(4, Buffer.byteLength(text)) + Buffer.from(text).toString("hex");
const itemHex = (id: number, tag: number, name: string, a: number, b: number): string =>
  hex(8, id) + hex(2, tag) + textHex(name) + hex(4, a) + hex(2, b);
const markHex = (x: number, y: number): string => hex(4, x) + hex(4, y);
const blobHex = (id: number, length: number): string => hex(4, id) + hex(4, length) + "ab".repeat(length);

/** Items 1 … 6: a is 1, 1, 1, 2, 2, 3 and b is -1, 0, 1, 0, 5, 9. */
const items: ScriptOptions["rows"] = [
  ["item", itemHex(1, 1, "one", 1, -1)],
  ["item", itemHex(2, 2, "two", 1, 0)],
  ["item", itemHex(3, 3, "three", 1, 1)],
  ["item", itemHex(4, 4, "four", 2, 0)],
  ["item", itemHex(5, 5, "five", 2, 5)],
  ["item", itemHex(6, 6, "six", 3, 9)],
];

/** Places of what most steps name. */
const data = new GuestData();
const [itemName, itemNameLength] = data.put("item");
const [noName, noNameLength] = data.put("nothing");
const [notUtf8, notUtf8Length] = data.put({ hex: "ff fe 41" });
const [row, rowLength] = data.putWithLength({ hex: itemHex(0, 0, "new", 7, 7) });
const [badRow, badRowLength] = data.putWithLength({ hex: "01 02 03" });
const [badText, badTextLength] = data.putWithLength({
  hex: hex(8, 0) + hex(2, 0) + "02000000 ffff" + hex(4, 1) + hex(2, 1),
});
const [longRow, longRowLength] = data.putWithLength({ hex: `${itemHex(0, 0, "long", 1, 1)}00` });
const [key1] = data.put({ hex: hex(8, 1) });
const [pairKey] = data.put({ hex: hex(4, 1) + hex(2, 0) });
const [aKey] = data.put({ hex: hex(4, 1) });
const [unbounded] = data.put([2]);
const [included0, includedLength] = data.put({ hex: `00${hex(2, 0)}` });
const [noTag] = data.put([7]);
const [capacity64k] = data.put({ hex: hex(4, 65_536) });
const [capacity1] = data.put({ hex: hex(4, 1) });
const [hugeLength] = data.put({ hex: "f0ffffff" });
const end = 4 * 65_536;

describe("traps", () => {
  const table = (name: string, nameLength: number, out: number): Step => [
    "table_id_from_name",
    name === "null" ? 0 : Number(name),
    nameLength,
    out,
  ];
  test.each<[what: string, steps: Step[], message: RegExp]>([
    ["a name at null", [table("null", 4, outAt)], /null/],
    ["a name at null with length 0", [table("null", 0, outAt)], /null/],
    ["a name beyond the memory", [["table_id_from_name", end - 2, 4, outAt]], /outside/],
    ["a name of nearly 4 GiB", [["table_id_from_name", itemName, -1, outAt]], /outside/],
    ["a name that is not UTF-8", [["table_id_from_name", notUtf8, notUtf8Length, outAt]], /UTF-8/],
    ["an index's name that is not UTF-8", [["index_id_from_name", notUtf8, notUtf8Length, outAt]], /UTF-8/],
    ["an out-pointer at null", [["table_id_from_name", itemName, itemNameLength, 0]], /null/],
    [
      "an out-pointer whose last byte is outside",
      [["table_id_from_name", itemName, itemNameLength, end - 3]],
      /outside/,
    ],
    ["a count's out-pointer outside", [["datastore_table_row_count", item, end - 7]], /outside/],
    ["a scan's out-pointer at null, after the scan", [["datastore_table_scan_bsatn", item, 0]], /null/],
    ["a row at null", [["datastore_insert_bsatn", item, 0, rowLength]], /null/],
    ["a row whose length is at null", [["datastore_insert_bsatn", item, row, 0]], /null/],
    ["a row that ends outside", [["datastore_insert_bsatn", item, row, hugeLength]], /outside/],
    ["an updated row at null", [["datastore_update_bsatn", item, byId, 0, rowLength]], /null/],
    ["a key at null", [["datastore_index_scan_point_bsatn", byId, 0, 8, outAt]], /null/],
    ["an empty key at null", [["datastore_index_scan_point_bsatn", byId, 0, 0, outAt]], /null/],
    ["a deleted key outside", [["datastore_delete_by_index_scan_point_bsatn", byId, end - 1, 8, outAt]], /outside/],
    ["rows to delete at null", [["datastore_delete_all_by_eq_bsatn", mark, 0, 4, outAt]], /null/],
    [
      "a start bound at null",
      [["datastore_index_scan_range_bsatn", byPair, 0, 0, 0, 0, 0, unbounded, 1, outAt]],
      /null/,
    ],
    [
      "an end bound at null",
      [["datastore_index_scan_range_bsatn", byPair, 0, 0, 0, unbounded, 1, 0, 0, outAt]],
      /null/,
    ],
    [
      "a prefix at null",
      [["datastore_index_scan_range_bsatn", byPair, 0, 4, 1, unbounded, 1, unbounded, 1, outAt]],
      /null/,
    ],
    [
      "a prefix of 65,536 columns",
      [["datastore_index_scan_range_bsatn", byPair, aKey, 4, 65_536, unbounded, 1, unbounded, 1, outAt]],
      /columns/,
    ],
    [
      "a prefix of -1 columns",
      [["datastore_index_scan_range_bsatn", byPair, aKey, 4, -1, unbounded, 1, unbounded, 1, outAt]],
      /columns/,
    ],
    [
      "a buffer at null",
      [
        ["datastore_table_scan_bsatn", item, outAt],
        ["row_iter_bsatn_advance", 1, 0, capacity64k],
      ],
      /null/,
    ],
    [
      "a buffer that ends outside",
      [
        ["datastore_table_scan_bsatn", item, outAt],
        ["row_iter_bsatn_advance", 1, end - 4, capacity64k],
      ],
      /outside/,
    ],
    ["a sink's bytes outside", [["bytes_sink_write", 1, end - 1, capacity64k]], /outside/],
    ["the identity at null", [["identity", 0]], /null/],
    ["the identity outside", [["identity", end - 31]], /outside/],
    ["a connection at null", [["get_jwt", 0, outAt]], /null/],
    ["a timer's name at null", [["console_timer_start", 0, 0]], /null/],
    [
      "a scheduled name that is not UTF-8",
      [["volatile_nonatomic_schedule_immediate", notUtf8, notUtf8Length, row, 1]],
      /UTF-8/,
    ],
    [
      "scheduled arguments at null",
      [["volatile_nonatomic_schedule_immediate", itemName, itemNameLength, 0, 0]],
      /null/,
    ],
    ["sleep in a reducer", [["procedure_sleep_until", 0]], /only a procedure waits/],
    ["HTTP in a reducer", [["procedure_http_request", row, 1, row, 1, outAt]], /only a procedure waits/],
  ])("%s", (_, steps, message) => {
    const run = runScript(steps, { data, rows: items });
    expect(run.outcome).toMatchObject({ kind: "panic", fatal: true, message: expect.stringMatching(message) });
    expect(run.database.store.isOpen).toBe(false);
  });
});

describe("error numbers", () => {
  const point = (index: number, at: number, length: number): Step => [
    "datastore_index_scan_point_bsatn",
    index,
    at,
    length,
    outAt,
  ];
  const range = (index: number, ...rest: [number, number, number, number, number, number, number]): Step => [
    "datastore_index_scan_range_bsatn",
    index,
    ...rest,
    outAt,
  ];
  test.each<[what: string, step: Step, errno: number]>([
    ["a table that is", ["table_id_from_name", itemName, itemNameLength, outAt], 0],
    ["a table that is not", ["table_id_from_name", noName, noNameLength, outAt], Errno.noSuchTable],
    ["an empty name", ["table_id_from_name", 1, 0, outAt], Errno.noSuchTable],
    ["an index that is not", ["index_id_from_name", noName, noNameLength, outAt], Errno.noSuchIndex],
    ["a count of no table", ["datastore_table_row_count", 9999, outAt], Errno.noSuchTable],
    ["a scan of no table", ["datastore_table_scan_bsatn", 9999, outAt], Errno.noSuchTable],
    ["a scan of table -1", ["datastore_table_scan_bsatn", -1, outAt], Errno.noSuchTable],
    ["clearing no table", ["datastore_clear", 9999, outAt], Errno.noSuchTable],
    ["inserting into no table", ["datastore_insert_bsatn", 9999, row, rowLength], Errno.noSuchTable],
    ["a row that ends early", ["datastore_insert_bsatn", item, badRow, badRowLength], Errno.bsatnDecode],
    ["a row with bytes behind it", ["datastore_insert_bsatn", item, longRow, longRowLength], Errno.bsatnDecode],
    ["a row whose text is not UTF-8", ["datastore_insert_bsatn", item, badText, badTextLength], Errno.bsatnDecode],
    ["an update through no index", ["datastore_update_bsatn", item, 9999, row, rowLength], Errno.noSuchIndex],
    [
      "an update through another table's index",
      ["datastore_update_bsatn", item, blobById, row, rowLength],
      Errno.noSuchIndex,
    ],
    [
      "an update through an index that is not unique",
      ["datastore_update_bsatn", item, byPair, row, rowLength],
      Errno.indexNotUnique,
    ],
    ["an update of no row", ["datastore_update_bsatn", item, byName, row, rowLength], Errno.noSuchRow],
    ["an update with a bad row", ["datastore_update_bsatn", item, byId, badRow, badRowLength], Errno.bsatnDecode],
    ["a point of no index", point(9999, key1, 8), Errno.noSuchIndex],
    ["a point of index -1", point(-1, key1, 8), Errno.noSuchIndex],
    ["a unique point that is too short", point(byId, key1, 7), Errno.bsatnDecode],
    ["a unique point that is too long", point(byId, key1, 9), Errno.bsatnDecode],
    ["a point of two columns with one", point(byPair, pairKey, 4), Errno.bsatnDecode],
    ["a hashed point that is too short", point(byHash, aKey, 3), Errno.bsatnDecode],
    [
      "deleting a point that does not decode",
      ["datastore_delete_by_index_scan_point_bsatn", byId, key1, 7, outAt],
      Errno.bsatnDecode,
    ],
    ["deleting by no index", ["datastore_delete_by_index_scan_point_bsatn", 9999, key1, 8, outAt], Errno.noSuchIndex],
    ["a range of a hash index", range(byHash, 1, 0, 0, unbounded, 1, unbounded, 1), Errno.wrongIndexAlgorithm],
    ["a range of no index", range(9999, 1, 0, 0, unbounded, 1, unbounded, 1), Errno.noSuchIndex],
    ["a prefix on one column", range(byId, key1, 8, 1, unbounded, 1, unbounded, 1), Errno.bsatnDecode],
    ["a prefix as long as the key", range(byPair, pairKey, 6, 2, unbounded, 1, unbounded, 1), Errno.bsatnDecode],
    ["a prefix that ends early", range(byPair, aKey, 3, 1, unbounded, 1, unbounded, 1), Errno.bsatnDecode],
    ["a bound without a tag", range(byPair, aKey, 4, 1, unbounded, 0, unbounded, 1), Errno.bsatnDecode],
    ["a bound with an unknown tag", range(byPair, aKey, 4, 1, noTag, 1, unbounded, 1), Errno.bsatnDecode],
    ["an unbounded end with bytes behind it", range(byPair, aKey, 4, 1, unbounded, 1, unbounded, 2), Errno.bsatnDecode],
    [
      "a bound that is too short",
      range(byPair, aKey, 4, 1, included0, includedLength - 1, unbounded, 1),
      Errno.bsatnDecode,
    ],
    [
      "a bound that is too long",
      range(byPair, aKey, 4, 1, included0, includedLength + 1, unbounded, 1),
      Errno.bsatnDecode,
    ],
    [
      "rows to delete that do not decode",
      ["datastore_delete_all_by_eq_bsatn", mark, badRow, 3, outAt],
      Errno.bsatnDecode,
    ],
    ["rows to delete of no table", ["datastore_delete_all_by_eq_bsatn", 9999, badRow, 3, outAt], Errno.noSuchTable],
    ["no iterator", ["row_iter_bsatn_advance", 1, bufferAt, capacity64k], Errno.noSuchIter],
    ["iterator 0", ["row_iter_bsatn_advance", 0, bufferAt, capacity64k], Errno.noSuchIter],
    ["closing no iterator", ["row_iter_bsatn_close", -5], Errno.noSuchIter],
    ["no source", ["bytes_source_read", 1, bufferAt, capacity64k], Errno.noSuchBytes],
    ["the length of source 0", ["bytes_source_remaining_length", 0, outAt], Errno.noSuchBytes],
    ["no sink", ["bytes_sink_write", 2, row, rowLength], Errno.noSuchBytes],
    ["no timer", ["console_timer_end", 3], Errno.noSuchConsoleTimer],
    ["a transaction begun in a reducer", ["procedure_start_mut_tx", outAt], Errno.wouldBlockTransaction],
    ["a reducer's transaction committed", ["procedure_commit_mut_tx"], Errno.transactionNotAnonymous],
    ["a reducer's transaction aborted", ["procedure_abort_mut_tx"], Errno.transactionNotAnonymous],
  ])("%s", (_, step, errno) => {
    const run = runScript([step], { data, rows: items });
    expect(run.outcome).toEqual({ kind: "ok" });
    expect(run.results).toEqual([errno]);
    expect(run.u32(outAt) === 0).toBe(errno !== 0);
  });
});

const byNumber = (a: number, b: number): number => a - b;

/** The ids of the items that lie in the buffer, in order. */
function idsIn(bytes: Uint8Array): number[] {
  const view = Buffer.from(bytes);
  const ids: number[] = [];
  for (let at = 0; at < view.length;) {
    ids.push(Number(view.readBigUInt64LE(at)));
    at += 10 + 4 + view.readUInt32LE(at + 10) + 6;
  }
  return ids;
}

describe("range scans", () => {
  const bound = (tag: number, value?: number): string => hex(1, tag) + (value === undefined ? "" : hex(2, value));
  const [inc, exc, free] = [(value: number) => bound(0, value), (value: number) => bound(1, value), bound(2)];
  test.each<[what: string, prefix: number | undefined, from: string, to: string, ids: number[]]>([
    ["a prefix alone", 1, free, free, [1, 2, 3]],
    ["from, included", 1, inc(0), free, [2, 3]],
    ["from, excluded", 1, exc(0), free, [3]],
    ["to, included", 1, free, inc(0), [1, 2]],
    ["to, excluded", 1, free, exc(0), [1]],
    ["both included", 1, inc(-1), inc(0), [1, 2]],
    ["both excluded", 1, exc(-1), exc(1), [2]],
    ["a point", 1, inc(0), inc(0), [2]],
    ["equal ends, one excluded", 1, inc(0), exc(0), []],
    ["turned round", 1, inc(1), inc(-1), []],
    ["a prefix that has no rows", 9, free, free, []],
    ["the first column from", undefined, `00${hex(4, 2)}`, free, [4, 5, 6]],
    ["the first column beyond", undefined, `01${hex(4, 2)}`, free, [6]],
    ["the first column up to", undefined, free, `00${hex(4, 2)}`, [1, 2, 3, 4, 5]],
    ["the first column before", undefined, free, `01${hex(4, 2)}`, [1, 2, 3]],
    ["everything", undefined, free, free, [1, 2, 3, 4, 5, 6]],
  ])("%s", (_, prefix, from, to, ids) => {
    for (const name of ["datastore_index_scan_range_bsatn", "datastore_btree_scan_bsatn"] as const) {
      const script = new GuestData();
      const [prefixAt, prefixLength] = script.put({ hex: prefix === undefined ? "" : hex(4, prefix) });
      const [fromAt, fromLength] = script.put({ hex: from });
      const [toAt, toLength] = script.put({ hex: to });
      const [capacity] = script.put({ hex: hex(4, 65_536) });
      const args = [
        byPair,
        prefix === undefined ? 0 : prefixAt,
        prefixLength,
        prefix === undefined ? 0 : 1,
        fromAt,
        fromLength,
        toAt,
        toLength,
        outAt,
      ] as const;
      const run = runScript(
        [
          [name, ...args],
          ["row_iter_bsatn_advance", 1, bufferAt, capacity],
        ],
        { data: script, rows: items },
      );
      expect(run.results).toEqual([0, -1]);
      expect(idsIn(run.memory.subarray(bufferAt, bufferAt + run.u32(capacity)))).toEqual(ids);
      const deletes =
        name === "datastore_btree_scan_bsatn"
          ? "datastore_delete_by_btree_scan_bsatn"
          : "datastore_delete_by_index_scan_range_bsatn";
      const deleting = runScript([[deletes, ...args]], { data: script, rows: items });
      expect([...deleting.results, deleting.u32(outAt)]).toEqual([0, ids.length]);
      expect(deleting.database.rowBytes("item").flatMap(idsIn).toSorted(byNumber)).toEqual(
        [1, 2, 3, 4, 5, 6].filter((id) => !ids.includes(id)),
      );
    }
  });
});

describe("iterators", () => {
  const scan: Step = ["datastore_table_scan_bsatn", item, outAt];

  test("a buffer of one byte: the needed size, then the row, then the end with the last row", () => {
    const script = new GuestData();
    const [one] = script.put({ hex: hex(4, 1) });
    const [exact] = script.put({ hex: hex(4, 23) });
    const [room] = script.put({ hex: hex(4, 65_536) });
    const [none] = script.put({ hex: hex(4, 0) });
    const advance = (at: number, to = bufferAt): Step => ["row_iter_bsatn_advance", 1, to, at];
    const run = runScript(
      [scan, advance(none), advance(one), advance(exact), advance(room, bufferAt + 100), advance(room)],
      {
        data: script,
        rows: items,
      },
    );
    expect(run.results).toEqual([0, Errno.bufferTooSmall, Errno.bufferTooSmall, 0, -1, Errno.noSuchIter]);
    expect([run.u32(none), run.u32(one), run.u32(exact)]).toEqual([23, 23, 23]);
    expect(idsIn(run.memory.subarray(bufferAt, bufferAt + 23))).toEqual([1]);
    expect(idsIn(run.memory.subarray(bufferAt + 100, bufferAt + 100 + run.u32(room)))).toEqual([2, 3, 4, 5, 6]);
  });

  test("nothing to deliver is told at once", () => {
    const run = runScript(
      [
        ["datastore_table_scan_bsatn", mark, outAt],
        ["row_iter_bsatn_advance", 1, bufferAt, capacity1],
      ],
      { data },
    );
    expect(run.results).toEqual([0, -1]);
    expect(run.u32(capacity1)).toBe(0);
  });

  test("handles start at 1, are given again, and do not outlive their call", () => {
    const run = runScript([scan, scan, ["row_iter_bsatn_close", 1], ["row_iter_bsatn_close", 1], scan], {
      data,
      rows: items,
    });
    expect(run.results).toEqual([0, 0, 0, Errno.noSuchIter, 0]);
    expect(run.u32(outAt)).toBe(1);
    run.database.scheduled.length = 0;
    expect(run.database.callRaw(0, new Uint8Array(0))).toEqual({ kind: "ok" });
    const memory = Buffer.from(run.database.scheduled.at(-1)?.args ?? []);
    expect(memory.readUInt32LE(outAt - 1)).toBe(1);
  });

  test("more iterators than are allowed trap", () => {
    const forEver = [0x03, 0x40, ...op.i32(item), ...op.i32(outAt), ...op.call(2), ...op.drop, 0x0c, 0, 0x0b];
    const run = runScript([scan], { data, before: forEver, rows: items });
    expect(run.outcome).toMatchObject({ kind: "panic", message: expect.stringContaining("iterators") });
  });

  test("an open iterator shows what was there, whatever is written meanwhile", () => {
    const run = runScript(
      [scan, ["datastore_clear", item, outAt + 8], ["row_iter_bsatn_advance", 1, bufferAt, capacity64k]],
      { data, rows: items },
    );
    expect(run.results).toEqual([0, 0, -1]);
    expect(run.u32(outAt + 8)).toBe(6);
    expect(idsIn(run.memory.subarray(bufferAt, bufferAt + run.u32(capacity64k)))).toEqual([1, 2, 3, 4, 5, 6]);
    expect(run.database.rowBytes("item")).toEqual([]);
  });

  test("a row and a table beyond 64 KiB", () => {
    const rows: ScriptOptions["rows"] = [1, 2, 3].map((id) => ["blob", blobHex(id, 70_000)] as const);
    const script = new GuestData();
    const [room] = script.put({ hex: hex(4, 65_536) });
    const [wide] = script.put({ hex: hex(4, 150_000) });
    const [last] = script.put({ hex: hex(4, 70_008) });
    const run = runScript(
      [
        ["datastore_table_scan_bsatn", blob, outAt],
        ["row_iter_bsatn_advance", 1, bufferAt, room],
        ["row_iter_bsatn_advance", 1, bufferAt, wide],
        ["row_iter_bsatn_advance", 1, bufferAt, last],
      ],
      { data: script, rows },
    );
    expect(run.results).toEqual([0, Errno.bufferTooSmall, 0, -1]);
    expect([run.u32(room), run.u32(wide), run.u32(last)]).toEqual([70_008, 140_016, 70_008]);
  });

  test("memory that grows between host calls is seen", () => {
    const grown = end + 8;
    const run = runScript(
      [
        ["datastore_table_row_count", item, grown],
        ["datastore_table_scan_bsatn", item, outAt],
        ["row_iter_bsatn_advance", 1, grown, capacity64k],
      ],
      {
        data,
        rows: items,
        before: [
          ...op.i32(item),
          ...op.i32(outAt),
          ...op.call(2),
          ...op.drop,
          ...op.i32(4),
          ...op.growMemory,
          ...op.drop,
        ],
      },
    );
    expect(run.results).toEqual([0, 0, -1]);
  });
});

describe("finding by a key", () => {
  test("unique, not unique, hashed: the same call", () => {
    const room = (script: GuestData) => script.put({ hex: hex(4, 65_536) })[0];
    for (const [index, key, ids] of [
      [byId, hex(8, 4), [4]],
      [byId, hex(8, 40), []],
      [byName, textHex("six"), [6]],
      [byPair, hex(4, 2) + hex(2, 5), [5]],
      [byHash, hex(4, 1), [1, 2, 3]],
      [byHash, hex(4, 8), []],
    ] as const) {
      const script = new GuestData();
      const [keyAt, keyLength] = script.put({ hex: key });
      const [first, second] = [room(script), room(script)];
      // Twice: the second call goes by what the first one learnt about the index.
      const find: Step = ["datastore_index_scan_point_bsatn", index, keyAt, keyLength, outAt];
      const run = runScript(
        [find, ["row_iter_bsatn_advance", 1, bufferAt, first], find, ["row_iter_bsatn_advance", 1, bufferAt, second]],
        { data: script, rows: items },
      );
      expect(run.results).toEqual([0, -1, 0, -1]);
      expect(run.u32(first)).toBe(run.u32(second));
      expect(idsIn(run.memory.subarray(bufferAt, bufferAt + run.u32(second))).toSorted(byNumber)).toEqual(ids);
    }
  });
});

describe("writing", () => {
  const insert = (table: number, [at, length]: readonly [number, number]): Step => [
    "datastore_insert_bsatn",
    table,
    at,
    length,
  ];

  test("two generated columns, one of them given", () => {
    const script = new GuestData();
    const both = script.putWithLength({ hex: itemHex(0, 0, "both", 1, 1) });
    const first = script.putWithLength({ hex: itemHex(0, 77, "first", 1, 1) });
    const second = script.putWithLength({ hex: itemHex(500, 0, "second", 1, 1) });
    const none = script.putWithLength({ hex: itemHex(600, 78, "none", 1, 1) });
    const run = runScript([insert(item, both), insert(item, first), insert(item, second), insert(item, none)], {
      data: script,
    });
    expect(run.results).toEqual([0, 0, 0, 0]);
    expect([both, first, second, none].map(([, length]) => run.u32(length))).toEqual([10, 8, 2, 0]);
    expect(run.hex(both[0], 10)).toBe(hex(8, 1) + hex(2, 1));
    expect(run.hex(first[0], 8)).toBe(hex(8, 2));
    expect(run.hex(second[0], 2)).toBe(hex(2, 2));
    expect(run.database.rows("item").map((found) => [found["id"], found["tag"]])).toEqual([
      [1n, 1],
      [2n, 77],
      [500n, 2],
      [600n, 78],
    ]);
  });

  test("an identical row, a key that is taken, a row deleted and put back", () => {
    const script = new GuestData();
    const same = script.putWithLength({ hex: itemHex(1, 1, "one", 1, -1) });
    const again = script.putWithLength({ hex: itemHex(1, 1, "one", 1, -1) });
    const taken = script.putWithLength({ hex: itemHex(9, 9, "two", 1, 1) });
    const [key] = script.put({ hex: hex(8, 1) });
    const point = script.putWithLength({ hex: markHex(1, 2) });
    const twin = script.putWithLength({ hex: markHex(1, 2) });
    const run = runScript(
      [
        insert(item, same),
        insert(item, taken),
        ["datastore_delete_by_index_scan_point_bsatn", byId, key, 8, outAt],
        ["datastore_delete_by_index_scan_point_bsatn", byId, key, 8, outAt + 4],
        insert(item, again),
        insert(mark, point),
        insert(mark, twin),
        ["datastore_table_row_count", item, outAt + 8],
        ["datastore_table_row_count", mark, outAt + 16],
      ],
      { data: script, rows: items },
    );
    expect(run.results).toEqual([0, Errno.uniqueAlreadyExists, 0, 0, 0, 0, 0, 0, 0]);
    expect([run.u32(outAt), run.u32(outAt + 4), run.u32(outAt + 8), run.u32(outAt + 16)]).toEqual([1, 0, 6, 1]);
    expect(run.database.rowBytes("item")).toHaveLength(6);
  });

  test("updates: another key, no change, a key of another row, generated columns", () => {
    const script = new GuestData();
    const renamed = script.putWithLength({ hex: itemHex(1, 1, "uno", 8, 8) });
    const unchanged = script.putWithLength({ hex: itemHex(2, 2, "two", 1, 0) });
    const taken = script.putWithLength({ hex: itemHex(3, 3, "two", 1, 1) });
    const generated = script.putWithLength({ hex: itemHex(4, 0, "four", 2, 0) });
    const byOther = script.putWithLength({ hex: itemHex(55, 5, "five", 2, 5) });
    const update = (index: number, [at, length]: readonly [number, number]): Step => [
      "datastore_update_bsatn",
      item,
      index,
      at,
      length,
    ];
    const run = runScript(
      [
        update(byId, renamed),
        update(byId, unchanged),
        update(byId, taken),
        update(byId, generated),
        update(byName, byOther),
      ],
      {
        data: script,
        rows: items,
      },
    );
    expect(run.results).toEqual([0, 0, Errno.uniqueAlreadyExists, 0, 0]);
    expect([renamed, unchanged, generated, byOther].map(([, length]) => run.u32(length))).toEqual([0, 0, 2, 0]);
    const rows = run.database.rows("item").map((found) => `${String(found["id"])} ${String(found["name"])}`);
    expect(rows.toSorted()).toEqual(["1 uno", "2 two", "3 three", "4 four", "55 five", "6 six"]);
  });

  test("deleting by value takes whole rows, and only those that are there", () => {
    const script = new GuestData();
    const [rows, length] = script.put({ hex: hex(4, 3) + markHex(1, 1) + markHex(2, 2) + markHex(1, 2) });
    const run = runScript([["datastore_delete_all_by_eq_bsatn", mark, rows, length, outAt]], {
      data: script,
      rows: [
        ["mark", markHex(1, 1)],
        ["mark", markHex(1, 2)],
        ["mark", markHex(3, 3)],
      ],
    });
    expect([...run.results, run.u32(outAt)]).toEqual([0, 2]);
    expect(run.database.rows("mark")).toEqual([{ x: 3, y: 3 }]);
  });
});

describe("bytes, logs, timers, identity", () => {
  test("a source is read in parts; the end comes with the last byte", () => {
    const claims = new Map([[Buffer.from(traceCaller.connection).toString("hex"), Buffer.from("0123456789")]]);
    const script = new GuestData();
    const [connection] = script.put([...traceCaller.connection]);
    const [stranger] = script.put(Array.from({ length: 16 }, () => 9));
    const [four] = script.put({ hex: hex(4, 4) });
    const [ten] = script.put({ hex: hex(4, 10) });
    const run = runScript(
      [
        ["get_jwt", stranger, outAt + 4],
        ["get_jwt", connection, outAt],
        ["bytes_source_read", 1, bufferAt, four],
        ["bytes_source_remaining_length", 1, outAt + 8],
        ["bytes_source_read", 1, bufferAt + 4, ten],
        ["bytes_source_read", 1, bufferAt, ten],
      ],
      { data: script, claims },
    );
    expect(run.results).toEqual([0, 0, 0, 0, -1, Errno.noSuchBytes]);
    expect([run.u32(outAt), run.u32(outAt + 4), run.u32(outAt + 8), run.u32(four), run.u32(ten)]).toEqual([
      1, 0, 6, 4, 6,
    ]);
    expect(run.hex(bufferAt, 10)).toBe(Buffer.from("0123456789").toString("hex"));
  });

  test("a line whose pointers are wrong is dropped; a strange level is debug; text is made good", () => {
    const script = new GuestData();
    const [text, length] = script.put({ hex: "61 ff 62" });
    const run = runScript(
      [
        ["console_log", 2, 0, 0, 0, 0, -1, 0, 5],
        ["console_log", 2, 0, 0, 0, 0, -1, end - 1, 5],
        ["console_log", 2, end - 1, 5, 0, 0, -1, text, length],
        ["console_log", 77, text, 1, text, 1, 12, text, length],
        ["console_timer_start", text, 1],
        ["console_timer_start", text, 1],
        ["console_timer_end", 1],
        ["console_timer_end", 1],
        ["identity", outAt],
      ],
      { data: script },
    );
    expect(run.results.slice(4, 8)).toEqual([1, 2, 0, Errno.noSuchConsoleTimer]);
    expect(run.database.logs).toEqual([
      { level: LogLevel.debug, message: "a\ufffdb", target: "a", file: "a", line: 12, trace: undefined },
      { level: LogLevel.info, message: 'Timing span "a": 0ns' },
    ]);
    expect(run.hex(outAt, 32)).toBe("db".repeat(32));
  });
});

describe("procedures", () => {
  const start: Step = ["procedure_start_mut_tx", outAt];
  const commit: Step = ["procedure_commit_mut_tx"];
  const insertMark = (script: GuestData, x: number): Step => [
    "datastore_insert_bsatn",
    mark,
    ...script.putWithLength({ hex: markHex(x, x) }),
  ];

  test("without a transaction, data functions answer so", () => {
    const script = new GuestData();
    const [name, length] = script.put("item");
    const [connection] = script.put([...traceCaller.connection]);
    const steps: Step[] = [
      ["table_id_from_name", name, length, outAt],
      ["index_id_from_name", name, length, outAt],
      ["datastore_table_row_count", item, outAt],
      ["datastore_table_scan_bsatn", item, outAt],
      ["datastore_clear", item, outAt],
      insertMark(script, 1),
      ["get_jwt", connection, outAt],
    ];
    const run = runScript(steps, { data: script, inProcedure: true });
    expect(run.results).toEqual(steps.map(() => Errno.notInTransaction));
  });

  test("begin, commit, abort; a second begin; an end without a begin", () => {
    const script = new GuestData();
    const run = runScript(
      [
        commit,
        start,
        start,
        insertMark(script, 1),
        commit,
        commit,
        start,
        insertMark(script, 2),
        ["procedure_abort_mut_tx"],
      ],
      {
        data: script,
        inProcedure: true,
      },
    );
    const [none, twice] = [Errno.transactionNotAnonymous, Errno.wouldBlockTransaction];
    expect(run.results).toEqual([none, 0, twice, 0, 0, none, 0, 0, 0]);
    expect(run.database.rows("mark")).toEqual([{ x: 1, y: 1 }]);
  });

  test.each<[what: string, last: Step[]]>([
    ["on return", []],
    ["on a trap", [["identity", 0]]],
    ["on sleep", [["procedure_sleep_until", 5]]],
  ])("a transaction left open is undone %s, and the log says so", async (_, last) => {
    const script = new GuestData();
    const steps = [start, insertMark(script, 1), ...last];
    const run = await outsideMicrotasks(() => runScript(steps, { data: script, inProcedure: true }));
    expect(run.outcome.kind).toBe(last.length === 0 ? "ok" : "panic");
    expect(run.database.store.isOpen).toBe(false);
    expect(run.database.rows("mark")).toEqual([]);
    expect(run.database.logs.at(-1)).toMatchObject({
      level: LogLevel.error,
      message: expect.stringContaining("transaction open"),
    });
  });

  test("a request that is none is said to be none, and one within a transaction to wait for its end", async () => {
    const script = new GuestData();
    const [request, length] = script.put({ hex: `00 00000000 01 ${textHex("http://example.test/x")} 02` });
    const ask: Step = ["procedure_http_request", request, length, request, 0, outAt];
    const steps: Step[] = [["procedure_http_request", request, 3, request, 0, outAt], start, ask, commit];
    const run = await outsideMicrotasks(() => runScript(steps, { data: script, inProcedure: true }));
    expect(run.results).toEqual([Errno.bsatnDecode, 0, Errno.wouldBlockTransaction, 0]);
  });

  test("a begin whose time has nowhere to go traps, and nothing stays open", () => {
    const run = runScript([["procedure_start_mut_tx", 0]], { data, inProcedure: true });
    expect(run.outcome).toMatchObject({ kind: "panic", fatal: true });
    expect(run.database.store.isOpen).toBe(false);
  });
});
