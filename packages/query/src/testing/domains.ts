/** Column types of random tables: few values, some of them awkward, so that rows meet. */
import { bytes as byteArray, t, type AlgebraicType } from "@lightcone/sats";
import type { Value } from "./values.ts";

export interface Domain {
  readonly type: AlgebraicType;
  readonly values: readonly Value[];
  /** Values as SQL has them. */
  readonly literals: readonly Literal[];
}

export interface Literal {
  readonly sql: string;
  readonly value: Value;
}

function domain(
  type: AlgebraicType,
  values: readonly Value[],
  literals: readonly (readonly [string, Value])[],
): Domain {
  return { type, values, literals: literals.map(([sql, value]) => ({ sql, value })) };
}

const text = (...values: readonly (number | bigint)[]): (readonly [string, Value])[] =>
  values.map((value) => [String(value), value]);

/** Identities of callers. */
export const callers = [0, 1, 2].map((caller) => new Uint8Array(32).fill(caller));

export const domains = {
  u8: domain(t.u8, [0, 1, 2], text(0, 1, 2)),
  i32: domain(t.i32, [-5, 0, 7], text(-5, 0, 7)),
  u64: domain(t.u64, [0n, 1n, 2n ** 40n, 2n ** 64n - 1n], text(1n, 2n ** 40n)),
  i64: domain(t.i64, [-1n, 0n, 2n ** 33n, -(2n ** 63n)], text(-1n, 0n)),
  i128: domain(t.i128, [-(2n ** 100n), -1n, 1n], text(-1n, 1n)),
  u256: domain(t.u256, [0n, 2n ** 200n], text(2n ** 200n)),
  string: domain(
    t.string,
    ["", "a", "ab", "é", "🌍"],
    [
      ["'a'", "a"],
      ["''", ""],
      ["'é'", "é"],
    ],
  ),
  bool: domain(
    t.bool,
    [false, true],
    [
      ["true", true],
      ["false", false],
    ],
  ),
  f32: domain(
    t.f32,
    [0, -0, Number.NaN, 0.5, Infinity],
    [["0", 0], ["-0", -0], ["0.5", 0.5], ["1e99", Infinity], ["-1e99", -Infinity]], // prettier-ignore
  ),
  f64: domain(
    t.f64,
    [-0, 0, 1.5, Number.NaN, -Infinity, Infinity],
    [["0", 0], ["-0", -0], ["1.5", 1.5], ["-2", -2], ["1e999", Infinity], ["-1e999", -Infinity]], // prettier-ignore
  ),
  bytes: domain(byteArray, [new Uint8Array(0), Uint8Array.of(1), Uint8Array.of(1, 2)], [["0x01", Uint8Array.of(1)]]),
  /** Bytes of callers: what `:sender` is compared with. */
  who: domain(
    byteArray,
    callers,
    callers.map((caller) => [`0x${Buffer.from(caller).toString("hex")}`, caller] as const),
  ),
} as const;

export type DomainName = keyof typeof domains;
export const domainNames = (Object.keys(domains) as DomainName[]).filter((name) => name !== "who"); // the keys of a constant
