// Goal: row 26: what `insert` and `update` give back is the row as it is stored, and text that no UTF-8 spells is refused.
// Method: tables of each kind; what a method gives beside what is then found, and what that ought to be.
import { describe, expect, test } from "vitest";
import { openModule, sandboxes } from "./bundled.ts";

const tenth = Math.fround(0.1);
const pair = "a text with half a surrogate pair, which is no Unicode";
const parts = `{"id":"1","point":{"x":${tenth},"names":["a"]},"bytes":{"0":1}}`;
const said = [
  `plain {"id":1,"narrow":${tenth},"wide":0.1,"small":0} {"id":1,"narrow":${tenth},"wide":0.1,"small":0}`,
  `plain updated {"id":1,"narrow":null,"wide":"-0","small":1} {"id":1,"narrow":null,"wide":"-0","small":1}`,
  `text {"id":"1","narrow":${tenth},"text":"🌍"} {"id":"1","narrow":${tenth},"text":"🌍"}`,
  `parts ${parts} ${parts} true`,
  `left out {"id":"1","point":{"x":1,"names":[]},"bytes":{}}`,
  `event {"point":{"x":${tenth},"names":["a","changed afterwards"]}}`,
  `half a pair TypeError: text: ${pair}`,
  `half a pair, long TypeError: text: ${pair}`,
  `half a pair within TypeError: point.names[1]: ${pair}`,
  `half a key TypeError: name: ${pair}`,
  `half a key, update TypeError: name: ${pair}`,
];

describe.each(sandboxes)("row 26: %s", (sandbox) => {
  test("methods give back what is stored", async () => {
    const database = await openModule("modules/stored.ts", sandbox);
    expect(database.call("run")).toEqual({ kind: "ok" });
    expect(database.logs.map(({ message }) => message)).toEqual(said);
  });
});
