/** `lightcone/testing`: a module's tests, each on a database of its own, in the process of the test. */
export { testModule, type TestOptions } from "./test-module.ts";
export type { Duration, Moment } from "./duration.ts";
export type { HttpReply, HttpStubs, StubbedRequest } from "./http-stubs.ts";
export type { LogEntry, RouteInit, RouteReply, World } from "./world.ts";
export type { Changed, Subscription } from "./subscription.ts";
export type { Connection, Person, PersonOptions } from "./person.ts";
export type { Calls, ModuleExports, Procedures, Reducers, RowOf, TestQuery } from "./types.ts";
