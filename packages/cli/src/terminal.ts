/** What a command says and asks. Colours and spinners only where a person sits at a terminal. */
import { styleText } from "node:util";
import { CliFailure } from "./failure.ts";
import { readLine } from "./read-line.ts";

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
 * Asks yes or no: of whoever sits at the terminal, or else of what is written to standard input. Where that ends
 * without an answer, the answer is no.
 *
 * @param yes the answer was given beforehand
 */
export async function confirm(question: string, yes: boolean): Promise<boolean> {
  return (await ask(question, yes)) === "yes";
}

/**
 * Asks before a step that is not to be taken unasked.
 *
 * @param refusal the failure that a no is
 * @param flag what says yes beforehand
 * @param word what has to be typed, where a yes is too easily said
 * @throws {CliFailure} when the answer is not yes
 */
export async function insist(
  question: string,
  yes: boolean,
  refusal: string,
  flag = "--yes",
  word?: string,
): Promise<void> {
  const answer = await ask(question, yes, word);
  if (answer === "yes") return;
  if (answer === "no") throw new CliFailure(refusal);
  throw new CliFailure("Nothing is changed: this asks before it goes on, and there is no terminal to ask at", {
    hint: `Pass ${flag} to say yes beforehand, or write ${word ?? "y"} to its standard input.`,
  });
}

async function ask(question: string, yes: boolean, word?: string): Promise<"yes" | "no" | "nothing"> {
  if (yes) {
    print("Skipping confirmation due to --yes");
    return "yes";
  }
  if (process.stdin.isTTY !== true) {
    process.stderr.write(`${question}${choices(word)}`);
    const line = await readLine(0);
    note(line === undefined ? "not answered" : visible(line));
    return line === undefined ? "nothing" : readAnswer(line, word);
  }
  if (!canDraw() || word !== undefined) return readAnswer(await askPlainly(question + choices(word)), word);
  const prompts = await import("@clack/prompts");
  return (await prompts.confirm({ message: question, initialValue: false })) === true ? "yes" : "no";
}

const choices = (word?: string): string => (word === undefined ? " [y/N] " : ": ");

function readAnswer(line: string, word?: string): "yes" | "no" {
  const isYes = word === undefined ? /^y(es)?$/i.test(line.trim()) : line.trim() === word;
  return isYes ? "yes" : "no";
}

/** Whether what is drawn has room: a terminal that was never given a size says that it has no columns. */
function canDraw(): boolean {
  return process.stdout.isTTY === true && process.stdout.columns > 0;
}

/** Asks on a line. Ctrl-C and Ctrl-D answer nothing. */
async function askPlainly(question: string): Promise<string> {
  const { createInterface } = await import("node:readline/promises");
  const output = process.stdout.isTTY === true ? process.stdout : process.stderr;
  const lines = createInterface({ input: process.stdin, output });
  const closed = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
  try {
    return await Promise.race([lines.question(question), closed]);
  } finally {
    lines.close();
  }
}

let isShared = false;

/** From now on others write lines to the terminal as well: nothing on it is drawn over. */
export function shareTerminal(): void {
  isShared = true;
}

/** Says what is being done while it is done; on a terminal with a spinner. */
export async function during<T>(what: string, work: () => Promise<T>): Promise<T> {
  if (!canDraw() || isShared) {
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
