/** A client that looks at the crowd, ours or the official one, in a process of its own: prints what it took, a line of JSON. */
import { connect } from "@lightcone/client";
import type * as crowd from "../modules/crowd.ts";
import type { CrowdSettings, CrowdTimes } from "./crowd.ts";

/** What is measured of a client. */
interface Looking {
  /** Asks for all rows; resolves when they are there. */
  first(): Promise<void>;
  /** Reads every row, as a page that draws all of them. */
  readAll(): number;
  /** Runs at each row that changed. */
  onUpdate(run: () => void): void;
  /** Resolves when the rows are in the cache. */
  step(from: number, count: number): Promise<unknown>;
  close(): void;
}

async function ours({ uri }: CrowdSettings): Promise<Looking> {
  const db = connect<typeof crowd>({ uri, database: "crowd" });
  await new Promise<void>((resolve) => db.onState((state) => void (state === "open" && resolve())));
  return {
    first: () => db.subscribe(db.tables.person).applied,
    readAll: () => db.tables.person.rows().reduce((sum, { x }) => sum + x, 0),
    onUpdate: (run) => db.tables.person.onUpdate(run),
    step: (from, count) => db.reducers.step({ from, count }),
    close: () => db.close(),
  };
}

/** The part of the official client's surface that is used. */
interface OfficialConnection {
  readonly db: { readonly person: { iter(): Iterable<{ readonly x: number }>; onUpdate(run: () => void): void } };
  readonly reducers: { step(args: { readonly from: number; readonly count: number }): Promise<unknown> };
  subscriptionBuilder(): { onApplied(run: () => void): { subscribe(query: string): void } };
  disconnect(): void;
}
interface OfficialBuilder {
  withUri(uri: string): OfficialBuilder;
  withDatabaseName(name: string): OfficialBuilder;
  withCompression(kind: "none"): OfficialBuilder;
  onConnect(run: (connection: OfficialConnection) => void): OfficialBuilder;
  onConnectError(run: (context: unknown, error: Error) => void): OfficialBuilder;
  build(): unknown;
}

async function official({ uri, bindings }: CrowdSettings): Promise<Looking> {
  // Bindings of the crowd have this shape; the run would fail at once if they had not.
  const { DbConnection } = (await import(bindings ?? "")) as { DbConnection: { builder(): OfficialBuilder } };
  const connection = await new Promise<OfficialConnection>((resolve, reject) => {
    DbConnection.builder()
      .withUri(uri)
      .withDatabaseName("crowd")
      .withCompression("none")
      .onConnect(resolve)
      .onConnectError((_context, error) => reject(error))
      .build();
  });
  return {
    first: () =>
      new Promise((resolve) => connection.subscriptionBuilder().onApplied(resolve).subscribe("SELECT * FROM person")),
    readAll: () => {
      let sum = 0;
      for (const { x } of connection.db.person.iter()) sum += x;
      return sum;
    },
    onUpdate: (run) => connection.db.person.onUpdate(run),
    step: async (from, count) => connection.reducers.step({ from, count }),
    close: () => connection.disconnect(),
  };
}

const settings: CrowdSettings = JSON.parse(process.argv[2] ?? "");
const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
const bytes = (): number => {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

const { rowCount, rounds, stepRows } = settings;
const bytesBefore = bytes();
const looking = await (settings.bindings === undefined ? ours(settings) : official(settings));
const began = cpuMs();
await looking.first();
const firstCpuMs = cpuMs() - began;
await new Promise((resolve) => setTimeout(resolve, 200));
const heldBytes = bytes() - bytesBefore;
const readFrom = cpuMs();
looking.readAll();
const readCpuMs = cpuMs() - readFrom;
const readBytes = bytes() - bytesBefore;

const steps = (): Promise<unknown> =>
  Promise.all(
    Array.from({ length: rounds }, (_, round) =>
      looking.step((round * stepRows) % Math.max(1, rowCount - stepRows), stepRows),
    ),
  );
const streamFrom = cpuMs();
await steps();
const streamCpuMs = cpuMs() - streamFrom;
let heard = 0;
const { promise, resolve } = Promise.withResolvers<void>();
looking.onUpdate(() => {
  heard += 1;
  if (heard === rounds * stepRows) resolve();
});
const updatesFrom = cpuMs();
await steps();
await promise;
const updatesCpuMs = cpuMs() - updatesFrom;
looking.close();
const times: CrowdTimes = { firstCpuMs, readCpuMs, streamCpuMs, updatesCpuMs, heldBytes, readBytes };
process.stdout.write(`${JSON.stringify(times)}\n`);
process.exit(0);
