/** What does a call cost in the host process, from frame to answer, without processes and sockets around it? */
import { join } from "node:path";
import { realClock } from "@lightcone/base";
import { realFileSystem } from "@lightcone/base/node";
import { openDatabase, type ConnectionHandle, type Database } from "@lightcone/database";
import { clientTag, v2 } from "@lightcone/protocol";
import { ByteWriter } from "@lightcone/sats";
import { rustModule, typescriptModule, type Program } from "./support/bench-server.ts";
import type { Figure, Question } from "./support/question.ts";
import type { Protocol } from "./support/websocket-client.ts";

/** The result of a reducer that changed none of the caller's query sets. */
const resultBytes = 22;
const connectionCount = 64;
const inFlight = 40;

export const pipeline: Question = {
  name: "pipeline",
  workload:
    "transfers as frames handed to a database in this process: 64 connections x 40 calls in flight, log and syncs included",
  unit: "transfers/s, and processor time a call in all threads",
  expected: "500,000/s; 1.5 us a call",
  run: async (run) => {
    const figures: Figure[] = [];
    const accountCount = run.isSmoke ? 1000 : 100_000;
    const programs = { "TypeScript module": await typescriptModule("bank"), "Rust module": await rustModule("bank") };
    for (const [name, program] of Object.entries(programs)) {
      if (program === undefined) continue;
      const identity = { database: new Uint8Array(32).fill(1), owner: new Uint8Array(32).fill(2) };
      const directory = join(run.directory, program.hostType);
      await realFileSystem.makeDirectory(directory);
      const database = await openDatabase({ identity, directory, fileSystem: realFileSystem, clock: realClock });
      await prepare(database, program, accountCount);
      for (const protocol of run.protocols) {
        const load = new Load(database, accountCount, protocol);
        await load.run(run.isSmoke ? 5000 : 500_000);
        const cpu = process.cpuUsage();
        const from = performance.now();
        const count = run.isSmoke ? 10_000 : 2_000_000;
        await load.run(count);
        const seconds = (performance.now() - from) / 1000;
        const { user, system } = process.cpuUsage(cpu);
        const what = protocol === "v1" ? name : `${name}, ${protocol}`;
        figures.push(
          { name: `${what}, calls`, value: count / seconds, unit: "transfers/s" },
          { name: `${what}, processor time`, value: (user + system) / count, unit: "us a call" },
        );
      }
      await database.stop(1000);
    }
    return figures;
  },
};

async function prepare(database: Database, { bytes, hostType }: Program, accountCount: number): Promise<void> {
  const program = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
  const published = await database.request({
    kind: "publish",
    program,
    hostType: hostType === "Js" ? "js" : "wasm",
    breakClients: false,
  });
  if (published.status !== 200) throw new Error(new TextDecoder().decode(published.body));
  const caller = {
    identity: new Uint8Array(32).fill(2),
    connectionId: new Uint8Array(16).fill(3),
    claims: "",
    isOwner: true,
  };
  await database.request({ kind: "call", caller, functionName: "open_accounts", args: `[${accountCount}]` });
}

class Load {
  private readonly handles: ConnectionHandle[] = [];
  private readonly owed: number[] = [];
  private readonly accountCount: number;
  private readonly protocol: Protocol;
  private left = 0;
  private answers = 0;
  private isDirty = false;
  private done: () => void = () => undefined;
  private random = 12_345;

  constructor(database: Database, accountCount: number, protocol: Protocol) {
    this.accountCount = accountCount;
    this.protocol = protocol;
    for (let index = 0; index < connectionCount; index += 1) {
      this.owed.push(0);
      const caller = {
        identity: crypto.getRandomValues(new Uint8Array(32)),
        connectionId: crypto.getRandomValues(new Uint8Array(16)),
        claims: "",
        isOwner: false,
      };
      this.handles.push(
        database.connect(
          { caller, token: "", protocol: `${protocol}.bsatn`, compression: "none", light: false, confirmed: true },
          {
            queuedBytes: 0,
            send: (_bytes, _at, length) => this.answer(index, this.isGreeting(length) ? 0 : this.answersIn(length)),
            answered: () => undefined,
            note: () => undefined,
            close: () => undefined,
          },
        ),
      );
    }
  }

  async run(count: number): Promise<void> {
    this.left = count;
    this.answers = 0;
    await new Promise<void>((resolve) => {
      this.done = resolve;
      this.owed.fill(inFlight);
      setImmediate(this.feed);
    });
  }

  /** The first message to a client is longer than a frame's answers, or no whole number of them. */
  private isGreeting(length: number): boolean {
    return this.protocol !== "v1" && (length - 1) % resultBytes !== 0;
  }

  private answersIn(length: number): number {
    return this.protocol === "v1" ? 1 : (length - 1) / resultBytes;
  }

  private answer(index: number, count: number): void {
    this.owed[index] = (this.owed[index] ?? 0) + count;
    this.answers += count;
    if (this.left <= 0 && this.answers >= connectionCount * inFlight) this.done();
    if (this.isDirty) return;
    this.isDirty = true;
    setImmediate(this.feed);
  }

  /** Hands in what was answered, a batch for all connections, as it comes through the pipe. */
  private readonly feed = (): void => {
    this.isDirty = false;
    if (this.left <= 0) return;
    const out = new ByteWriter(64 * 1024);
    const ats: number[] = [];
    const lengths: number[] = [];
    const owners: number[] = [];
    for (let index = 0; index < this.handles.length; index += 1) {
      for (let count = this.owed[index] ?? 0; count > 0; count -= 1) {
        const at = out.length;
        this.write(out);
        this.left -= 1;
        if (this.protocol === "v3" && owners.at(-1) === index) {
          lengths[lengths.length - 1] = (lengths.at(-1) ?? 0) + out.length - at;
          continue;
        }
        ats.push(at);
        lengths.push(out.length - at);
        owners.push(index);
      }
      this.owed[index] = 0;
    }
    const { bytes } = out;
    for (let index = 0; index < ats.length; index += 1)
      this.handles[owners[index] ?? 0]?.receive(bytes, ats[index] ?? 0, lengths[index] ?? 0, false);
  };

  private write(out: ByteWriter): void {
    if (this.protocol === "v1") out.u8(clientTag.CallReducer);
    else {
      out.u8(v2.clientTag.CallReducer);
      out.u32(1);
      out.u8(0);
    }
    out.string("transfer");
    out.u32(16);
    const from = this.next();
    out.u32(from);
    out.u32((from + 1 + this.next()) % this.accountCount);
    out.u32(1);
    out.u32(0);
    if (this.protocol !== "v1") return;
    out.u32(1);
    out.u8(0);
  }

  private next(): number {
    this.random = (Math.imul(this.random, 1_103_515_245) + 12_345) >>> 0;
    return (this.random >>> 8) % (this.accountCount - 1);
  }
}
