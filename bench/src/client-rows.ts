/** How fast do rows get into a client's cache, and what does a row there cost, beside the official client? */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { bundleModule } from "@lightcone/cli/bundle";
import { GeneratedBindings, hasOfficialClient2 } from "../../conformance/src/official-client/chat-client.ts";
import { BenchServer } from "./support/bench-server.ts";
import type { CrowdSettings, CrowdTimes } from "./support/crowd.ts";
import type { Figure, Question } from "./support/question.ts";

const run = promisify(execFile);
const client = fileURLToPath(new URL("./support/crowd-main.ts", import.meta.url));

export const clientRows: Question = {
  name: "client-rows",
  workload:
    "1,000,000 rows of about 40 bytes with a key and a text into a client's cache, all of them read once, then 200 transactions that change 1,000 each, unheard and again while each change is listened to; ours and the official client 2.x in turns, each in a process of its own",
  unit: "rows per second of the client's processor time, bytes a row",
  expected:
    "three times the official client's rows a second, half of its memory; of rows that were all read, less than that",
  run: async (asked) => {
    const { isSmoke, directory } = asked;
    const [rowCount, rounds, stepRows, turns] = isSmoke ? [2000, 4, 50, 1] : [1_000_000, 200, 1000, 3];
    const server = await BenchServer.open(join(directory, "crowd"));
    const entry = fileURLToPath(new URL("./modules/crowd.ts", import.meta.url));
    const { code } = await bundleModule(entry);
    const bindings = hasOfficialClient2
      ? await GeneratedBindings.of(new TextEncoder().encode(code), "Js", 2)
      : undefined;
    try {
      await server.publish("crowd", { bytes: code, hostType: "Js" });
      for (let from = 0; from < rowCount; from += 10_000)
        await server.call("crowd", "come", [from, Math.min(10_000, rowCount - from)]);
      const uri = `http://127.0.0.1:${server.port}`;
      const settings: CrowdSettings = { uri, rowCount, rounds, stepRows };
      const [ours, theirs]: [CrowdTimes[], CrowdTimes[]] = [[], []];
      for (let turn = 0; turn < turns; turn += 1) {
        ours.push(await look(settings));
        if (bindings !== undefined)
          theirs.push(await look({ ...settings, bindings: pathToFileURL(bindings.entry).href }));
      }
      if (bindings === undefined) asked.say("the official client is not installed");
      return compare(ours, theirs, settings);
    } finally {
      await bindings?.remove();
      await server.stop();
    }
  },
};

async function look(settings: CrowdSettings): Promise<CrowdTimes> {
  const flags = ["--expose-gc", "--max-old-space-size=6000"];
  const { stdout } = await run(process.execPath, [...flags, client, JSON.stringify(settings)]);
  // The official client writes of itself as well.
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as CrowdTimes;
}

/** The middle of each side's turns, and how they compare. */
function compare(ours: readonly CrowdTimes[], theirs: readonly CrowdTimes[], settings: CrowdSettings): Figure[] {
  const { rowCount, rounds, stepRows } = settings;
  const middle = (all: readonly CrowdTimes[], of: keyof CrowdTimes): number =>
    all.map((each) => each[of]).toSorted((a, b) => a - b)[all.length >> 1] ?? Number.NaN;
  const rate = (name: string, of: keyof CrowdTimes, count: number, reach: string): Figure[] => {
    const [one, other] = [count / (middle(ours, of) / 1000), count / (middle(theirs, of) / 1000)];
    if (theirs.length === 0) return [{ name, value: one, unit: "rows/s" }];
    return [
      { name, value: one, unit: "rows/s" },
      { name: `${name}: official`, value: other, unit: "rows/s" },
      { name: `${name}: ratio`, value: one / other, unit: "of theirs", reach },
    ];
  };
  const size = (name: string, of: keyof CrowdTimes, reach: string): Figure[] => {
    const [one, other] = [middle(ours, of) / rowCount, middle(theirs, of) / rowCount];
    if (theirs.length === 0) return [{ name, value: one, unit: "bytes" }];
    return [
      { name, value: one, unit: "bytes" },
      { name: `${name}: official`, value: other, unit: "bytes" },
      { name: `${name}: ratio`, value: one / other, unit: "of theirs", reach },
    ];
  };
  return [
    ...rate("first rows", "firstCpuMs", rowCount, ">= 3"),
    ...rate("reading all, the first time", "readCpuMs", rowCount, ""),
    ...rate("updates", "streamCpuMs", rounds * stepRows, ">= 3"),
    ...rate("updates, each listened to", "updatesCpuMs", rounds * stepRows, ">= 3"),
    ...size("a cached row", "heldBytes", "<= 0.5"),
    ...size("a cached row that was read", "readBytes", "<= 0.5"),
  ];
}
