/**
 * Goal: options whose value is optional never take the database's name for their value.
 * Method: a command line per row, before and after.
 */
import { expect, test } from "vitest";
import { fillOptionalValues } from "./arguments.ts";

test.each([
  { line: "publish -c my_db", filled: "publish --delete-data=always my_db" },
  { line: "publish my_db -c -y", filled: "publish my_db --delete-data=always --yes=all" },
  { line: "publish --delete-data=on-conflict my_db", filled: "publish --delete-data=on-conflict my_db" },
  { line: "publish --clear-database my_db", filled: "publish --delete-data=always my_db" },
  { line: "publish --clear-database=never my_db", filled: "publish --delete-data=never my_db" },
  {
    line: "publish -c=on-conflict --yes=remote,migrate a",
    filled: "publish --delete-data=on-conflict --yes=remote,migrate a",
  },
  { line: "publish -- -c", filled: "publish -- -c" },
  { line: "delete -y my_db", filled: "delete -y my_db" },
  { line: "call db -c publish", filled: "call db -c publish" },
])("$line", ({ line, filled }) => {
  expect(fillOptionalValues(line.split(" "))).toEqual(filled.split(" "));
});
