/** How a store begins: empty, or from a snapshot. */
import type { Store, StoreOptions } from "./api.ts";
import { readSnapshot } from "./snapshot/snapshot-read.ts";
import { MemoryStore } from "./store.ts";

/** A new, empty database. */
export function openStore(options: StoreOptions = {}): Store {
  const store = new MemoryStore(options);
  store.bootstrap();
  return store;
}

export interface RestoreOptions extends StoreOptions {
  /** Whether each table's rows are hashed and compared with the snapshot's set hash: some 30 ns a row. */
  readonly verify?: boolean | undefined;
}

/**
 * Makes the store that `snapshotChunks` wrote. The pieces may be cut anywhere.
 *
 * @throws {LightconeError} `Malformed`, `NewerFormat`
 */
export async function restoreStore(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: RestoreOptions = {},
): Promise<Store> {
  const store = new MemoryStore(options);
  await readSnapshot(pieces, store, options.verify ?? false);
  return store;
}
