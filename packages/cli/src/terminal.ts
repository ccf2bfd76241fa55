/** What a command says and asks. Colours, spinners and questions only where a person sits at a terminal. */
import { styleText } from "node:util";
import { CliFailure } from "./failure.ts";

type Style = Parameters<typeof styleText>[0];

/** Writes to standard output: what was asked for. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Writes to the standard error stream: what is said besides. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Styles text if standard output is a terminal that wants it. */
export function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

/** Whether someone is there to be asked. */
export function isInteractive(): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true;
}

/**
 * Asks yes or no. Without a terminal there is nobody to ask, and the answer is no.
 *
 * @param yes the answer was given beforehand
 */
export async function confirm(question: string, yes: boolean): Promise<boolean> {
  if (yes) {
    print("Skipping confirmation due to --yes");
    return true;
  }
  if (!isInteractive()) {
    note(`${question} [y/N] not asked, since this is not a terminal`);
    return false;
  }
  if (!canDraw()) return askPlainly(question);
  const prompts = await import("@clack/prompts");
  return (await prompts.confirm({ message: question, initialValue: false })) === true;
}

/** Whether what is drawn has room: a terminal that was never given a size says that it has no columns. */
function canDraw(): boolean {
  return process.stdout.isTTY === true && process.stdout.columns > 0;
}

/** Asks on a line. Ctrl-C and Ctrl-D answer no. */
async function askPlainly(question: string): Promise<boolean> {
  const { createInterface } = await import("node:readline/promises");
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  const closed = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
  try {
    return /^y(es)?$/i.test((await Promise.race([lines.question(`${question} [y/N] `), closed])).trim());
  } finally {
    lines.close();
  }
}

/** Says what is being done while it is done; on a terminal with a spinner. */
export async function during<T>(what: string, work: () => Promise<T>): Promise<T> {
  if (!canDraw()) {
    print(`${what}...`);
    return work();
  }
  const { spinner } = await import("@clack/prompts");
  const turning = spinner();
  turning.start(what);
  try {
    const result = await work();
    turning.stop(what);
    return result;
  } catch (error) {
    turning.error(what);
    throw error;
  }
}

/** Text from a database or a module, with the characters that would steer a terminal made visible. */
export function visible(text: string): string {
  // oxlint-disable-next-line no-control-regex -- these are what is looked for
  return text.replaceAll(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, (character) => {
    if (character === "\t") return character;
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}

/**
 * The failure of a step that was declined, or that nobody could be asked about.
 *
 * @param flag what says yes beforehand
 */
export function declined(message: string, flag = "--yes"): CliFailure {
  if (isInteractive()) return new CliFailure(message);
  return new CliFailure("Nothing is changed: this asks before it goes on, and there is no terminal to ask at", {
    hint: `Pass ${flag} to say yes beforehand.`,
  });
}
