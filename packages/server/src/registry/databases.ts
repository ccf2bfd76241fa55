/**
 * The databases that run: opened on first use, opened again after a failure, replaced by a reset, ended by a
 * delete. Changes to one database happen one at a time.
 */
import { LightconeError, isLightconeError } from "@lightcone/base";
import type { Clock, FileSystem } from "@lightcone/base";
import type { DatabaseLink, HostType, Reply } from "@lightcone/database/front";
import type { Identity } from "../auth/identity.ts";
import { programHash } from "../auth/identity.ts";
import type { ServerLog } from "../log.ts";
import type { DatabaseRecord, Registry } from "./registry.ts";

/** A program on its way into a database. */
export interface Program {
  readonly bytes: Uint8Array;
  readonly hostType: HostType;
}

export interface DatabasesOptions {
  readonly registry: Registry;
  readonly files: FileSystem;
  readonly dataDirectory: string;
  readonly clock: Clock;
  readonly log: ServerLog;
  readonly openDatabase: (record: DatabaseRecord, directory: string) => Promise<DatabaseLink>;
  /** Ends a database's client connections. */
  readonly disconnect: (identityHex: string, code: number, reason: string) => void;
}

/** What ends the clients of a database that is deleted or replaced. */
const goneReason = "module exited";
const stopForChangeMs = 30_000;

export class Databases {
  readonly #options: DatabasesOptions;
  readonly #running = new Map<string, Promise<DatabaseLink>>();
  /** Databases that are not started again by themselves, with the error that says why. */
  readonly #quarantined = new Map<string, LightconeError>();
  readonly #changes = new Map<string, Promise<unknown>>();
  #isStopping = false;

  constructor(options: DatabasesOptions) {
    this.#options = options;
  }

  /**
   * The running database, started if need be.
   *
   * @param isPublish whether it is wanted for a new program: the one thing that ends a quarantine
   * @throws {LightconeError} `Quarantined`, `DatabaseStopped`, and why it does not start
   */
  async link(record: DatabaseRecord, isPublish = false): Promise<DatabaseLink> {
    if (this.#isStopping) throw new LightconeError("DatabaseStopped", { reason: "the server is stopping" });
    const quarantine = this.#quarantined.get(record.identity.hex);
    if (quarantine !== undefined && !isPublish) throw quarantine;
    this.#quarantined.delete(record.identity.hex);
    const present = this.#running.get(record.identity.hex);
    if (present !== undefined) return present;
    const opening = this.#open(record);
    this.#running.set(record.identity.hex, opening);
    opening.then(
      (link) => this.#watch(record, opening, link),
      (error: unknown) => {
        this.#forget(record, opening);
        this.#options.log.error({ database: record.identity.hex, err: error }, "database did not start");
      },
    );
    return opening;
  }

  /** Where a database's module log is. */
  logDirectory(record: DatabaseRecord): string {
    return `${this.#options.dataDirectory}/${record.directory}/module-log`;
  }

  /** Sees to it that the log's files have what was written by now. Nothing if the database does not run. */
  async flushLog(record: DatabaseRecord): Promise<void> {
    const link = await this.#running.get(record.identity.hex)?.catch(() => undefined);
    await link?.flushLog();
  }

  /** Why the database is not started again by itself, if so. */
  quarantine(record: DatabaseRecord): LightconeError | undefined {
    return this.#quarantined.get(record.identity.hex);
  }

  /**
   * Creates a database: nothing of it stays when the program is refused.
   *
   * @returns the database's own answer to the publish; the database exists only if its status is 200
   */
  async create(identity: Identity, owner: Identity, program: Program): Promise<Reply> {
    const { reply } = await this.#fill(identity, owner, program, undefined);
    return reply;
  }

  /** Replaces the data, and the program; on a refusal the old database goes on untouched. */
  async reset(record: DatabaseRecord, program: Program): Promise<Reply> {
    const { reply } = await this.#fill(record.identity, record.owner, program, record);
    return reply;
  }

  /** Ends a database and removes its files. */
  async delete(record: DatabaseRecord): Promise<void> {
    await this.#options.registry.remove(record.identity.hex);
    this.#options.disconnect(record.identity.hex, 1001, goneReason);
    await this.#stop(record.identity.hex, stopForChangeMs);
    await this.#removeFiles(record.directory);
  }

  /** Runs `change` when no other change of this database runs. */
  async exclusively<T>(identityHex: string, change: () => Promise<T>): Promise<T> {
    const before = this.#changes.get(identityHex) ?? Promise.resolve();
    const done = before.then(change, change);
    this.#changes.set(identityHex, done);
    try {
      return await done;
    } finally {
      if (this.#changes.get(identityHex) === done) this.#changes.delete(identityHex);
    }
  }

  /** Ends all databases; those that do not finish in time are left to recovery. */
  async stop(withinMs: number): Promise<void> {
    this.#isStopping = true;
    await Promise.all([...this.#running.keys()].map((identityHex) => this.#stop(identityHex, withinMs)));
  }

  async #fill(
    identity: Identity,
    owner: Identity,
    program: Program,
    old: DatabaseRecord | undefined,
  ): Promise<{ readonly reply: Reply }> {
    const record: DatabaseRecord = {
      identity,
      owner,
      hostType: program.hostType,
      initialProgram: programHash(program.bytes),
      directory: `databases/${identity.hex}/${this.#options.clock.nowMicros()}`,
      locked: false,
    };
    await this.#makeDirectory(record.directory);
    let link: DatabaseLink | undefined;
    try {
      link = await this.#open(record);
      const reply = await link.request({
        kind: "publish",
        program: program.bytes,
        hostType: program.hostType,
        breakClients: false,
      });
      if (reply.status !== 200) {
        await this.#abandon(record, link);
        return { reply };
      }
      await this.#options.registry.put(record);
      if (old !== undefined) {
        this.#options.disconnect(identity.hex, 1001, goneReason);
        await this.#stop(identity.hex, stopForChangeMs);
      }
      this.#quarantined.delete(identity.hex);
      const running = Promise.resolve(link);
      this.#running.set(identity.hex, running);
      // The server began to stop meanwhile, and has not seen this one.
      if (this.#isStopping) await this.#stop(identity.hex, stopForChangeMs);
      this.#watch(record, running, link);
      if (old !== undefined) await this.#removeFiles(old.directory);
      return { reply };
    } catch (error) {
      if (this.#options.registry.get(identity.hex)?.directory !== record.directory) await this.#abandon(record, link);
      throw error;
    }
  }

  async #abandon(record: DatabaseRecord, link: DatabaseLink | undefined): Promise<void> {
    await link?.stop(0).catch(() => undefined);
    await this.#removeFiles(record.directory);
  }

  #open(record: DatabaseRecord): Promise<DatabaseLink> {
    return this.#options.openDatabase(record, `${this.#options.dataDirectory}/${record.directory}`);
  }

  /** Clears the way for the next start when a database fails. */
  #watch(record: DatabaseRecord, running: Promise<DatabaseLink>, link: DatabaseLink): void {
    link.failed.then(
      (error) => {
        // A link that was replaced has nothing more to say.
        if (this.#running.get(record.identity.hex) !== running) return;
        this.#running.delete(record.identity.hex);
        if (isLightconeError(error, "Quarantined")) this.#quarantined.set(record.identity.hex, error);
        this.#options.log.error({ database: record.identity.hex, err: error }, "database failed");
        this.#options.disconnect(record.identity.hex, 1011, "the database stopped");
      },
      () => undefined,
    );
  }

  #forget(record: DatabaseRecord, running: Promise<DatabaseLink>): void {
    if (this.#running.get(record.identity.hex) === running) this.#running.delete(record.identity.hex);
  }

  async #stop(identityHex: string, withinMs: number): Promise<void> {
    const running = this.#running.get(identityHex);
    this.#running.delete(identityHex);
    const link = await running?.catch(() => undefined);
    if (link === undefined) return;
    let cancel: (() => void) | undefined;
    const late = new Promise<void>((resolve) => (cancel = this.#options.clock.after(withinMs + 500, resolve)));
    const stopped = link.stop(withinMs).catch((error: unknown) => {
      this.#options.log.error({ database: identityHex, err: error }, "database did not stop cleanly");
    });
    await Promise.race([stopped, late]);
    cancel?.();
  }

  async #makeDirectory(relative: string): Promise<void> {
    const { files, dataDirectory } = this.#options;
    let path = dataDirectory;
    for (const part of relative.split("/")) {
      const parent = path;
      path = `${path}/${part}`;
      await files.makeDirectory(path);
      await files.syncDirectory(parent);
    }
  }

  /** Best effort: what cannot be removed costs room, and is said. */
  async #removeFiles(relative: string): Promise<void> {
    const path = `${this.#options.dataDirectory}/${relative}`;
    try {
      if (await this.#options.files.exists(path)) await removeTree(this.#options.files, path, 0);
    } catch (error) {
      this.#options.log.warn({ path, err: error }, "old files could not be removed");
    }
  }
}

const treeDepthMax = 16;

async function removeTree(files: FileSystem, directory: string, depth: number): Promise<void> {
  if (depth > treeDepthMax) return;
  for (const name of await files.list(directory)) {
    const path = `${directory}/${name}`;
    try {
      await files.remove(path);
    } catch {
      // Not a file, then: a directory is emptied first, and any other trouble shows when it is listed.
      await removeTree(files, path, depth + 1);
    }
  }
  await files.removeDirectory(directory);
}
