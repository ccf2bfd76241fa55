// Goal: the log's line of a panic stands where the author can mend it.
// Method: texts of panics as hosts write them.
import { expect, test } from "vitest";
import { placeIn } from "./time-out.ts";

const library = "    at SyncResponse.json (lightcone/module-host.js:362:32)";
const package_ = "    at fetch$1 [as fetch] (node_modules/spacetimedb/dist/server/index.mjs:8113:43)";

test.each([
  { name: "the author's own", lines: ["    at add (src/index.ts:3:5)", "    at src/index.ts:9:1"], line: 3 },
  { name: "below the library", lines: [library, "    at src/index.ts:55:23"], line: 55 },
  { name: "below a package", lines: [package_, package_, "    at src/index.ts:21:115"], line: 21 },
  { name: "of the library alone", lines: [library], line: 362 },
  { name: "none", lines: [], line: undefined },
])("a place $name", ({ lines, line }) => {
  expect(placeIn(["TypeError: no", ...lines].join("\n"))?.line).toBe(line);
});
