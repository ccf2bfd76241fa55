// Goal: a page has the rows that its server has shown, whatever is in them; a text that is something else is refused.
// Method: rows of every kind of value that a client decodes, shown and handed over as text; then texts that are none.
import { ConnectionId, Identity, isLightconeError, TimeDuration, Timestamp, Uuid } from "@lightcone/client";
import fc from "fast-check";
import { expect, test } from "vitest";
import { dehydrate, hydrate } from "./hand-over.ts";
import { liveQueries, type AnyClient } from "./live-queries.ts";

/** A client that is asked for nothing. */
const idle = (): AnyClient => ({
  state: "connecting",
  error: undefined,
  identity: undefined,
  connectionId: undefined,
  subscribe: () => {
    throw new Error("nothing is asked for");
  },
  onState: () => () => {},
  retry: () => {},
});

const u128 = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n });
const i64 = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n });
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.double(),
    fc.string({ unit: "binary" }),
    fc.constantFrom(`</script><script>`, "$", undefined, true, false, -0, "__proto__"),
    fc.bigInt(),
    fc.uint8Array({ maxLength: 20 }),
    fc.bigInt({ min: 0n, max: (1n << 256n) - 1n }).map((n) => new Identity(n)),
    u128.map((n) => new ConnectionId(n)),
    u128.map((n) => new Uuid(n)),
    i64.map((n) => new Timestamp(n)),
    i64.map((n) => new TimeDuration(n)),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom("$", "v", "tag", "value", "name"), tie("value"), {
      maxKeys: 3,
      noNullPrototype: true,
    }),
  ),
}));
const rows = fc.array(fc.dictionary(fc.string({ minLength: 1, maxLength: 4 }), value, { noNullPrototype: true }), {
  maxLength: 3,
});

test("rows of any values arrive as they were", () => {
  fc.assert(
    fc.property(rows, rows, (cards, people) => {
      const [server, page] = [idle(), idle()];
      liveQueries(server).pinned.set("card", { rows: cards, ready: true, error: undefined });
      liveQueries(server).pinned.set("person", { rows: people, ready: true, error: undefined });
      const text = dehydrate(server);
      expect(text).not.toContain("<");
      hydrate(page, text);
      expect([...liveQueries(page).handed]).toStrictEqual([
        ["card", cards],
        ["person", people],
      ]);
      const source = { accessor: "card", rows: () => [], onChange: () => () => {} };
      expect(liveQueries(page).of(source).now()).toStrictEqual({ rows: cards, ready: true, error: undefined });
    }),
  );
});

test.each([
  "",
  "{}",
  "[5]",
  "null",
  `[["card", 5]]`,
  `[["card", [{"$": "?", "v": "1"}]]]`,
  `[["card",[{"$":"n","v":"x"}]]]`,
])("%s is refused, and nothing of it shown", (text) => {
  const page = idle();
  let error: unknown;
  try {
    hydrate(page, text);
  } catch (failure) {
    error = failure;
  }
  expect(isLightconeError(error, "Malformed")).toBe(true);
  expect(liveQueries(page).handed.size).toBe(0);
});
