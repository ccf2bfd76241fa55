/**
 * The host functions that read and write tables.
 *
 * They pass the guest's own memory to the engine and copy rows straight back into it. Out-values are written after the
 * operation, so that a bad pointer traps even then. Rules: docs/wire/module-abi.md.
 */
import { asIndexId, asTableId, type IndexId } from "@lightcone/base";
import { Errno, type RowScan, type ScanBound } from "@lightcone/host";
import type { HostFunctionName } from "./abi.ts";
import type { Guest } from "./guest.ts";

const unbounded: ScanBound = { kind: "unbounded" };
const noBytes = new Uint8Array(0);
/** What `find` of the port answers for an index that is not unique. */
const findNotUnique = -Errno.indexNotUnique - 1;
/** Index ids whose kind is remembered. */
const rememberedIndexes = 65_536;

const notKnown = 0;
const unique = 1;
const notUnique = 2;

type RangeArguments = [
  index: number,
  prefixAt: number,
  prefixLength: number,
  prefixColumns: number,
  fromAt: number,
  fromLength: number,
  toAt: number,
  toLength: number,
  outAt: number,
];

export function dataFunctions(guest: Guest) {
  const { port, memory, rows, traps } = guest;
  /** By index id: whether it is unique, learnt from the first point scan. Ids do not change under an instance. */
  let indexKinds = new Uint8Array(4160);

  function kindOf(index: number): number {
    return index < indexKinds.length ? (indexKinds[index] ?? notKnown) : notKnown;
  }

  function remember(index: number, kind: number): void {
    if (index >= rememberedIndexes) return;
    if (index >= indexKinds.length) {
      const grown = new Uint8Array(Math.min(rememberedIndexes, Math.max(index + 1, indexKinds.length * 2)));
      grown.set(indexKinds);
      indexKinds = grown;
    }
    indexKinds[index] = kind;
  }

  function lookUp(
    byName: (name: string) => number,
    missing: number,
    nameAt: number,
    nameLength: number,
    outAt: number,
  ): number {
    memory.sync();
    const name = memory.name(nameAt >>> 0, nameLength >>> 0);
    if (!guest.inTransaction()) return Errno.notInTransaction;
    const id = byName(name);
    if (id === 0) return missing;
    memory.writeU32(outAt >>> 0, id);
    return 0;
  }

  /** Hands a scan, or the error instead of one, to the guest. */
  function deliverScan(scan: RowScan | number, outAt: number): number {
    if (typeof scan === "number") return -scan;
    memory.writeU32(outAt >>> 0, rows.openScan(scan));
    return 0;
  }

  function deliverCount(count: number, outAt: number): number {
    if (count < 0) return -count;
    memory.writeU32(outAt >>> 0, count);
    return 0;
  }

  /** Overwrites the row's start with the generated columns and says how long they are. */
  function deliverGenerated(rowAt: number, lengthAt: number): number {
    const generated = port.generated;
    const length = generated.length;
    if (length > 0) memory.write(rowAt, generated, 0, length);
    memory.writeU32(lengthAt, length);
    return 0;
  }

  function readBound(at: number, length: number): ScanBound | undefined {
    memory.need(at, length);
    const tag = length === 0 ? undefined : memory.u8[at];
    if (tag === 2) return length === 1 ? unbounded : undefined;
    // A copy: the scan outlives this call, and the guest's memory may change under it.
    if (tag === 0) return { kind: "included", bytes: memory.copy(at + 1, length - 1) };
    if (tag === 1) return { kind: "excluded", bytes: memory.copy(at + 1, length - 1) };
    return undefined;
  }

  /** Reads a range and passes it on. `Errno.bsatnDecode`, negated, when it does not decode. */
  function withRange<T>(
    args: RangeArguments,
    run: (index: IndexId, prefix: Uint8Array, prefixColumns: number, from: ScanBound, to: ScanBound) => T,
  ): T | number {
    memory.sync();
    const [index, prefixAt, prefixLength, prefixColumns, fromAt, fromLength, toAt, toLength] = args;
    if (prefixColumns >>> 0 > 0xffff) traps.throw(`a prefix of ${prefixColumns >>> 0} columns`);
    const prefix = prefixColumns === 0 ? noBytes : memory.copy(prefixAt >>> 0, prefixLength >>> 0);
    const from = readBound(fromAt >>> 0, fromLength >>> 0);
    const to = readBound(toAt >>> 0, toLength >>> 0);
    if (from === undefined || to === undefined) return -Errno.bsatnDecode;
    return run(asIndexId(index >>> 0), prefix, prefixColumns >>> 0, from, to);
  }

  const scanRange = (...args: RangeArguments): number =>
    deliverScan(
      withRange(args, (index, prefix, columns, from, to) => port.scanRange(index, prefix, columns, from, to)),
      args[8],
    );
  const deleteRange = (...args: RangeArguments): number =>
    deliverCount(
      withRange(args, (index, prefix, columns, from, to) => port.deleteRange(index, prefix, columns, from, to)),
      args[8],
    );

  return {
    table_id_from_name: (nameAt: number, nameLength: number, outAt: number): number =>
      lookUp((name) => port.tableId(name), Errno.noSuchTable, nameAt, nameLength, outAt),

    index_id_from_name: (nameAt: number, nameLength: number, outAt: number): number =>
      lookUp((name) => port.indexId(name), Errno.noSuchIndex, nameAt, nameLength, outAt),

    datastore_table_row_count(table: number, outAt: number): number {
      memory.sync();
      const count = port.rowCount(asTableId(table >>> 0));
      if (count < 0) return -count;
      memory.writeU64(outAt >>> 0, count);
      return 0;
    },

    datastore_table_scan_bsatn(table: number, outAt: number): number {
      memory.sync();
      return deliverScan(port.scanTable(asTableId(table >>> 0)), outAt);
    },

    datastore_index_scan_point_bsatn(indexId: number, keyAt: number, keyLength: number, outAt: number): number {
      memory.sync();
      const at = keyAt >>> 0;
      const length = keyLength >>> 0;
      const index = asIndexId(indexId >>> 0);
      memory.need(at, length);
      const kind = kindOf(index);
      if (kind !== notUnique) {
        const row = port.find(index, memory.u8, at, length);
        if (row >= -1) {
          if (kind === notKnown) remember(index, unique);
          memory.writeU32(outAt >>> 0, rows.openRow(row));
          return 0;
        }
        if (row !== findNotUnique) return -row - 1;
        remember(index, notUnique);
      }
      return deliverScan(port.scanPoint(index, memory.u8, at, length), outAt);
    },

    datastore_index_scan_range_bsatn: scanRange,
    datastore_btree_scan_bsatn: scanRange,
    datastore_delete_by_index_scan_range_bsatn: deleteRange,
    datastore_delete_by_btree_scan_bsatn: deleteRange,

    datastore_delete_by_index_scan_point_bsatn(index: number, keyAt: number, keyLength: number, outAt: number): number {
      memory.sync();
      const at = keyAt >>> 0;
      const length = keyLength >>> 0;
      memory.need(at, length);
      return deliverCount(port.deletePoint(asIndexId(index >>> 0), memory.u8, at, length), outAt);
    },

    datastore_delete_all_by_eq_bsatn(table: number, rowsAt: number, rowsLength: number, outAt: number): number {
      memory.sync();
      return deliverCount(port.deleteRows(asTableId(table >>> 0), memory.bytes(rowsAt >>> 0, rowsLength >>> 0)), outAt);
    },

    datastore_clear(table: number, outAt: number): number {
      memory.sync();
      const count = port.clear(asTableId(table >>> 0));
      if (count < 0) return -count;
      memory.writeU64(outAt >>> 0, count);
      return 0;
    },

    row_iter_bsatn_advance(handle: number, bufferAt: number, lengthAt: number): number {
      memory.sync();
      return rows.advance(handle >>> 0, bufferAt >>> 0, lengthAt >>> 0);
    },

    row_iter_bsatn_close: (handle: number): number => rows.close(handle >>> 0),

    datastore_insert_bsatn(table: number, rowAt: number, lengthAt: number): number {
      memory.sync();
      const at = rowAt >>> 0;
      const length = memory.readU32(lengthAt >>> 0);
      memory.need(at, length);
      const row = port.insert(asTableId(table >>> 0), memory.u8, at, length);
      return row < 0 ? -row : deliverGenerated(at, lengthAt >>> 0);
    },

    datastore_update_bsatn(table: number, index: number, rowAt: number, lengthAt: number): number {
      memory.sync();
      const at = rowAt >>> 0;
      const length = memory.readU32(lengthAt >>> 0);
      memory.need(at, length);
      const row = port.update(asTableId(table >>> 0), asIndexId(index >>> 0), memory.u8, at, length);
      return row < 0 ? -row : deliverGenerated(at, lengthAt >>> 0);
    },
  } satisfies Partial<Record<HostFunctionName, unknown>>;
}
