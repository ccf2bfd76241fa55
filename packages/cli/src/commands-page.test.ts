// Goal: row 12: docs/cli.md says of every command and option whether it is there, and is right.
// Method: its table against the command's own tree, both ways; what the help of the process shows against both.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command, Option } from "commander";
import { afterAll, expect, test } from "vitest";
import { inOrder, synonyms } from "./arguments.ts";
import { makeProgram } from "./program.ts";
import { Place, repository } from "./testing/command.ts";

const place = new Place();
afterAll(() => place.close());

/** What `npm start` runs is no command of its users. */
const internal: readonly string[] = ["demo", "energy"];

interface Row {
  readonly command: string;
  readonly flags: readonly string[];
  readonly state: string;
}

const rows: readonly Row[] = readFileSync(join(repository, "docs/cli.md"), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| `"))
  .map((line) => {
    const [, command = "", flags = "", state = ""] = line.split(" | ").join("|").split("|");
    return {
      command: command.trim().replaceAll("`", ""),
      flags: [...flags.matchAll(/`([^`]+)`/g)].map(([, flag = ""]) => flag),
      state: state.trim(),
    };
  });
const isThere = ({ state }: Row): boolean => /^(there|ours)\b/.test(state);

/** Commands that do something by themselves, and the program as `lightcone`. */
const commands = new Map<string, Command>();
function walk(command: Command, path: string): void {
  // `server` alone, and what only says that it is not there yet, are none.
  const isGroup = command.commands.length > 0 && command.registeredArguments.length === 0 && path !== "login";
  if (!isGroup || path === "") commands.set(path === "" ? "lightcone" : path, command);
  for (const each of command.commands)
    if (!internal.includes(each.name())) walk(each, path === "" ? each.name() : `${path} ${each.name()}`);
}
walk(makeProgram(), "");

const namesOf = ({ long, short }: Option): readonly string[] =>
  [long, short].filter((name): name is string => name !== undefined && name !== null);
const flagsOf = (command: Command): ReadonlySet<string> => new Set(command.options.flatMap(namesOf));

test("each row is right", () => {
  expect(rows.length).toBeGreaterThan(100);
  const wrong = rows.flatMap((row) => {
    const { command: name, flags, state } = row;
    if (!/^(there|ours|not there)\b/.test(state)) return [`${name}: no state: ${state}`];
    const command = commands.get(name);
    if (flags.length === 0) {
      const isInTree = command !== undefined && (!isHidden(command) || isThere(row));
      return isInTree === isThere(row) ? [] : [`the command ${name}`];
    }
    const has = flagsOf(command ?? makeProgram());
    return flags.filter((flag) => has.has(synonyms[flag] ?? flag) !== isThere(row)).map((flag) => `${name} ${flag}`);
  });
  expect(wrong, "rows of docs/cli.md whose state is another").toEqual([]);
});

// Commander keeps it to itself; what help leaves out is what it does not list.
function isHidden(command: Command): boolean {
  const { parent } = command;
  return parent !== null && !parent.createHelp().visibleCommands(parent).includes(command);
}

test("each command and option has a row", () => {
  const missing = [...commands].flatMap(([name, command]) => {
    const own = rows.filter((row) => row.command === name);
    const told = new Set(own.flatMap(({ flags }) => flags));
    const flags = command.options.flatMap(namesOf).filter((flag) => !told.has(flag));
    return [...(own.length === 0 ? [name] : []), ...flags.map((flag) => `${name} ${flag}`)];
  });
  expect(missing, "missing in docs/cli.md").toEqual([]);
});

test("help shows what the page says", async () => {
  const { out } = await place.run("--help");
  for (const { command, flags } of rows.filter((row) => isThere(row) && !row.command.includes(" ")))
    if (flags.length === 0) expect(out).toMatch(new RegExp(`^ {2}${command}\\b`, "m"));
  const help = (await place.run("subscribe", "--help")).out;
  for (const { flags } of rows.filter(({ command }) => command === "subscribe"))
    for (const flag of flags) expect(help).toContain(flag);
});

test("what is not there is refused by name, with the page's reason", () => {
  const notThere = rows.filter((row) => !isThere(row) && row.command !== "energy balance");
  expect(notThere.length).toBeGreaterThan(10);
  const wrong = notThere.flatMap(({ command, flags, state }) => {
    const [, reason = "none"] = /^not there: (?:`\S+` and `\S+`: )?(.*)$/.exec(state) ?? [];
    const lines = flags.length === 0 ? [command] : flags.map((flag) => `${command} ${flag}`);
    return lines.filter((line) => {
      try {
        inOrder(makeProgram(), line.split(" "));
        return true;
      } catch (error) {
        return !(error instanceof Error && error.message.endsWith(`is not there: ${reason}`));
      }
    });
  });
  expect(wrong).toEqual([]);
});
