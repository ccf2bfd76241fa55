/**
 * `lightcone sql --interactive`: one statement after another, typed at a terminal or piped, until the end of the input.
 *
 * A statement ends with its line, unless a bracket or a quote is open there. What was typed is kept for the next time.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createInterface, type Interface } from "node:readline";
import { CliFailure, failureText } from "../failure.ts";
import { isInteractive, note, paint, print } from "../terminal.ts";

export interface Prompted {
  readonly database: string;
  /** What the Tab key completes. */
  readonly words: readonly string[];
  readonly historyPath: string;
  /** Runs a statement, and says it as text. */
  readonly answer: (statement: string, isTyped: boolean) => Promise<string>;
}

const historyLinesMax = 500;

/** @throws {CliFailure} when statements that were piped have failed: nobody has looked at them one by one */
export async function interact({ database, words, historyPath, answer }: Prompted): Promise<void> {
  const isTyped = isInteractive();
  const lines = createInterface({
    input: process.stdin,
    ...(isTyped ? { output: process.stdout } : {}),
    terminal: isTyped,
    history: isTyped ? readHistory(historyPath) : [],
    historySize: historyLinesMax,
    removeHistoryDuplicates: true,
    completer: (line: string) => complete(line, words),
  });
  if (isTyped) lines.on("history", (history: readonly string[]) => writeHistory(historyPath, history));
  const ask = (begun: string): void => {
    lines.setPrompt(begun === "" ? paint("green", `${database}> `) : `${" ".repeat(database.length)}> `);
    if (isTyped) lines.prompt();
  };
  if (isTyped)
    note("A statement ends with its line. Tab completes names; .clear clears the screen, .exit or Ctrl-D ends.");
  let failures = 0;
  const run = async (statement: string): Promise<void> => {
    try {
      print(await answer(statement, isTyped));
    } catch (error) {
      failures += 1;
      if (isTyped) print(paint("red", failureText(error)));
      else note(failureText(error));
    }
  };
  const isAborted = await readStatements(lines, ask, run);
  if (isTyped && isAborted) print("Aborted!");
  if (!isTyped && failures > 0) throw new CliFailure(`${failures} of the statements failed`);
}

/** @returns whether the input ended, or Ctrl-C was typed, rather than `.exit` */
async function readStatements(
  lines: Interface,
  ask: (begun: string) => void,
  run: (statement: string) => Promise<void>,
): Promise<boolean> {
  let begun = "";
  ask(begun);
  for await (const line of lines) {
    const word = line.trim();
    if (begun === "" && word === ".exit") {
      lines.close();
      return false;
    }
    if (begun === "" && word === ".clear") process.stdout.write("\u001b[2J\u001b[H");
    else {
      begun = begun === "" ? line : `${begun}\n${line}`;
      if (!isOpen(begun)) {
        const statement = begun.trim();
        begun = "";
        if (statement !== "") await run(statement);
      }
    }
    ask(begun);
  }
  if (begun.trim() !== "") await run(begun.trim());
  return true;
}

/** Whether a bracket or a quote is open at the end. Quotes within a text are doubled, which opens and closes it. */
export function isOpen(text: string): boolean {
  let depth = 0;
  let quote: string | undefined;
  for (const character of text) {
    if (quote !== undefined) quote = character === quote ? undefined : quote;
    else if (character === "'" || character === '"') quote = character;
    else if (character === "(") depth += 1;
    else if (character === ")") depth -= 1;
  }
  return quote !== undefined || depth > 0;
}

function complete(line: string, words: readonly string[]): [string[], string] {
  const [begun = ""] = /[\w.]*$/.exec(line) ?? [];
  const isLike = (word: string): boolean => begun !== "" && word.toLowerCase().startsWith(begun.toLowerCase());
  return [words.filter(isLike), begun];
}

/** The newest first; none where there is no file yet, or none that can be read. */
function readHistory(path: string): string[] {
  try {
    return readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => line !== "");
  } catch {
    return [];
  }
}

/** Best effort: statements work without it. They may hold what is nobody else's business. */
function writeHistory(path: string, history: readonly string[]): void {
  try {
    writeFileSync(path, `${history.join("\n")}\n`, { mode: 0o600 });
  } catch {
    // What was typed before is not there next time.
  }
}
