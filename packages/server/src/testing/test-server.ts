/** A server on a free port with files in memory and fake databases, and a shorthand to ask it things. */
import { realClock, realRandom } from "@lightcone/base";
import type { Clock } from "@lightcone/base";
import { openServer } from "../open-server.ts";
import type { Server, ServerOptions } from "../open-server.ts";
import { makeServerLog } from "../log.ts";
import { FakeDatabase } from "./fake-database.ts";
import { MemoryFiles } from "./memory-files.ts";

export interface TestServer {
  readonly server: Server;
  readonly port: number;
  readonly files: MemoryFiles;
  readonly clock: Clock;
  readonly logLines: string[];
  /** Every database that was opened, by directory. */
  readonly databases: Map<string, FakeDatabase>;
  ask(method: string, path: string, options?: AskOptions): Promise<Answer>;
  identity(): Promise<{ readonly identity: string; readonly token: string }>;
}

export interface AskOptions {
  readonly token?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

export async function openTestServer(
  overrides: Partial<ServerOptions> = {},
  files = new MemoryFiles(),
): Promise<TestServer> {
  const databases = new Map<string, FakeDatabase>();
  const logLines: string[] = [];
  const clock = overrides.clock ?? realClock;
  const server = await openServer({
    listen: [{ host: "127.0.0.1", port: 0 }],
    dataDirectory: "/data",
    files,
    log: makeServerLog("debug", { write: (line) => void logLines.push(line) }),
    openDatabase: async (_record, directory) => {
      const database = new FakeDatabase();
      databases.set(directory, database);
      return database;
    },
    version: "0.0.0-test",
    clock,
    random: realRandom,
    ...overrides,
  });
  const port = server.addresses[0]?.port ?? 0;
  const ask: TestServer["ask"] = async (method, path, options = {}) => {
    const authorization = options.token === undefined ? {} : { authorization: `Bearer ${options.token}` };
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { ...authorization, ...options.headers },
      ...(options.body === undefined ? {} : { body: options.body }),
    });
    return { status: response.status, headers: response.headers, body: await response.text() };
  };
  const identity = async (): Promise<{ identity: string; token: string }> =>
    JSON.parse((await ask("POST", "/v1/identity")).body);
  return { server, port, files, clock, logLines, databases, ask, identity };
}
