/** How many durable transfers a second, over the network and beside its peers? */
import { join } from "node:path";
import { openPostgres } from "./peers/postgres.ts";
import { openPeer } from "./peers/peer.ts";
import { BenchServer, rustModule, typescriptModule, type Program } from "./support/bench-server.ts";
import { runLoad, type LoadResult } from "./support/load.ts";
import type { Figure, Question, Run } from "./support/question.ts";
import type { Protocol, Target } from "./support/websocket-client.ts";

/** `http://HOST:PORT/DATABASE` of a reference server of this machine with the Rust bank and its accounts. */
const referenceVariable = "LIGHTCONE_BENCH_REFERENCE";

/** Only these, by a part of their names: to look at one closely. */
const onlyVariable = "LIGHTCONE_BENCH_ONLY";

/** One system under the load. */
interface System {
  readonly name: string;
  /** Undefined when it is not here, with a word why. */
  readonly open: (run: Run, accountCount: number) => Promise<OpenSystem | undefined>;
}

export interface OpenSystem {
  readonly target: Target;
  readonly processes?: Readonly<Record<string, number>>;
  readonly stop: () => Promise<void>;
}

export const transfers: Question = {
  name: "transfers",
  workload:
    "transfers between random ones of 100,000 accounts; 64 connections x 40 calls in flight, a frame a call (in v3 one for all that are free), answers when durable",
  unit: "transfers/s",
  expected:
    "Lightcone 200,000 to 500,000 on two cores; SQLite FULL 9,000, NORMAL 30,000; PostgreSQL 13,000; the echo twice Lightcone",
  run: async (run) => {
    const accountCount = run.isSmoke ? 1000 : 100_000;
    const results = new Map<string, LoadResult>();
    const only = process.env[onlyVariable] ?? "";
    for (const system of systems.filter(({ name }) => name.includes(only))) {
      const present = await system.open(run, accountCount);
      if (present === undefined) continue;
      run.say(`  ${system.name}`);
      const isOurs = lightconeNames.some((name) => name === system.name);
      try {
        for (const [protocol, result] of await measured(run, present, isOurs ? run.protocols : ["v1"])) {
          results.set(protocol === "v1" ? system.name : `${system.name}, ${protocol}`, result);
        }
      } finally {
        await present.stop();
      }
    }
    return [...figuresOf(results)];
  },
};

/** Runs the load in each version. Several take turns, since the machine is not the same from minute to minute. */
async function measured(
  run: Run,
  { target, processes = {} }: OpenSystem,
  spoken: readonly Protocol[],
): Promise<ReadonlyMap<Protocol, LoadResult>> {
  const turns = Array.from({ length: spoken.length > 1 && !run.isSmoke ? 3 : 1 }, () => spoken).flat();
  const seen = new Map<Protocol, LoadResult[]>();
  for (const protocol of turns) {
    const result = await runLoad({
      target: { ...target, protocol },
      connectionCount: run.isSmoke ? 8 : 64,
      inFlight: run.isSmoke ? 4 : 40,
      warmUpMs: run.isSmoke ? 200 : 3000,
      runMs: run.isSmoke ? 200 : 6000,
      processes,
    });
    seen.set(protocol, [...(seen.get(protocol) ?? []), result]);
    run.say(
      `  ${protocol}: ${Math.round(result.perSecond).toLocaleString("en")}/s, p50 ${result.p50Ms.toFixed(1)} ms, ` +
        `p99 ${result.p99Ms.toFixed(1)} ms, processor time a call: ${cpuText(result)}`,
    );
  }
  return new Map(Array.from(seen, ([protocol, results]) => [protocol, middleOf(results)]));
}

function middleOf(results: readonly LoadResult[]): LoadResult {
  const middle = results.toSorted((a, b) => a.perSecond - b.perSecond)[results.length >> 1];
  if (middle === undefined) throw new Error("no version was asked about");
  return middle;
}

function cpuText({ cpuMicrosPerCall }: LoadResult): string {
  return Object.entries(cpuMicrosPerCall)
    .map(([name, micros]) => `${name} ${micros.toFixed(2)} us`)
    .join(", ");
}

const lightconeNames = ["TypeScript module", "Rust module"] as const;
const ratios = [
  { peer: "SQLite NORMAL", reach: 4 },
  { peer: "SQLite FULL", reach: 12 },
  { peer: "PostgreSQL", reach: 10 },
  { peer: "echo", reach: 0.6 },
] as const;

const later = [
  { version: "v2", reach: 1 },
  { version: "v3", reach: 1.6 },
] as const;

function* figuresOf(results: ReadonlyMap<string, LoadResult>): Iterable<Figure> {
  for (const [name, { perSecond, p50Ms, p99Ms }] of results) {
    yield { name, value: perSecond, unit: "transfers/s" };
    yield { name: `${name}, p50`, value: p50Ms, unit: "ms" };
    yield { name: `${name}, p99`, value: p99Ms, unit: "ms" };
  }
  for (const own of lightconeNames) {
    const mine = results.get(own)?.perSecond;
    if (mine === undefined) continue;
    for (const { version, reach } of later) {
      const theirs = results.get(`${own}, ${version}`)?.perSecond;
      if (theirs !== undefined)
        yield { name: `${own}, ${version} to v1`, value: theirs / mine, unit: "times", reach: `>= ${reach}` };
    }
    for (const { peer, reach } of ratios) {
      const theirs = results.get(peer)?.perSecond;
      if (theirs !== undefined)
        yield { name: `${own} to ${peer}`, value: mine / theirs, unit: "times", reach: `>= ${reach}` };
    }
  }
}

/** Opens a server whose host answers each frame with a transfer's answer and does nothing else. */
export async function openEcho(directory: string, accountCount: number): Promise<OpenSystem> {
  const server = await BenchServer.open(directory, { isEcho: true });
  await server.publish("bank", await typescriptModule("bank"));
  return opened(server, accountCount);
}

/** Opens a server with the bank and its accounts. */
export async function openBank(directory: string, program: Program, accountCount: number): Promise<OpenSystem> {
  const server = await BenchServer.open(directory);
  await server.publish("bank", program);
  await server.call("bank", "open_accounts", [accountCount]);
  return opened(server, accountCount);
}

function opened(server: BenchServer, accountCount: number): OpenSystem {
  return { target: server.target("bank", accountCount), processes: server.processes, stop: () => server.stop() };
}

const systems: readonly System[] = [
  {
    name: "echo",
    open: (run, accountCount) => openEcho(join(run.directory, "echo"), accountCount),
  },
  {
    name: "TypeScript module",
    open: async (run, accountCount) =>
      openBank(join(run.directory, "typescript"), await typescriptModule("bank"), accountCount),
  },
  {
    name: "Rust module",
    open: async (run, accountCount) => {
      const program = await rustModule("bank");
      if (program !== undefined) return openBank(join(run.directory, "rust"), program, accountCount);
      run.say("  Rust module: skipped, modules/rust is not built");
      return undefined;
    },
  },
  {
    name: "SQLite FULL",
    open: (run, accountCount) =>
      openPeer("sqlite-main.ts", [join(run.directory, "full.db"), "FULL", String(accountCount)], accountCount),
  },
  {
    name: "SQLite NORMAL",
    open: (run, accountCount) =>
      openPeer("sqlite-main.ts", [join(run.directory, "normal.db"), "NORMAL", String(accountCount)], accountCount),
  },
  {
    name: "PostgreSQL",
    open: async (run, accountCount) => {
      const peer = await openPostgres(run.directory, accountCount);
      if (peer === undefined) run.say("  PostgreSQL: skipped, it is not installed");
      return peer;
    },
  },
  {
    name: "reference server",
    open: (run, accountCount) => {
      const address = process.env[referenceVariable];
      if (address === undefined) {
        run.say(`  reference server: skipped, ${referenceVariable} is not set`);
        return Promise.resolve(undefined);
      }
      const { port, pathname } = new URL(address);
      const path = `/v1/database${pathname}/subscribe?compression=None`;
      return Promise.resolve({ target: { port: Number(port), path, accountCount }, stop: () => Promise.resolve() });
    },
  },
];
