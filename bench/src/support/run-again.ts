/** What live queries save: all of them run again after a commit, by this database's evaluator and by `node:sqlite`, over the same rows. */
import { DatabaseSync } from "node:sqlite";
import type { TableSketch } from "@lightcone/engine/testing";
import { Identity } from "@lightcone/sats";
import type { LiveStore, Row } from "./live-store.ts";
import type { Figure } from "./question.ts";

export interface AllQueries {
  /** As both understand it, with `:sender`. */
  readonly sql: string;
  /** Row-level rules that it is under here; the peer is asked `sql`, which says the same by itself. */
  readonly ruled?: { readonly sql: string; readonly rules: readonly string[] };
  readonly senders: readonly Uint8Array[];
}

export interface Again {
  readonly count: number;
  readonly here?: number;
  readonly sqlite: number;
}

/** Before the store has been changed beyond what it was filled with. Microseconds. */
export function runAgain(store: LiveStore, { sql, ruled, senders }: AllQueries): Again {
  const plan = store.plan(ruled?.sql ?? sql, ruled?.rules);
  let rowCount = 0;
  const here = micros(() => {
    for (const sender of senders) rowCount += store.count(plan, sender);
  });
  const copy = new SqliteCopy(store.sketches);
  for (const { name, count, rowOf } of store.filled) copy.fill(name, count, rowOf);
  return { count: senders.length, here, sqlite: copy.microsOf(sql, senders, rowCount) };
}

/** @param live the microseconds that a live commit took */
export function againFigures({ count, here, sqlite }: Again, live: number): Figure[] {
  const name = count === 1 ? "run again" : `all ${count} run again`;
  return [
    ...(here === undefined ? [] : [{ name: `${name}, here`, value: here, unit: "µs" }]),
    { name: `${name}, by node:sqlite`, value: sqlite, unit: "µs" },
    {
      name: "… the quicker of them to a live commit",
      value: Math.min(here ?? sqlite, sqlite) / live,
      unit: "×",
      ...(count >= 10_000 ? { reach: ">= 100" } : {}),
    },
  ];
}

/** Tables in memory, with the same keys and indexes. */
export class SqliteCopy {
  private readonly database = new DatabaseSync(":memory:");

  constructor(tables: readonly TableSketch[]) {
    for (const { name, columns, unique = [], indexes = [] } of tables) {
      const [key = []] = unique;
      const types = Object.entries(columns).map(
        ([column, { kind }]) => `${column} ${kind === "Product" ? "BLOB" : kind === "String" ? "TEXT" : "INTEGER"}`,
      );
      this.database.exec(`CREATE TABLE ${name} (${types.join(", ")}, PRIMARY KEY (${key.join(", ")}))`);
      for (const [at, index] of indexes.entries())
        this.database.exec(`CREATE INDEX ${name}_${at} ON ${name} (${index.columns.join(", ")})`);
    }
  }

  fill(name: string, count: number, rowOf: (i: number) => Row): void {
    const marks = Object.keys(rowOf(0)).map(() => "?");
    const insert = this.database.prepare(`INSERT INTO ${name} VALUES (${marks.join(", ")})`);
    this.database.exec("BEGIN");
    for (let i = 0; i < count; i += 1) insert.run(...Object.values(rowOf(i)).map(bound));
    this.database.exec("COMMIT");
  }

  /** Closes the copy: it is asked once. */
  microsOf(sql: string, senders: readonly (Uint8Array | number)[], rowCount: number): number {
    const query = this.database.prepare(sql);
    const isOfSender = sql.includes(":sender");
    let count = 0;
    const spent = micros(() => {
      for (const sender of senders) count += (isOfSender ? query.all({ sender }) : query.all()).length;
    });
    this.database.close();
    if (count !== rowCount) throw new Error(`${count} rows, not ${rowCount}`);
    return spent;
  }
}

function bound(value: unknown): number | string | Uint8Array {
  if (value instanceof Identity) return value.bytes;
  if (typeof value === "number" || typeof value === "string") return value;
  throw new Error(`the copy takes no ${typeof value}`);
}

function micros(run: () => void): number {
  const begun = performance.now();
  run();
  return (performance.now() - begun) * 1000;
}
