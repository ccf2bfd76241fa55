// Goal: what the library gives the author of a module works as a user meets it.
// Method: one module in a server of its own process; each function writes what it saw into rows, which are read back.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { v2, v3 } from "@lightcone/protocol";
import { array, ByteWriter, option, product, t, valueCodec, type AlgebraicType } from "@lightcone/sats";
import { WebSocket } from "ws";
import { Served } from "../served.ts";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { bundleModule } from "@lightcone/cli/bundle";
import { bundleOf } from "./bundled.ts";
import { steps } from "./table-steps.ts";
import { makeProject } from "./type-check.ts";

let served: Served;

beforeAll(async () => {
  served = await Served.open();
  await served.publish("surface", await bundleOf("modules/surface.ts"), "Js");
});
afterAll(() => served.stop());

async function call(name: string, args = "[]"): Promise<string> {
  const response = await served.call("surface", name, args);
  const text = await response.text();
  expect([response.status, text]).toEqual([200, text]);
  return text;
}
async function said(what: string): Promise<unknown[]> {
  const rows = await served.sql("surface", `SELECT * FROM said WHERE what = '${what}'`);
  return rows.map(([, , text]) => text);
}

describe("issue 9, context: who calls, over what, by which token", () => {
  test("init is the database's own, and has the publisher", async () => {
    expect(await said("init")).toEqual(["false true true true"]);
  });
  test("a call has a connection and the claims of its token", async () => {
    await call("context");
    expect(new Set(await said("connected"))).toEqual(new Set(["false false false false"]));
    const subject = claimsOf(served.token)["sub"] ?? "";
    expect(await said("called")).toEqual(["false false false false"]);
    expect(await said("called jwt")).toEqual([
      `true ${issuerOf(served.token)} ${subject} ${audienceOf(served.token)} true`,
    ]);
    expect(await said("claims")).toEqual([`true true ${subject}`]);
  });
  test("a scheduled call has neither: the database calls itself", async () => {
    await expect.poll(() => said("scheduled")).toEqual(["true true true true"]);
  });
  test("a procedure has them, and its transactions", async () => {
    const subject = claimsOf(served.token)["sub"] ?? "";
    expect(await call("context_of_procedure")).toBe(JSON.stringify(`false V4 V7 ${subject}`));
    expect(await said("transaction")).toEqual(["false false false false"]);
  });
});

test("issue 9, context: UUIDs of version 7 sort by when they were made", async () => {
  for (const count of [3, 1, 40]) await call("make_uuids", JSON.stringify([count]));
  const rows = await served.sql("surface", "SELECT * FROM made");
  const sorted = rows
    .map(([, text, position]) => [String(text), position] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  expect(sorted.map(([, position]) => position)).toEqual(Array.from({ length: 44 }, (_, position) => position));
});

describe("issue 9, reducers: what one gives goes to whoever calls it", () => {
  test("over HTTP: the body of the answer, and its rows are there", async () => {
    expect(await call("tally", `["first"]`)).toBe(`[1,[0,"first"],"0103"]`);
    expect(await call("tally_two", `["first"]`)).toBe("[0,3]");
    expect(await call("tally_two", `[""]`)).toBe(`[1,"nothing to tally"]`);
    expect((await said("first")).length).toBe(3);
  });
  test("what is not of its type fails the call, and a refusal is a refusal; nothing stays", async () => {
    const wrong = await served.call("surface", "wrong_tally", "[]");
    expect([wrong.status, await wrong.text()]).toEqual([530, "The instance encountered a fatal error."]);
    const refused = await served.call("surface", "refused_tally", "[]");
    expect([refused.status, await refused.text()]).toEqual([530, "no tally today"]);
    expect([await said("wrong tally"), await said("refused tally")]).toEqual([[], []]);
  });
  test.each(["v2", "v3"])("over %s, to a client that asks", async (version) => {
    const url = `${served.url.replace(/^http/, "ws")}/v1/database/surface/subscribe?compression=None&results=true`;
    const socket = new WebSocket(url, `${version}.bsatn.spacetimedb`);
    const out = new ByteWriter();
    const args = encoded(product({ what: t.string }), { what: version });
    v2.encodeClientMessage(out, { kind: "CallReducer", reducer: "tally", args, requestId: 3 });
    const value = await new Promise<Uint8Array>((resolve, reject) => {
      socket.on("open", () => socket.send(out.toBytes()));
      socket.on("error", reject);
      socket.on("message", (data: Buffer) => {
        for (const message of v3.decodeServerPayload(Uint8Array.from(data.subarray(1))))
          if (message.kind === "ReducerResult" && message.outcome.kind === "Ok") resolve(message.outcome.value);
      });
    });
    socket.close();
    const type = product({ rows: t.u64, last: option(t.string), odd: array(t.u8) });
    expect(value).toEqual(encoded(type, { rows: 1n, last: version, odd: new Uint8Array([1, 3]) }));
  });
});

describe("issue 9, tables and keys", () => {
  test("what increments by itself, of every width", async () => {
    for (const from of [1, 2]) await call("count_up", `[${from}]`);
    expect(await said("counted")).toEqual([Array(12).fill(1).join(" "), Array(12).fill(2).join(" ")]);
    for (const width of ["8", "16", "32", "64", "128", "256"])
      for (const sign of ["i", "u"]) {
        const table = `${sign}_${width}_s`;
        const rows = await served.sql("surface", `SELECT * FROM ${table}`);
        // The widest come as hexadecimal digits.
        expect([table, rows.map(([id, text]) => [Number(id), text])]).toEqual([
          table,
          [
            [1, "from 1"],
            [2, "from 2"],
          ],
        ]);
      }
  });
  test("several tables of one type", async () => {
    await call("use_twins");
    expect(await said("twins")).toEqual(["true second first false", "true 1 1"]);
    const of = (table: string) => served.sql("surface", `SELECT key, note FROM ${table}`);
    expect([await of("twin_a"), await of("twin_b")]).toEqual([[["a", "first"]], [["a", "second"]]]);
  });
  test("every method of every handle, and of every index", async () => {
    await served.publish("everything", await bundleOf("modules/everything.ts"), "Js");
    for (const { script } of steps)
      expect((await served.call("everything", "run", JSON.stringify([script]))).status).toBe(200);
    const text = await (await served.request("GET", "/v1/database/everything/logs?num_lines=1000")).text();
    const lines = text.split("\n").filter((line) => line !== "");
    const messages = lines.map((line): { function?: string; message: string } => JSON.parse(line));
    const ran = messages.filter((line) => line.function === "run").map(({ message }) => message);
    expect(ran).toEqual(steps.map(({ gives }) => (typeof gives === "string" ? gives : expect.stringMatching(gives))));
  });
});

test("issue 9, lifecycle: an init that fails prevents the publish, is shown, and leaves nothing", async () => {
  const source = `import { schema, SenderError, t, table } from "lightcone/module";
const app = schema({ note: table({ public: true }, { text: t.string() }) });
export default app;
export const init = app.init((ctx) => {
  ctx.db.note.insert({ text: "must not stay" });
  throw new SenderError("not on a Monday");
});
export const ping = app.reducer(() => {});
`;
  const folder = makeProject({ "module.ts": source, "mended.ts": source.replace("throw new", "new") });
  const bundle = async (file: string): Promise<string> => (await bundleModule(join(folder, file))).code;
  const put = (program: string) => served.request("PUT", "/v1/database/monday?host_type=Js", program);
  try {
    const refused = await put(await bundle("module.ts"));
    expect([refused.status >= 400, await refused.text()]).toEqual([true, expect.stringContaining("not on a Monday")]);
    expect((await served.call("monday", "ping", "[]")).status).toBe(404);
    expect((await put(await bundle("mended.ts"))).status).toBe(200);
    expect(await served.sql("monday", "SELECT * FROM note")).toEqual([["must not stay"]]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("issue 9, reducers: those of a group go by their keys", async () => {
  await call("zuletzt", `["grouped"]`);
  expect(await said("grouped")).toEqual(["in a group"]);
  expect(await call("anfangs", "[4]")).toBe("5");
});

function encoded(type: AlgebraicType, value: unknown): Uint8Array {
  const out = new ByteWriter();
  valueCodec(type).write(out, value);
  return out.toBytes();
}

function claimsOf(token: string): Readonly<Record<string, string>> {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
}
const issuerOf = (token: string): string => claimsOf(token)["iss"] ?? "";
const audienceOf = (token: string): string => claimsOf(token)["aud"] ?? "";
