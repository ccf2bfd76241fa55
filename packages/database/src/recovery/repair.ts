/** The states of a database's log, for whoever repairs it. */
import type { LogStates } from "@lightcone/commitlog";
import { openStore, restoreStore, timestampOf, type Store } from "@lightcone/engine";

export interface DatabaseFacts {
  /** Rows of the module's tables. */
  readonly rowCount: number;
  readonly tableCount: number;
  /** When the last commit was made. */
  readonly timestampMicros: number;
}

export const databaseStates: LogStates<Store, DatabaseFacts> = {
  empty: () => openStore(),
  restore: (snapshot) => restoreStore(snapshot.chunks(), { bytesMax: Infinity, verify: true }),
  apply: (store, record) => store.release(store.apply(record)),
  facts(store) {
    const tables = store.tables().filter(({ def }) => def.kind === "user");
    const rowCount = tables.reduce((sum, table) => sum + table.rowCount, 0);
    return { rowCount, tableCount: tables.length, timestampMicros: store.timestampMicros };
  },
};

export { timestampOf };
