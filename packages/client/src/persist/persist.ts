/**
 * Rows that outlive the page: those of the last time are shown at once, and the connection goes on from them.
 *
 *   start ─▶ the token says who ─▶ kept rows of that caller ─▶ shown ─▶ link ready ─▶ resume: the difference ─▶ open
 *   a change, while open ─▶ some time later all rows are written, with the place that they are of
 *
 * Laws
 *   Rows are shown to none but the caller whose they were: by the issuer and the subject of the token, which say who it is
 *   before there is a connection. Without a token nothing is shown, and of a token that says neither nothing is kept.
 *   What is kept is one state, whole: of two pages that keep theirs in one place, the last that wrote is read next.
 *   A store that fails, is full or damaged costs what it would have saved: the page is told once, and goes on.
 */
import { LightconeError } from "@lightcone/base";
import type { Keeping, KeepingWorld } from "../keeping.ts";
import { textOf } from "../requests.ts";
import type { Standing } from "../standing.ts";
import type { Subscription } from "../subscription.ts";
import { readSnapshot, writeSnapshot } from "./snapshot.ts";

/** Where rows are kept: bytes under a key. */
export interface RowsStore {
  load(key: string): Promise<Uint8Array | undefined>;
  /** All of it, or none: what was there before stays when it fails. */
  save(key: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  remove(key: string): Promise<void>;
}

/** How much of the rows is kept for the next start, and when it is written. */
export interface PersistOptions {
  /** More than this is not kept. Default 16 MiB. */
  readonly bytesMax?: number;
  /** How long after a change rows are written. Default a second. */
  readonly afterMs?: number;
}

/** What `connect` takes as `persist`. */
export interface Persist {
  (world: never): object;
}

/** Bytes of rows that are kept for the next start. */
export const keptBytesMax = 16 * 1024 * 1024;
/** So long a store may take until a page goes on without it. */
const loadTimeoutMs = 3_000;

/**
 * Keeps the rows of a client for its next start.
 *
 * @example
 * const db = connect<typeof chat>({ uri, database: "chat", tokenStore: webTokenStore(localStorage, "chat.token"), persist: persist(indexedDbStore()) });
 */
export function persist(store: RowsStore, options: PersistOptions = {}): Persist {
  return (world: KeepingWorld) => new KeptRows(world, store, options);
}

class KeptRows implements Keeping {
  readonly #world: KeepingWorld;
  readonly #store: RowsStore;
  readonly #bytesMax: number;
  readonly #afterMs: number;
  readonly #key: string;
  #hasLoaded = false;
  /** Whether rows have changed since they were written. */
  #isDirty = false;
  #cancel: (() => void) | undefined;
  #writing: Promise<void> | undefined;
  readonly #warned = new Set<string>();
  readonly #endHides: () => void;

  constructor(world: KeepingWorld, store: RowsStore, { bytesMax = keptBytesMax, afterMs = 1_000 }: PersistOptions) {
    this.#world = world;
    this.#store = store;
    this.#bytesMax = bytesMax;
    this.#afterMs = afterMs;
    this.#key = JSON.stringify([world.uri, world.database]);
    this.#endHides = onHide(() => this.#write());
  }

  load(token: string | undefined): Promise<void> | undefined {
    if (this.#hasLoaded) return undefined;
    this.#hasLoaded = true;
    const whose = this.#whose(token);
    if (whose === undefined) return undefined;
    let isLate = false;
    return new Promise((resolve) => {
      const cancel = this.#world.platform.clock.after(loadTimeoutMs, () => {
        isLate = true;
        this.#warn("the store does not answer");
        resolve();
      });
      this.#read(whose, () => isLate)
        .catch((error: unknown) => this.#failed("cannot be read", error))
        .finally(() => {
          cancel();
          resolve();
        });
    });
  }

  async #read(whose: string, isLate: () => boolean): Promise<void> {
    const bytes = await this.#store.load(this.#key);
    if (bytes === undefined || isLate()) return;
    try {
      const snapshot = readSnapshot(bytes);
      if (snapshot.whose !== whose) return;
      // What the page was built with may be out of reach for now, as the server is: that is told once there is a connection.
      await this.#world.catalog.prepare(snapshot.schema).catch(() => undefined);
      if (!isLate()) this.#world.show(snapshot, (bags, newId) => snapshot.fill(bags, newId));
    } catch (error) {
      if (!(error instanceof LightconeError)) throw error;
      this.#failed("are let go of", error);
      await this.#store.remove(this.#key);
    }
  }

  match({ sets }: Standing, subscriptions: Iterable<Subscription>): void {
    const wanted = this.#textsOf(subscriptions);
    for (const [id, texts] of wanted) {
      if (sets.has(id)) continue;
      for (const [kept, keptTexts] of sets) {
        if (wanted.has(kept) || JSON.stringify(keptTexts) !== JSON.stringify(texts)) continue;
        sets.delete(kept);
        sets.set(id, keptTexts);
        break;
      }
    }
  }

  #textsOf(subscriptions: Iterable<Subscription>): ReadonlyMap<number, readonly string[]> {
    const texts = new Map<number, readonly string[]>();
    for (const { id, queries } of subscriptions) {
      try {
        texts.set(
          id,
          queries.map((query) => textOf(query, this.#world.catalog)),
        );
      } catch (error) {
        // It is told when it is subscribed to.
        if (!(error instanceof LightconeError)) throw error;
      }
    }
    return texts;
  }

  changed(): void {
    this.#isDirty = true;
    this.#schedule();
  }

  close(): void {
    this.#write();
    this.#endHides();
  }

  #schedule(): void {
    // What is written now may be of before the change: it is looked at again when that is done.
    if (this.#writing === undefined)
      this.#cancel ??= this.#world.platform.clock.after(this.#afterMs, () => this.#write());
  }

  #write(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (!this.#isDirty || this.#writing !== undefined) return;
    const { catalog } = this.#world;
    const bags = this.#world.bags();
    const whose = this.#whose(this.#world.token());
    const schema = catalog.text;
    const identity = this.#world.identity();
    // As long as there is no connection, rows may be of another caller: they are written when there is.
    if (bags === undefined || whose === undefined || schema === undefined || identity === undefined) return;
    this.#isDirty = false;
    const nameOf = (accessor: string): string => catalog.schemaOf(accessor).name;
    const bytes = bags.withoutGuesses(() => writeSnapshot({ whose, schema, identity }, bags, nameOf, this.#bytesMax));
    if (bytes === undefined) this.#warn(`they are more than ${this.#bytesMax} bytes (\`bytesMax\`)`);
    const written = bytes === undefined ? this.#store.remove(this.#key) : this.#store.save(this.#key, bytes);
    this.#writing = written
      .catch((error: unknown) => this.#failed("cannot be written", error))
      .finally(() => {
        this.#writing = undefined;
        if (this.#isDirty) this.#schedule();
      });
  }

  #whose(token: string | undefined): string | undefined {
    const who = token === undefined ? undefined : subjectOf(token);
    return who === undefined ? undefined : JSON.stringify([this.#key, ...who]);
  }

  #failed(what: string, error: unknown): void {
    this.#warn(`they ${what}: ${error instanceof Error ? error.message : String(error)}`);
  }

  /** Once for each reason. */
  #warn(reason: string): void {
    if (this.#warned.has(reason)) return;
    this.#warned.add(reason);
    this.#world.platform.warn(
      `lightcone: rows of ${this.#world.database} are not kept for the next start: ${reason}. The page works without.`,
    );
  }
}

/** Issuer and subject of a token; undefined when it says neither. */
function subjectOf(token: string): readonly [string, string] | undefined {
  try {
    const [, payload = ""] = token.split(".");
    const text = atob(payload.replaceAll("-", "+").replaceAll("_", "/"));
    const { iss, sub }: { readonly iss?: unknown; readonly sub?: unknown } = JSON.parse(text);
    return typeof iss === "string" && typeof sub === "string" ? [iss, sub] : undefined;
  } catch {
    return undefined;
  }
}

interface Hiding {
  addEventListener?(kind: string, run: () => void, isCaught: boolean): void;
  removeEventListener?(kind: string, run: () => void, isCaught: boolean): void;
  readonly document?: { readonly visibilityState: string };
}

/** A page that is hidden may never be shown again. */
function onHide(run: () => void): () => void {
  const page = globalThis as unknown as Hiding; // not all of it is everywhere
  const hidden = (): void => {
    if (page.document?.visibilityState === "hidden") run();
  };
  page.addEventListener?.("visibilitychange", hidden, true);
  return () => page.removeEventListener?.("visibilitychange", hidden, true);
}
