/**
 * What a WebAssembly binary says of itself, as far as a host must know before it compiles it:
 * its imports and exports with their types, its memory and its tables.
 *
 *   binary  = "\0asm" | version u32 = 1 | section*
 *   section = id u8 | byteCount leb | content       1 types, 2 imports, 3 functions, 4 tables, 5 memories, 7 exports
 *
 * The JavaScript API tells neither the types of imports nor the bounds of the memory, hence this reader.
 * It checks only what it reads; the engine that compiles the binary validates the rest.
 */
import { BinaryReader, leb } from "./binary-reader.ts";
import { invalid } from "./invalid.ts";

/** A function's type as text: `(i32,i64)->(i32)`. */
export type Signature = string;

export type ExternKind = "function" | "table" | "memory" | "global" | "tag";

export interface WasmImport {
  readonly module: string;
  readonly name: string;
  readonly kind: ExternKind;
  /** Of a function. */
  readonly signature: Signature | undefined;
}

export interface WasmExport {
  readonly name: string;
  readonly kind: ExternKind;
  readonly index: number;
  readonly signature: Signature | undefined;
}

export interface WasmMemory {
  readonly pagesMin: number;
  readonly pagesMax: number | undefined;
}

export interface WasmBinary {
  readonly imports: readonly WasmImport[];
  readonly exports: readonly WasmExport[];
  readonly memories: readonly WasmMemory[];
  readonly tables: readonly { readonly elementsMin: number }[];
  /** Where the memory section stands, its id included. */
  readonly memorySection: { readonly start: number; readonly end: number } | undefined;
}

const externKinds: readonly ExternKind[] = ["function", "table", "memory", "global", "tag"];
const valueTypes = new Map([
  [0x7f, "i32"],
  [0x7e, "i64"],
  [0x7d, "f32"],
  [0x7c, "f64"],
  [0x7b, "v128"],
  [0x70, "funcref"],
  [0x6f, "externref"],
  [0x69, "exnref"],
]);

/** Reads a binary. @throws {LightconeError} `ModuleInvalid` when it is not one, or uses what modules may not */
export function readWasmBinary(bytes: Uint8Array): WasmBinary {
  const input = new BinaryReader(bytes, 0, bytes.length);
  readHeader(bytes, input);

  const types: Signature[] = [];
  const imports: WasmImport[] = [];
  const functions: (Signature | undefined)[] = [];
  const exports: { name: string; kind: ExternKind; index: number }[] = [];
  const memories: WasmMemory[] = [];
  const tables: { elementsMin: number }[] = [];
  let memorySection: WasmBinary["memorySection"];

  while (!input.done) {
    const start = input.at;
    const id = input.byte();
    const section = input.part(input.u32());
    if (id === 1) each(section, () => types.push(readFunctionType(section)));
    if (id === 2) {
      each(section, () => {
        const found = readImport(section, types);
        imports.push(found);
        if (found.kind === "function") functions.push(found.signature);
      });
    }
    if (id === 3) each(section, () => functions.push(types[section.u32()]));
    if (id === 4) each(section, () => tables.push(readTable(section)));
    if (id === 5) {
      each(section, () => memories.push(readMemory(section)));
      memorySection = { start, end: input.at };
    }
    if (id === 7)
      each(section, () => exports.push({ name: section.name(), kind: readKind(section), index: section.u32() }));
  }
  return {
    imports,
    exports: exports.map((found) => ({
      ...found,
      signature: found.kind === "function" ? functions[found.index] : undefined,
    })),
    memories,
    tables,
    memorySection,
  };
}

/** The binary with its one memory bounded by `pagesMax`. */
export function withMemoryMax(bytes: Uint8Array, binary: WasmBinary, pagesMax: number): Uint8Array<ArrayBuffer> {
  const memory = binary.memories[0];
  const section = binary.memorySection;
  if (memory === undefined || section === undefined) return bytes.slice();
  const content = [1, 1, ...leb(memory.pagesMin), ...leb(Math.min(memory.pagesMax ?? pagesMax, pagesMax))];
  const replaced = [5, ...leb(content.length), ...content];
  const out = new Uint8Array(section.start + replaced.length + (bytes.length - section.end));
  out.set(bytes.subarray(0, section.start), 0);
  out.set(replaced, section.start);
  out.set(bytes.subarray(section.end), section.start + replaced.length);
  return out;
}

function readHeader(bytes: Uint8Array, input: BinaryReader): void {
  const magic = [0x00, 0x61, 0x73, 0x6d];
  if (bytes.length < 8 || magic.some((byte, at) => bytes[at] !== byte)) {
    throw invalid(
      "it is not a WebAssembly binary (it does not begin with the bytes 00 61 73 6d). Publish the `.wasm` file that the build wrote",
    );
  }
  input.skip(4);
  const version = input.byte() + input.byte() * 0x100 + input.byte() * 0x1_0000 + input.byte() * 0x100_0000;
  if (version !== 1) {
    throw invalid(
      `it has WebAssembly version ${version}, not 1. Build a core module for wasm32-unknown-unknown, not a component`,
    );
  }
}

/** Reads a vector: a count, then so many elements. Each takes a byte at least, so a false count ends early. */
function each(section: BinaryReader, read: () => void): void {
  const count = section.u32();
  for (let at = 0; at < count; at += 1) read();
}

function readFunctionType(section: BinaryReader): Signature {
  const form = section.byte();
  if (form !== 0x60) {
    throw invalid(
      `it declares a type of form 0x${form.toString(16)}; only plain function types are supported. Build without the garbage-collection proposal`,
    );
  }
  const types = () => {
    const names: string[] = [];
    each(section, () => names.push(readValueType(section)));
    return `(${names.join(",")})`;
  };
  const params = types();
  return `${params}->${types()}`;
}

function readValueType(section: BinaryReader): string {
  const code = section.byte();
  if (code === 0x63 || code === 0x64) {
    section.skipS33();
    return "ref";
  }
  const name = valueTypes.get(code);
  if (name === undefined) throw invalid(`it uses the value type 0x${code.toString(16)}, which is not supported`);
  return name;
}

function readKind(section: BinaryReader): ExternKind {
  const code = section.byte();
  const kind = externKinds[code];
  if (kind === undefined) throw invalid(`it imports or exports something of the unknown kind ${code}`);
  return kind;
}

function readImport(section: BinaryReader, types: readonly Signature[]): WasmImport {
  const module = section.name();
  const name = section.name();
  const kind = readKind(section);
  if (kind === "function") return { module, name, kind, signature: types[section.u32()] };
  if (kind === "table") readTable(section);
  if (kind === "memory") readMemory(section);
  if (kind === "global") {
    readValueType(section);
    section.byte();
  }
  if (kind === "tag") {
    section.byte();
    section.u32();
  }
  return { module, name, kind, signature: undefined };
}

function readMemory(section: BinaryReader): WasmMemory {
  const flags = section.byte();
  if (flags > 1) {
    throw invalid(
      "its memory is shared, 64 bits wide or of custom page size, which is not supported. Build for wasm32-unknown-unknown without threads",
    );
  }
  const pagesMin = section.u32();
  return { pagesMin, pagesMax: flags === 1 ? section.u32() : undefined };
}

function readTable(section: BinaryReader): { elementsMin: number } {
  const first = section.bytes[section.at];
  if (first === 0x40) throw invalid("it has a table with an initial value, which is not supported");
  readValueType(section);
  const flags = section.byte();
  if (flags > 1) throw invalid("it has a table that is shared or 64 bits wide, which is not supported");
  const elementsMin = section.u32();
  if (flags === 1) section.u32();
  return { elementsMin };
}
