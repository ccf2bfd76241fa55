/** `lightcone logs`: past lines, and with `--follow` those to come. */
import { get as httpGet } from "node:http";
import { get as httpsGet } from "node:https";
import type { IncomingMessage } from "node:http";
import { openLoggedIn, type ServerFlags } from "../api/session.ts";
import { refused, ServerApi, unreachable } from "../api/server-api.ts";
import { CliFailure } from "../failure.ts";
import { levelOf, logLevels, logText, type LogLevelName, type LogRecord } from "../print/log-line.ts";
import { print } from "../terminal.ts";
import { resolveDatabase } from "./databases.ts";

export interface LogsFlags extends ServerFlags {
  readonly numLines?: string | undefined;
  readonly follow?: boolean | undefined;
  readonly format: "text" | "json";
  readonly json?: boolean | undefined;
  readonly level?: LogLevelName | undefined;
  readonly levelExact?: boolean | undefined;
  /** Where lines go; to standard output if left out. */
  readonly show?: (line: string, record: LogRecord) => void;
}

const followLines = "10";

export async function logs(database: string, flags: LogsFlags): Promise<void> {
  const { numLines, follow = false, level, levelExact = false } = flags;
  if (numLines !== undefined && !/^\d+$/.test(numLines))
    throw new CliFailure(`--num-lines takes a count, not ${JSON.stringify(numLines)}`, { exitCode: 2 });
  if (levelExact && level === undefined) throw new CliFailure("--level-exact needs --level", { exitCode: 2 });
  const api = await openLoggedIn(flags);
  const url = new URL(`${api.url}${ServerApi.database(await resolveDatabase(api, database), "/logs")}`);
  // The last lines of a level may stand anywhere: the server knows nothing of levels.
  const keepsLast = !follow && level !== undefined && numLines !== undefined ? Number(numLines) : undefined;
  const count = keepsLast === undefined ? (numLines ?? (follow ? followLines : undefined)) : undefined;
  if (count !== undefined) url.searchParams.set("num_lines", count);
  if (follow) url.searchParams.set("follow", "true");
  const wanted = level === undefined ? -1 : logLevels.indexOf(level);
  const asJson = flags.json === true || flags.format === "json";
  const show = flags.show ?? print;
  const kept: { readonly shown: string; readonly record: LogRecord }[] = [];
  let ending: LogRecord | undefined;
  for await (const line of linesOf(await open(api, url), api.url)) {
    const record = readRecord(line);
    if (record.end !== undefined) ending = record;
    const weight = levelOf(record);
    if (levelExact ? weight !== wanted : weight < wanted) continue;
    const shown = asJson ? line : logText(record);
    if (keepsLast === undefined) show(shown, record);
    else {
      kept.push({ shown, record });
      if (kept.length > keepsLast) kept.shift();
    }
  }
  for (const { shown, record } of kept) show(shown, record);
  if (follow) throw logEnded(ending);
}

/** A line that is no record is shown all the same. */
function readRecord(line: string): LogRecord {
  try {
    const record: unknown = JSON.parse(line);
    if (typeof record === "object" && record !== null) return record;
  } catch {
    // Shown as it is.
  }
  return { message: line };
}

/** Who follows a log goes on until Ctrl-C: whatever else ends it is said, and is no success. */
function logEnded(ending: LogRecord | undefined): CliFailure {
  switch (ending?.end) {
    case "ServerStopping":
      return new CliFailure("the log ended: the server is stopping", {
        hint: "Follow it again once the server is there: lightcone logs … --follow",
      });
    case "DatabaseDeleted":
      return new CliFailure("the log ended: the database was deleted");
    case "NotYours":
      return new CliFailure("the log ended: the database is not yours any more", {
        hint: "`lightcone list` shows the databases that are.",
      });
    case "Quarantined":
      return new CliFailure(
        "the log ended: the database's module is left alone after it ended its process again and again",
        {
          hint: "Publish a corrected module, or publish again to try once more.",
        },
      );
    default:
      return new CliFailure("the log ended, and the server did not say why");
  }
}

/** The lines of a stream. @throws {CliFailure} when it breaks off */
async function* linesOf(stream: IncomingMessage, url: string): AsyncGenerator<string> {
  let begun = "";
  stream.setEncoding("utf8");
  try {
    for await (const chunk of stream as AsyncIterable<string>) {
      const lines = (begun + chunk).split("\n");
      begun = lines.pop() ?? "";
      yield* lines.filter((line) => line !== "");
    }
  } catch (error) {
    throw new CliFailure(`the log ended: the connection to ${url} was lost`, {
      hint: "The server has ended or cannot be reached any more: `lightcone server ping` asks it.",
      cause: error,
    });
  }
  if (begun !== "") yield begun;
}

/** Opens the stream, without any time limit on silence. @throws {CliFailure} with the server's reason */
function open(api: ServerApi, url: URL): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const get = url.protocol === "https:" ? httpsGet : httpGet;
    const request = get(url, { headers: api.headers() }, (response) => {
      if (response.statusCode === 200) {
        resolve(response);
        return;
      }
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk.toString()));
      const status = response.statusCode ?? 0;
      response.on("end", () => reject(refused(body, { status, body: "", headers: new Headers() })));
    });
    request.on("error", (error) => reject(unreachable(api.url, error)));
  });
}
