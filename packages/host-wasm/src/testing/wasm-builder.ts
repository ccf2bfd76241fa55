/**
 * Assembles small WebAssembly binaries byte by byte, for tests of what a compiler would never emit.
 *
 * Types are written as in the ABI's tables: `(i32,i64)->(i32)`. Code is bytes; `op` makes them.
 */
import { leb } from "../binary-reader.ts";
import { describeExport, type HostFunctionName, hostFunctions } from "../abi.ts";

export type { HostFunctionName };

export interface FunctionPart {
  readonly signature: string;
  readonly code: readonly number[];
  /** i32 locals behind the parameters. */
  readonly locals?: number;
  readonly exportAs?: string;
}

export interface BinaryParts {
  /** `module.name` and a type; a kind other than function as the bytes of its descriptor. */
  readonly imports?: readonly {
    readonly module: string;
    readonly name: string;
    readonly signature?: string;
    readonly descriptor?: readonly number[];
  }[];
  readonly functions?: readonly FunctionPart[];
  readonly memory?: { readonly min: number; readonly max?: number; readonly exportAs?: string } | undefined;
  /** Bytes put into memory at start. */
  readonly data?: readonly { readonly at: number; readonly bytes: readonly number[] | Uint8Array }[];
  /** The function that runs while the module is instantiated. */
  readonly start?: number;
}

const typeCodes: Readonly<Record<string, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c };
const encoder = new TextEncoder();

const vec = (items: readonly (readonly number[])[]): number[] => [...leb(items.length), ...items.flat()];
const text = (value: string): number[] => {
  const bytes = encoder.encode(value);
  return [...leb(bytes.length), ...bytes];
};
const section = (id: number, content: readonly number[]): number[] => [id, ...leb(content.length), ...content];

/** The signed LEB128 of a 32-bit number. */
function signedLeb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

export const op = {
  i32: (value: number): number[] => [0x41, ...signedLeb(value)],
  i64: (value: number): number[] => [0x42, ...signedLeb(value)],
  get: (local: number): number[] => [0x20, ...leb(local)],
  set: (local: number): number[] => [0x21, ...leb(local)],
  call: (index: number): number[] => [0x10, ...leb(index)],
  /** Stores the i32 on top at the address below it. */
  store: [0x36, 0, 0],
  growMemory: [0x40, 0],
  drop: [0x1a],
  unreachable: [0x00],
  /** An endless loop. */
  spin: [0x03, 0x40, 0x0c, 0, 0x0b],
} as const;

/** Assembles a binary. */
export function buildWasm(parts: BinaryParts): Uint8Array<ArrayBuffer> {
  const types: string[] = [];
  const typeIndex = (signature: string): number => {
    const at = types.indexOf(signature);
    return at === -1 ? types.push(signature) - 1 : at;
  };
  const imports = (parts.imports ?? []).map((part) => [
    ...text(part.module),
    ...text(part.name),
    ...(part.descriptor ?? [0, ...leb(typeIndex(part.signature ?? "()->()"))]),
  ]);
  const importedFunctions = (parts.imports ?? []).filter((part) => part.descriptor === undefined).length;
  const functions = parts.functions ?? [];
  const declared = functions.map((part) => leb(typeIndex(part.signature)));
  const exports = functions.flatMap((part, at) =>
    part.exportAs === undefined ? [] : [[...text(part.exportAs), 0, ...leb(importedFunctions + at)]],
  );
  const { memory } = parts;
  if (memory !== undefined) exports.push([...text(memory.exportAs ?? "memory"), 2, 0]);
  const bodies = functions.map((part) => {
    const body = [...(part.locals === undefined ? [0] : [1, ...leb(part.locals), 0x7f]), ...part.code, 0x0b];
    return [...leb(body.length), ...body];
  });
  const data = (parts.data ?? []).map((part) => [
    0,
    ...op.i32(part.at),
    0x0b,
    ...leb(part.bytes.length),
    ...part.bytes,
  ]);
  const limits =
    memory === undefined
      ? []
      : memory.max === undefined
        ? [0, ...leb(memory.min)]
        : [1, ...leb(memory.min), ...leb(memory.max)];
  const sections = [
    [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(1, vec(types.map(functionType))),
    section(2, vec(imports)),
    section(3, vec(declared)),
    memory === undefined ? [] : section(5, vec([limits])),
    section(7, vec(exports)),
    parts.start === undefined ? [] : section(8, leb(parts.start)),
    section(10, vec(bodies)),
    data.length === 0 ? [] : section(11, vec(data)),
  ];
  return Uint8Array.from(sections.flat());
}

function functionType(signature: string): number[] {
  const [params, results] = signature.split("->").map((side) =>
    side
      .slice(1, -1)
      .split(",")
      .filter((name) => name !== ""),
  );
  const codes = (names: readonly string[] | undefined) => vec((names ?? []).map((name) => [typeCodes[name] ?? 0x7f]));
  return [0x60, ...codes(params), ...codes(results)];
}

export const callSignature = "(i32,i64,i64,i64,i64,i64,i64,i64,i32,i32)->(i32)";

/** The parameters of `__call_reducer__` that test code uses. */
export const callParameter = { id: 0, args: 8, sink: 9 } as const;

/** The bytes of a description with one reducer, `noop`. */
export const noopDescription: readonly number[] = [
  1, // V9
  u32Bytes(0), // typespace
  u32Bytes(0), // tables
  u32Bytes(1), // reducers: name, no parameters, no life cycle
  u32Bytes(4),
  [...encoder.encode("noop")],
  u32Bytes(0),
  1,
  u32Bytes(0), // types
  u32Bytes(0), // miscellaneous
  u32Bytes(0), // row-level security
].flat();

export interface ModuleParts {
  /** Host functions that the code calls, by their position here. */
  readonly uses?: readonly HostFunctionName[];
  /** Code of the reducer; it must leave an i32. */
  readonly reducer?: readonly number[];
  readonly reducerLocals?: number;
  readonly procedure?: readonly number[];
  readonly functions?: readonly FunctionPart[];
  readonly memory?: BinaryParts["memory"];
  readonly data?: BinaryParts["data"];
  /** Code of `__describe_module__`; by default it writes the description. */
  readonly describe?: readonly number[];
  /** The description; by default `noopDescription`. At most 1900 bytes, behind address 64. */
  readonly description?: readonly number[] | Uint8Array;
}

const describeAt = 64;

/** Assembles a module that starts and describes itself. `bytes_sink_write` is always its import 0, `uses` follow. */
export function buildModule(parts: ModuleParts): Uint8Array<ArrayBuffer> {
  const uses: readonly HostFunctionName[] = ["bytes_sink_write", ...(parts.uses ?? [])];
  const describe = parts.describe ?? [
    ...op.get(0),
    ...op.i32(describeAt + 4),
    ...op.i32(describeAt),
    ...op.call(0),
    ...op.drop,
  ];
  const description = parts.description ?? noopDescription;
  return buildWasm({
    imports: uses.map((name) => ({
      module: `spacetime_10.${hostFunctions[name].minor}`,
      name,
      signature: hostFunctions[name].signature,
    })),
    functions: [
      { signature: "(i32)->()", code: describe, exportAs: describeExport },
      {
        signature: callSignature,
        code: parts.reducer ?? op.i32(0),
        locals: parts.reducerLocals ?? 0,
        exportAs: "__call_reducer__",
      },
      ...(parts.procedure === undefined
        ? []
        : [{ signature: callSignature, code: parts.procedure, exportAs: "__call_procedure__" }]),
      ...(parts.functions ?? []),
    ],
    memory: parts.memory ?? { min: 2 },
    data: [{ at: describeAt, bytes: [...u32Bytes(description.length), ...description] }, ...(parts.data ?? [])],
  });
}

/** A u32 as it lies in memory. */
export function u32Bytes(value: number): number[] {
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, (value >>> 24) & 0xff];
}
