/** Options that several commands have. */
import { InvalidArgumentError, Option } from "commander";
import { formats, type Format } from "../print/formats.ts";

/** An option that is there under two names; the first is the one that is shown. */
export const modulePath = (): readonly Option[] => [
  new Option("-p, --module-path <dir>", "the module's folder (default: ./spacetimedb if it is a module, else .)"),
  new Option("--project-path <dir>", "the same as --module-path").hideHelp(),
];
export const prebuilt = (): readonly Option[] => [
  new Option("-b, --bin-path <file>", "a module that is built already, as WebAssembly").conflicts("jsPath"),
  new Option("-j, --js-path <file>", "a module that is built already, as JavaScript"),
];
export const noCheck = (): Option =>
  new Option(
    "--no-check",
    "do not check types; else a TypeScript module with a tsconfig.json is, if it has TypeScript",
  );
export const server = (): Option => new Option("-s, --server <server>", "nickname, host or URL of the server");
export const anonymous = (): Option => new Option("--anonymous", "send no token");
export const confirmed = (what: string): Option =>
  new Option("--confirmed [boolean]", `${what} (default: true)`).choices(["true", "false"]);
/** Of a server that does not run. */
export const dataDir = (): Option => new Option("--data-dir <dir>", "where the data is (default: ./.lightcone)");
export const yes = (): Option => new Option("-y, --yes", "answer yes to every question");

/** An option whose value may be left out, as help has it; `arguments.ts` puts in what is left out. */
export function shownAs(flags: string, option: Option): Option {
  option.flags = flags;
  return option;
}

/** @throws {InvalidArgumentError} naming the formats that there are */
export function readFormat(word: string): Format {
  const named = ["text", "txt", "default"].includes(word) ? "table" : word;
  const format = formats.find((each) => each === named);
  if (format === undefined) throw new InvalidArgumentError(`It is one of ${formats.join(", ")}.`);
  return format;
}

export const noConfig = (): Option =>
  new Option("--no-config", "leave the project's file out: lightcone.json, or spacetime.json");
/** Which of a project's files count. */
export const projectFiles = (): readonly Option[] => [
  new Option("--env <name>", "read spacetime.<name>.json and spacetime.<name>.local.json as well"),
  noConfig(),
];
