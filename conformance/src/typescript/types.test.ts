// Goal: a value of every type goes from bytes into a reducer, into a table, out again, and is the same.
// Method: the `keep` reducer stores what it is given, and a copy, and an update; rows are read as bytes.
import { ConnectionId, Identity, TimeDuration, Timestamp, Uuid } from "@lightcone/sats";
import { describe, expect, test } from "vitest";
import { openModule, sandboxes } from "./bundled.ts";

const zeros = {
  id: 0n,
  bool: false,
  string: "",
  i8: 0,
  u8: 0,
  i16: 0,
  u16: 0,
  i32: 0,
  u32: 0,
  i64: 0n,
  u64: 0n,
  i128: 0n,
  u128: 0n,
  i256: 0n,
  u256: 0n,
  f32: 0,
  f64: 0,
  number: 0,
  option: undefined,
  nested: undefined,
  array: [],
  points: [],
  bytes: new Uint8Array(),
  shape: { tag: "empty" },
  color: { tag: "red" },
  point: { x: 0, y: 0, color: { tag: "red" } },
  unit: {},
  result: { ok: 0 },
  identity: Identity.zero(),
  connectionId: new ConnectionId(0n),
  timestamp: new Timestamp(0n),
  timeDuration: new TimeDuration(0n),
  uuid: Uuid.NIL,
  scheduleAt: { tag: "Interval", value: new TimeDuration(0n) },
};

const cases: readonly { why: string; row: typeof zeros | Record<string, unknown> }[] = [
  { why: "zeros and empty values", row: zeros },
  {
    why: "the largest and last of each",
    row: {
      ...zeros,
      bool: true,
      string: "grüße 🌍",
      i8: 127,
      u8: 255,
      i16: 32767,
      u16: 65535,
      i32: 2 ** 31 - 1,
      u32: 2 ** 32 - 1,
      i64: 2n ** 63n - 1n,
      u64: 2n ** 64n - 1n,
      i128: 2n ** 127n - 1n,
      u128: 2n ** 128n - 1n,
      i256: 2n ** 255n - 1n,
      u256: 2n ** 256n - 1n,
      f32: 1.5,
      f64: Number.MAX_VALUE,
      number: Number.POSITIVE_INFINITY,
      option: "some",
      nested: [1, undefined, 255],
      array: [1, -2, 3],
      points: [{ x: 1, y: 2, color: { tag: "green" } }],
      bytes: new Uint8Array([1, 2, 255]),
      shape: { tag: "text", value: "t" },
      color: { tag: "green" },
      point: { x: -0.5, y: 2, color: { tag: "green" } },
      result: { err: "e" },
      identity: new Identity(2n ** 256n - 1n),
      connectionId: new ConnectionId(2n ** 128n - 1n),
      timestamp: new Timestamp(2n ** 63n - 1n),
      timeDuration: new TimeDuration(-1n),
      uuid: Uuid.MAX,
      scheduleAt: { tag: "Time", value: new Timestamp(5n) },
    },
  },
  {
    why: "the smallest of each",
    row: {
      ...zeros,
      i8: -128,
      i16: -32768,
      i32: -(2 ** 31),
      i64: -(2n ** 63n),
      i128: -(2n ** 127n),
      i256: -(2n ** 255n),
      f32: -0,
      f64: Number.MIN_VALUE,
      option: "",
      shape: { tag: "circle", value: 7 },
      timestamp: new Timestamp(-(2n ** 63n)),
    },
  },
];

describe.each(sandboxes)("%s", (sandbox) => {
  test.each(cases)("$why", async ({ row }) => {
    const database = await openModule("modules/everything.ts", sandbox);
    expect(database.call("keep", [renamed(row)])).toEqual({ kind: "ok" });
    expect(database.logs.at(-1)?.message).toBe("classes");
    const rows = database.rows("sample").toSorted((a, b) => Number(a["id"]) - Number(b["id"]));
    expect(rows).toEqual([
      { ...renamed(row), id: 1n, string: `${String(row["string"])}!` },
      { ...renamed(row), id: 2n },
    ]);
  });

  test("enum values by their makers", async () => {
    const database = await openModule("modules/everything.ts", sandbox);
    database.call("keep", [renamed(zeros)]);
    expect(database.call("made")).toEqual({ kind: "ok" });
    expect(
      database.logs
        .slice(-2)
        .map(({ message }) => message)
        .toSorted(),
    ).toEqual(["1 3", "2 3"]);
  });
});

/** Columns under the names that they have outside of the module. */
function renamed(row: Record<string, unknown>): Record<string, unknown> {
  const snake = (name: string): string => name.replaceAll(/(?<=[a-z])(?=[A-Z0-9])/g, "_").toLowerCase();
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [snake(name), value]));
}
