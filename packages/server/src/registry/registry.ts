/**
 * Which databases exist, whose they are, and what they are called. The databases hold everything else.
 *
 * A state machine over a log: `decisions.ts` says what may be, `journal.ts` makes it durable, `state.ts` folds it in.
 * Wishes are decided one after another, each on the state that all before it have made; what is read here is durable.
 */
import { LightconeError } from "@lightcone/base";
import type { ServerLimits } from "../limits.ts";
import type { ServerLog } from "../log.ts";
import type { Decide, Refusal } from "./decisions.ts";
import { Journal } from "./journal.ts";
import type { JournalOptions } from "./journal.ts";
import type { DatabaseRecord, FoldedState, NameRecord, RegistryState } from "./state.ts";

export interface RegistryOptions extends JournalOptions {
  readonly limits: ServerLimits;
  readonly log: Pick<ServerLog, "warn">;
}

export class Registry {
  private readonly options: RegistryOptions;
  private journal: Journal;
  private folded: FoldedState;
  private last: Promise<unknown> = Promise.resolve();
  private isClosed = false;

  private constructor(options: RegistryOptions, journal: Journal, state: FoldedState) {
    this.options = options;
    this.journal = journal;
    this.folded = state;
  }

  /**
   * The caller holds the directory's lock.
   *
   * @throws {LightconeError} `Corrupt` when something is damaged or missing; nothing is changed · `NewerFormat`
   */
  static async open(options: RegistryOptions): Promise<Registry> {
    const { journal, state } = await Journal.open(options);
    return new Registry(options, journal, state);
  }

  /** As it is now, durable. It changes in place. */
  get state(): RegistryState {
    return this.folded;
  }

  get(identityHex: string): DatabaseRecord | undefined {
    return this.folded.databases.get(identityHex);
  }

  nameRecord(name: string): NameRecord | undefined {
    return this.folded.names.get(name);
  }

  /** The database that has a name now. */
  named(name: string): DatabaseRecord | undefined {
    const identityHex = this.nameRecord(name)?.database;
    return identityHex === undefined ? undefined : this.get(identityHex);
  }

  /**
   * Decides a wish after those before it; settles when what was granted is durable.
   *
   * @returns why it was refused; undefined if it was granted
   * @throws {LightconeError} `LimitExceeded` · `DiskFull` · why the journal cannot be written
   */
  change(decide: Decide): Promise<Refusal | undefined> {
    const done = this.last.then(() => this.changeNow(decide));
    this.last = done.catch(() => undefined);
    return done;
  }

  /**
   * Settles when what is read here is what the disk holds, for whoever is about to remove something.
   *
   * @throws {LightconeError} why the disk cannot be read
   */
  certain(): Promise<void> {
    const done = this.last.then(() => this.reopenIfFailed());
    this.last = done.catch(() => undefined);
    return done;
  }

  private async changeNow(decide: Decide): Promise<Refusal | undefined> {
    await this.reopenIfFailed();
    const decision = decide(this.folded, this.options.limits);
    if ("refused" in decision) return decision.refused;
    // What is so already is not written again.
    if (decision.record.length === 0) return undefined;
    await this.journal.append(decision.record, decision.makesRoom);
    this.folded.fold(decision.record);
    if (this.journal.isSnapshotDue) await this.takeSnapshot();
    return undefined;
  }

  /** After a failed write nobody knows what the disk holds: that, and nothing else, is the state. */
  private async reopenIfFailed(): Promise<void> {
    if (this.isClosed) throw new LightconeError("DatabaseStopped", { reason: "the server is stopping" });
    if (!this.journal.hasFailed) return;
    await this.journal.close();
    const { journal, state } = await Journal.open(this.options);
    this.journal = journal;
    this.folded = state;
  }

  /** Best effort: without it the log is longer. */
  private async takeSnapshot(): Promise<void> {
    try {
      await this.journal.takeSnapshot(this.folded);
    } catch (error) {
      this.options.log.warn({ err: error }, "no snapshot of the registry; the next one is tried as the log grows");
    }
  }

  /** Ends after the changes under way. */
  async close(): Promise<void> {
    await this.last;
    this.isClosed = true;
    await this.journal.close();
  }
}
