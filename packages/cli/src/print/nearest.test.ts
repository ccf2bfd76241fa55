// Goal: a name that was mistyped is answered with the one that was meant; any other with what there is.
// Method: a row per name.
import { expect, test } from "vitest";
import { whatExists } from "./nearest.ts";

const lists = [
  { kind: "table", names: ["message", "user", "users_online"] },
  { kind: "reducer", names: ["send_message"] },
];
const all =
  "Here are some existing tables:\n    message\n    user\n    users_online\nHere are some existing reducers:\n    send_message";

test.each([
  { wanted: "mesage", text: "A table with a similar name exists: message" },
  { wanted: "Message", text: "A table with a similar name exists: message" },
  { wanted: "uses", text: "A table with a similar name exists: user" },
  { wanted: "sendmessage", text: "A reducer with a similar name exists: send_message" },
  { wanted: "t", text: all },
  { wanted: "entirely_else", text: all },
])("$wanted", ({ wanted, text }) => {
  expect(whatExists(wanted, lists)).toBe(text);
});

test("a long list is cut, an empty one says so", () => {
  const names = Array.from({ length: 13 }, (_, at) => `a_table_called_${at}`);
  expect(whatExists("x", [{ kind: "table", names }])).toMatch(/_9\n {4}\.\.\. \(3 tables not shown\)$/);
  expect(whatExists("x", [{ kind: "table", names: [] }])).toBe("There are no tables.");
});
