/**
 * Which databases exist, whose they are, and what they are called. The databases hold everything else.
 *
 * One file, `registry.json`, replaced whole and synced before a change counts: memory changes only after the
 * file has. Changes run one after another. A name stays its owner's after its database is deleted, and the
 * database comes back under the same identity when the name is published again.
 */
import { LightconeError, readWholeFile, replaceWholeFile } from "@lightcone/base";
import type { FileSystem } from "@lightcone/base";
import type { HostType } from "@lightcone/database/front";
import { identityFromHex } from "../auth/identity.ts";
import type { Identity } from "../auth/identity.ts";

/** A database as the front knows it. */
export interface DatabaseRecord {
  readonly identity: Identity;
  readonly owner: Identity;
  readonly hostType: HostType;
  /** Keccak-256 of the first program, 64 hex digits in the order of its bytes. */
  readonly initialProgram: string;
  /** Where its files are; new after every reset, so that old and new never mix. */
  readonly directory: string;
  /** Whether deleting and resetting it is refused. */
  readonly locked: boolean;
}

/** A name somebody has registered. */
export interface NameRecord {
  readonly owner: string;
  /** The database's identity, 64 hex digits; undefined while the name points nowhere. */
  readonly database: string | undefined;
}

interface State {
  readonly databases: ReadonlyMap<string, DatabaseRecord>;
  readonly names: ReadonlyMap<string, NameRecord>;
}

const formatVersion = 1;
const fileBytesMax = 64 * 1024 * 1024;

export class Registry {
  readonly #files: FileSystem;
  readonly #path: string;
  #state: State;
  #last: Promise<void> = Promise.resolve();

  private constructor(files: FileSystem, path: string, state: State) {
    this.#files = files;
    this.#path = path;
    this.#state = state;
  }

  /** @throws {LightconeError} `Corrupt` or `NewerFormat` when the file is not one of this release */
  static async open(files: FileSystem, dataDirectory: string): Promise<Registry> {
    const path = `${dataDirectory}/registry.json`;
    const state = (await files.exists(path))
      ? decodeState(path, await readWholeFile(files, path, fileBytesMax))
      : { databases: new Map<string, DatabaseRecord>(), names: new Map<string, NameRecord>() };
    return new Registry(files, path, state);
  }

  get(identityHex: string): DatabaseRecord | undefined {
    return this.#state.databases.get(identityHex);
  }

  nameRecord(name: string): NameRecord | undefined {
    return this.#state.names.get(name);
  }

  /** The names of a database, oldest first. */
  namesOf(identityHex: string): readonly string[] {
    return [...this.#state.names].filter(([, record]) => record.database === identityHex).map(([name]) => name);
  }

  /** The databases of an owner, oldest first. */
  ownedBy(ownerHex: string): readonly DatabaseRecord[] {
    return [...this.#state.databases.values()].filter((record) => record.owner.hex === ownerHex);
  }

  /** Adds a database or replaces its record. */
  put(record: DatabaseRecord): Promise<void> {
    return this.#change(({ databases, names }) => ({
      databases: new Map(databases).set(record.identity.hex, record),
      names,
    }));
  }

  /** Forgets a database; its names stay. */
  remove(identityHex: string): Promise<void> {
    return this.#change(({ databases, names }) => {
      const rest = new Map(databases);
      rest.delete(identityHex);
      return { databases: rest, names };
    });
  }

  /** Gives a free name to a database. Returns false, and changes nothing, when it is no longer free. */
  addName(name: string, owner: Identity, database: string): Promise<boolean> {
    return this.#decide(({ databases, names }) => {
      const present = names.get(name);
      if (present !== undefined && (present.database !== undefined || present.owner !== owner.hex)) return undefined;
      const next = new Map(names);
      next.delete(name);
      return { databases, names: next.set(name, { owner: owner.hex, database }) };
    });
  }

  /** Makes these the only names of a database. Returns false, and changes nothing, when one is no longer free. */
  replaceNames(identityHex: string, owner: Identity, replacements: readonly string[]): Promise<boolean> {
    return this.#decide(({ databases, names }) => {
      const next = new Map<string, NameRecord>();
      for (const [name, record] of names) {
        next.set(name, record.database === identityHex ? { ...record, database: undefined } : record);
      }
      for (const name of replacements) {
        const present = next.get(name);
        if (present !== undefined && (present.database !== undefined || present.owner !== owner.hex)) return undefined;
        next.delete(name);
        next.set(name, { owner: owner.hex, database: identityHex });
      }
      return { databases, names: next };
    });
  }

  async #change(make: (state: State) => State): Promise<void> {
    await this.#decide(make);
  }

  /** Runs one change after those before it: file first, memory second. */
  #decide(decide: (state: State) => State | undefined): Promise<boolean> {
    const done = this.#last.then(async () => {
      const state = decide(this.#state);
      if (state === undefined) return false;
      await replaceWholeFile(this.#files, this.#path, encodeState(state));
      this.#state = state;
      return true;
    });
    this.#last = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }
}

function encodeState(state: State): Uint8Array {
  const databases = [...state.databases.values()].map((record) => ({
    identity: record.identity.hex,
    owner: record.owner.hex,
    host_type: record.hostType,
    initial_program: record.initialProgram,
    directory: record.directory,
    locked: record.locked,
  }));
  const names = [...state.names].map(([name, record]) => ({
    name,
    owner: record.owner,
    database: record.database ?? null,
  }));
  return new TextEncoder().encode(`${JSON.stringify({ format: formatVersion, databases, names }, undefined, 1)}\n`);
}

/** What the file may hold, before it is looked at. */
interface StoredState {
  readonly format?: unknown;
  readonly databases?: unknown;
  readonly names?: unknown;
}

function decodeState(file: string, bytes: Uint8Array): State {
  const refuse = (reason: string, cause?: unknown): LightconeError =>
    new LightconeError("Corrupt", { file, at: 0, reason }, { cause });
  let stored: StoredState;
  try {
    stored = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw refuse("not JSON", cause);
  }
  if (typeof stored?.format !== "number") throw refuse("no format number");
  if (stored.format > formatVersion) {
    throw new LightconeError("NewerFormat", { file, version: stored.format, versionMax: formatVersion });
  }
  if (!Array.isArray(stored.databases) || !Array.isArray(stored.names)) throw refuse("no lists of databases and names");
  const databases = new Map<string, DatabaseRecord>();
  for (const entry of stored.databases) {
    const record = decodeDatabase(entry);
    if (record === undefined) throw refuse("a database's record is not complete");
    databases.set(record.identity.hex, record);
  }
  const names = new Map<string, NameRecord>();
  for (const entry of stored.names) {
    if (typeof entry?.name !== "string" || typeof entry.owner !== "string")
      throw refuse("a name's record is not complete");
    names.set(entry.name, {
      owner: entry.owner,
      database: typeof entry.database === "string" ? entry.database : undefined,
    });
  }
  return { databases, names };
}

function decodeDatabase(entry: Record<string, unknown>): DatabaseRecord | undefined {
  const identity = identityFromHex(String(entry?.["identity"]));
  const owner = identityFromHex(String(entry?.["owner"]));
  const hostType = entry["host_type"];
  const initialProgram = entry["initial_program"];
  const directory = entry["directory"];
  if (identity === undefined || owner === undefined) return undefined;
  if (hostType !== "wasm" && hostType !== "js") return undefined;
  if (typeof initialProgram !== "string" || typeof directory !== "string") return undefined;
  return { identity, owner, hostType, initialProgram, directory, locked: entry["locked"] === true };
}
