/** A table of numbers with views over it that are functions of the test, and who is subscribed to them. */
import { asRowRef, defined } from "@lightcone/base";
import { tableDef } from "@lightcone/engine/testing";
import type { HostPort, ViewOutcome } from "@lightcone/host";
import type { DeltaPart } from "@lightcone/query";
import { t } from "@lightcone/sats";
import { bindParams, compileSubscription } from "@lightcone/sql";
import type { DatabaseLimits } from "../link/limits.ts";
import type { Subscriber, Subscription } from "../subscriptions/subscriber.ts";
import type { TestView } from "./test-module.ts";
import { openParts, testCaller, type TestParts } from "./test-parts.ts";

const number = tableDef({ name: "number", columns: { id: t.u32 }, unique: [["id"]] });

export const u32s = (...numbers: readonly number[]): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Uint32Array.from(numbers).buffer);
export const rows = (...numbers: readonly number[]): ViewOutcome => ({
  kind: "rows",
  bytes: u32s(numbers.length, ...numbers),
});

/** The numbers in the table, by a scan. */
export function all(port: HostPort): number[] {
  const scan = port.scanTable(port.tableId("number") as never);
  if (typeof scan === "number") throw new TypeError(port.failure());
  const found: number[] = [];
  for (let ref = scan.next(); ref !== -1; ref = scan.next()) {
    port.resolve(ref);
    found.push(port.row.view.getUint32(port.row.at, true));
  }
  return found;
}

export class Ear implements Subscriber {
  readonly changes: DeltaPart[] = [];
  readonly numbers = new Set<number>();
  readonly errors: string[] = [];
  subscription: Subscription | undefined;
  private readonly parts: TestParts;

  constructor(parts: TestParts) {
    this.parts = parts;
  }

  deliver(): void {
    const { relations } = this.parts.context;
    const each = ({ refs, count }: DeltaPart["inserts"], act: (number: number) => void): void => {
      for (const ref of refs.subarray(0, count)) {
        relations.resolve(asRowRef(ref));
        if (relations.row.length !== 4) throw new Error(`a row of ${relations.row.length} bytes`);
        act(relations.row.view.getUint32(relations.row.at, true));
      }
    };
    for (const { deletes, inserts } of this.changes) {
      each(deletes, (one) => this.numbers.delete(one));
      each(inserts, (one) => this.numbers.add(one));
    }
  }

  missed(_: Subscription, text: string): void {
    throw new Error(text);
  }

  struckOff(subscription: Subscription, text: string): void {
    this.errors.push(text);
    this.parts.subscriptions.release(subscription);
  }
}

export interface World extends TestParts {
  /** Subscribes; the text of why not. */
  hear(sql: string, caller?: number): Ear | string;
  put(...numbers: readonly number[]): void;
}

export async function opened(
  views: Readonly<Record<string, TestView>>,
  limits: Partial<DatabaseLimits> = {},
): Promise<World> {
  const parts = await openParts({ tables: [number], views }, limits);
  const table = defined(parts.store.tableByName("number"), "the table");
  return Object.assign(parts, {
    hear(sql: string, caller = 1): Ear | string {
      const { identity, isOwner } = testCaller(caller);
      const [plan] = compileSubscription(sql, parts.context.access.catalog({ isOwner: false }, false));
      if (plan === undefined) return "no query";
      const failed = parts.context.views.compute([plan], { identity, isOwner });
      if (failed !== undefined) return failed.told;
      const ear = new Ear(parts);
      ear.subscription = parts.subscriptions.hold(ear, plan, bindParams(plan, identity));
      return ear;
    },
    put(...numbers: readonly number[]): void {
      parts.commit(() => numbers.forEach((one) => parts.store.tx.insert(table.id, u32s(one), 0, 4)));
    },
  });
}

export const columns = { id: t.u32 };
export const good: TestView = { columns, isAnonymous: true, run: (port) => rows(...all(port)) };
/** @throws when the subscription was refused */
export function heard(ear: Ear | string): Ear {
  if (typeof ear === "string") throw new Error(ear);
  return ear;
}
