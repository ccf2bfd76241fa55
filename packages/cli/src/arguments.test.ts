// Goal: row 23: flags and names mean the same in whatever order they are typed, and no flag takes a name for its value.
// Method: lines as they are typed and as commander gets them; then random orders of one command's flags and names.
import { assertProperty } from "@lightcone/base/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { inOrder } from "./arguments.ts";
import { makeProgram } from "./program.ts";

test.each([
  { line: "publish -c my_db", read: "publish --delete-data=always -- my_db" },
  { line: "publish my_db -c -y", read: "publish --delete-data=always --yes=all -- my_db" },
  { line: "publish -cy my_db", read: "publish --delete-data=always --yes=all -- my_db" },
  { line: "publish --delete-data my_db", read: "publish --delete-data=always -- my_db" },
  { line: "publish --clear-database my_db", read: "publish --delete-data=always -- my_db" },
  { line: "publish --delete-data=on-conflict my_db", read: "publish --delete-data=on-conflict -- my_db" },
  {
    line: "publish -c=on-conflict --yes=remote,migrate a",
    read: "publish --delete-data=on-conflict --yes=remote,migrate -- a",
  },
  { line: "--root-dir DIR publish db -y", read: "--root-dir=DIR publish --yes=all -- db" },
  { line: "publish db --root-dir DIR -y", read: "--root-dir=DIR publish --yes=all -- db" },
  { line: "publish --root-dir=publish -y db", read: "--root-dir=publish publish --yes=all -- db" },
  { line: "publish -y -p . -- -db", read: "publish --yes=all --module-path=. -- -db" },
  { line: "delete -y my_db", read: "delete --yes -- my_db" },
  { line: "delete my_db -sy local", read: "delete --server=y -- my_db local" },
  { line: "logs -fn 5 db", read: "logs --follow --num-lines=5 -- db" },
  { line: "logs db -n5", read: "logs --num-lines=5 -- db" },
  { line: "sql --confirmed db SELECT 1", read: "sql --confirmed=true -- db SELECT 1" },
  { line: "sql --confirmed false db SELECT 1", read: "sql --confirmed=false -- db SELECT 1" },
  { line: "call db f -5 -1h -.5 x", read: "call -- db f -5 -1h -.5 x" },
  { line: "call db f -5 --anonymous", read: "call --anonymous -- db f -5" },
  { line: "call db f -- --anonymous -y", read: "call -- db f --anonymous -y" },
  { line: "login --token T", read: "login --token=T" },
  { line: "login show --token", read: "login show --token" },
  { line: "login -s local show --token", read: "login --server=local show --token" },
  { line: "server add ours --url http://x --default", read: "server add --url=http://x --default -- ours" },
  { line: "start --limit a=1 b=2 --in-memory", read: "start --limit=a=1 --limit=b=2 --in-memory" },
  // What does not read is left for commander to say.
  { line: "publish db --module-path", read: "publish db --module-path" },
  { line: "publish db --nothing -q", read: "publish --nothing -q -- db" },
  { line: "frob db", read: "frob db" },
  { line: "help publish", read: "help publish" },
  { line: "publish --help db", read: "publish --help -- db" },
])("$line", ({ line, read }) => {
  expect(inOrder(makeProgram(), line.split(" ")).join(" ")).toBe(read);
});

const flags: readonly (readonly string[])[] = [
  ["-y"],
  ["--yes=remote"],
  ["-c"],
  ["--delete-data"],
  ["--delete-data=never"],
  ["-p", "folder"],
  ["--module-path", "-odd"],
  ["-s", "local"],
  ["--server=local"],
  ["--no-check"],
  ["--anonymous"],
  ["--root-dir", "root"],
  ["--config-path=file"],
  ["--build-options", "--debug"],
];

test("any order of a command's flags and names reads the same", () => {
  assertProperty(
    fc.property(
      fc
        .subarray(flags.map((_, index) => index))
        .chain((chosen) => fc.tuple(fc.constant(chosen), fc.nat(chosen.length))),
      fc.boolean(),
      ([chosen, nameAt], isFirst) => {
        const words = chosen.map((index) => flags[index] ?? []);
        const typed = [...words.slice(0, nameAt), ["my_db"], ...words.slice(nameAt)].flat();
        const global = isFirst ? ["--root-dir", "first"] : [];
        const read = inOrder(makeProgram(), [...global, "publish", ...typed]);
        const plain = inOrder(makeProgram(), [...global, "publish", ...words.flat(), "my_db"]);
        expect(read).toEqual(plain);
        expect(read.slice(-2)).toEqual(["--", "my_db"]);
        expect(read.indexOf("publish")).toBe(
          global.length / 2 + chosen.filter((index) => /root|config/.test(flags[index]?.[0] ?? "")).length,
        );
      },
    ),
    500,
  );
});
