/** What ends a command: a message, the chain behind it, what to change, and an exit code. */

import { types } from "node:util";
import { withPages } from "./pages.ts";

const { isNativeError } = types;

export interface FailureOptions {
  /** What lies behind it, outermost first. */
  readonly causes?: readonly string[];
  /** The flag, file or command that mends it. */
  readonly hint?: string;
  readonly exitCode?: number;
  readonly cause?: unknown;
}

/** A failure worded for whoever typed the command. */
export class CliFailure extends Error {
  override readonly name = "CliFailure";
  readonly causes: readonly string[];
  readonly hint: string | undefined;
  readonly exitCode: number;

  constructor(message: string, options: FailureOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.causes = options.causes ?? [];
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? 1;
  }
}

/** A failure as it is printed: `Error: …`, then what caused it, then what helps. */
export function failureText(error: unknown): string {
  // An error of a module's realm is of another class by the same name.
  const message = isNativeError(error) ? messageOf(error) : String(error);
  const causes = error instanceof CliFailure && error.causes.length > 0 ? error.causes : causesOf(error);
  const given = hintOf(error) ?? fileFailureOf(error)?.hint;
  const hint = given === undefined ? undefined : withPages(given);
  const numbered = causes.map((cause, index) => indented(causes.length > 1 ? `    ${index}: ` : "    ", cause));
  return [
    `Error: ${message}`,
    ...(numbered.length === 0 ? [] : ["", "Caused by:", ...numbered]),
    ...(hint === undefined ? [] : ["", `Hint: ${hint}`]),
    "",
  ].join("\n");
}

/** A text behind a start; its further lines begin where its first does. */
function indented(start: string, text: string): string {
  return start + text.trimEnd().replaceAll("\n", `\n${" ".repeat(start.length)}`);
}

function hintOf(error: unknown): string | undefined {
  return error instanceof Error && "hint" in error && typeof error.hint === "string" ? error.hint : undefined;
}

/** The failure of a file or directory that lies in or behind an error. */
function fileFailureOf(error: unknown): FileFailure | undefined {
  for (let next = error; next instanceof Error; next = next.cause) {
    const code = (next as NodeJS.ErrnoException).code ?? "";
    if (Object.hasOwn(fileFailures, code)) return fileFailures[code];
  }
  return undefined;
}

/** An error of the system in words: Node's begin with a code and end with the call. */
function messageOf(error: Error): string {
  const { code = "", path, syscall } = error as NodeJS.ErrnoException;
  const known = syscall !== undefined && Object.hasOwn(fileFailures, code) ? fileFailures[code] : undefined;
  return known === undefined ? error.message : `${path ?? syscall}: ${known.text}`;
}

interface FileFailure {
  readonly text: string;
  readonly hint: string;
}

const elsewhere = "Name another place, or change who may write there.";
const fileFailures: Readonly<Record<string, FileFailure>> = {
  EACCES: { text: "permission denied", hint: elsewhere },
  EPERM: { text: "permission denied", hint: elsewhere },
  EROFS: { text: "the file system can only be read", hint: elsewhere },
  ENOENT: {
    text: "there is no such file or directory",
    hint: "Check the path, and whether anything can be made there.",
  },
  EEXIST: { text: "a file of that name stands in the way", hint: "Name another place, or move the file away." },
  ENOTDIR: { text: "a file stands where a directory is to be", hint: "Name another place, or move the file away." },
  EISDIR: { text: "it is a directory, and a file is wanted", hint: "Name the file itself." },
  ELOOP: { text: "a symbolic link in a circle stands there", hint: "Put in its place what it was to lead to." },
  ESPIPE: { text: "it is no ordinary file", hint: "Name another place, or put the file there." },
  ENOSPC: { text: "the disk has no room", hint: "Free space on the disk, or name another place." },
  EDQUOT: { text: "the disk quota is used up", hint: "Free space, or name another place." },
  EMFILE: { text: "too many files are open", hint: "Raise the limit of open files (`ulimit -n`)." },
};

/** The messages of the errors behind an error. */
function causesOf(error: unknown): readonly string[] {
  const messages: string[] = [];
  let next = error instanceof Error ? error.cause : undefined;
  while (next instanceof Error && messages.length < 8) {
    if (next.message !== "") messages.push(messageOf(next));
    next = next.cause;
  }
  return messages;
}
