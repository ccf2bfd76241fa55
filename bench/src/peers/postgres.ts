/** Debian's PostgreSQL, started in a directory of the run, as the user `postgres` when the bench runs as root. */
import { execFile } from "node:child_process";
import { chmod, chown, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { openPeer, type Peer } from "./peer.ts";

const run = promisify(execFile);
const installed = "/usr/lib/postgresql";
const port = "54329";

const schema = `
  CREATE TABLE account (id int PRIMARY KEY, balance bigint NOT NULL) WITH (fillfactor = 50);
  CREATE FUNCTION transfer(payer int, payee int, amount bigint) RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    -- Always the lower account first: two transfers that cross must not wait for each other.
    IF payer < payee THEN
      UPDATE account SET balance = balance - amount WHERE id = payer AND balance >= amount;
      IF NOT FOUND THEN RAISE EXCEPTION 'insufficient funds'; END IF;
      UPDATE account SET balance = balance + amount WHERE id = payee;
    ELSE
      UPDATE account SET balance = balance + amount WHERE id = payee;
      UPDATE account SET balance = balance - amount WHERE id = payer AND balance >= amount;
      IF NOT FOUND THEN RAISE EXCEPTION 'insufficient funds'; END IF;
    END IF;
  END $$`;

/** The newest installed version's programs; undefined when there is none. */
async function findPrograms(): Promise<string | undefined> {
  const versions = await readdir(installed).catch(() => []);
  const newest = versions.map(Number).sort((a, b) => b - a)[0];
  return newest === undefined ? undefined : join(installed, String(newest), "bin");
}

/** Starts a cluster and the Node server in front of it; undefined when PostgreSQL is not installed. */
export async function openPostgres(parent: string, accountCount: number): Promise<Peer | undefined> {
  const programs = await findPrograms();
  if (programs === undefined) return undefined;
  const directory = join(parent, "postgres");
  await mkdir(directory);
  const isRoot = process.getuid?.() === 0;
  if (isRoot) {
    // The server refuses to run as root; whoever it runs as must get to the directory.
    const { uid, gid } = await stat("/var/lib/postgresql");
    await chown(directory, uid, gid);
    await chmod(parent, 0o755);
  }
  const as = (program: string, ...args: string[]): Promise<unknown> =>
    isRoot
      ? run("setpriv", ["--reuid=postgres", "--regid=postgres", "--clear-groups", join(programs, program), ...args], {
          cwd: directory,
        })
      : run(join(programs, program), args, { cwd: directory });
  const data = join(directory, "data");
  await as("initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "--no-instructions");
  await writeFile(
    join(data, "postgresql.auto.conf"),
    `port = ${port}\nunix_socket_directories = '${directory}'\nlisten_addresses = ''\nmax_connections = 100\nshared_buffers = 256MB\n`,
  );
  await as("pg_ctl", "-D", data, "-l", join(directory, "log"), "-w", "start");
  const stop = (): Promise<unknown> => as("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop");
  try {
    const client = new pg.Client({ host: directory, port: Number(port), user: "postgres", database: "postgres" });
    await client.connect();
    await client.query(schema);
    await client.query(`INSERT INTO account SELECT id, 1000000 FROM generate_series(0, ${accountCount - 1}) AS id`);
    await client.query("VACUUM ANALYZE account");
    await client.end();
    const peer = await openPeer("postgres-main.ts", [directory, port], accountCount);
    return {
      target: peer.target,
      stop: async () => {
        await peer.stop();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
