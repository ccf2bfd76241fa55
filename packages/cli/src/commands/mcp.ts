/**
 * `lightcone mcp`: a server of MCP over standard input and output, for the tools of a language model. Each line of JSON-RPC is
 * handed to the database's server, and its answer written as a line.
 */
import { createInterface } from "node:readline";
import { openSession, type ServerFlags } from "../api/session.ts";
import { ServerApi } from "../api/server-api.ts";
import { note, print } from "../terminal.ts";

const codes = { parseError: -32700, internalError: -32603 } as const;

/** @param database the one that is asked; left out, each request names one */
export async function mcp(database: string | undefined, flags: ServerFlags): Promise<void> {
  const { api } = await openSession(flags);
  const path = database === undefined ? "/v1/mcp" : ServerApi.database(database, "/mcp");
  note(`Serving MCP over stdio, bridging to ${api.url}${path}`);
  for await (const line of createInterface({ input: process.stdin }))
    if (line.trim() !== "") await bridge(api, path, line);
}

async function bridge(api: ServerApi, path: string, line: string): Promise<void> {
  // A notification, which has no id, gets no answer, however it ends.
  let failed = (_text: string): void => {};
  try {
    const said: unknown = JSON.parse(line);
    if (typeof said !== "object" || said === null || Array.isArray(said))
      failed = (text) => fail(null, codes.internalError, text);
    else if ("id" in said) failed = (text) => fail(said.id, codes.internalError, text);
  } catch {
    fail(null, codes.parseError, "the line is no JSON");
    return;
  }
  try {
    const { status, body } = await api.ask("POST", path, { body: line, contentType: "application/json" });
    if (status === 200) print(body);
    else if (status !== 202) failed(body === "" ? `HTTP status ${status}` : body);
  } catch (error) {
    // The next may find the server again.
    failed(error instanceof Error ? error.message : String(error));
  }
}

function fail(id: unknown, code: number, message: string): void {
  print(JSON.stringify({ jsonrpc: "2.0", id, error: { code, message } }));
}
