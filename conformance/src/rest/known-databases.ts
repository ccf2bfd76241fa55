/** Databases that a server knows of and that rest: records in its registry, and the file that says when to wake each. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { realClock } from "@lightcone/base";
import { realFileSystem } from "@lightcone/base/node";
import { makeServerLimits, makeServerLog } from "@lightcone/server";
import { identityFromHex } from "../../../packages/server/src/auth/identity.ts";
import { createDatabase } from "../../../packages/server/src/registry/decisions.ts";
import { Registry } from "../../../packages/server/src/registry/registry.ts";

/** Adds `count` of them to the directory of a server that does not run. */
export async function addKnown(dataDirectory: string, count: number): Promise<void> {
  const registry = await Registry.open({
    files: realFileSystem,
    clock: realClock,
    dataDirectory,
    limits: makeServerLimits({}),
    log: makeServerLog("silent"),
    mustExist: true,
  });
  const owner = identityFromHex("c2".padEnd(64, "0"));
  if (owner === undefined) throw new Error("no identity");
  for (let number = 0; number < count; number += 1) {
    const identity = identityFromHex(`c3${number.toString(16).padStart(62, "0")}`);
    if (identity === undefined) throw new Error("no identity");
    const directory = `databases/${identity.hex}/1`;
    await mkdir(join(dataDirectory, directory), { recursive: true });
    await writeFile(
      join(dataDirectory, directory, "wake-at"),
      '{"format":1,"nextDueMicros":null,"clients":0,"atMicros":0}\n',
    );
    const record = {
      identity,
      owner,
      hostType: "js",
      initialProgram: "00".repeat(32),
      directory,
      coOwners: [],
      locked: false,
    } as const;
    const refused = await registry.change(createDatabase(record, undefined));
    if (refused !== undefined) throw new Error(refused.kind);
  }
  await registry.close();
}
