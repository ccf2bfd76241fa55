/** Which table or column of the version before each one is. */
import { looseName } from "@lightcone/sats";

interface Named {
  readonly name: string;
  readonly accessor: string;
  /** What it says that it was called. */
  readonly was?: string | undefined;
}

/** Which old one each is: by what it says that it was called, by name, or by the other spelling of its name. */
export function counterparts<T extends Named>(before: readonly T[], after: readonly T[]): ReadonlyMap<T, T> {
  const found = renamed(before, after);
  const left = new Map(before.map((item) => [item.name, item]));
  for (const item of found.values()) left.delete(item.name);
  const match = (find: (item: T) => T | undefined): void => {
    for (const item of after) {
      const was = found.has(item) ? undefined : find(item);
      if (was !== undefined && left.delete(was.name)) found.set(item, was);
    }
  };
  match((item) => left.get(item.name));
  match((item) => {
    const alike = [...left.values()].filter(({ name }) => looseName(name) === looseName(item.name));
    return alike.length === 1 ? alike[0] : undefined;
  });
  return found;
}

/**
 * Those that are renamed. A name that is there already is only given to another if whoever has it is renamed as well, as where
 * two change names; and what the version before says alike was renamed by then.
 */
function renamed<T extends Named>(before: readonly T[], after: readonly T[]): Map<T, T> {
  const old = new Map(before.map((item) => [item.name, item]));
  const found = new Map<T, T>();
  for (const item of after) {
    const was = item.was === undefined || old.get(item.name)?.was === item.was ? undefined : calledBefore(before, item);
    if (was !== undefined && was.name !== item.name && ![...found.values()].includes(was)) found.set(item, was);
  }
  for (let size = -1; size !== found.size;) {
    size = found.size;
    const leaving = new Set(found.values());
    for (const item of found.keys()) {
      const holder = old.get(item.name);
      if (holder !== undefined && !leaving.has(holder)) found.delete(item);
    }
  }
  return found;
}

function calledBefore<T extends Named>(before: readonly T[], { was }: T): T | undefined {
  return before.find(({ name }) => name === was) ?? before.find(({ accessor }) => accessor === was);
}
