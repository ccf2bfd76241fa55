/**
 * What the registry knows, and the records that it is made of.
 *
 *   decide(state) → record          decisions.ts, pure
 *   record → log                    journal.ts
 *   fold(state, record)             here: the only way in which a state changes, live and at a start
 *
 * A record is a list of changes that happen together or not at all. They name what is so afterwards and not why, so
 * a rule may change in `decisions.ts` without giving old records another meaning.
 */
import { defined } from "@lightcone/base";
import type { HostType } from "@lightcone/database/front";
import type { Identity } from "../auth/identity.ts";

/** A database as the front knows it. */
export interface DatabaseRecord {
  readonly identity: Identity;
  readonly owner: Identity;
  /** Who may do what the owner may, but for what makes the database another's: docs/decisions/0225. 64 hex digits each. */
  readonly coOwners: readonly string[];
  readonly hostType: HostType;
  /** Keccak-256 of the first program, 64 hex digits in the order of its bytes. */
  readonly initialProgram: string;
  /** Where its files are, below the data directory; new after every reset, so that old and new never mix. */
  readonly directory: string;
  /** Whether deleting and resetting it is refused. */
  readonly locked: boolean;
}

/** Whether somebody is the owner of a database or a co-owner. */
export function mayManage({ owner, coOwners }: DatabaseRecord, identityHex: string): boolean {
  return owner.hex === identityHex || coOwners.includes(identityHex);
}

/** A name that somebody has. */
export interface NameRecord {
  /** 64 hex digits. */
  readonly owner: string;
  /** The identity that it names, 64 hex digits, also after that database is gone; undefined once it was given up. */
  readonly database: string | undefined;
}

export type RegistryChange =
  | { readonly kind: "database"; readonly database: DatabaseRecord }
  | { readonly kind: "no-database"; readonly identity: string }
  | { readonly kind: "name"; readonly name: string; readonly owner: string; readonly database: string | undefined }
  | { readonly kind: "no-name"; readonly name: string }
  /** A directory that is nobody's once the server has ended: it is removed at the next start. */
  | { readonly kind: "doomed"; readonly directory: string }
  | { readonly kind: "not-doomed"; readonly directory: string };

export type RegistryRecord = readonly RegistryChange[];

/** What decisions and routes may read. */
export interface RegistryState {
  readonly databases: ReadonlyMap<string, DatabaseRecord>;
  readonly names: ReadonlyMap<string, NameRecord>;
  /** Names whose database is gone or that were given up, the longest so first. They are still their owner's. */
  readonly released: ReadonlySet<string>;
  /** Those of one owner. */
  releasedBy(ownerHex: string): ReadonlySet<string>;
  /** Directories that are to be removed. */
  readonly doomed: ReadonlySet<string>;
  /** The names of a database, oldest first; those that it had if it is gone. */
  namesOf(identityHex: string): readonly string[];
  /** The databases of an owner, oldest first. */
  ownedBy(ownerHex: string): readonly DatabaseRecord[];
  /** The databases that somebody is a co-owner of. */
  coOwnedBy(identityHex: string): readonly DatabaseRecord[];
}

/** A state that records are folded into. Every change costs the same however much there is. */
export class FoldedState implements RegistryState {
  readonly databases = new Map<string, DatabaseRecord>();
  readonly names = new Map<string, NameRecord>();
  readonly released = new Set<string>();
  readonly doomed = new Set<string>();
  private readonly namesByDatabase = new Map<string, Set<string>>();
  private readonly databasesByOwner = new Map<string, Set<string>>();
  private readonly databasesByCoOwner = new Map<string, Set<string>>();
  private readonly releasedByOwner = new Map<string, Set<string>>();

  releasedBy(ownerHex: string): ReadonlySet<string> {
    return this.releasedByOwner.get(ownerHex) ?? none;
  }

  namesOf(identityHex: string): readonly string[] {
    return [...(this.namesByDatabase.get(identityHex) ?? [])];
  }

  ownedBy(ownerHex: string): readonly DatabaseRecord[] {
    return this.recordsOf(this.databasesByOwner.get(ownerHex));
  }

  coOwnedBy(identityHex: string): readonly DatabaseRecord[] {
    return this.recordsOf(this.databasesByCoOwner.get(identityHex));
  }

  private recordsOf(identities: ReadonlySet<string> = none): readonly DatabaseRecord[] {
    return [...identities].map((hex) => defined(this.databases.get(hex), "the record of a database"));
  }

  fold(record: RegistryRecord): void {
    for (const change of record) this.apply(change);
  }

  private apply(change: RegistryChange): void {
    switch (change.kind) {
      case "database":
        return this.putDatabase(change.database);
      case "no-database":
        return this.dropDatabase(change.identity);
      case "name":
        return this.putName(change.name, { owner: change.owner, database: change.database });
      case "no-name":
        return this.dropName(change.name);
      case "doomed":
        this.doomed.add(change.directory);
        return undefined;
      case "not-doomed":
        this.doomed.delete(change.directory);
        return undefined;
    }
  }

  private putDatabase(database: DatabaseRecord): void {
    const { hex } = database.identity;
    const before = this.databases.get(hex);
    if (before !== undefined && before.owner.hex !== database.owner.hex) {
      // The new owner's youngest, here as in a state that is read from a snapshot.
      remove(this.databasesByOwner, before.owner.hex, hex);
      this.databases.delete(hex);
    }
    this.databases.set(hex, database);
    add(this.databasesByOwner, database.owner.hex, hex);
    for (const each of before?.coOwners ?? []) remove(this.databasesByCoOwner, each, hex);
    for (const each of database.coOwners) add(this.databasesByCoOwner, each, hex);
    for (const name of this.namesByDatabase.get(hex) ?? []) this.takeUp(name);
  }

  private dropDatabase(hex: string): void {
    const before = this.databases.get(hex);
    if (before === undefined) return;
    this.databases.delete(hex);
    remove(this.databasesByOwner, before.owner.hex, hex);
    for (const each of before.coOwners) remove(this.databasesByCoOwner, each, hex);
    for (const name of this.namesByDatabase.get(hex) ?? []) this.release(name);
  }

  private putName(name: string, record: NameRecord): void {
    this.dropName(name, record.database);
    this.names.set(name, record);
    if (record.database !== undefined) add(this.namesByDatabase, record.database, name);
    if (record.database === undefined || !this.databases.has(record.database)) this.release(name);
  }

  /** @param stays the database among whose names it keeps its place */
  private dropName(name: string, stays?: string): void {
    const before = this.names.get(name);
    if (before === undefined) return;
    this.takeUp(name);
    if (before.database !== undefined && before.database !== stays) remove(this.namesByDatabase, before.database, name);
    this.names.delete(name);
  }

  private release(name: string): void {
    this.released.add(name);
    add(this.releasedByOwner, this.nameRecord(name).owner, name);
  }

  private takeUp(name: string): void {
    this.released.delete(name);
    remove(this.releasedByOwner, this.nameRecord(name).owner, name);
  }

  /** Records that make this very state, for a snapshot; of bounded length each. */
  *records(): IterableIterator<RegistryRecord> {
    for (const database of this.databases.values()) {
      const names = this.namesOf(database.identity.hex).map((name) => this.nameChange(name));
      yield [{ kind: "database", database }, ...names];
    }
    // In their order, which says whose turn it is to be forgotten.
    for (const name of this.released) yield [this.nameChange(name)];
    for (const directory of this.doomed) yield [{ kind: "doomed", directory }];
  }

  private nameChange(name: string): RegistryChange {
    const { owner, database } = this.nameRecord(name);
    return { kind: "name", name, owner, database };
  }

  private nameRecord(name: string): NameRecord {
    return defined(this.names.get(name), "the record of a name");
  }
}

const none: ReadonlySet<string> = new Set();

function add(index: Map<string, Set<string>>, key: string, value: string): void {
  const values = index.get(key);
  if (values === undefined) index.set(key, new Set([value]));
  else values.add(value);
}

function remove(index: Map<string, Set<string>>, key: string, value: string): void {
  const values = index.get(key);
  values?.delete(value);
  if (values?.size === 0) index.delete(key);
}
