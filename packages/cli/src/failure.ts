/** What ends a command: a message, the chain behind it, what to change, and an exit code. */

import { types } from "node:util";

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
  const message = isNativeError(error) ? error.message : String(error);
  const causes = error instanceof CliFailure && error.causes.length > 0 ? error.causes : causesOf(error);
  const hint = error instanceof Error && "hint" in error && typeof error.hint === "string" ? error.hint : undefined;
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

/** The messages of the errors behind an error. */
function causesOf(error: unknown): readonly string[] {
  const messages: string[] = [];
  let next = error instanceof Error ? error.cause : undefined;
  while (next instanceof Error && messages.length < 8) {
    if (next.message !== "") messages.push(next.message);
    next = next.cause;
  }
  return messages;
}
