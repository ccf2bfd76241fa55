export type { ModuleUrlClass } from "./globals.d.ts";
export { t } from "./types.ts";
export type { EnumMakers, EnumValue, RowType, TypeBuilders, U8Type, UnitType } from "./types.ts";
export type {
  AnyType,
  Fields,
  Fields as ElementsObj,
  Fields as RowObj,
  Fields as VariantsObj,
  FieldsValue as InferTypeOfRow,
  IntegerType,
  KeyType,
  Modifier,
  ModifiersOf,
  PlainType,
  ValueOf as Infer,
  Wrong,
} from "./type-builder.ts";
export { table } from "./table.ts";
export type { ConstraintOptions, IndexOptions, Table, TableOptions } from "./table.ts";
export { CaseConversionPolicy, schema } from "./schema.ts";
export type {
  Arguments,
  ExportGroup,
  FunctionOptions,
  InferSchema,
  LifecycleExport,
  MigrateExport,
  ModuleExport,
  ModuleSettings,
  ProcedureExport,
  Reducer,
  ReducerExport,
  ReducerOptions,
  Schema,
  ViewExport,
  ViewOptions,
} from "./schema.ts";
export type { RuleCtx, RuleExport } from "./rls.ts";
export { Headers, Request, Router, SyncResponse } from "./http.ts";
export type {
  BodyInit,
  HeadersInit,
  HttpHandlerExport,
  HttpRoute,
  HttpRouterExport,
  RequestInit,
  ResponseInit,
} from "./http.ts";
export { and, literal, not, or, toSql } from "./query.ts";
export type { Condition, From, Literal, Query, QueryColumn, QueryRow, QueryValue, Term } from "./query.ts";
export type {
  AnonymousViewCtx,
  AuthCtx,
  HandlerCtx,
  HandlerCtx as HandlerContext,
  HttpHeaders,
  HttpInit,
  HttpResponse,
  JwtClaims,
  ProcedureCtx,
  Random,
  ReducerCtx,
  TransactionCtx,
  ViewCtx,
} from "./context.ts";
export type {
  DbView,
  ReadOnlyDb,
  PointIndex,
  RangeIndex,
  Submodule,
  TableHandle,
  Tables,
  UniqueIndex,
} from "./handles.ts";
export type { GivenRow, NewRow, TableMethods } from "./table-methods.ts";
export { Range } from "./range.ts";
export { errors, SenderError, SpacetimeHostError } from "./errors.ts";
export type { Bound, HostErrorClass, HostErrors, RangeClass, SenderErrorClass } from "./host-types.ts";
export { ConnectionId, Identity, ScheduleAt, TimeDuration, Timestamp, Uuid } from "./values.ts";
