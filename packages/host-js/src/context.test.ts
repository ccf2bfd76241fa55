// Goal: reading `ctx.db` costs a call next to nothing.
// Method: V8 is asked whether the object that reducers are given has its properties at fixed places.
import { expect, test } from "vitest";
import { hasFixedPlaces } from "@lightcone/base/testing";
import { CallContext } from "./context.ts";
import { FakePort } from "./testing/fake-port.ts";
import { openVmSandbox } from "./vm-sandbox.ts";

test("`ctx` is no dictionary", () => {
  const { ctx } = new CallContext(openVmSandbox(), new FakePort(), ({ random, newUuidV4, newUuidV7 }) => ({
    db: {},
    random,
    newUuidV4,
    newUuidV7,
  }));
  expect(Object.keys(ctx)).toEqual([
    "db",
    "random",
    "newUuidV4",
    "newUuidV7",
    "sender",
    "senderAuth",
    "connectionId",
    "timestamp",
    "identity",
    "databaseIdentity",
  ]);
  expect(Object.isFrozen(ctx)).toBe(true);
  expect(hasFixedPlaces(ctx)).toBe(true);
});
