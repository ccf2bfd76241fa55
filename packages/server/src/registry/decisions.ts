/**
 * The rules of the registry: pure functions from a state and a request to the record that grants it, or to the reason
 * for refusing. They read nothing else, so two requests that cross are decided one after the other.
 *
 * A name is in use while its database exists. When the database is deleted or the name is given up, the name is
 * *released*: only its owner may use it again, for another database. When there are too many names, released names are
 * forgotten, the oldest first.
 */
import { LightconeError, assert } from "@lightcone/base";
import type { Identity } from "../auth/identity.ts";
import type { ServerLimits } from "../limits.ts";
import type { DatabaseRecord, RegistryChange, RegistryRecord, RegistryState } from "./state.ts";

export type Refusal =
  | { readonly kind: "no-database" }
  | { readonly kind: "not-owner" }
  /** Some database has this name. */
  | { readonly kind: "name-in-use"; readonly name: string }
  /** The name is released, and belongs to another owner. */
  | { readonly kind: "name-of-another"; readonly name: string }
  | { readonly kind: "too-many-names"; readonly count: number };

export type Decision =
  | {
      readonly record: RegistryRecord;
      /** Whether it must be possible on a full disk, since it frees space. */
      readonly makesRoom?: boolean;
    }
  | { readonly refused: Refusal };
export type Decide = (state: RegistryState, limits: ServerLimits) => Decision;

const grant = (...record: RegistryRecord): Decision => ({ record });
const refuse = (refused: Refusal): Decision => ({ refused });

/** Notes a directory that is about to be made. Unless it becomes a database's, the next start removes it. */
export function beginDirectory(directory: string): Decide {
  return (state, limits) => {
    check("doomedDirectoriesMax", state.doomed.size + 1, limits);
    return grant({ kind: "doomed", directory });
  };
}

/** Notes that a directory was removed from the disk. */
export function clearDirectory(directory: string): Decide {
  return () => ({ record: [{ kind: "not-doomed", directory }], makesRoom: true });
}

/** Adds a database, and its name if it has one. */
export function createDatabase(database: DatabaseRecord, name: string | undefined): Decide {
  return (state, limits) => {
    assert(!state.databases.has(database.identity.hex), "an identity is never used twice");
    check("databasesMax", state.databases.size + 1, limits);
    const names = name === undefined ? [] : takeNames(state, limits, database, [name]);
    if ("refused" in names) return names;
    return grant({ kind: "database", database }, ...names, { kind: "not-doomed", directory: database.directory });
  };
}

/** Moves a database to another directory, for a reset. */
export function replaceDatabase(
  identityHex: string,
  fresh: Pick<DatabaseRecord, "hostType" | "initialProgram" | "directory">,
): Decide {
  return ({ databases }) => {
    const before = databases.get(identityHex);
    if (before === undefined) return refuse({ kind: "no-database" });
    return grant(
      { kind: "database", database: { ...before, ...fresh } },
      { kind: "not-doomed", directory: fresh.directory },
      { kind: "doomed", directory: before.directory },
    );
  };
}

export function changeDatabase(
  identityHex: string,
  change: Partial<Pick<DatabaseRecord, "hostType" | "locked">>,
): Decide {
  return ({ databases }) => {
    const before = databases.get(identityHex);
    if (before === undefined) return refuse({ kind: "no-database" });
    return grant({ kind: "database", database: { ...before, ...change } });
  };
}

/** Removes a database; its names are released, and its directory is to be removed. */
export function removeDatabase(identityHex: string): Decide {
  return (state, limits) => {
    const before = state.databases.get(identityHex);
    if (before === undefined) return refuse({ kind: "no-database" });
    const record: RegistryRecord = [
      ...forgetOwn(state, limits, before.owner.hex, state.namesOf(identityHex).length),
      { kind: "no-database", identity: identityHex },
      { kind: "doomed", directory: before.directory },
    ];
    return { record, makesRoom: true };
  };
}

/** Gives a database one more name. */
export function addName(identityHex: string, caller: Identity, name: string): Decide {
  return (state, limits) => {
    const database = state.databases.get(identityHex);
    if (database === undefined) return refuse({ kind: "no-database" });
    // Clients expect the check of the name first.
    const names = takeNames(state, limits, { identity: database.identity, owner: caller }, [name]);
    if ("refused" in names) return names;
    if (database.owner.hex !== caller.hex) return refuse({ kind: "not-owner" });
    const count = state.namesOf(identityHex).length + 1;
    return count > limits.databaseNamesMax ? refuse({ kind: "too-many-names", count }) : grant(...names);
  };
}

/** Replaces the names of a database; its old ones are released. A name that it already has counts as taken. */
export function replaceNames(identityHex: string, caller: Identity, wanted: readonly string[]): Decide {
  return (state, limits) => {
    const database = state.databases.get(identityHex);
    if (database === undefined) return refuse({ kind: "no-database" });
    if (database.owner.hex !== caller.hex) return refuse({ kind: "not-owner" });
    if (wanted.length > limits.databaseNamesMax) return refuse({ kind: "too-many-names", count: wanted.length });
    const names = takeNames(state, limits, database, wanted);
    if ("refused" in names) return names;
    const old = state.namesOf(identityHex);
    const givenUp = old.map((name): RegistryChange => ({ kind: "name", name, owner: caller.hex, database: undefined }));
    return grant(...forgetOwn(state, limits, caller.hex, old.length, new Set(wanted)), ...names, ...givenUp);
  };
}

/** Gives a database to another owner, with its names. */
export function giveDatabase(identityHex: string, owner: Identity): Decide {
  return (state) => {
    const database = state.databases.get(identityHex);
    if (database === undefined) return refuse({ kind: "no-database" });
    const names = state.namesOf(identityHex);
    const coOwners = database.coOwners.filter((hex) => hex !== owner.hex);
    return grant(
      { kind: "database", database: { ...database, owner, coOwners } },
      ...names.map((name): RegistryChange => ({ kind: "name", name, owner: owner.hex, database: identityHex })),
    );
  };
}

/** Lets somebody do what the owner may. Whoever is one already stays so. */
export function addCoOwner(identityHex: string, added: Identity): Decide {
  return ({ databases }, limits) => {
    const database = databases.get(identityHex);
    if (database === undefined) return refuse({ kind: "no-database" });
    if (database.coOwners.includes(added.hex)) return grant();
    const coOwners = [...database.coOwners, added.hex];
    check("coOwnersMax", coOwners.length, limits);
    return grant({ kind: "database", database: { ...database, coOwners } });
  };
}

/** Takes that right away again. */
export function removeCoOwner(identityHex: string, removedHex: string): Decide {
  return ({ databases }) => {
    const database = databases.get(identityHex);
    if (database === undefined) return refuse({ kind: "no-database" });
    if (!database.coOwners.includes(removedHex)) return refuse({ kind: "not-owner" });
    const coOwners = database.coOwners.filter((hex) => hex !== removedHex);
    return grant({ kind: "database", database: { ...database, coOwners } });
  };
}

/** Gives a released name to another owner. */
export function giveName(name: string, owner: Identity): Decide {
  return (state, limits) => {
    const before = state.names.get(name);
    if (before === undefined) return refuse({ kind: "no-database" });
    if (!state.released.has(name)) return refuse({ kind: "name-in-use", name });
    return grant(...forgetOwn(state, limits, owner.hex, 1), {
      kind: "name",
      name,
      owner: owner.hex,
      database: before.database,
    });
  };
}

/** The changes that give names to a database. Each must be free, or released and of the same owner. */
function takeNames(
  state: RegistryState,
  limits: ServerLimits,
  { identity, owner }: Pick<DatabaseRecord, "identity" | "owner">,
  names: readonly string[],
): RegistryRecord | { readonly refused: Refusal } {
  const changes: RegistryChange[] = [];
  let newCount = 0;
  for (const [index, name] of names.entries()) {
    const present = state.names.get(name);
    const isInUse = present !== undefined && !state.released.has(name);
    if (isInUse || names.indexOf(name) !== index) return { refused: { kind: "name-in-use", name } };
    if (present !== undefined && present.owner !== owner.hex) return { refused: { kind: "name-of-another", name } };
    if (present === undefined) newCount += 1;
    changes.push({ kind: "name", name, owner: owner.hex, database: identity.hex });
  }
  const over = state.names.size + newCount - limits.registryNamesMax;
  return newCount === 0 || over <= 0 ? changes : [...forgetOldest(state, limits, over, new Set(names)), ...changes];
}

/** Makes room among all names. @throws {LightconeError} `LimitExceeded` when all are in use */
function forgetOldest(
  state: RegistryState,
  limits: ServerLimits,
  count: number,
  kept: ReadonlySet<string>,
): readonly RegistryChange[] {
  const forgotten = oldest(state.released, count, kept);
  if (forgotten.length < count) check("registryNamesMax", limits.registryNamesMax + count, limits);
  return forgotten;
}

/** Makes room for `count` more among the released names of one owner. */
function forgetOwn(
  state: RegistryState,
  limits: ServerLimits,
  ownerHex: string,
  count: number,
  kept: ReadonlySet<string> = new Set(),
): readonly RegistryChange[] {
  const released = state.releasedBy(ownerHex);
  return oldest(released, released.size + count - limits.releasedNamesMax, kept);
}

function oldest(names: ReadonlySet<string>, count: number, kept: ReadonlySet<string>): RegistryChange[] {
  const forgotten: RegistryChange[] = [];
  for (const name of names) {
    if (forgotten.length >= count) break;
    if (!kept.has(name)) forgotten.push({ kind: "no-name", name });
  }
  return forgotten;
}

type CountLimit = "coOwnersMax" | "databasesMax" | "registryNamesMax" | "doomedDirectoriesMax";

function check(limit: CountLimit, value: number, limits: ServerLimits): void {
  if (value > limits[limit]) throw new LightconeError("LimitExceeded", { limit, value, max: limits[limit] });
}
