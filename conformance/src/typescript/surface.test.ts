// Goal: what the library gives the author of a module works as a user meets it.
// Method: one module in a server of its own process; each function writes what it saw into rows, which are read back.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Served } from "../served.ts";
import { bundleOf } from "./bundled.ts";

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

function claimsOf(token: string): Readonly<Record<string, string>> {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
}
const issuerOf = (token: string): string => claimsOf(token)["iss"] ?? "";
const audienceOf = (token: string): string => claimsOf(token)["aud"] ?? "";
