// Goal: issue 9, row "bad input": a bundle of the official package that asks the host for what it should not is told so, and the
// database goes on. A procedure, whose operations go from one thread to another, is told the same as a reducer.
// Method: modules that call the host's functions themselves, on a real server; each probe says what came of it.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Served } from "../served.ts";
import { officialBundle, officialLines } from "./official.ts";

/** Version 1 throws numbers, version 2 classes. */
const codes: Readonly<Record<string, number>> = {
  BsatnDecodeError: 3,
  NoSuchTable: 4,
  NoSuchIndex: 5,
  NoSuchIter: 6,
  NoSuchConsoleTimer: 7,
  UniqueAlreadyExists: 12,
  IndexNotUnique: 14,
  NoSuchRow: 15,
  WouldBlockTransaction: 17,
};

/** What came of a probe's parts: error numbers, and classes of JavaScript's own. */
const kindsOf = (text: string): string =>
  text
    .split(";")
    .map((part) => {
      const code = /"__code_error__":(\d+)/.exec(part)?.[1];
      const name = /^(\d* ?\w+): /.exec(part)?.[1];
      return code ?? (name === undefined ? part : String(codes[name] ?? name));
    })
    .join(" ");
const times = (count: number, what: string): string => Array.from({ length: count }, () => what).join(" ");
const expected = (line: 1 | 2): Record<string, string> => ({
  "a name that is none": "TypeError",
  "a name that is an object": "TypeError",
  "no arguments": "TypeError",
  "a table that is not there": "4",
  "an index that is not there": "5",
  "ids that are none": times(9, "TypeError"),
  "tables without such an id": "4 4 4",
  "a system table is not written": "LightconeError",
  "buffers that are none": times(line === 1 ? 8 : 7, "TypeError"),
  "a buffer that is gone": "TypeError",
  "a buffer that has shrunk": line === 1 ? "TypeError" : "RangeError",
  ...(line === 1 ? { "bytes that lie about themselves": "" } : { "a length beyond the buffer": "RangeError" }),
  "a row that is none": "3 3 3",
  "a row of another table's id": "4",
  "an update of nothing": "15",
  "an update by an index that is not unique": "14",
  "the same key twice": "12",
  "an iterator that is none": "6 6 6",
  "an iterator that was read to its end": "54 bytes 6",
  "an iterator that was closed": "6",
  "room for no row": `${times(3, '{"__buffer_too_small__":18}')}36 bytes`,
  "an iterator is kept for later": "kept",
  "an iterator of an earlier call": "6",
  "iterators without end": "65536 RangeError",
  "rows written under an iterator": "72 bytes",
  "bounds that are none": "3 3 3 3 3",
  "a prefix of too many columns": "1 3 3 TypeError",
  ...(line === 2 ? { "lengths beyond the buffer": times(4, "RangeError") } : {}),
  "a point that is none": "3 3 3",
  "rows to delete that are none": "3 3 3",
  "levels, timers": "TypeError TypeError 7",
  "timers without end": "1000 RangeError",
  "connections that are none": times(5, "TypeError"),
  "bytes that are none": times(line === 1 ? 6 : 5, "TypeError"),
  "another transaction": "17",
  "a request within a transaction": "17",
  "nothing of these was touched": "0",
});

describe.each(officialLines)("row 9: hostile bundles of the official package, line %i", (line) => {
  let served: Served;
  beforeAll(async () => {
    served = await Served.open({ databaseLimits: { reducerTimeoutMs: 20_000 } });
    await served.publish("hostile", await officialBundle("hostile", line), "Js");
  });
  afterAll(() => served.stop());

  const call = async (name: string, args: readonly unknown[] = []): Promise<string> => {
    const response = await served.call("hostile", name, JSON.stringify(args));
    return `${response.status} ${await response.text()}`;
  };

  test("each probe, in a reducer and in a procedure", async () => {
    const names: readonly string[] = JSON.parse(JSON.parse((await call("names")).slice(4)));
    const told: Record<string, string> = {};
    for (const name of names) {
      const reducer = await call("probe", [name]);
      expect(reducer).toMatch(/^530 /);
      const apart = await call("probe_apart", [name]);
      // What the database itself refuses ends a procedure at once.
      if (apart.startsWith("200 ")) expect([name, JSON.parse(apart.slice(4))]).toEqual([name, reducer.slice(4)]);
      else expect([name, reducer]).toEqual([name, expect.stringContaining(apart.slice(4))]);
      told[name] = kindsOf(reducer.slice(4));
    }
    expect(told).toEqual(expected(line));
    expect(await call("goes_on")).toBe("200 ");
  });

  test.each([0, 1, 2, 3, 4, 5])("what is thrown is odd: %i", async (which) => {
    expect(await call("throws_odd", [which])).toBe("530 The instance encountered a fatal error.");
    expect(await call("goes_on")).toBe("200 ");
  });

  test("a stack without end", async () => {
    expect(await call("recurses")).toBe("530 The instance encountered a fatal error.");
    expect(await call("goes_on")).toBe("200 ");
    expect(await served.sql("hostile", "SELECT * FROM thing")).toEqual([]);
  });
});
