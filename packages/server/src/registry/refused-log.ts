/** What a database that comes to nothing has written to its log: it goes with the refusal, since the log goes too. */
import { cutText, errorFacts, type FileSystem } from "@lightcone/base";
import { LogReader, type Reply } from "@lightcone/database/front";

const linesMax = 20;
const bytesMax = 16 * 1024;

/**
 * The refusal of a program, with the last lines that it has written.
 *
 * @param goesOn whether there is a database that it should have replaced
 */
export async function withLog(reply: Reply, files: FileSystem, directory: string, goesOn: boolean): Promise<Reply> {
  const lines = await lastLines(files, directory);
  const body = new TextDecoder().decode(reply.body);
  const told = lines.length === 0 ? body : `${body}\n\nThe module's log:\n${cutText(lines.join("\n"), bytesMax)}`;
  const headers: Record<string, string> = { ...reply.headers };
  // The hint of what happens in a running database points to a log that is gone.
  if (headers["lightcone-hint"] === errorFacts("ReducerCrashed").hint)
    headers["lightcone-hint"] = goesOn
      ? "Correct the module and publish again; the database goes on as it was."
      : "Correct the module and publish again; no database was created.";
  return { status: reply.status, headers, body: new TextEncoder().encode(told) };
}

interface LogRecord {
  readonly level?: string;
  readonly function?: string;
  readonly filename?: string;
  readonly line_number?: number;
  readonly message?: string;
}

async function lastLines(files: FileSystem, directory: string): Promise<readonly string[]> {
  const reader = await LogReader.open(files, directory, { lineCount: linesMax, follow: false });
  let text = "";
  try {
    for (let lines = await reader.next(); lines !== undefined; lines = await reader.next())
      text += new TextDecoder().decode(lines);
  } finally {
    await reader.close();
  }
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => lineText(readRecord(line)));
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

function lineText({ level = "", function: name, filename, line_number: line, message = "" }: LogRecord): string {
  const place = filename === undefined || line === undefined ? filename : `${filename}:${line}`;
  const parts = [name, place].filter((part) => part !== undefined && !part.startsWith("__"));
  return `${level === "" ? "" : `${level.toUpperCase()}: `}${parts.length === 0 ? "" : `${parts.join(" ")}: `}${message}`;
}
