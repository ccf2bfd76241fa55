// Goal: nothing of the machine (paths, processes, stack traces) reaches a client, whatever breaks.
// Method: a real server whose database's log is damaged, and one whose database directory is gone; every route is asked
// as its owner and as a stranger, and by an upgrade.
import { closeSync, openSync, readdirSync, readSync, rmSync, statSync, writeSync } from "node:fs";
import { connect } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Served } from "../served.ts";

let served: Served;
let stranger: string;
const pids: number[] = [];

beforeAll(async () => {
  served = await Served.open();
  stranger = JSON.parse(await (await served.request("POST", "/v1/identity")).text()).token;
  for (const name of ["damaged", "lost"]) {
    await served.publishTypeScript(name, "ledger");
    for (const number of [1, 2, 3]) await served.call(name, "record", `[7,${number}]`);
  }
  pids.push(...served.hosts.values());
  const above = join(served.dataDirectory, "databases");
  const [damaged, lost] = await Promise.all(["damaged", "lost"].map(identityOf));
  await served.killFront();
  damage(join(above, damaged ?? ""), "entry 2 of 7");
  rmSync(join(above, lost ?? "none"), { recursive: true });
  await served.start();
});
afterAll(() => served.stop());

async function identityOf(name: string): Promise<string> {
  return (await served.request("GET", `/v1/database/${name}/identity`)).text();
}

/** Turns over the first byte of `needle` in the log below a directory. */
function damage(directory: string, needle: string): void {
  for (const name of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".segment")) continue;
    const file = openSync(join(directory, name), "r+");
    const bytes = Buffer.alloc(Math.min(statSync(join(directory, name)).size, 4 << 20));
    readSync(file, bytes, 0, bytes.length, 0);
    const at = bytes.indexOf(needle);
    if (at > 0) writeSync(file, "E", at);
    closeSync(file);
  }
}

interface Ask {
  readonly as: "owner" | "stranger";
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly body?: string;
}

describe("row 28: nothing of the machine reaches a client", () => {
  test.each<Ask>([
    { as: "stranger", name: "damaged", method: "POST", path: "/sql", body: "SELECT * FROM entry" },
    { as: "stranger", name: "damaged", method: "POST", path: "/call/record", body: "[1,2]" },
    { as: "owner", name: "damaged", method: "PUT", path: "?host_type=Js", body: "no module" },
    { as: "owner", name: "damaged", method: "PUT", path: "/reset" },
    { as: "owner", name: "damaged", method: "GET", path: "/logs" },
    { as: "stranger", name: "lost", method: "GET", path: "/schema?version=10" },
    { as: "owner", name: "lost", method: "POST", path: "/pre_publish?host_type=Js", body: "no module" },
    { as: "owner", name: "lost", method: "POST", path: "/snapshot" },
  ])("$as: $method $name $path", async ({ as, name, method, path, body }) => {
    const token = as === "owner" ? served.token : stranger;
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const init = { method, headers, ...(body === undefined ? {} : { body }) };
    const answer = await fetch(`${served.url}/v1/database/${name}${path}`, init);
    expectNothing(`${await answer.text()} ${JSON.stringify([...answer.headers])}`);
  });

  test("stranger: an upgrade", async () => {
    const url = new URL(`${served.url}/v1/database/damaged/subscribe`);
    const socket = connect(Number(url.port), url.hostname);
    const head = ["GET /v1/database/damaged/subscribe HTTP/1.1", `Host: ${url.host}`, ...upgrade].join("\r\n");
    socket.write(`${head}\r\n\r\n`);
    let text = "";
    for await (const chunk of socket) text += String(chunk);
    expect(text).toMatch(/^HTTP\/1\.1 500 /);
    expectNothing(text);
  });

  test("what breaks is said all the same, to the owner", async () => {
    const answer = await served.request("POST", "/v1/database/damaged/sql", "SELECT * FROM entry");
    expect(answer.headers.get("lightcone-error")).toBe("Corrupt");
    expect(await answer.text()).toMatch(/^log\/\d{16}\.segment is damaged at byte \d+: .*\(good up to offset \d+\)/s);
  });
});

const upgrade = [
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Protocol: v1.json.spacetimedb",
];

/** As a word of its own: a short name stands in the midst of many a token. */
const nameOfMachine = new RegExp(`(?<![\\w.+/=-])${RegExp.escape(hostname())}(?![\\w+/=-])`);

function expectNothing(text: string): void {
  expect(text).not.toContain(served.dataDirectory);
  expect(text).not.toMatch(nameOfMachine);
  expect(text).not.toMatch(/node:internal|file:\/\/|\n\s+at /);
  // A small number is easily a day or a length besides.
  const told = text.replaceAll(/\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT|content-length[^\d]*\d+/gi, "");
  for (const pid of pids) expect(told).not.toMatch(new RegExp(`\\b${pid}\\b`));
}
