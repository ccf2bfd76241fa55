/**
 * `ctx.newUuidV4`, `ctx.newUuidV7`: the same wherever a call is run again.
 *
 * Those of version 7 sort by the time of their calls, to the microsecond, and then by their order within the call: the
 * counter's 31 bits are the microsecond within the millisecond, then how many the call has made.
 */
import { Timestamp, Uuid } from "@lightcone/sats";
import type { Sandbox } from "./sandbox.ts";

/** What they are made of. */
export interface UuidSource {
  /** 32 random bits. */
  readonly uint32: () => number;
  /** The call's time, microseconds since 1970. */
  readonly micros: () => number;
  /** How many the call has made; one more each time. */
  readonly count: () => number;
}

export interface UuidMakers {
  readonly newUuidV4: unknown;
  readonly newUuidV7: unknown;
}

/** 1000 microseconds, each with as many: within 31 bits. */
const countPerMicrosecond = 2 ** 21;

const source = `return { newUuidV4: () => v4(), newUuidV7: () => v7() };`;

export function makeUuids(sandbox: Sandbox, { uint32, micros, count }: UuidSource): UuidMakers {
  const random = (words: number): Uint8Array =>
    new Uint8Array(Uint32Array.from({ length: words }, () => uint32()).buffer);
  const v4 = (): Uuid => Uuid.fromRandomBytesV4(random(4));
  const v7 = (): Uuid => {
    const now = micros();
    const counter = { value: (now % 1000) * countPerMicrosecond + (count() % countPerMicrosecond) };
    return Uuid.fromCounterV7(counter, new Timestamp(BigInt(now)), random(1));
  };
  return sandbox.compile(["v4", "v7"], source, "ctx.newUuid")(v4, v7) as UuidMakers; // the source gives that
}
