/** How many updates a second reach a thousand subscribers of one query, and how late? */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleModule } from "@lightcone/cli/bundle";
import { clientTag } from "@lightcone/protocol";
import { ByteWriter } from "@lightcone/sats";
import { WebSocket } from "ws";
import { BenchServer } from "./support/bench-server.ts";
import { Listeners, stamp } from "./support/listen.ts";
import { cpuMicros } from "./support/process-time.ts";
import type { Question } from "./support/question.ts";

/** Calls that the writer has in flight: what is told at once is what was durable at once. */
const inFlight = 12;

export const broadcast: Question = {
  name: "broadcast",
  workload: `1,000 subscribers of one query over sockets, a writer with ${inFlight} calls in flight that changes its row, all durable`,
  unit: "deliveries/s",
  expected: "600,000, p99 of the delay below 20 ms; the time is that of the sockets' writes and reads",
  run: async (run) => {
    const connectionCount = run.isSmoke ? 20 : 1000;
    const server = await BenchServer.open(join(run.directory, "ticker"));
    try {
      const entry = fileURLToPath(new URL("./modules/ticker.ts", import.meta.url));
      await server.publish("ticker", { bytes: (await bundleModule(entry)).code, hostType: "Js" });
      const target = server.target("ticker", 1);
      const queries = { kind: "same", text: "SELECT * FROM quote" } as const;
      const listeners = await Listeners.open({ target, connectionCount, queries });
      const writer = await Writer.open(`ws://127.0.0.1:${target.port}${target.path}`);
      await wait(run.isSmoke ? 200 : 3000);
      listeners.restart();
      const before = cpuOf(server);
      const ticksBefore = writer.answered;
      await wait(run.isSmoke ? 200 : 6000);
      const ticks = writer.answered - ticksBefore;
      const after = cpuOf(server);
      const { perSecond, p50Ms, p99Ms, cpuMicrosPerDelivery } = await listeners.stop();
      writer.close();
      const cpu = Object.entries(after).map(([name, micros]) => ({
        name: `processor time a delivery: ${name}`,
        value: (micros - (before[name] ?? 0)) / Math.max(1, ticks * connectionCount),
        unit: "us",
      }));
      return [
        { name: "deliveries", value: perSecond, unit: "/s", reach: ">= 600,000" },
        { name: "delay, p50", value: p50Ms, unit: "ms" },
        { name: "delay, p99", value: p99Ms, unit: "ms", reach: "<= 20" },
        ...cpu,
        { name: "processor time a delivery: subscribers", value: cpuMicrosPerDelivery, unit: "us" },
      ];
    } finally {
      await server.stop();
    }
  },
};

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function cpuOf(server: BenchServer): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(server.processes).map(([name, pid]) => [name, cpuMicros(pid)]));
}

/** Calls `tick` over and over. */
class Writer {
  answered = 0;
  private readonly socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    const out = new ByteWriter();
    out.u8(clientTag.CallReducer);
    out.string("tick");
    out.u32(12);
    out.u32(1);
    out.u64(stamp);
    out.u32(1);
    out.u8(0);
    const call = out.toBytes();
    let isGreeted = false;
    socket.on("message", () => {
      const count = isGreeted ? 1 : inFlight;
      if (isGreeted) this.answered += 1;
      isGreeted = true;
      for (let sent = 0; sent < count; sent += 1) socket.send(call);
    });
  }

  static async open(url: string): Promise<Writer> {
    const socket = new WebSocket(url, "v1.bsatn.spacetimedb", { perMessageDeflate: false });
    const writer = new Writer(socket);
    await new Promise((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    return writer;
  }

  close(): void {
    this.socket.terminate();
  }
}
