/** Where rows are kept: a browser's IndexedDB, or a file. */
import type { RowsStore } from "./persist.ts";

const table = "rows";

// As much of a browser's IndexedDB as this uses.
interface Heard {
  addEventListener(kind: string, run: () => void): void;
  readonly error: Error | null;
}
interface DbRequest<T> extends Heard {
  readonly result: T;
}
interface DbRows {
  get(key: string): DbRequest<unknown>;
  put(value: Uint8Array, key: string): DbRequest<unknown>;
  delete(key: string): DbRequest<unknown>;
}
interface Db {
  transaction(table: string, mode: "readonly" | "readwrite"): Heard & { objectStore(name: string): DbRows };
  createObjectStore(name: string): void;
  close(): void;
}
interface DbFactory {
  open(name: string, version: number): DbRequest<Db>;
}

/**
 * Keeps rows in the browser, for one origin: one entry for each database, of the caller who was there last.
 *
 * @param name of the IndexedDB database
 */
export function indexedDbStore(name = "lightcone"): RowsStore {
  const run = async (mode: "readonly" | "readwrite", ask: (rows: DbRows) => DbRequest<unknown>): Promise<unknown> => {
    const db = await opened(name);
    try {
      return await new Promise((resolve, reject) => {
        const transaction = db.transaction(table, mode);
        const request = ask(transaction.objectStore(table));
        transaction.addEventListener("complete", () => resolve(request.result));
        // A full disk is found when it is written down: the transaction ends, and what was there before stays.
        transaction.addEventListener("abort", () => reject(transaction.error ?? new Error("it was ended")));
      });
    } finally {
      db.close();
    }
  };
  return {
    load: async (key) => {
      const found = await run("readonly", (rows) => rows.get(key));
      return found instanceof Uint8Array ? found : undefined;
    },
    save: async (key, bytes) => void (await run("readwrite", (rows) => rows.put(bytes, key))),
    remove: async (key) => void (await run("readwrite", (rows) => rows.delete(key))),
  };
}

function opened(name: string): Promise<Db> {
  return new Promise((resolve, reject) => {
    const { indexedDB } = globalThis as { readonly indexedDB?: DbFactory };
    if (indexedDB === undefined) throw new Error("there is no IndexedDB here");
    const request = indexedDB.open(name, 1);
    request.addEventListener("upgradeneeded", () => request.result.createObjectStore(table));
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error ?? new Error("it cannot be opened")));
    request.addEventListener("blocked", () => reject(new Error("another page holds an older version of it")));
  });
}

interface Files {
  readFile(path: string): Promise<Uint8Array>;
  writeFile(path: string, bytes: Uint8Array): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  rm(path: string, options: { readonly force: boolean }): Promise<void>;
}

/** Two clients of a process may have the same file. */
let saveCount = 0;

/** Keeps the rows of one client in a file, with Node (20.16 or newer). @param path of a file that is this client's alone */
export function fileStore(path: string): RowsStore {
  return {
    async load() {
      try {
        return await files().readFile(path);
      } catch (error) {
        if (Reflect.get(Object(error), "code") === "ENOENT") return undefined;
        throw error;
      }
    },
    async save(_, bytes) {
      const beside = `${path}.${processHere()?.pid}-${(saveCount += 1)}`;
      try {
        await files().writeFile(beside, bytes);
        await files().rename(beside, path);
      } catch (error) {
        await files().rm(beside, { force: true });
        throw error;
      }
    },
    remove: () => files().rm(path, { force: true }),
  };
}

interface ProcessHere {
  readonly pid: number;
  getBuiltinModule?(name: string): Files;
}

// A page's bundler would look for what a page never uses.
const processHere = (): ProcessHere | undefined => (globalThis as { readonly process?: ProcessHere }).process;

function files(): Files {
  const found = processHere()?.getBuiltinModule?.("node:fs/promises");
  if (found === undefined) throw new Error("there are no files here");
  return found;
}
