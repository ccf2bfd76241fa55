/**
 * The command line put in order, so that flags and names may be typed in any: what the whole program takes first,
 * then the command, its flags with their values, and behind `--` its names.
 *
 * An option whose value may be left out takes one only behind `=`: what follows it is a name. Words such as `-5` are
 * values, not flags.
 */
import type { Command, Option } from "commander";
import { chooseProject, withDatabase } from "./config/project.ts";
import { refuseOption, refuseSubcommand } from "./program/not-there.ts";

/** What options mean that stand alone although they take a value, by command and long name. */
const bareValues: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  publish: { "--delete-data": "always", "--yes": "all" },
  dev: { "--inspect": "9229" },
  generate: { "--module-def": "-" },
  sql: { "--confirmed": "true" },
  subscribe: { "--confirmed": "true" },
};
/** Other spellings. */
export const synonyms: Readonly<Record<string, string>> = {
  "--clear-database": "--delete-data",
  "--build-opts": "--build-options",
};

/** @returns the same words as commander reads them rightly @throws {CliFailure} for what the reference has and is not there */
export function inOrder(program: Command, words: readonly string[]): readonly string[] {
  const line = new Line(program, words);
  line.read();
  return line.words();
}

class Line {
  private readonly rest: string[];
  private readonly program: Command;
  /** Flags of the whole program, then, command by command, its name and its flags. */
  private readonly global: string[] = [];
  private readonly before: string[] = [];
  private flags: string[] = [];
  private readonly names: string[] = [];
  /** The last flag, if its value is missing. */
  private readonly unfinished: string[] = [];
  private command: Command;

  constructor(program: Command, words: readonly string[]) {
    this.program = program;
    this.command = program;
    this.rest = [...words];
  }

  words(): readonly string[] {
    // Of a command that is not there nothing can be shown: that it is not is said.
    const isUnknown = this.command.commands.length > 0 && ![undefined, "help"].includes(this.names[0]);
    if (isUnknown) this.flags = this.flags.filter((word) => word !== "--help" && word !== "-h");
    // Only a command that has none under it takes names; and behind an option without its value nothing may stand.
    const isPlain = this.names.length === 0 || this.command.commands.length > 0 || this.unfinished.length > 0;
    const isWhole = this.unfinished.length === 0 && !this.flags.some((flag) => flag === "--help" || flag === "-h");
    chooseProject({ env: this.env(), isLeftOut: this.flags.includes("--no-config") });
    const own = isWhole ? withDatabase(this.command.name(), this.names) : this.names;
    const names = isPlain ? own : ["--", ...own];
    return [...this.global, ...this.before, ...this.flags, ...names, ...this.unfinished];
  }

  /** The environment whose files count; `dev` is one. */
  private env(): string | undefined {
    const said = this.flags.findLast((flag) => flag.startsWith("--env="));
    return said?.slice("--env=".length) ?? (this.command.name() === "dev" ? "dev" : undefined);
  }

  read(): void {
    for (let word = this.rest.shift(); word !== undefined; word = this.rest.shift()) {
      if (word === "--") {
        this.names.push(...this.rest);
        return;
      }
      if (word.startsWith("--")) this.long(word);
      else if (word.length > 1 && word.startsWith("-") && !/^-(?:\d|\.\d)/.test(word)) this.short(word);
      else this.name(word);
    }
  }

  /** A name, or a command under the present one. */
  private name(word: string): void {
    const under = this.command.commands.find((each) => each.name() === word);
    if (under === undefined || this.names.length > 0) {
      refuseSubcommand(this.command.name(), word);
      this.names.push(word);
    } else {
      // What came before belongs to the command that it came behind.
      this.before.push(...this.flags, word);
      this.flags = [];
      this.command = under;
    }
  }

  private long(word: string): void {
    const sign = word.indexOf("=");
    const name = sign < 0 ? word : word.slice(0, sign);
    const long = synonyms[name] ?? name;
    const option = this.find(({ long: each }) => each === long);
    const value = sign < 0 ? undefined : word.slice(sign + 1);
    if (option !== undefined) this.put(option, value);
    else {
      refuseOption(this.command.name(), name);
      this.flags.push(word); // commander says what is wrong with it
    }
  }

  /** Short options, of which only the last may take a value: `-fn 5`, `-n5`, `-c=always`. */
  private short(word: string): void {
    for (let at = 1; at < word.length; at += 1) {
      const option = this.find(({ short }) => short === `-${word[at]}`);
      if (option === undefined) {
        refuseOption(this.command.name(), `-${word[at]}`);
        // Commander says what is wrong with it.
        this.flags.push(at === 1 ? word : `-${word.slice(at)}`);
        return;
      }
      const rest = word.slice(at + 1);
      if (takesValue(option) && rest !== "" && (this.bareValue(option) === undefined || rest.startsWith("="))) {
        this.put(option, rest.replace(/^=/, ""));
        return;
      }
      this.put(option, undefined);
    }
  }

  /** The present command's option, or else the program's. */
  private find(isIt: (option: Option) => boolean): Option | undefined {
    return this.command.options.find(isIt) ?? this.program.options.find(isIt);
  }

  private put(option: Option, given: string | undefined): void {
    const isGlobal = !this.command.options.includes(option) || this.command === this.program;
    const list = isGlobal ? this.global : this.flags;
    const name = option.long ?? option.short ?? "";
    if (!takesValue(option)) {
      list.push(given === undefined ? name : `${name}=${given}`);
      return;
    }
    const value = given ?? this.bareValue(option) ?? this.rest.shift();
    if (value === undefined) this.unfinished.push(name);
    else list.push(`${name}=${value}`);
    while (option.variadic && this.rest[0]?.startsWith("-") === false) list.push(`${name}=${this.rest.shift()}`);
  }

  /** What the option means when nothing stands behind it; undefined when something must. */
  private bareValue(option: Option): string | undefined {
    const bare = bareValues[this.command.name()]?.[option.long ?? ""];
    // `--confirmed true` is how newer scripts write it.
    const isFollowed = option.argChoices?.includes(this.rest[0] ?? "") === true && option.long === "--confirmed";
    return isFollowed ? undefined : bare;
  }
}

function takesValue(option: Option): boolean {
  return option.required || option.optional;
}
