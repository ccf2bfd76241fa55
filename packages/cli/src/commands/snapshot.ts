/** `lightcone snapshot`: writes the state as it is now, so that the next start need not read the log before it. */
import { openSession, type ServerFlags } from "../api/session.ts";
import { ServerApi } from "../api/server-api.ts";
import { during, print } from "../terminal.ts";
import { resolveDatabase } from "./databases.ts";

export async function snapshot(database: string, flags: ServerFlags): Promise<void> {
  const { api } = await openSession(flags);
  const identity = await resolveDatabase(api, database);
  const path = ServerApi.database(identity, "/snapshot");
  const answer = await during("Taking a snapshot", () => api.need("No snapshot was taken", "POST", path));
  const { offset }: { offset: number } = JSON.parse(answer.body);
  print(`Snapshot of ${database} published at offset ${offset}.`);
}
