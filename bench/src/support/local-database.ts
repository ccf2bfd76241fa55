/** A database in this process, for questions about its thread: what is timed has no pipe and no socket in it. */
import { fileURLToPath } from "node:url";
import { realClock } from "@lightcone/base";
import { realFileSystem } from "@lightcone/base/node";
import { bundleModule } from "@lightcone/cli/bundle";
import { openDatabase, type ConnectionHandle, type Database, type DatabaseLimits } from "@lightcone/database";
import { clientTag } from "@lightcone/protocol";
import { ByteWriter } from "@lightcone/sats";
import { Histogram } from "./histogram.ts";

const owner = new Uint8Array(32).fill(2);

/** The module `modules/stock.ts`, bundled. */
export async function stockProgram(): Promise<Uint8Array> {
  const { code } = await bundleModule(fileURLToPath(new URL("../modules/stock.ts", import.meta.url)));
  return new TextEncoder().encode(code);
}

export async function openLocal(directory: string, limits: Partial<DatabaseLimits> = {}): Promise<Database> {
  await realFileSystem.makeDirectory(directory);
  return openDatabase({
    identity: { database: new Uint8Array(32).fill(1), owner },
    directory,
    fileSystem: realFileSystem,
    clock: realClock,
    limits,
  });
}

/** @throws {Error} with the database's own words when it refuses */
export async function publishLocal(database: Database, program: Uint8Array): Promise<void> {
  const reply = await database.request({ kind: "publish", program, hostType: "js", breakClients: false });
  if (reply.status !== 200) throw new Error(new TextDecoder().decode(reply.body));
}

/** One connection; answers come as soon as they are worded, synced or not. */
export class LocalClient {
  private readonly handle: ConnectionHandle;
  private answer: (byteCount: number) => void = () => undefined;
  private byteCount = 0;
  /** Answers that are still to come. */
  private owed = 0;
  private requestId = 0;

  private constructor(database: Database) {
    const caller = {
      identity: owner,
      connectionId: crypto.getRandomValues(new Uint8Array(16)),
      claims: "",
      isOwner: true,
    };
    this.handle = database.connect(
      { caller, token: "", protocol: "v1.bsatn", compression: "none", light: false, confirmed: false },
      {
        queuedBytes: 0,
        send: (_bytes, _at, length, last) => {
          this.byteCount += length;
          if (last && (this.owed -= 1) === 0) this.answer(this.byteCount);
        },
        answered: () => undefined,
        note: () => undefined,
        close: () => this.answer(0),
      },
    );
  }

  static async open(database: Database): Promise<LocalClient> {
    const client = new LocalClient(database);
    await client.answered(1);
    return client;
  }

  /** Resolves with the bytes of the next `count` answers. */
  private answered(count: number): Promise<number> {
    this.byteCount = 0;
    this.owed = count;
    return new Promise((resolve) => (this.answer = resolve));
  }

  /** Calls a reducer of two u32; resolves with the length of the answer. */
  call(reducer: string, from: number, count: number): Promise<number> {
    const answered = this.answered(1);
    this.send(reducer, from, count);
    return answered;
  }

  /** Calls `touch` on points one after the other, all in flight at once. */
  touch(points: readonly number[]): Promise<number> {
    const answered = this.answered(points.length);
    for (const [index, point] of points.entries()) this.send("touch", point, index);
    return answered;
  }

  private send(reducer: string, from: number, count: number): void {
    const out = new ByteWriter(64);
    out.u8(clientTag.CallReducer);
    out.string(reducer);
    out.u32(8);
    out.u32(from);
    out.u32(count);
    out.u32((this.requestId += 1));
    out.u8(0);
    this.handle.receive(out.bytes, 0, out.length, false);
  }

  subscribe(query: string): Promise<number> {
    const out = new ByteWriter(64);
    out.u8(clientTag.SubscribeSingle);
    out.string(query);
    out.u32((this.requestId += 1));
    out.u32(this.requestId);
    const answered = this.answered(1);
    this.handle.receive(out.bytes, 0, out.length, false);
    return answered;
  }
}

/** Times the calls of another client, one after the other with a millisecond between, while `work` goes on. */
export async function timesOfOthers(database: Database, work: () => Promise<void>): Promise<Histogram> {
  const client = await LocalClient.open(database);
  const times = new Histogram();
  const over = new AbortController();
  const probe = (async () => {
    for (let count = 1; !over.signal.aborted; count += 1) {
      const from = performance.now();
      await client.call("touch", 1, count);
      times.add(performance.now() - from);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  })();
  await work();
  over.abort();
  await probe;
  return times;
}

/** Adds rows in calls of a size that leaves other calls their turn. */
export async function addRows(
  database: Database,
  reducer: "addPoints" | "addItems",
  from: number,
  to: number,
): Promise<void> {
  const client = await LocalClient.open(database);
  const step = 500;
  for (let at = from; at < to; at += step) await client.call(wireName[reducer], at, Math.min(step, to - at));
}

/** Names go over the wire in the official case. */
const wireName = { addPoints: "add_points", addItems: "add_items" } as const;
