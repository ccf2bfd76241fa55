/**
 * The module ABI as tables: what a module may import, and what it must export.
 * What the functions do: docs/wire/module-abi.md.
 */
import type { Signature } from "./wasm-binary.ts";

export const abiMajor = 10;
export const abiMinorMax = 5;

export interface HostFunction {
  /** The minor version of the namespace that the function stands in. */
  readonly minor: number;
  readonly signature: Signature;
}

const i32s = (count: number): Signature => `(${Array.from({ length: count }, () => "i32").join(",")})`;
const errno = (minor: number, paramCount: number): HostFunction => ({ minor, signature: `${i32s(paramCount)}->(i32)` });
const nothing = (minor: number, paramCount: number): HostFunction => ({ minor, signature: `${i32s(paramCount)}->()` });

export const hostFunctions = {
  table_id_from_name: errno(0, 3),
  index_id_from_name: errno(0, 3),
  datastore_table_row_count: errno(0, 2),
  datastore_table_scan_bsatn: errno(0, 2),
  datastore_index_scan_range_bsatn: errno(0, 9),
  datastore_btree_scan_bsatn: errno(0, 9),
  datastore_delete_by_index_scan_range_bsatn: errno(0, 9),
  datastore_delete_by_btree_scan_bsatn: errno(0, 9),
  datastore_delete_all_by_eq_bsatn: errno(0, 4),
  row_iter_bsatn_advance: errno(0, 3),
  row_iter_bsatn_close: errno(0, 1),
  datastore_insert_bsatn: errno(0, 3),
  datastore_update_bsatn: errno(0, 4),
  volatile_nonatomic_schedule_immediate: nothing(0, 4),
  bytes_sink_write: errno(0, 3),
  bytes_source_read: errno(0, 3),
  console_log: nothing(0, 8),
  console_timer_start: errno(0, 2),
  console_timer_end: errno(0, 1),
  identity: nothing(0, 1),
  bytes_source_remaining_length: errno(1, 2),
  get_jwt: errno(2, 2),
  procedure_sleep_until: { minor: 3, signature: "(i64)->(i64)" },
  procedure_start_mut_tx: errno(3, 1),
  procedure_commit_mut_tx: errno(3, 0),
  procedure_abort_mut_tx: errno(3, 0),
  procedure_http_request: errno(3, 5),
  datastore_index_scan_point_bsatn: errno(4, 4),
  datastore_delete_by_index_scan_point_bsatn: errno(4, 4),
  datastore_clear: errno(5, 2),
} as const satisfies Record<string, HostFunction>;

export type HostFunctionName = keyof typeof hostFunctions;

export const describeExport = "__describe_module__";
/** What an early draft called the same thing. */
export const describeExportFallback = "__describe_module_v10__";
export const preinitPrefix = "__preinit__";

const call: Signature = "(i32,i64,i64,i64,i64,i64,i64,i64,i32,i32)->(i32)";

/** Signatures of the exports that a host calls; names that begin with `__preinit__` take and give nothing. */
export const moduleFunctions = {
  [describeExport]: "(i32)->()",
  [describeExportFallback]: "(i32)->()",
  __call_reducer__: call,
  __call_procedure__: call,
  __call_view__: "(i32,i64,i64,i64,i64,i32,i32)->(i32)",
  __call_view_anon__: "(i32,i32,i32)->(i32)",
  __call_http_handler__: "(i32,i64,i32,i32,i32,i32)->(i32)",
  __setup__: "(i32)->(i32)",
  _initialize: "()->()",
} as const satisfies Record<string, Signature>;
