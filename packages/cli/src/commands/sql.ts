/** `lightcone sql`: one statement, or on a terminal one after another. */
import { createInterface } from "node:readline/promises";
import { fetchSchema, readableTables } from "../api/schema.ts";
import { openLoggedIn, type ServerFlags } from "../api/session.ts";
import { refused, ServerApi } from "../api/server-api.ts";
import { CliFailure, failureText } from "../failure.ts";
import { whatExists } from "../print/nearest.ts";
import type { Format } from "../print/formats.ts";
import { formatted } from "../print/result-formats.ts";
import { readResults, statisticsText, tableText } from "../print/sql-table.ts";
import { isInteractive, paint, print } from "../terminal.ts";
import { resolveDatabase } from "./databases.ts";

export interface SqlFlags extends ServerFlags {
  readonly interactive?: boolean | undefined;
  readonly format: Format;
  readonly json?: boolean | undefined;
  readonly confirmed?: boolean | string | undefined;
}

export async function sql(database: string, statement: string, flags: SqlFlags): Promise<void> {
  if (flags.interactive === true && statement !== "")
    throw new CliFailure("--interactive takes no statement", { exitCode: 2 });
  const text = flags.interactive === true || statement.trim() !== "" ? statement : await readStatement();
  const api = await openLoggedIn(flags);
  const identity = await resolveDatabase(api, database);
  const run = (line: string): Promise<string> => runStatement(api, identity, line, flags);
  if (flags.interactive === true) await interact(database, run);
  else {
    print(formatted(await run(text), flags.json === true ? "json" : flags.format));
  }
}

/** The statement that something else writes to this command. @throws {CliFailure} when there is none */
async function readStatement(): Promise<string> {
  let text = "";
  // What a terminal would be asked for, --interactive asks for.
  if (process.stdin.isTTY !== true) for await (const chunk of process.stdin.setEncoding("utf8")) text += String(chunk);
  if (text.trim() !== "") return text.trim();
  throw new CliFailure("a statement is missing", {
    exitCode: 2,
    hint: 'lightcone sql NAME "SELECT …" runs one, also from standard input; --interactive asks for one after another.',
  });
}

async function runStatement(api: ServerApi, identity: string, text: string, flags: SqlFlags): Promise<string> {
  const confirmed = flags.confirmed === undefined ? undefined : String(flags.confirmed);
  const answer = await api.ask("POST", ServerApi.database(identity, "/sql"), { query: { confirmed }, body: text });
  if (answer.status >= 400)
    throw refused("The statement was refused", answer, await tablesMeant(api, identity, answer.body));
  return answer.body;
}

/** For a table that is not there: which the caller may have meant. */
async function tablesMeant(api: ServerApi, identity: string, refusal: string): Promise<readonly string[]> {
  const wanted = /no such table: `([^`]*)`/.exec(refusal)?.[1];
  if (wanted === undefined) return [];
  const names = await readableTables(api, identity, await fetchSchema(api, identity));
  return [whatExists(wanted, [{ kind: "table", names }])];
}

async function interact(database: string, run: (text: string) => Promise<string>): Promise<void> {
  if (!isInteractive())
    throw new CliFailure("--interactive needs a terminal", { hint: "Give the statement as an argument." });
  const lines = createInterface({ input: process.stdin, output: process.stdout, historySize: 500 });
  const prompt = paint("green", `${database}> `);
  try {
    for (;;) {
      const line = (await lines.question(prompt)).trim();
      if (line === ".exit") return;
      if (line === ".clear") process.stdout.write("\u001b[2J\u001b[H");
      else if (line !== "") await answerLine(line, run);
    }
  } catch {
    print("Aborted!"); // Ctrl-C or Ctrl-D ends the question
  } finally {
    lines.close();
  }
}

async function answerLine(line: string, run: (text: string) => Promise<string>): Promise<void> {
  try {
    const startMs = performance.now();
    const results = readResults(await run(line));
    const tripMs = performance.now() - startMs;
    for (const result of results)
      print([tableText(result), statisticsText(result)].filter((part) => part !== "").join("\n"));
    print(`Roundtrip time: ${tripMs.toFixed(2)}ms`);
  } catch (error) {
    print(paint("red", failureText(error)));
  }
}
