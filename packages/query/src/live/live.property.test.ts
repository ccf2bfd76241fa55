// Goal: after every commit the accumulated live result, the plan run afresh, and the oracle agree, as bags; the plan run
// again gives its rows in the same order; equal deltas of a template are one part.
// Method: random tables and indexes; random queries over one to three sources, self joins among them, with parameters in
// common, disjunctions over several indexes, several bounds on one column, conditions that always or never hold; random
// commits that insert, delete and put back in several tables, also with an index made or dropped; event tables; queries
// come and go between commits. The oracle
// (`testing/fresh.ts`) evaluates the query's node tree over plain values with loops and comparisons of its own.
import { assertProperty, runCount } from "@lightcone/base/testing";
import fc from "fast-check";
import { test } from "vitest";
import { worlds } from "../testing/random-worlds.ts";
import { runWorld } from "../testing/run-world.ts";

const cases = runCount(200);

test("live result = fresh result = oracle, at every commit", () => {
  assertProperty(fc.property(worlds, runWorld), cases);
});
