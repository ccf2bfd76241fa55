/** The row of `st_module`: which program the database runs. */
import { asTableId, defined, LightconeError } from "@lightcone/base";
import type { RecordRows, Store } from "@lightcone/engine";
import { ByteReader, ByteWriter, toHexReversed, valueCodec } from "@lightcone/sats";
import { systemTables } from "@lightcone/schema";
import type { DatabaseContext } from "../core/context.ts";
import type { Module, Program } from "../core/module.ts";
import type { HostType } from "../link/link.ts";

const moduleTable = asTableId(6); // st_module
const programKinds: Readonly<Record<HostType, number>> = { wasm: 0, js: 1 };

interface ModuleRow {
  readonly database_identity: bigint;
  readonly owner_identity: bigint;
  readonly program_kind: number;
  readonly program_hash: bigint;
  readonly program_bytes: Uint8Array;
  readonly module_version: string;
}

const moduleRow = valueCodec<ModuleRow>(
  defined(
    systemTables.find(({ def }) => def.name === "st_module"),
    "st_module",
  ).def.rowType,
);

/** Writes, in the open transaction, which program the database goes on with. */
export function storeProgram(
  { store, identity, owner }: Pick<DatabaseContext, "store" | "identity" | "owner">,
  module: Pick<Module, "bytes" | "hash" | "hostType">,
): void {
  const out = new ByteWriter(module.bytes.length + 256);
  moduleRow.write(out, {
    database_identity: bigintOf(identity),
    owner_identity: bigintOf(owner),
    program_kind: programKinds[module.hostType],
    program_hash: BigInt(`0x${module.hash}`),
    program_bytes: module.bytes,
    module_version: "",
  });
  store.system.clear(moduleTable);
  store.system.insert(moduleTable, out.bytes, out.length);
}

/** The program that the database last took in; undefined before the first publish. */
export function storedProgram(store: Store): Program | undefined {
  const row = storedRow(store);
  return row && programOf(row);
}

/** The program that a publish's record brings. @throws {LightconeError} `Malformed` */
export function programIn(record: readonly RecordRows[]): Program | undefined {
  const row = record.find(({ tableId }) => tableId === moduleTable)?.inserts[0];
  return row && programOf(moduleRow.read(new ByteReader(row, "a row of st_module")));
}

function programOf({ program_kind: kind, program_bytes: bytes }: ModuleRow): Program {
  return { hostType: kind === programKinds.js ? "js" : "wasm", program: bytes.slice() };
}

/**
 * Sees to it that the rows are this database's: files may have been restored to the wrong place.
 *
 * @param file what the rows were read from
 * @throws {LightconeError} `Corrupt`
 */
export function checkWhose({ store, identity }: Pick<DatabaseContext, "store" | "identity">, file: string): void {
  const row = storedRow(store);
  if (row === undefined || row.database_identity === bigintOf(identity)) return;
  const whose = row.database_identity.toString(16).padStart(64, "0");
  throw new LightconeError("Corrupt", { file, reason: `it is of another database, ${whose}` });
}

function storedRow(store: Store): ModuleRow | undefined {
  const cursor = store.table(moduleTable)?.openCursor();
  cursor?.seek();
  const row = cursor?.next() ?? -1;
  if (row === -1) return undefined;
  store.resolve(row);
  const { bytes, at, length } = store.row;
  return moduleRow.read(new ByteReader(bytes.subarray(at, at + length)));
}

function bigintOf(littleEndian: Uint8Array): bigint {
  return BigInt(`0x${toHexReversed(littleEndian)}`);
}
