// Goal: a call that stays inside a function of the engine, where no interrupt reaches it, is ended with its process: it
// fails, it leaves nothing behind, nobody waits for it longer than its time and a second, and no such process outlives
// its front.
// Method: a real server with short times. Each way to hang is tried, then rows and further calls are looked at; then the
// front is killed while a call hangs, and a second server must get at the files.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { bundleModule } from "@lightcone/cli/bundle";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { buildModule, buildWasm, callSignature, op } from "@lightcone/host-wasm/testing";
import { encodeRawV9 } from "@lightcone/schema";
import { RawClient } from "../raw-client.ts";
import { Served } from "../served.ts";

const reducerTimeoutMs = 2000;
/** The call's time, the second that an interrupt has, the next host, which answers, and what a loaded machine adds. */
const endedWithinMs = reducerTimeoutMs + 1000 + 5000;
const goneWithinMs = 10_000;

/** Fills follow one another without a loop: nothing in between looks for interrupts. */
const fill = [...op.i32(0), ...op.i32(1), ...op.i32(128 * 1024 ** 2), 0xfc, 0x0b, 0];

let served: Served;
let program = "";
let native = "";
beforeAll(async () => {
  served = await Served.open({ databaseLimits: { reducerTimeoutMs } });
  program = await bundled("native");
  const response = await served.request("PUT", "/v1/database/native?host_type=Js", program);
  const { Success: success }: { Success: { database_identity: string } } = JSON.parse(await response.text());
  native = success.database_identity;
});
/** Each test has no ends of another against it. */
beforeEach(() => served.publish("native", program, "Js"));
afterAll(() => served.stop());

async function bundled(module: string): Promise<string> {
  const entry = fileURLToPath(new URL(`../bad-input/modules/${module}.ts`, import.meta.url));
  return (await bundleModule(entry)).code;
}

const notes = async (): Promise<readonly unknown[]> =>
  (await served.sql("native", "SELECT text FROM note")).map(([text]) => text);
const logOf = async (database: string): Promise<string> =>
  (await served.request("GET", `/v1/database/${database}/logs`)).text();
/** Somebody who does not own the database. */
async function stranger(): Promise<string> {
  const response = await fetch(`${served.url}/v1/identity`, { method: "POST" });
  const { token }: { token: string } = JSON.parse(await response.text());
  return token;
}

/** The process of the one database that stays. */
const hosts = (): readonly number[] => [served.hosts.get(native) ?? 0];

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** The shells that a front has started. */
function keepersOf(front: number): readonly number[] {
  const children = readFileSync(`/proc/${front}/task/${front}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  return children.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("lightcone-keeper");
    } catch {
      return false;
    }
  });
}

/** Two reducers: `ask` asks for `stuck` to be run soon, which fills memory without end. */
function soonProgram(): Uint8Array<ArrayBuffer> {
  const nameAt = 4200;
  const name = [...new TextEncoder().encode("stuck")];
  const ask = [nameAt, name.length, nameAt, 0].flatMap((value) => op.i32(value));
  return buildModule({
    uses: ["volatile_nonatomic_schedule_immediate"],
    description: encodeRawV9({
      version: 9,
      typespace: [],
      types: [],
      tables: [],
      reducers: ["ask", "stuck"].map((each) => ({ name: each, params: [], lifecycle: undefined })),
      miscExports: [],
      rowLevelRules: [],
    }),
    reducer: [
      ...[...op.get(0), 0x45, 0x04, 0x40], // if it is the first
      ...ask,
      ...op.call(1),
      0x05, // if not
      ...Array.from({ length: 1500 }, () => fill).flat(),
      0x0b,
      ...op.i32(0),
    ],
    memory: { min: 2048 },
    data: [{ at: nameAt, bytes: name }],
  });
}

async function until(holds: () => boolean, withinMs: number): Promise<boolean> {
  for (const endMs = performance.now() + withinMs; !holds();) {
    if (performance.now() > endMs) return false;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return true;
}

describe("row 6: a call that no interrupt reaches", () => {
  test.each(["index_of_for_ever", "reverse_for_ever"])("%s", async (reducer) => {
    const watcher = await RawClient.open(served.url, "native", { token: served.token });
    expect((await watcher.next())?.kind).toBe("IdentityToken");
    const startMs = performance.now();
    const response = await served.call("native", reducer, "[]");
    expect({ status: response.status, body: await response.text() }).toEqual({
      status: 402,
      body: `reducer \`${reducer}\` took longer than 2 s (reducerTimeoutMs) and was ended`,
    });
    expect(performance.now() - startMs).toBeLessThan(endedWithinMs);
    expect((await served.call("native", "add", `["after ${reducer}"]`)).status).toBe(200);
    expect(await notes()).toContain(`after ${reducer}`);
    expect(await notes()).not.toContain("must not stay");
    expect(watcher.closed, "other clients are still there").toBeUndefined();
    watcher.close();
    // Row 21: the module's log says which function it was, and what to do.
    const lines = (await logOf("native")).split("\n").filter((line) => line.includes(`"function":"${reducer}"`));
    expect(lines.at(-1)).toContain("inside one operation that cannot be interrupted");
    expect(lines.at(-1)).toContain("Bound what it works on");
  });

  test("a scheduled row is run once, and is gone; the next is run as if nothing had been", async () => {
    const before = hosts();
    expect((await served.call("native", "plan", "[true]")).status).toBe(200);
    expect(await until(() => hosts().some((pid) => !before.includes(pid)), endedWithinMs)).toBe(true);
    expect((await served.call("native", "plan", "[false]")).status).toBe(200);
    await expect.poll(notes, { timeout: endedWithinMs }).toContain("later, and is done");
    expect(await notes()).not.toContain("later, and hangs");
    expect(await served.sql("native", "SELECT * FROM later")).toEqual([]);
    expect(await logOf("native")).toMatch(/"function":"run_later".*cannot be interrupted/);
  });

  test("a publish whose program hangs at its start fails alone, and is not started again", async () => {
    const watcher = await RawClient.open(served.url, "native", { token: served.token });
    await watcher.next();
    expect((await served.call("native", "add", `["before the publish"]`)).status).toBe(200);
    const before = hosts();
    const publish = await served.request("PUT", "/v1/database/native?host_type=Js", await bundled("native-start"));
    expect(publish.status).toBe(400);
    expect(await publish.text()).toContain(
      "the start of the module took longer than 2 s (reducerTimeoutMs) and was ended",
    );
    const [after] = hosts();
    expect(before).not.toContain(after);
    // The old program goes on, with who is connected; no further process has ended.
    expect((await served.call("native", "add", `["after the publish"]`)).status).toBe(200);
    expect(await notes()).toContain("after the publish");
    expect(watcher.closed).toBeUndefined();
    watcher.close();
    expect(hosts()).toEqual([after]);
    const plan = await served.request(
      "POST",
      "/v1/database/native/pre_publish?host_type=Js",
      await bundled("native-start"),
    );
    expect(plan.status).toBe(400);
    expect((await served.call("native", "add", `["after the plan"]`)).status).toBe(200);
  });

  test("a WebAssembly program whose start function fills memory without end is refused", async () => {
    const wasm = buildWasm({
      imports: [{ module: "spacetime_10.0", name: "identity", signature: "(i32)->()" }],
      functions: [
        { signature: "(i32)->()", code: [], exportAs: "__describe_module__" },
        { signature: callSignature, code: op.i32(0), exportAs: "__call_reducer__" },
        { signature: "()->()", code: Array.from({ length: 3000 }, () => fill).flat() },
      ],
      memory: { min: 2048 },
      start: 3,
    });
    const startMs = performance.now();
    const publish = await served.request("PUT", "/v1/database/fills?host_type=Wasm", wasm);
    expect(publish.status).toBe(400);
    expect(await publish.text()).toContain(
      "the start of the module took longer than 2 s (reducerTimeoutMs) and was ended",
    );
    expect(performance.now() - startMs).toBeLessThan(endedWithinMs);
    expect((await served.request("GET", "/v1/database/fills")).status).toBe(404);
    expect((await served.call("native", "add", `["beside the fills"]`)).status).toBe(200);
  });
});

describe("row 5: what may have ended a process", () => {
  test("is not begun by a third: two kills while a call runs fail it", async () => {
    const patient = await Served.open();
    try {
      const identity = await patient.create("native", program);
      const client = await RawClient.open(patient.url, "native", { token: patient.token });
      await client.next();
      const answered = new AbortController();
      const idleMs = patient.workedMs(identity);
      const call = patient.call("native", "index_of_for_ever", "[]").finally(() => answered.abort());
      // At first it has run for so short that chance may have brought the kill. The second host has worked for longer than it
      // takes one to start and to open.
      for (const workedMs of [idleMs + 50, 3000]) {
        const pid = patient.hosts.get(identity);
        while (patient.workedMs(identity) < workedMs && !answered.signal.aborted)
          await new Promise((resolve) => setTimeout(resolve, 5));
        patient.killHost();
        while (patient.hosts.get(identity) === pid) await new Promise((resolve) => setTimeout(resolve, 5));
      }
      const response = await call;
      expect({ status: response.status, body: await response.text() }).toEqual({
        status: 530,
        body: "The instance encountered a fatal error.",
      });
      expect((await patient.call("native", "add", `["after two kills"]`)).status).toBe(200);
      expect(await patient.sql("native", "SELECT text FROM note")).toEqual([["after two kills"]]);
      expect(client.closed).toBeUndefined();
      client.close();
      const log = await (await patient.request("GET", "/v1/database/native/logs")).text();
      expect(log).toMatch(/"function":"index_of_for_ever".*its process ended while it ran \(signal SIGKILL/);
    } finally {
      await patient.stop();
    }
  });

  test(
    "functionEndsMax: strangers lose the function that ends it, and nothing else; a publish gives it back",
    {
      timeout: 120_000,
    },
    async () => {
      const token = await stranger();
      for (let end = 0; end < 3; end += 1)
        expect((await served.call("native", "reverse_for_ever", "[]", token)).status).toBe(402);
      const refused = await served.call("native", "reverse_for_ever", "[]", token);
      expect(refused.status).toBe(503);
      expect(refused.headers.get("lightcone-error")).toBe("FunctionQuarantined");
      expect(await refused.text()).toMatch(
        /`reverse_for_ever` ended its process 3 times, and is refused for \d+ s more/,
      );
      const client = await RawClient.open(served.url, "native", { token });
      await client.next();
      client.call("reverse_for_ever", new Uint8Array(0), 1);
      expect(await client.next()).toMatchObject({
        kind: "TransactionUpdate",
        status: { kind: "Failed", message: expect.stringContaining("is refused for") },
      });
      client.close();
      // Everything else goes on for everybody, and the owner may still look at what it does.
      expect((await served.call("native", "add", `["by a stranger"]`, token)).status).toBe(200);
      expect((await served.call("native", "reverse_for_ever", "[]")).status).toBe(402);
      expect(await notes()).toContain("by a stranger");
      await served.publish("native", program, "Js");
      expect((await served.call("native", "reverse_for_ever", "[]", token)).status).toBe(402);
    },
  );
});

describe("a reducer that runs by itself, and ends its process", () => {
  test("functionEndsMax: a repeated row waits while it is refused, the log says so, and a publish ends that", async () => {
    const ticks = await bundled("ticks");
    await served.publish("ticks", ticks, "Js");
    expect((await served.call("ticks", "start", `[{"__time_duration_micros__": 500000}]`)).status).toBe(200);
    const waits = /"level":"Warn".*"function":"tick".*is refused for \d+ s more.*scheduled rows wait until then/;
    await expect.poll(() => logOf("ticks"), { timeout: 60_000, interval: 250 }).toMatch(waits);
    const ends = (await logOf("ticks")).split("\n").filter((line) => line.includes("cannot be interrupted"));
    expect(ends).toHaveLength(3);
    for (const line of ends) expect(line).toContain("not run again before its row's next time");
    expect(await served.sql("ticks", "SELECT * FROM ticked")).toEqual([]);
    // By itself it would be tried a minute later.
    await served.publish("ticks", ticks.replace("hanging", "working"), "Js");
    await expect
      .poll(() => served.sql("ticks", "SELECT * FROM ticked"), { timeout: 20_000, interval: 250 })
      .not.toEqual([]);
    expect((await served.request("DELETE", "/v1/database/ticks")).status).toBe(200);
  });

  test("functionEndsMax: what a function asks to have run soon is refused alone, and not the database", async () => {
    await served.publish("soon", soonProgram(), "Wasm");
    const token = await stranger();
    for (let end = 1; end <= 4; end += 1) {
      expect((await served.call("soon", "ask", "[]", token)).status).toBe(200);
      await expect
        .poll(() => logOf("soon"), { timeout: 20_000, interval: 250 })
        .toMatch(
          end < 4 ? new RegExp(`(?:"function":"stuck".*cannot be interrupted[^]*){${end}}`) : /run soon is left out/,
        );
    }
    expect((await served.call("soon", "ask", "[]", token)).status).toBe(200);
    expect((await served.request("DELETE", "/v1/database/soon")).status).toBe(200);
  });
});

describe("row 21: a call that takes more memory than a process may", () => {
  // The first call of a host is looked after by its front; one behind many others by the host's own thread.
  test.each([{ callsBefore: 0 }, { callsBefore: 300 }])(
    "after $callsBefore others leaves its line",
    async ({ callsBefore }) => {
      const small = await Served.open({ serverLimits: { hostMemoryBytesMax: 500 * 1024 ** 2 } });
      try {
        await small.publish("native", program, "Js");
        for (let number = 0; number < callsBefore; number += 1) await small.call("native", "add", `["${number}"]`);
        const response = await small.call("native", "eat_memory", "[]");
        expect(response.status, await response.text()).toBe(530);
        expect((await small.call("native", "add", `["after the meal"]`)).status).toBe(200);
        const log = await (await small.request("GET", "/v1/database/native/logs")).text();
        expect(log).toMatch(/"function":"eat_memory".*took more memory.*hostMemoryBytesMax.*Let it keep less at once/);
      } finally {
        await small.stop();
      }
    },
  );
});

test("row 3: a database whose hosts are killed one after another goes on, later each time, and says why", async () => {
  const storm = await Served.open({ logLevel: "warn" });
  try {
    await storm.publish("native", program, "Js");
    const kept: string[] = [];
    for (let kill = 0; kill < 6; kill += 1) {
      kept.push(`before kill ${kill}`);
      expect((await storm.call("native", "add", JSON.stringify(kept.slice(-1)))).status).toBe(200);
      storm.killHost();
    }
    expect(await storm.sql("native", "SELECT text FROM note")).toEqual(kept.map((text) => [text]));
    const delays = storm.log.flatMap(
      (line) => /the next starts in ([\d.]+) s\. Look at what ends them/.exec(line)?.[1] ?? [],
    );
    expect(delays).toContain("0.1"); // how they grow: restart-pace.test.ts
  } finally {
    await storm.stop();
  }
});

describe("row 6: a process", () => {
  test.each([
    { kind: "at rest until then", callsBefore: 0, isKeeperKilled: false },
    { kind: "at rest, whose keeper was killed", callsBefore: 0, isKeeperKilled: true },
    { kind: "that is busy", callsBefore: 400, isKeeperKilled: false },
  ])("$kind does not outlive its front, and frees the files", async ({ callsBefore, isKeeperKilled }) => {
    await served.killFront();
    await served.start();
    const text = `after a front and ${callsBefore} calls, ${isKeeperKilled}`;
    for (let number = 0; number < callsBefore; number += 1) await served.call("native", "add", `["${number}"]`);
    expect((await served.call("native", "add", `["before the end"]`)).status).toBe(200);
    const idleMs = served.workedMs(native);
    const call = served.call("native", "index_of_for_ever", "[]").catch(() => undefined);
    expect(await until(() => served.workedMs(native) > idleMs + 50, endedWithinMs), "it runs").toBe(true);
    if (isKeeperKilled) {
      const [keeper = 0] = keepersOf(served.pid);
      process.kill(keeper, "SIGKILL");
      expect(await until(() => keepersOf(served.pid).some((pid) => pid !== keeper), goneWithinMs)).toBe(true);
    }
    const left = hosts().filter(isRunning);
    expect(left).not.toEqual([]);
    await served.killFront();
    await call;
    expect(await until(() => !left.some(isRunning), goneWithinMs), "the process is gone").toBe(true);
    await served.start();
    expect((await served.call("native", "add", `["${text}"]`)).status).toBe(200);
    expect((await served.sql("native", "SELECT text FROM note")).flat()).toContain(text);
  });
});
