// Goal: what `--in-memory` keeps in memory is gone with its server, also when the server was killed.
// Method: real servers; one is killed, the next one that starts removes what it left, and nothing of one that runs.
import { existsSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { Place, type Running } from "../testing/command.ts";

const place = new Place();
afterAll(() => place.close());

async function start(): Promise<{ server: Running; directory: string }> {
  const server = place.start("start", "--listen-addr", "127.0.0.1:0", "--in-memory", "--log-level", "silent");
  const [, directory = ""] = await server.saying(/data directory (\S+) \(in memory/);
  await server.saying(/listening on/);
  return { server, directory };
}

test("row 16: a killed server's memory is given back by the next start", async () => {
  const killed = await start();
  const other = await start();
  expect(existsSync(`${killed.directory}/id_ecdsa`)).toBe(true);
  killed.server.child.kill("SIGKILL");
  await killed.server.ended;
  expect(existsSync(killed.directory)).toBe(true);
  const next = await start();
  expect([killed, other, next].map(({ directory }) => existsSync(directory))).toEqual([false, true, true]);
  for (const { server, directory } of [other, next]) {
    server.child.kill("SIGTERM");
    await server.ended;
    expect(existsSync(directory)).toBe(false);
  }
});
