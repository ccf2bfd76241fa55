// Goal: row 16. A module's log is for people: no call fails because its line begins a file, or cannot be written.
// Method: a server whose log begins a file every few lines, and then one where the log's directory is a file.
import { rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundleModule } from "../../../packages/cli/src/build/bundle.ts";
import { Served } from "../served.ts";

const callCount = 60;

let served: Served;
let identity: string;
beforeAll(async () => {
  served = await Served.open({ databaseLimits: { logFileBytesMax: 1000, logBytesMax: 1_000_000 } });
  const entry = fileURLToPath(new URL("./modules/talker.ts", import.meta.url));
  identity = await served.create("talker", (await bundleModule(entry)).code);
});
afterAll(() => served.stop());

async function sayAll(prefix: string): Promise<void> {
  for (let number = 0; number < callCount; number += 1) {
    const response = await served.call("talker", "say", `["${prefix} ${number}"]`);
    expect([number, response.status, await response.text()]).toEqual([number, 200, ""]);
  }
}

async function said(prefix: string): Promise<number[]> {
  const response = await served.request("GET", "/v1/database/talker/logs?num_lines=1000");
  const lines = (await response.text()).split("\n").filter((line) => line.includes(`"${prefix} `));
  return lines.map((line) => Number(/"message":"\w+ (\d+)"/.exec(line)?.[1]));
}

test("row 16: lines that begin files", async () => {
  await sayAll("short");
  expect(await said("short")).toEqual(Array.from({ length: callCount }, (_, number) => number));
});

test("row 16: lines that cannot be written", async () => {
  const directory = `${await served.directoryOf(identity)}/module-log`;
  await rm(directory, { recursive: true });
  await writeFile(directory, "not a directory");
  await sayAll("lost");
  await rm(directory);
  await sayAll("found");
  expect((await said("found")).at(-1)).toBe(callCount - 1);
});
