// Goal: row 20: who follows a log gets every line, over ends and replacements of the database, and hears why it ends.
// Method: a server with files in memory, where the test writes the lines, and real sockets for those who follow.
import { LightconeError } from "@lightcone/base";
import { afterEach, describe, expect, test } from "vitest";
import type { ServerOptions } from "../open-server.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { openTestServer, type TestServer } from "../testing/test-server.ts";

let host: TestServer;
let token: string;
afterEach(() => host.server.stop());

async function openHarbor(options: Partial<ServerOptions> = {}): Promise<void> {
  host = await openTestServer(options);
  ({ token } = await host.identity());
  expect((await host.ask("PUT", "/v1/database/harbor", { token, body: "program" })).status).toBe(200);
}

const newest = (): string => [...host.databases.keys()].at(-1) ?? "";

/** Adds a line to the log of the database that was opened last. */
function say(message: string): void {
  const path = `${newest()}/module-log/2026-01-01.ndjson`;
  const before = new TextDecoder().decode(host.files.files.get(path));
  host.files.directories.add(`${newest()}/module-log`);
  host.files.files.set(path, new TextEncoder().encode(`${before}${JSON.stringify({ message })}\n`));
}

async function follow(query = "follow=true") {
  const response = await fetch(`http://127.0.0.1:${host.port}/v1/database/harbor/logs?${query}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  expect(response.status).toBe(200);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const read = async (isEnough: () => boolean): Promise<readonly { message: string; end?: string }[]> => {
    while (!isEnough()) {
      const next = await reader?.read();
      if (next === undefined || next.done) break;
      text += next.value;
    }
    return text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  };
  return {
    until: (message: string) => read(() => text.includes(message)),
    toTheEnd: () => read(() => false),
    leave: () => reader?.cancel(),
  };
}

describe("row 20: a follower", () => {
  test("gets what is there, what comes, and what the server says when it stops", async () => {
    await openHarbor();
    for (const message of ["one", "two", "three"]) say(message);
    const follower = await follow("follow=true&num_lines=2");
    await follower.until("three");
    say("four");
    await follower.until("four");
    await host.server.stop();
    const lines = await follower.toTheEnd();
    expect(lines.map(({ message }) => message)).toEqual([
      "two",
      "three",
      "four",
      "the log ends here: the server is stopping",
    ]);
    expect(lines.at(-1)).toMatchObject({ end: "ServerStopping" });
  });

  test("hears that the database was deleted", async () => {
    await openHarbor();
    say("one");
    const follower = await follow("follow=true&num_lines=1");
    await follower.until("one");
    say("the last words");
    expect((await host.ask("DELETE", "/v1/database/harbor", { token })).status).toBe(200);
    const lines = await follower.toTheEnd();
    expect(lines.at(-1)).toMatchObject({ end: "DatabaseDeleted" });
  });

  test("goes on in the log of the database that replaces it", async () => {
    await openHarbor();
    say("old");
    const follower = await follow("follow=true&num_lines=1");
    await follower.until("old");
    await host.ask("PUT", "/v1/database/harbor?clear=true", { token, body: "anew" });
    say("new");
    const lines = await follower.until("new");
    expect(lines.map(({ message }) => message)).toEqual([
      "old",
      "the database was published anew without its data: its log begins here",
      "new",
    ]);
    await follower.leave();
  });

  test("goes on when the database fails, and hears that it is left alone", async () => {
    await openHarbor();
    say("one");
    const follower = await follow("follow=true&num_lines=1");
    await follower.until("one");
    host.databases.get(newest())?.fail(new LightconeError("DatabaseStopped", { reason: "its host ended" }));
    say("two");
    await follower.until("two");
    // Opened again by the next request.
    expect((await host.ask("POST", "/v1/database/harbor/sql", { token, body: "q" })).status).toBe(200);
    say("three");
    await follower.until("three");
    host.databases.get(newest())?.fail(new LightconeError("Quarantined", { crashCount: 3 }));
    const lines = await follower.toTheEnd();
    expect(lines.slice(0, -1).map(({ message }) => message)).toEqual(["one", "two", "three"]);
    expect(lines.at(-1)).toMatchObject({ end: "Quarantined", message: expect.stringMatching(/3 times.*Publish/) });
    // The log of a database that is left alone can be read: now it is wanted most.
    const { status, body } = await host.ask("GET", "/v1/database/harbor/logs?num_lines=1", { token });
    expect({ status, body }).toEqual({ status: 200, body: '{"message":"three"}\n' });
  });

  test("that goes away is forgotten", async () => {
    // Time stands: a stop that waited for somebody would wait for ever.
    await openHarbor({ clock: new ManualClock() });
    say("one");
    const follower = await follow("follow=true&num_lines=1");
    await follower.until("one");
    await follower.leave();
    await expect(host.server.stop()).resolves.toBeUndefined();
  });
});
