/** What bundles of the official package import, by version: docs/wire/javascript-abi.md says what each does. */

const rows = `
  table_id_from_name index_id_from_name datastore_table_row_count datastore_table_scan_bsatn
  datastore_index_scan_range_bsatn datastore_delete_by_index_scan_range_bsatn datastore_delete_all_by_eq_bsatn
  row_iter_bsatn_advance row_iter_bsatn_close datastore_insert_bsatn datastore_update_bsatn
`;
const points = "datastore_index_scan_point_bsatn datastore_delete_by_index_scan_point_bsatn";
const others = `
  volatile_nonatomic_schedule_immediate console_log console_timer_start console_timer_end identity get_jwt_payload
`;
const procedures = "procedure_http_request procedure_start_mut_tx procedure_commit_mut_tx procedure_abort_mut_tx";

const words = (...texts: string[]): readonly string[] => texts.join(" ").trim().split(/\s+/);

/** Module name → the names that it exports. */
export const sysModules: Readonly<Record<string, readonly string[]>> = {
  "spacetime:sys@1.0": words("register_hooks", rows, others),
  "spacetime:sys@1.1": words("register_hooks"),
  "spacetime:sys@1.2": words("register_hooks", procedures),
  "spacetime:sys@1.3": words(points),
  "spacetime:sys@2.0": words("moduleHooks", rows, points, others, procedures),
  "spacetime:sys@2.1": words("datastore_clear"),
};

export const sysPrefix = "spacetime:sys@";

/** Major version → the hooks that a module may give, and whether it must. */
export const sysHooks: Readonly<Record<1 | 2, Readonly<Record<string, boolean>>>> = {
  1: {
    __describe_module__: true,
    __call_reducer__: true,
    __call_view__: false,
    __call_view_anon__: false,
    __call_procedure__: false,
  },
  2: {
    __describe_module__: true,
    __get_error_constructor__: true,
    __sender_error_class__: true,
    __call_reducer__: true,
    __call_view__: true,
    __call_view_anon__: true,
    __call_procedure__: true,
    __call_http_handler__: false,
  },
};

/** Which hooks each `register_hooks` takes. */
export const registeredHooks: Readonly<Record<string, readonly string[]>> = {
  "spacetime:sys@1.0": ["__describe_module__", "__call_reducer__"],
  "spacetime:sys@1.1": ["__call_view__", "__call_view_anon__"],
  "spacetime:sys@1.2": ["__call_procedure__"],
};
