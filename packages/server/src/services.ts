/** What the parts of the server share. Made once by `openServer`, handed to each. */
import type { Clock, Random } from "@lightcone/base";
import type { Caller } from "@lightcone/database/front";
import type { Credentials, Tokens } from "./auth/tokens.ts";
import type { ModuleLogs } from "./http/module-logs.ts";
import type { IncomingBytes } from "./incoming-bytes.ts";
import type { ServerLimits } from "./limits.ts";
import type { ServerLog } from "./log.ts";
import type { Databases } from "./registry/databases.ts";
import type { Registry } from "./registry/registry.ts";
import { mayManage } from "./registry/state.ts";
import type { DatabaseRecord } from "./registry/state.ts";

export interface Services {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: ServerLog;
  readonly limits: ServerLimits;
  readonly incoming: IncomingBytes;
  readonly tokens: Tokens;
  readonly registry: Registry;
  readonly databases: Databases;
  readonly moduleLogs: ModuleLogs;
  readonly publicPem: Uint8Array;
  readonly version: string;
  /** Clients that left in the middle of a request's body, so far. */
  readonly left: { count: number };
  /** When the operator was last told that the disk refused a request, in steady time. */
  readonly told: { fullMs: number };
  /** Whether new work is refused. */
  isStopping(): boolean;
}

/** 16 random bytes, never all zero: that is nobody's id. */
export function makeConnectionId(random: Random): Uint8Array {
  const id = new Uint8Array(16);
  random.fill(id);
  if (id.every((byte) => byte === 0)) id[0] = 1;
  return id;
}

/** Who acts on a database, as the database wants to know it. */
export function makeCaller(record: DatabaseRecord, credentials: Credentials, connectionId: Uint8Array): Caller {
  return {
    identity: credentials.identity.bytes,
    connectionId,
    claims: credentials.payload,
    isOwner: mayManage(record, credentials.identity.hex),
  };
}
