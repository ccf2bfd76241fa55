/**
 * The databases that run: opened on first use, opened again after a failure, replaced by a reset, ended by a
 * delete. Changes to one database happen one at a time.
 *
 * The registry names a directory before it is made and until it is removed. A server that is killed in between removes
 * the leftovers at its next start, and never removes a directory that the registry does not name.
 */
import { LightconeError, isDamage, isLightconeError } from "@lightcone/base";
import type { Clock, FileSystem } from "@lightcone/base";
import { fileFailure } from "@lightcone/base/node";
import type { DatabaseLink, HostType, Reply, Stay, WakeReason } from "@lightcone/database/front";
import type { Awake } from "../awake/awake.ts";
import type { Identity } from "../auth/identity.ts";
import { programHash } from "../auth/identity.ts";
import type { ServerLog } from "../log.ts";
import {
  beginDirectory,
  createDatabase,
  giveDatabase,
  removeCoOwner,
  removeDatabase,
  replaceDatabase,
} from "./decisions.ts";
import type { Decide, Refusal } from "./decisions.ts";
import { DatabaseDirectories } from "./directories.ts";
import { FailedOpenings } from "./failed-openings.ts";
import type { Registry } from "./registry.ts";
import { withLog } from "./refused-log.ts";
import type { DatabaseRecord } from "./state.ts";

/** A program to be published. */
export interface Program {
  readonly bytes: Uint8Array;
  readonly hostType: HostType;
}

/** The result of a change: the database's answer to the publish, or why the registry refused it. */
export type ChangeOutcome = { readonly reply: Reply } | { readonly refused: Refusal };

/** How a database is opened. */
export interface Opening {
  /** Whether the database is being made: only then may its directory be empty. */
  readonly isNew: boolean;
  /** Decides when it may have a process; undefined when it always may. */
  readonly stay: Stay | undefined;
  readonly why: WakeReason;
}

/** Opens a database whose files are in `directory`. */
export type OpenDatabase = (record: DatabaseRecord, directory: string, opening: Opening) => Promise<DatabaseLink>;

export interface DatabasesOptions {
  readonly registry: Registry;
  readonly files: FileSystem;
  readonly dataDirectory: string;
  readonly clock: Clock;
  readonly log: ServerLog;
  readonly openDatabase: OpenDatabase;
  /** Decides when databases have a process. Without it each has one from its first use on. */
  readonly awake?: Awake | undefined;
  /** Ends a database's client connections, or only those of one identity. */
  readonly disconnect: (identityHex: string, code: number, reason: string, whose?: string) => void;
}

/** A database that runs, or is about to. */
interface Running {
  readonly record: DatabaseRecord;
  readonly link: Promise<DatabaseLink>;
}

/** What ends the clients of a database that is deleted or replaced; the first words are those that clients know. */
const deleted = "module exited: the database was deleted";
const replaced = "module exited: the database was published anew without its data";
const stopForChangeMs = 30_000;
const didNotStop =
  "the database did not stop in time (`stopWithinMs`), and its process is ended; what was acknowledged is durable, and the next start recovers it";
/** A database that failed is opened again by the server, since rows may be due: after this time, */
const lookAgainMs = 10_000;
/** or after this many times the delay of requests. */
const lookAgainTimes = 10;

export class Databases {
  private readonly options: DatabasesOptions;
  private readonly directories: DatabaseDirectories;
  private readonly running = new Map<string, Running>();
  /** Databases that are not started again until the next publish, with the reason. */
  private readonly quarantined = new Map<string, LightconeError>();
  private readonly failed: FailedOpenings;
  /** By directory. */
  private readonly stays = new Map<string, Stay>();
  private readonly changes = new Map<string, Promise<unknown>>();
  private isStopping = false;

  constructor(options: DatabasesOptions) {
    this.options = options;
    this.directories = new DatabaseDirectories(options);
    this.failed = new FailedOpenings(options.clock);
  }

  /** Removes what earlier runs left behind, while the server serves. */
  tidyUp(): void {
    this.directories.tidyUp();
  }

  /** Settles when that is done. */
  tidied(): Promise<void> {
    return this.directories.tidied();
  }

  /**
   * The running database, started if need be.
   *
   * @param why the reason for waking it, if it is not running
   * @param isPublish whether the request brings a new program: this ends a quarantine, and skips the delay after a failure
   * @throws {LightconeError} `Quarantined`, `DatabaseStopped`, `ServerBusy`, or why it does not start, or why the last try failed
   */
  async link({ identity }: DatabaseRecord, why: WakeReason = "call", isPublish = false): Promise<DatabaseLink> {
    if (this.isStopping) throw new LightconeError("DatabaseStopped", { reason: "the server is stopping" });
    // The caller may have looked the record up some time ago: a deleted database must not be opened again.
    const record = this.options.registry.get(identity.hex);
    if (record === undefined) throw new LightconeError("NoSuchDatabase", { name: identity.hex });
    const quarantine = this.quarantined.get(identity.hex);
    if (quarantine !== undefined && !isPublish) throw quarantine;
    this.quarantined.delete(identity.hex);
    const running = this.running.get(identity.hex);
    if (running === undefined) {
      if (!isPublish) this.failed.check(identity.hex);
      return this.start(record, this.open(record, false, why));
    }
    this.stays.get(record.directory)?.hurry(why);
    return running.link;
  }

  /** Wakes a database for the clock: a row is due, or it is unknown when one is. */
  async wake(identityHex: string, why: WakeReason): Promise<void> {
    const record = this.options.registry.get(identityHex);
    if (record === undefined || this.isStopping || this.quarantined.has(identityHex)) return;
    try {
      const link = await this.link(record, why);
      link.wake?.(why);
    } catch (error) {
      // The opening was a request's, and that ran out of time. Other failures are logged where they happen.
      if (isLightconeError(error, "ServerBusy")) await this.wake(identityHex, why);
    }
  }

  private start(record: DatabaseRecord, link: Promise<DatabaseLink>): Promise<DatabaseLink> {
    const running: Running = { record, link };
    this.running.set(record.identity.hex, running);
    link.then(
      (opened) => {
        this.failed.delete(record.identity.hex);
        this.watch(running, opened);
      },
      (thrown: unknown) => {
        const isPresent = this.forget(running);
        const error = fileFailure(thrown);
        // Neither a lack of room nor the end of the server is a fault of the database.
        if (!isPresent || this.isStopping || isLightconeError(error, "ServerBusy")) return;
        this.options.log.error({ database: record.identity.hex, err: error }, "database did not start");
        this.fail(record, error);
      },
    );
    return link;
  }

  /** Notes that a database does not start, so that it is not tried again at once. */
  private fail({ identity }: DatabaseRecord, error: unknown): void {
    const againMs = this.failed.add(identity.hex, error);
    // Damage does not go away by itself. After other failures rows may be due.
    if (!isDamage(error)) this.options.awake?.lookAgain(identity.hex, againMs * lookAgainTimes);
  }

  /** Where a database's module log is. */
  logDirectory(record: DatabaseRecord): string {
    return `${this.options.dataDirectory}/${record.directory}/module-log`;
  }

  /** Writes out the lines logged so far; does nothing if the database does not run. */
  async flushLog(record: DatabaseRecord): Promise<void> {
    const link = await this.running.get(record.identity.hex)?.link.catch(() => undefined);
    await link?.flushLog();
  }

  /** The reason why the database is quarantined; undefined if it is not. */
  quarantine(record: DatabaseRecord): LightconeError | undefined {
    return this.quarantined.get(record.identity.hex);
  }

  /**
   * Creates a database, and gives it its name if it has one: nothing of it stays when the program is refused.
   *
   * @returns the database exists only if it is a reply of status 200
   */
  create(identity: Identity, owner: Identity, name: string | undefined, program: Program): Promise<ChangeOutcome> {
    return this.fill({ identity, owner, coOwners: [], locked: false }, program, undefined, (record) =>
      createDatabase(record, name),
    );
  }

  /** Replaces the data, and the program; on a refusal the old database goes on untouched. */
  reset(record: DatabaseRecord, program: Program): Promise<ChangeOutcome> {
    return this.fill(record, program, record, (fresh) => replaceDatabase(record.identity.hex, fresh));
  }

  /** Ends a database and removes its files. */
  async delete(record: DatabaseRecord): Promise<Refusal | undefined> {
    const refused = await this.options.registry.change(removeDatabase(record.identity.hex));
    if (refused !== undefined) return refused;
    this.options.disconnect(record.identity.hex, 1001, deleted);
    await this.stopOne(record.identity.hex, stopForChangeMs);
    this.options.awake?.forget(record.identity.hex);
    this.failed.delete(record.identity.hex);
    await this.removeFiles(record);
    return undefined;
  }

  /** Gives a database to another owner. It is restarted, since its connections were admitted under the old owner. */
  async give({ identity }: DatabaseRecord, owner: Identity): Promise<Refusal | undefined> {
    const { registry, disconnect } = this.options;
    const refused = await registry.change(giveDatabase(identity.hex, owner));
    const record = registry.get(identity.hex);
    if (refused !== undefined || record === undefined) return refused;
    disconnect(identity.hex, 1001, "the database has a new owner");
    const before = this.running.get(identity.hex);
    if (before === undefined) return undefined;
    // Requests that come meanwhile wait for the new process: two cannot hold the files.
    const next = this.end(before, stopForChangeMs).then(() => this.open(record, false, "again"));
    await this.start(record, next).catch(() => undefined);
    return undefined;
  }

  /** Takes a co-owner's rights away, also from whoever is connected with them. */
  async removeCoOwner({ identity }: DatabaseRecord, removedHex: string): Promise<Refusal | undefined> {
    const refused = await this.options.registry.change(removeCoOwner(identity.hex, removedHex));
    if (refused === undefined)
      this.options.disconnect(identity.hex, 1001, "you are no co-owner of the database any more", removedHex);
    return refused;
  }

  /** Runs `change` when no other change of this database runs. */
  async exclusively<T>(identityHex: string, change: () => Promise<T>): Promise<T> {
    const before = this.changes.get(identityHex) ?? Promise.resolve();
    const done = before.then(change, change);
    this.changes.set(identityHex, done);
    try {
      return await done;
    } finally {
      if (this.changes.get(identityHex) === done) this.changes.delete(identityHex);
    }
  }

  /** Ends all databases; those that do not finish in time are left to recovery. */
  async stop(withinMs: number): Promise<void> {
    this.isStopping = true;
    this.options.awake?.stop();
    const tidied = this.directories.stop();
    await Promise.all([...this.running.keys()].map((identityHex) => this.stopOne(identityHex, withinMs)));
    await tidied;
  }

  /** Makes a database in a new directory, then has the registry name it, in one change. */
  private async fill(
    known: Pick<DatabaseRecord, "identity" | "owner" | "coOwners" | "locked">,
    program: Program,
    old: DatabaseRecord | undefined,
    decide: (record: DatabaseRecord) => Decide,
  ): Promise<ChangeOutcome> {
    const { registry } = this.options;
    const record: DatabaseRecord = {
      identity: known.identity,
      owner: known.owner,
      coOwners: known.coOwners,
      locked: known.locked,
      hostType: program.hostType,
      initialProgram: programHash(program.bytes),
      directory: await this.directories.choose(known.identity.hex),
    };
    const { hex } = record.identity;
    let link: DatabaseLink | undefined;
    let isThere = false;
    await registry.change(beginDirectory(record.directory));
    try {
      await this.directories.make(record.directory);
      link = await this.open(record, true, "call");
      const reply = await link.request({
        kind: "publish",
        program: program.bytes,
        hostType: program.hostType,
        breakClients: false,
      });
      if (reply.status !== 200) {
        await link.flushLog().catch(() => undefined); // a host that has ended has nothing left to write
        const { files } = this.options;
        return { reply: await withLog(reply, files, this.logDirectory(record), old !== undefined) };
      }
      const refused = await registry.change(decide(record));
      if (refused !== undefined) return { refused };
      isThere = true;
      this.quarantined.delete(hex);
      this.failed.delete(hex);
      const before = this.running.get(hex);
      const running: Running = { record, link: Promise.resolve(link) };
      this.running.set(hex, running);
      this.watch(running, link);
      if (old !== undefined) {
        this.options.disconnect(hex, 1001, replaced);
        await this.end(before, stopForChangeMs);
        await this.removeFiles(old);
      }
      // `stop` began meanwhile and has missed this one.
      if (this.isStopping) await this.stopOne(hex, stopForChangeMs);
      return { reply };
    } finally {
      if (!isThere) {
        await link?.stop(0).catch(() => undefined);
        await this.removeFiles(record);
      }
    }
  }

  private open(record: DatabaseRecord, isNew: boolean, why: WakeReason): Promise<DatabaseLink> {
    const { openDatabase, dataDirectory, awake } = this.options;
    const stay = awake?.stayOf(record);
    if (stay !== undefined) this.stays.set(record.directory, stay);
    return openDatabase(record, `${dataDirectory}/${record.directory}`, { isNew, stay, why });
  }

  private async removeFiles({ directory }: DatabaseRecord): Promise<void> {
    this.stays.delete(directory);
    await this.directories.remove(directory);
  }

  /** Forgets a database when it fails, so that the next request can start it again. */
  private watch(running: Running, link: DatabaseLink): void {
    const { record } = running;
    link.failed.then(
      (error) => {
        // It was replaced meanwhile.
        if (!this.forget(running)) return;
        if (isLightconeError(error, "Quarantined")) this.quarantined.set(record.identity.hex, error);
        else if (isDamage(error)) this.fail(record, error);
        else this.options.awake?.lookAgain(record.identity.hex, lookAgainMs);
        this.options.log.error({ database: record.identity.hex, err: error }, "database failed");
        this.options.disconnect(record.identity.hex, 1011, "the database stopped");
      },
      () => undefined,
    );
  }

  /** @returns whether it was still the current one */
  private forget(running: Running): boolean {
    const { hex } = running.record.identity;
    return this.running.get(hex) === running && this.running.delete(hex);
  }

  private async stopOne(identityHex: string, withinMs: number): Promise<void> {
    const running = this.running.get(identityHex);
    this.running.delete(identityHex);
    await this.end(running, withinMs);
  }

  /** Ends a database that runs or is being opened; waits no longer than `withinMs` for either. */
  private async end(running: Running | undefined, withinMs: number): Promise<void> {
    if (running === undefined) return;
    const { record } = running;
    this.stays.get(record.directory)?.giveUp();
    let cancel: (() => void) | undefined;
    const late = new Promise<void>((resolve) => (cancel = this.options.clock.after(withinMs + 500, resolve))).then(() =>
      this.options.log.warn({ database: record.identity.hex, withinMs }, didNotStop),
    );
    const stopped = running.link.then(
      (link) =>
        link.stop(withinMs).catch((error: unknown) => {
          this.options.log.error({ database: record.identity.hex, err: error }, "database did not stop cleanly");
        }),
      () => undefined, // what has not started has nothing to stop
    );
    await Promise.race([stopped, late]);
    cancel?.();
  }
}
