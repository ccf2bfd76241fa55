// Goal: a promise that goes wrong fails the call that left it, with its file and line in the log, and nobody notices
// otherwise: the host goes on, other calls are answered, and only their rows are there.
// Method: a server with host processes. Each reducer leaves something to promises in another way; its calls stand
// between good ones in one burst of frames, so that they share turns. Afterwards rows, log and process are looked at.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleModule } from "@lightcone/cli/bundle";
import { ByteWriter } from "@lightcone/sats";
import { RawClient } from "../raw-client.ts";
import { Served } from "../served.ts";

const path = fileURLToPath(new URL("./modules/promises.ts", import.meta.url));
const folder = await mkdtemp(join(tmpdir(), "lightcone-promises-"));
const source = await readFile(path, "utf8");
const lineOf = (text: string): number => source.split("\n").findIndex((line) => line.includes(text)) + 1;

let served: Served;
beforeAll(async () => {
  served = await Served.open({ databaseLimits: { reducerTimeoutMs: 2000 } });
  await served.publish("promises", (await bundleModule(path)).code, "Js");
});
afterAll(async () => {
  await served.stop();
  await rm(folder, { recursive: true });
});

/** The bundle of a module's text. */
async function bundleText(text: string): Promise<string> {
  const entry = join(folder, "module.ts");
  await writeFile(entry, text);
  return (await bundleModule(entry)).code;
}

async function log(database: string): Promise<string> {
  return (await served.request("GET", `/v1/database/${database}/logs?num_lines=100`)).text();
}

const rows = async (): Promise<unknown[]> =>
  (await served.sql("promises", "SELECT text FROM note")).map(([text]) => text).toSorted();

/** Calls `reducer` between good calls, all in one burst; gives its answer. The good calls must be answered, each once. */
async function inABurst(reducer: string, prefix: string): Promise<{ kind: string; message?: string }> {
  const client = await RawClient.open(served.url, "promises", { token: served.token });
  await client.next();
  const text = (value: string): Uint8Array => {
    const out = new ByteWriter();
    out.string(value);
    return out.toBytes();
  };
  for (let at = 0; at < 5; at++) client.call("add", text(`${prefix} ${at}`), at);
  client.call(reducer, new Uint8Array(0), 5);
  for (let at = 6; at < 10; at++) client.call("open", text(`${prefix} ${at}`), at);
  const answers: { kind: string; message?: string }[] = [];
  while (answers.length < 10) {
    const message = await client.next();
    if (message?.kind !== "TransactionUpdate") throw new Error(`unexpected ${String(message?.kind)}`);
    answers.push(message.status);
  }
  client.close();
  const [answer] = answers.splice(5, 1);
  expect(answers.map(({ kind }) => kind)).toEqual(answers.map(() => "Committed"));
  return answer ?? { kind: "none" };
}

const fatal = "The instance encountered a fatal error.";

describe("row 5: what a call leaves to its promises", () => {
  test.each([
    {
      reducer: "reject_nothing",
      message: fatal,
      says: `Uncaught undefined, in a promise made at promises.ts:${lineOf("Promise.reject()")}:`,
    },
    {
      reducer: "reject_later",
      message: fatal,
      says: `RangeError: late\\n    at promises.ts:${lineOf('RangeError("late")')}:`,
    },
    { reducer: "refuse", message: "not today", says: "not today" },
    {
      reducer: "reject_oddly",
      message: fatal,
      says: `an error that cannot be read, in a promise made at promises.ts:${lineOf("Promise.reject({")}:`,
    },
    { reducer: "throw_oddly", message: fatal, says: "an error that cannot be read" },
    { reducer: "leave", message: fatal, says: `a promise, made at promises.ts:${lineOf("new Promise<void>")}:` },
    {
      reducer: "loop",
      message: expect.stringMatching(/^reducer `loop` took longer than [\d.]+ s \(reducerTimeoutMs\) and was ended$/),
      says: "reducer `loop` took longer than",
    },
  ])("$reducer", async ({ reducer, message, says }) => {
    const before = [...served.hosts];
    const others = (await rows()).filter((row) => !String(row).startsWith(reducer));
    const answer = await inABurst(reducer, reducer);
    expect(answer).toMatchObject({ kind: "Failed", message });
    expect(await rows()).toEqual(
      [...others, ...[0, 1, 2, 3, 4, 6, 7, 8, 9].map((at) => `${reducer} ${at}`)].toSorted(),
    );
    expect(await log("promises")).toContain(says);
    expect([...served.hosts], "no host ended").toEqual(before);
  });

  test("counts when it ends well", async () => {
    expect((await served.call("promises", "add_later", `["later"]`)).status).toBe(200);
    expect(await rows()).toContain("later");
  });

  test("of a connect reducer, a scheduled one", async () => {
    const before = [...served.hosts];
    const { token }: { token: string } = JSON.parse(await (await served.request("POST", "/v1/identity")).text());
    const refused = await served.call("promises", "add", `["stranger"]`, token);
    expect([refused.status, await refused.text()]).toEqual([403, "strangers stay outside"]);
    await served.call("promises", "set_alarm", "[]");
    const line = `promises.ts:${lineOf("the alarm is broken")}:`;
    while (!(await log("promises")).includes(line)) await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await rows()).filter((row) => /must not stay|stranger/.test(String(row)))).toEqual([]);
    expect(await served.sql("promises", "SELECT id FROM alarm")).toEqual([]);
    expect([...served.hosts]).toEqual(before);
  });

  const head = `import { schema, t, table } from "lightcone/module";\nconst app = schema({ note: table({}, { text: t.string() }) });\nexport default app;\n`;
  test.each([
    {
      why: "at the top level",
      text: "void Promise.reject();",
      says: "a promise was rejected as the module loads: Uncaught undefined, in a promise made at module.ts:4:14",
    },
    {
      why: "at the top level, later",
      text: `void (async () => {\n  await null;\n  throw new Error("late");\n})();`,
      says: "module.ts:6:",
    },
    {
      why: "an async reducer",
      text: "export const waits = app.reducer(async () => {});",
      says: "reducer `waits` is async",
    },
    {
      why: "a loop of microtasks",
      text: "const again = (): void => void Promise.resolve().then(again);\nagain();",
      says: "the start of the module took longer than 2 s",
    },
    { why: "a loop", text: "for (;;);", says: "the start of the module took longer than 2 s" },
  ])(
    "of a module as it loads, $why: the publish is refused, and the database goes on",
    { timeout: 20_000 },
    async ({ text, says }) => {
      const client = await RawClient.open(served.url, "promises", { token: served.token });
      await client.next();
      const before = [...served.hosts];
      const program = await bundleText(head + text);
      for (const [method, route] of [
        ["PUT", ""],
        ["POST", "/pre_publish"],
      ] as const) {
        const refused = await served.request(method, `/v1/database/promises${route}?host_type=Js`, program);
        expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining(says)]);
      }
      expect((await served.call("promises", "add", JSON.stringify([`after ${text}`]))).status).toBe(200);
      expect(await rows()).toContain(`after ${text}`);
      expect(client.closed).toBeUndefined();
      client.close();
      expect([...served.hosts]).toEqual(before);
    },
  );

  test("of an init reducer: the publish is refused", async () => {
    const program = await bundleText(
      `${head}export const init = app.init(() => void Promise.reject(new Error("no start")));`,
    );
    const refused = await served.request("PUT", "/v1/database/promises-init?host_type=Js", program);
    expect(refused.status).toBe(500);
  });

  test("of a reducer that turns out to be async only as it runs", async () => {
    const program = await bundleText(
      `${head}const go = (async () => {}) as () => void;\nexport const waits = app.reducer(() => go());\nexport const add = app.reducer((ctx) => void ctx.db.note.insert({ text: "a" }));`,
    );
    await served.publish("promises-async", program, "Js");
    expect((await served.call("promises-async", "waits", "[]")).status).toBe(530);
    expect(await log("promises-async")).toContain(
      "reducer waits returned a promise: a reducer runs to its end at once",
    );
    expect((await served.call("promises-async", "add", "[]")).status).toBe(200);
    expect(await served.sql("promises-async", "SELECT text FROM note")).toEqual([["a"]]);
  });
});
