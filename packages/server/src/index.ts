export * from "./limits.ts";
export * from "./log.ts";
export { openServer } from "./open-server.ts";
export type { ListenAddress, Server, ServerOptions } from "./open-server.ts";
export type { DatabaseRecord } from "./registry/registry.ts";
export type { Identity } from "./auth/identity.ts";
export type { Pages } from "./http/app.ts";
