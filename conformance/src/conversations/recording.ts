/** The recorded conversations of `conformance/vectors/conversations`, as they are written down. */
import { readFileSync } from "node:fs";
import { v2 } from "@lightcone/protocol";
import { ByteReader } from "@lightcone/sats";

interface Volatile {
  readonly at: number;
  readonly len: number;
  readonly name: string;
}

/** What a connection says, or hears. */
export interface Step {
  readonly dir: "client" | "server" | "http";
  readonly client?: string;
  readonly comment?: string;
  readonly hex?: string;
  readonly text?: string;
  readonly volatile?: readonly Volatile[];
  readonly decoded?: { readonly payload_length?: number };
  readonly open?: Readonly<Record<string, string>> & { readonly request: string };
  readonly close?: { readonly code: number | null; readonly reason?: string };
  readonly dropped?: boolean;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly request?: string;
  readonly request_headers?: Readonly<Record<string, string>>;
  readonly request_body?: string;
}

/** One act of a client, and what each connection heard because of it. */
export interface Exchange {
  /** Unique within its part: the comment, numbered where it comes more than once. */
  readonly name: string;
  readonly act: Step;
  readonly heard: readonly Step[];
}

export interface Part {
  readonly protocol: string;
  readonly module: string;
  readonly exchanges: readonly Exchange[];
}

interface Recording {
  readonly format: string;
  readonly protocol: string;
  readonly module: string;
  readonly steps: readonly Step[];
  readonly also?: readonly { readonly module: string; readonly steps: readonly Step[] }[];
}

export type RecordingName = "v1.bsatn" | "v1.json" | "v2.bsatn" | "v3.bsatn" | "http";

/** The parts of a recording: the first module's, then those of the modules named in `also`. */
export function readRecording(name: RecordingName): readonly Part[] {
  const url = new URL(`../../vectors/conversations/${name}.json`, import.meta.url);
  const recording: Recording = JSON.parse(readFileSync(url, "utf8"));
  if (recording.format !== "lightcone-conversations/1") throw new Error(`${name} has format ${recording.format}`);
  return [recording, ...(recording.also ?? [])].map(({ module, steps }) => ({
    protocol: recording.protocol,
    module,
    exchanges: exchangesOf(recording.protocol.startsWith("v3.") ? steps.flatMap(cutStep) : steps),
  }));
}

/**
 * Cuts what a server said in one payload of version 3 into its messages: how many stand in one differs from run to run.
 * What is compressed stays as it is.
 */
function cutStep(step: Step): readonly Step[] {
  const { dir, hex, volatile: ranges = [] } = step;
  if (dir !== "server" || hex?.startsWith("00") !== true) return [step];
  return cutPayload(Uint8Array.from(Buffer.from(hex, "hex"))).map(({ from, to, bytes }) => ({
    ...step,
    hex: Buffer.from(bytes).toString("hex"),
    volatile: ranges.filter(({ at }) => at >= from && at < to).map((range) => ({ ...range, at: range.at - from + 1 })),
  }));
}

/** A message of a payload: where it stands there, and as a payload of its own. */
interface CutMessage {
  readonly from: number;
  readonly to: number;
  readonly bytes: Uint8Array;
}

/** The messages of a server's payload of version 3 that is not compressed. */
export function cutPayload(payload: Uint8Array): readonly CutMessage[] {
  const input = new ByteReader(payload);
  input.at = 1;
  const messages: CutMessage[] = [];
  do {
    const from = input.at;
    v2.readServerMessage(input);
    messages.push({ from, to: input.at, bytes: Uint8Array.of(0, ...payload.subarray(from, input.at)) });
  } while (input.remaining > 0);
  return messages;
}

function exchangesOf(steps: readonly Step[]): readonly Exchange[] {
  const exchanges: { name: string; act: Step; heard: Step[] }[] = [];
  const uses = new Map<string, number>();
  for (const step of steps) {
    if (step.dir === "server") {
      exchanges.at(-1)?.heard.push(step);
      continue;
    }
    const comment = step.comment ?? step.request ?? "";
    const count = (uses.get(comment) ?? 0) + 1;
    uses.set(comment, count);
    exchanges.push({ name: count === 1 ? comment : `${comment} (${count})`, act: step, heard: [] });
  }
  return exchanges;
}
