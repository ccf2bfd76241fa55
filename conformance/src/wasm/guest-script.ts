/**
 * Scripts of host calls, run by a guest assembled for the purpose: what no compiler would emit can be tried.
 *
 * Each step calls one host function with constants; its result is kept. At the end the guest hands its memory
 * over, so that a test sees what the host wrote. The tables stand in `guestSchema`.
 *
 *   memory: 64 description · 2048 results, 4 bytes a step · 4096 data and out-values · 65536 buffers · 4 pages
 */
import { type HostFunctionName, op, buildModule, u32Bytes } from "@lightcone/host-wasm/testing";
import type { CallOutcome } from "@lightcone/host";
import { encodeRawV9, type RawModuleDefV9, type RawTableV9 } from "@lightcone/schema";
import { bytes, product, t } from "@lightcone/sats";
import { EngineDatabase } from "./engine-database.ts";

export type Step = readonly [name: HostFunctionName, ...args: number[]];

export const dataAt = 4096;
export const outAt = 32_768;
export const bufferAt = 65_536;
const resultsAt = 2048;
const memoryBytes = 4 * 65_536;

const table = (name: string, typeRef: number, parts: Partial<RawTableV9>): RawTableV9 => ({
  name,
  typeRef,
  primaryKey: [],
  indexes: [],
  constraints: [],
  sequences: [],
  schedule: undefined,
  kind: "user",
  access: "public",
  ...parts,
});
const btree = (...columns: number[]) => ({
  name: undefined,
  accessor: undefined,
  algorithm: { kind: "btree", columns } as const,
});
const sequence = (column: number) => ({
  name: undefined,
  column,
  start: undefined,
  min: undefined,
  max: undefined,
  increment: 1n,
});

/** `item`: keys of every kind. `mark`: none. `blob`: rows of any size. */
export const guestSchema: RawModuleDefV9 = {
  version: 9,
  typespace: [
    product({ id: t.u64, tag: t.u16, name: t.string, a: t.u32, b: t.i16 }),
    product({ x: t.i32, y: t.i32 }),
    product({ id: t.u32, data: bytes }),
  ],
  tables: [
    table("item", 0, {
      primaryKey: [0],
      indexes: [
        btree(0),
        btree(2),
        btree(3, 4),
        { name: undefined, accessor: undefined, algorithm: { kind: "hash", columns: [3] } },
      ],
      constraints: [
        { name: undefined, columns: [0] },
        { name: undefined, columns: [2] },
      ],
      sequences: [sequence(0), sequence(1)],
    }),
    table("mark", 1, {}),
    table("blob", 2, { primaryKey: [0], indexes: [btree(0)], constraints: [{ name: undefined, columns: [0] }] }),
  ],
  reducers: [{ name: "run", params: [], lifecycle: undefined }],
  types: ["Item", "Mark", "Blob"].map((name, ref) => ({ scope: [], name, ref, customOrdering: true })),
  miscExports: [],
  rowLevelRules: [],
};

export interface ScriptRun {
  readonly outcome: CallOutcome;
  /** What each step returned; undefined for steps that return nothing. */
  readonly results: readonly (number | undefined)[];
  readonly memory: Uint8Array;
  readonly database: EngineDatabase;
  u32(at: number): number;
  hex(at: number, length: number): string;
}

/** Names that the scripts need, in the guest's memory. */
export class GuestData {
  readonly parts: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  private at = dataAt;

  /** Puts bytes (text, hex, or numbers) into the guest's data and gives their place. */
  put(content: string | { hex: string } | readonly number[]): [at: number, length: number] {
    const raw =
      typeof content === "string"
        ? Buffer.from(content)
        : "hex" in content
          ? Buffer.from(content.hex.replaceAll(" ", ""), "hex")
          : Uint8Array.from(content);
    const at = this.at;
    this.parts.push({ at, bytes: raw });
    this.at += raw.length + 1;
    return [at, raw.length];
  }

  /** Puts bytes, and behind them their length as an in-out value; gives both places. */
  putWithLength(content: Parameters<GuestData["put"]>[0]): [at: number, lengthAt: number] {
    const [at, length] = this.put(content);
    return [at, this.put(u32Bytes(length))[0]];
  }
}

export interface ScriptOptions {
  readonly data?: GuestData;
  /** Runs the steps in a procedure, where there is no transaction. */
  readonly inProcedure?: boolean;
  /** Code put before the steps. */
  readonly before?: readonly number[];
  /** Rows to insert first, as hex by table. */
  readonly rows?: readonly (readonly [table: string, hex: string])[];
  readonly claims?: ReadonlyMap<string, Uint8Array>;
}

const returnsNothing: ReadonlySet<string> = new Set([
  "identity",
  "console_log",
  "volatile_nonatomic_schedule_immediate",
]);
const dumpName = "the guest's memory";

/** A guest whose reducer `run`, or procedure, takes the steps and then hands its memory over. */
export function scriptProgram(
  steps: readonly Step[],
  options: ScriptOptions,
  data: GuestData,
): Uint8Array<ArrayBuffer> {
  const [dumpAt, dumpLength] = data.put(dumpName);
  const uses: HostFunctionName[] = ["volatile_nonatomic_schedule_immediate"];
  const code: number[] = [...(options.before ?? [])];
  steps.forEach(([name, ...args], step) => {
    if (!uses.includes(name)) uses.push(name);
    const index = name === "bytes_sink_write" ? 0 : uses.indexOf(name) + 1;
    const values = args.flatMap((value) => (name === "procedure_sleep_until" ? op.i64(value) : op.i32(value)));
    if (returnsNothing.has(name)) code.push(...values, ...op.call(index));
    else if (name === "procedure_sleep_until") code.push(...values, ...op.call(index), ...op.drop);
    else code.push(...op.i32(resultsAt + 4 * step), ...values, ...op.call(index), ...op.store);
  });
  code.push(
    ...op.i32(dumpAt),
    ...op.i32(dumpLength),
    ...op.i32(1),
    ...op.i32(memoryBytes - 1),
    ...op.call(1),
    ...op.i32(0),
  );
  return new Uint8Array(
    buildModule({
      uses,
      description: encodeRawV9(guestSchema),
      memory: { min: 4 },
      data: data.parts,
      ...(options.inProcedure === true ? { procedure: code } : { reducer: code }),
    }),
  );
}

/** Runs steps in a guest made of them. */
export function runScript(steps: readonly Step[], options: ScriptOptions = {}): ScriptRun {
  const binary = scriptProgram(steps, options, options.data ?? new GuestData());
  const database = new EngineDatabase(binary, options.claims === undefined ? {} : { claims: options.claims });
  insertRows(database, options.rows ?? []);
  const outcome = options.inProcedure === true ? runProcedure(database) : database.callRaw(0, new Uint8Array(0));
  const dump = database.scheduled.find((call) => call.name === dumpName)?.args ?? new Uint8Array(0);
  const memory = new Uint8Array(dump.length + 1);
  memory.set(dump, 1);
  const view = new DataView(memory.buffer);
  return {
    outcome,
    memory,
    database,
    results: steps.map(([name], step) =>
      returnsNothing.has(name) || memory.length === 1 ? undefined : view.getInt32(resultsAt + 4 * step, true),
    ),
    u32: (at) => view.getUint32(at, true),
    hex: (at, length) => Buffer.from(memory.subarray(at, at + length)).toString("hex"),
  };
}

function runProcedure(database: EngineDatabase): CallOutcome {
  const { traceCall } = database;
  const outcome = database.instance.callProcedure?.({ procedureId: 0, ...traceCall });
  if (outcome === undefined) throw new Error("the module has no procedure that ends at once");
  return outcome.kind === "ok" ? { kind: "ok" } : outcome;
}

function insertRows(database: EngineDatabase, rows: NonNullable<ScriptOptions["rows"]>): void {
  database.transact(() => {
    for (const [name, hex] of rows) {
      const bytes = Buffer.from(hex.replaceAll(" ", ""), "hex");
      const table = database.store.tx.tableId(name);
      if (table === 0 || database.store.tx.insert(table, bytes, 0, bytes.length) < 0)
        throw new Error(database.store.tx.failure());
    }
  });
}
