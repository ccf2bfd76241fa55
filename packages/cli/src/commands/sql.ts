/** `lightcone sql`: one statement, or one after another. */
import { dirname, join } from "node:path";
import { fetchSchema, readableTables } from "../api/schema.ts";
import { openLoggedIn, type ServerFlags } from "../api/session.ts";
import { refused, ServerApi } from "../api/server-api.ts";
import { CliFailure } from "../failure.ts";
import { whatExists } from "../print/nearest.ts";
import type { Format } from "../print/formats.ts";
import { formatted } from "../print/result-formats.ts";
import { readResults, statisticsText, tableText } from "../print/sql-table.ts";
import { print } from "../terminal.ts";
import { resolveDatabase } from "./databases.ts";
import { interact } from "./sql-prompt.ts";

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
  if (flags.interactive === true) await interactWith(api, identity, database, flags);
  else print(formatted(await runStatement(api, identity, text, flags), flags.json === true ? "json" : flags.format));
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

const keywords =
  "SELECT FROM WHERE JOIN ON AND OR AS LIMIT COUNT INSERT INTO VALUES UPDATE SET DELETE SHOW .exit .clear";

async function interactWith(api: ServerApi, identity: string, database: string, flags: SqlFlags): Promise<void> {
  const { tables } = await fetchSchema(api, identity);
  const columns = tables.flatMap((table) => table.columns.map(({ name }) => name));
  await interact({
    database,
    words: [...new Set([...keywords.split(" "), ...tables.map(({ name }) => name), ...columns])],
    historyPath: join(dirname(flags.configPath), "sql_history"),
    answer: async (statement, isTyped) => {
      const startMs = performance.now();
      const body = await runStatement(api, identity, statement, flags);
      const tripMs = performance.now() - startMs;
      if (!isTyped) return formatted(body, flags.json === true ? "json" : flags.format);
      const results = readResults(body).flatMap((result) => [tableText(result), statisticsText(result)]);
      return [...results.filter((part) => part !== ""), `Roundtrip time: ${tripMs.toFixed(2)}ms`].join("\n");
    },
  });
}
