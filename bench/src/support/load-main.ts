/**
 * A process of clients: `node load-main.ts LOAD_JSON`. Keeps so many calls in flight on so many connections, and
 * says as a line of JSON what it saw between warm-up and end.
 */
import type { LoadOptions, LoadResult } from "./load.ts";
import { Histogram } from "./histogram.ts";
import { cpuMicros } from "./process-time.ts";
import { WebSocketClient } from "./websocket-client.ts";

const options: LoadOptions = JSON.parse(process.argv[2] ?? "{}");
const { target, connectionCount, inFlight, warmUpMs, runMs } = options;

let answered = 0;
let failed = 0;
let isMeasuring = false;
let isOver = false;
let times = new Histogram();
/** When the calls of a client left, oldest first: a write's worth at a time. */
const sent = new Map<WebSocketClient, { at: number; count: number }[]>();

function call(client: WebSocketClient, count: number): void {
  sent.get(client)?.push({ at: performance.now(), count });
  client.call(count);
}

const sink = {
  answered(client: WebSocketClient, count: number): void {
    if (isMeasuring) {
      answered += count;
      const now = performance.now();
      const queue = sent.get(client) ?? [];
      for (let left = count; left > 0;) {
        const first = queue[0];
        if (first === undefined) break;
        const taken = Math.min(left, first.count);
        times.add(now - first.at, taken);
        left -= taken;
        if ((first.count -= taken) === 0) queue.shift();
      }
    } else forget(client, count);
    if (!isOver) call(client, count);
  },
  failed(count: number): void {
    if (isMeasuring) failed += count;
  },
};

function forget(client: WebSocketClient, count: number): void {
  const queue = sent.get(client) ?? [];
  for (let left = count; left > 0;) {
    const first = queue[0];
    if (first === undefined) return;
    const taken = Math.min(left, first.count);
    left -= taken;
    if ((first.count -= taken) === 0) queue.shift();
  }
}

const clients: WebSocketClient[] = [];
for (let index = 0; index < connectionCount; index += 1) clients.push(await WebSocketClient.open(target, sink));
for (const client of clients) {
  sent.set(client, []);
  call(client, inFlight);
}
await new Promise((resolve) => setTimeout(resolve, warmUpMs));
times = new Histogram();
const watched = { ...options.processes, clients: process.pid };
const cpuBefore = Object.values(watched).map(cpuMicros);
const from = performance.now();
isMeasuring = true;
await new Promise((resolve) => setTimeout(resolve, runMs));
isMeasuring = false;
const seconds = (performance.now() - from) / 1000;
const cpuMicrosPerCall = Object.fromEntries(
  Object.entries(watched).map(([name, pid], index) => [
    name,
    (cpuMicros(pid) - (cpuBefore[index] ?? 0)) / Math.max(1, answered),
  ]),
);
isOver = true;
const result: LoadResult = {
  perSecond: answered / seconds,
  answered,
  failed,
  p50Ms: times.quantileMs(0.5),
  p99Ms: times.quantileMs(0.99),
  maxMs: times.maxMs,
  cpuMicrosPerCall,
};
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
