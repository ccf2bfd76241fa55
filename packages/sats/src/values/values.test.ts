// Goal: the value classes say what their texts and numbers mean.
// Method: a row per text; Uuids by their layout.
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { ConnectionId, fromHex, Identity, ScheduleAt, TimeDuration, Timestamp, Uuid } from "../index.ts";

describe("Timestamp", () => {
  test.each([
    { micros: 0n, text: "1970-01-01T00:00:00.000000Z" },
    { micros: 1739201130123456n, text: "2025-02-10T15:25:30.123456Z" },
    { micros: 1739201130123000n, text: "2025-02-10T15:25:30.123000Z" },
    { micros: -1n, text: "1969-12-31T23:59:59.999999Z" },
    { micros: 951782400000000n, text: "2000-02-29T00:00:00.000000Z" },
    { micros: -62135596800000000n, text: "0001-01-01T00:00:00.000000Z" },
  ])("$text", ({ micros, text }) => {
    expect(new Timestamp(micros).toISOString()).toBe(text);
    expect(Timestamp.parse(text).microsSinceUnixEpoch).toBe(micros);
  });
  test("the platform's dates agree", () => {
    const at = new Timestamp(-62135596800001000n);
    expect(`${at.toDate().toISOString().slice(0, -1)}000Z`).toBe("0000-12-31T23:59:59.999000Z");
    expect(at.toISOString()).toBe("0000-12-31T23:59:59.999000Z");
  });
  test.each([-1n, -999n, -1000n, -1001n, 0n, 999n, 1000n, -(2n ** 52n) - 1n])(
    "row 34: %s µs, rounded one way",
    (micros) => {
      const at = new Timestamp(micros);
      expect(at.toDate().toISOString().slice(0, -1)).toBe(at.toISOString().slice(0, -4));
      expect(BigInt(at.toDate().getTime())).toBe(at.toMillis());
    },
  );
  test.each([
    { text: "2025-02-10 15:25:30+01:00", micros: 1739197530000000n },
    { text: "2025-02-10t15:25:30.1234567z", micros: 1739201130123456n },
    { text: "1969-12-31T23:59:59.5-00:30", micros: 1799500000n },
  ])("$text", ({ text, micros }) => expect(Timestamp.parse(text).microsSinceUnixEpoch).toBe(micros));
  test.each(["2025-02-30T00:00:00Z", "2025-02-10T15:25:30", "2025-02-10", "2025-13-01T00:00:00Z", "now"])(
    "refused: %s",
    (text) => {
      expect(() => Timestamp.parse(text)).toThrow(TypeError);
    },
  );
  test("the ends of its range print", () => {
    expect(new Timestamp((1n << 63n) - 1n).toISOString()).toBe("+294247-01-10T04:00:54.775807Z");
    expect(() => new Timestamp((1n << 63n) - 1n).toDate()).toThrow(RangeError);
  });
  test("differences", () => expect(new Timestamp(5n).since(new Timestamp(8n)).micros).toBe(-3n));
});

test.each([
  { micros: 1_500_000n, text: "+1.500000" },
  { micros: -250n, text: "-0.000250" },
])("TimeDuration $text", ({ micros, text }) => expect(String(new TimeDuration(micros))).toBe(text));

describe("Identity and ConnectionId", () => {
  const hex = "c200a1b2c3d4e5f60718293a4b5c6d7e8f90112233445566778899aabbccddee";
  test("from digits, with and without 0x, and back", () => {
    expect(new Identity(`0x${hex.toUpperCase()}`).toHexString()).toBe(hex);
    expect(Identity.fromString(hex).__identity__).toBe(BigInt(`0x${hex}`));
    expect(new Identity(BigInt(`0x${hex}`)).isEqual(Identity.fromString(hex))).toBe(true);
    expect(Identity.fromString(hex).isEqual(Identity.zero())).toBe(false);
  });
  test.each(["", "c2", `${hex}0`, "zz".repeat(32)])("refused: '%s'", (text) => {
    expect(() => new Identity(text)).toThrow(TypeError);
    expect(ConnectionId.fromStringOrNull(text)).toBe(null);
  });
  test("zero is none", () => {
    expect(ConnectionId.nullIfZero(new ConnectionId(0n))).toBe(null);
    expect(ConnectionId.fromStringOrNull("00".repeat(16))).toBe(null);
    expect(ConnectionId.random().isZero()).toBe(false);
  });
});

describe("Uuid", () => {
  const text = "8c2a7f1e-3b4d-4c5e-9a6b-7c8d9e0f1a2b";
  test("text and number", () => {
    expect(Uuid.parse(text).asBigInt()).toBe(186312574139164287669548689167288834603n);
    expect(Uuid.parse(text.replaceAll("-", "")).toString()).toBe(text);
    expect(() => Uuid.parse(text.slice(1))).toThrow(TypeError);
  });
  test("version 4", () => {
    const made = Uuid.fromRandomBytesV4(fromHex("ff".repeat(16)));
    expect(made.toString()).toBe("ffffffff-ffff-4fff-bfff-ffffffffffff");
    expect(made.getVersion()).toBe("V4");
  });
  test("version 7: ids rise with time and counter", () => {
    const counter = { value: 0x7fff_fffe };
    const at = new Timestamp(1_686_000_000_000_000n);
    const [first, second, third] = [0, 1, 2].map(() => Uuid.fromCounterV7(counter, at, fromHex("ffffffff")));
    expect([first?.getCounter(), second?.getCounter(), third?.getCounter()]).toEqual([0x7fff_fffe, 0x7fff_ffff, 0]);
    expect(first?.compareTo(second as Uuid)).toBe(-1);
    expect(first?.getVersion()).toBe("V7");
    expect(first?.toString().slice(0, 13)).toBe(
      (1_686_000_000_000)
        .toString(16)
        .padStart(12, "0")
        .replace(/^(.{8})/, "$1-"),
    );
  });
});

test("ScheduleAt", () => {
  expect(ScheduleAt.interval(5n)).toEqual({ tag: "Interval", value: new TimeDuration(5n) });
  expect(ScheduleAt.time(7n)).toEqual({ tag: "Time", value: new Timestamp(7n) });
});

test.each([
  { value: new Identity(`c2${"0".repeat(62)}`), shown: `Identity(c2${"0".repeat(62)})` },
  { value: new ConnectionId(255n), shown: `ConnectionId(${"0".repeat(30)}ff)` },
  { value: new Timestamp(0n), shown: "Timestamp(1970-01-01T00:00:00.000000Z)" },
  { value: new TimeDuration(1_500_000n), shown: `TimeDuration(${String(new TimeDuration(1_500_000n))})` },
  { value: Uuid.NIL, shown: "Uuid(00000000-0000-0000-0000-000000000000)" },
])("as console.log shows it in Node: $shown", ({ value, shown }) => {
  expect(inspect({ value }, { breakLength: Infinity })).toBe(`{ value: ${shown} }`);
});
