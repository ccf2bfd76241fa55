// Goal: what each call reads a dozen times, it reads at fixed places.
// Method: V8 is asked about the object that the parts of a real database share.
import { expect, test } from "vitest";
import { hasFixedPlaces } from "@lightcone/base/testing";
import { manualClock, memoryFileSystem } from "@lightcone/commitlog/testing";
import { openDatabase } from "./database.ts";

test("the parts of a database share no dictionary", async () => {
  const database = await openDatabase({
    identity: { database: new Uint8Array(32).fill(1), owner: new Uint8Array(32).fill(2) },
    directory: "/data",
    fileSystem: memoryFileSystem(),
    clock: manualClock(),
    sandbox: "vm",
  });
  const context = database["context"];
  expect(hasFixedPlaces(context)).toBe(true);
  expect(hasFixedPlaces(context.limits)).toBe(true);
  await database.stop(0);
});
