/** `lightcone/testing`: a module's tests, each on a database of its own, in the process of the test. */
export { testModule, type TestOptions } from "./test-module.ts";
export type { KeepOptions, TestContext } from "./keep.ts";
export { replayLog, type ReplayOptions, type ReplayReport } from "./replay-log.ts";
export type { Duration, Moment } from "./duration.ts";
export type {
  Changed,
  Connection,
  HttpReply,
  HttpStubs,
  LogEntry,
  Person,
  PersonOptions,
  RouteInit,
  RouteReply,
  StubbedRequest,
  Subscription,
  World,
} from "./api.ts";
export type { Calls, ModuleExports, Procedures, Reducers, RowOf, TestFrom, TestQuery, WorldDb } from "./types.ts";
