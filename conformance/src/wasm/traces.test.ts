// Goal: the host calls that the specification recorded from a real module happen here, in order and byte for byte.
// Method: the module of the recording, compiled from our source, on the real engine; a watcher writes each call down.
import { readFileSync } from "node:fs";
import type { HostCallWatcher } from "@lightcone/host-wasm";
import { describe, expect, test } from "vitest";
import { rustModule } from "../rust-modules.ts";
import { EngineDatabase } from "./engine-database.ts";

interface Recorded {
  readonly reducer: string;
  readonly id: number;
  readonly args_hex: string;
  readonly return_code?: number;
  readonly result?: string;
  readonly error_sink_utf8?: string;
  readonly host_calls?: readonly (readonly string[])[];
}
const vectors: { vectors: { id: string; bsatn_hex: string }[]; call_traces: { module: string; calls: Recorded[] }[] } =
  JSON.parse(readFileSync(new URL("../../vectors/module-def.json", import.meta.url), "utf8"));
const recorded = vectors.call_traces.find((trace) => trace.module === "chat-1.12")?.calls ?? [];
const path = rustModule("chat-trace");

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const u32 = (bytes: Uint8Array) => Buffer.from(bytes).readUInt32LE();

/** Notes each call as the recording does: the name, what went in, what came out. */
function notes(): { readonly watch: HostCallWatcher; take(): string[][] } {
  let lines: string[][] = [];
  const watch: HostCallWatcher = (name, args, read) => {
    const [a = 0, b = 0, c = 0, d = 0] = args.map(Number);
    const line: string[] = [name];
    lines.push(line);
    const text = (at: number, length: number) => Buffer.from(read(at, length)).toString();
    if (name === "table_id_from_name" || name === "index_id_from_name") line.push(text(a, b));
    if (name === "console_log") line.push(`level ${a}`);
    if (name === "datastore_index_scan_point_bsatn") line.push(`point=${hex(read(b, c))}`);
    if (name === "row_iter_bsatn_advance" || name === "bytes_source_read") {
      line.push(`capacity ${u32(read(c, 4))}`);
      return (result) => line.push(`-> ${u32(read(c, 4))} bytes, return ${String(result)}`);
    }
    if (name === "bytes_source_remaining_length") return () => line.push(`-> ${u32(read(b, 4))}`);
    if (name === "datastore_insert_bsatn" || name === "datastore_update_bsatn") {
      const [rowAt, lengthAt] = name === "datastore_insert_bsatn" ? [b, c] : [c, d];
      line.push(`row=${hex(read(rowAt, u32(read(lengthAt, 4))))}`);
      return () => line.push(`-> write-back ${hex(read(rowAt, u32(read(lengthAt, 4))))}`);
    }
    return undefined;
  };
  return {
    watch,
    take: () => {
      const taken = lines;
      lines = [];
      return taken;
    },
  };
}

/** The same sentence in one wording: the recording says some things in prose. */
const wordings: readonly (readonly [RegExp, string])[] = [
  [/^-> len 0, return -1$/, "-> 0 bytes, return -1"],
  [/ in the same call$/, ""],
  [/^-> write-back length 0$/, "-> write-back "],
  [/^(-> write-back [0-9a-f]+), length \d+$/, "$1"],
  [/^level (\d+), .*$/, "level $1"],
];
const plain = (sentence: string) => wordings.reduce((text, [from, to]) => text.replace(from, to), sentence);
/** Sentences of the recording that say less than ours, by pattern. */
const vague = /^(?:-> (?:empty iterator|\d+ row)|same point|index .*, same row|row with id column 0 .*)$/;

/** How a recorded call must end. */
function outcomeOf(call: Recorded): object {
  if (call.return_code === 0) return { kind: "ok" };
  if (call.return_code === 1) return { kind: "error", message: call.error_sink_utf8 };
  return { kind: "panic", fatal: true };
}

describe.skipIf(path === undefined)("chat-trace", () => {
  test("describes itself as recorded", () => {
    const db = new EngineDatabase(readFileSync(path ?? ""));
    expect(hex(db.instance.description)).toBe(vectors.vectors.find((vector) => vector.id === "chat-1.12")?.bsatn_hex);
  });

  test("makes the recorded calls", () => {
    const noted = notes();
    const db = new EngineDatabase(readFileSync(path ?? ""), { watch: noted.watch });
    expect(recorded.length).toBeGreaterThan(0);
    for (const call of recorded) {
      noted.take();
      const outcome = db.callRaw(call.id, Buffer.from(call.args_hex, "hex"));
      expect(outcome).toMatchObject(outcomeOf(call));
      const calls = noted.take();
      const wanted = call.host_calls ?? calls.map(([name]) => [name ?? ""]);
      expect(calls.map(([name]) => name)).toEqual(wanted.map(([name]) => name));
      wanted.forEach((sentences, at) => {
        const telling = sentences.filter((sentence) => !vague.test(sentence)).map(plain);
        expect(calls[at]).toEqual(expect.arrayContaining(telling));
      });
    }
    expect(db.rows("message")).toMatchObject([{ id: 1n, text: "hi" }]);
    expect(db.rows("user")).toMatchObject([{ online: true }]);
    expect(db.logs.find((line) => line.message === "message hi")).toMatchObject({
      level: 2,
      target: "chat",
      file: expect.stringMatching(/src\/lib\.rs$/),
    });
  });
});

describe.skipIf(path === undefined)("the order that a module insists on", () => {
  test("a reducer that is not there is a panic", () => {
    const db = new EngineDatabase(readFileSync(path ?? ""));
    expect(db.callRaw(7, new Uint8Array(0))).toMatchObject({ kind: "panic", fatal: true });
    expect(db.logs.at(-1)).toMatchObject({ level: 101 });
  });

  test("each further instance is described by itself and works", () => {
    const db = new EngineDatabase(readFileSync(path ?? ""));
    const other = db.program.open(db.port);
    expect(other.description).toEqual(db.instance.description);
    db.instance = other;
    expect(db.callRaw(0, new Uint8Array(0))).toEqual({ kind: "ok" });
  });
});
