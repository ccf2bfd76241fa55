/** The fake database as a factory for host processes. `settings` names how it misbehaves. */
import type { Resume } from "@lightcone/database";
import type { OpenedDatabase } from "../process/host-driver.ts";
import type { HostRecord } from "../process/open-host-process.ts";
import { FakeDatabase } from "./fake-database.ts";

export async function openHostDatabase(record: HostRecord, resume: Resume | undefined): Promise<OpenedDatabase> {
  if (record.settings === "refuse") throw new Error("cannot open", { cause: new Error("disk on fire") });
  if (record.settings === "exit") process.exit(3);
  const database = new FakeDatabase();
  if (record.settings === "stuck") {
    database.stop = () => new Promise(() => undefined);
  }
  return { link: database, handles: database.resume(resume) };
}
