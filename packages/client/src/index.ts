export type { BuiltSchema } from "./catalog.ts";
export { connect } from "./connect.ts";
export type { Client } from "./connect.ts";
export type { ConnectOptions } from "./connect-options.ts";
export type { ConnectionState } from "./connection.ts";
export type { Query, SubscriptionHandle } from "./subscription.ts";
export { persist } from "./persist/persist.ts";
export type { Persist, PersistOptions, RowsStore } from "./persist/persist.ts";
export { fileStore, indexedDbStore } from "./persist/stores.ts";
export { optimistic } from "./optimistic/optimistic.ts";
export type { GuessCtx, GuessView, Optimistic, OptimisticReducers } from "./optimistic/optimistic.ts";
export { webTokenStore } from "./token-store.ts";
export type { GivenToken, TokenStore } from "./token-store.ts";
export type {
  BuiltQuery,
  ClientProcedures,
  ClientReducers,
  ClientTable,
  ClientTables,
  Comparison,
  KeyedTable,
  ModuleExports,
  RowOf,
  TableQuery,
  UntypedModule,
  Where,
} from "./types.ts";
export type { Answered, Platform, Socket, SocketEvents } from "./platform.ts";
export type { WebSocketClass } from "./real-platform.ts";
export { isLightconeError, LightconeError } from "@lightcone/base";
export type { ErrorCode } from "@lightcone/base";
export { ConnectionId, Identity, ScheduleAt, TimeDuration, Timestamp, Uuid } from "@lightcone/sats";
