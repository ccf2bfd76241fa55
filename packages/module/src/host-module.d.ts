/**
 * The host's side of the binding, which the bundle reaches with `require`: docs/formats/typescript-host.md.
 * Types are given where the names are exported again (`values.ts`, `host-types.ts`), so that an author's
 * compiler never needs this file.
 */
/* oxlint-disable typescript/consistent-type-imports -- an import statement would make this file a module */
declare module "lightcone:host@1" {
  /** The symbol under which the schema and its functions describe themselves. */
  export const description: unique symbol;
  export const Identity: typeof import("@lightcone/sats").Identity;
  export const ConnectionId: typeof import("@lightcone/sats").ConnectionId;
  export const Timestamp: typeof import("@lightcone/sats").Timestamp;
  export const TimeDuration: typeof import("@lightcone/sats").TimeDuration;
  export const Uuid: typeof import("@lightcone/sats").Uuid;
  export const ScheduleAt: typeof import("@lightcone/sats").ScheduleAt;
  export const Range: import("./host-types.ts").RangeClass;
  export const SenderError: import("./host-types.ts").SenderErrorClass;
  export const SpacetimeHostError: import("./host-types.ts").HostErrorClass;
  export const errors: import("./host-types.ts").HostErrors;
}
