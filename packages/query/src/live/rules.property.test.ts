// Goal: what a caller holds under row-level rules is what a brute-force filter of the rows leaves, at every commit; the
// same by SELECT, at once and in steps.
// Method: random tables with columns that hold callers; random rules over one to three tables, over tables under rules,
// over their own table, of event tables; random queries by two callers and by the owner, with joins and conditions; random
// commits, indexes made and dropped, queries that come and go. The filter (`seenBy` in `testing/run-world.ts`) tries each
// row with each rule by loops over plain values.
import { assertProperty, runCount } from "@lightcone/base/testing";
import fc from "fast-check";
import { test } from "vitest";
import { ruledWorlds } from "../testing/random-worlds.ts";
import { runWorld } from "../testing/run-world.ts";

const cases = runCount(60);

test("rows under rules: live = fresh = in steps = filtered by brute force", () => {
  assertProperty(fc.property(ruledWorlds, runWorld), cases);
});
