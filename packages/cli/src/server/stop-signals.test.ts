// Goal: what reaches a server twice, because its group got it and a launcher passed it on, is one wish to stop.
// Method: signals at times; then a real process group whose first process passes SIGTERM on, as npm and npx do.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Place, repository, Running } from "../testing/command.ts";
import { StopSignals } from "./stop-signals.ts";

const place = new Place();
afterAll(() => place.close());

describe("signals", () => {
  test.each([
    {
      heard: [
        ["SIGTERM", 0],
        ["SIGTERM", 1],
        ["SIGTERM", 499],
      ],
      meaning: ["stop", "nothing new", "nothing new"],
    },
    {
      heard: [
        ["SIGTERM", 0],
        ["SIGTERM", 500],
      ],
      meaning: ["stop", "end at once"],
    },
    {
      heard: [
        ["SIGTERM", 0],
        ["SIGTERM", 499],
        ["SIGTERM", 501],
      ],
      meaning: ["stop", "nothing new", "end at once"],
    },
    {
      heard: [
        ["SIGINT", 0],
        ["SIGTERM", 1],
      ],
      meaning: ["stop", "end at once"],
    },
  ] as const)("$heard mean $meaning", ({ heard, meaning }) => {
    let nowMs = 0;
    const signals = new StopSignals(() => nowMs);
    expect(
      heard.map(([signal, atMs]) => {
        nowMs = atMs;
        return signals.hear(signal);
      }),
    ).toEqual(meaning);
  });
});

test("SIGTERM to the group of `npm start` is one clean stop", { timeout: 120_000 }, async () => {
  const more = ["--listen-addr", "127.0.0.1:0", "--data-dir", place.path("data"), "--log-level", "info"];
  const child = spawn(process.execPath, [join(repository, "scripts/run.mjs"), "start", ...more], {
    cwd: repository,
    env: place.env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { pid = 0 } = child;
  const running = new Running(child);
  try {
    await running.saying(/http:\S+/);
    process.kill(-pid, "SIGTERM");
    const ended = await running.ended;
    expect(ended).toMatchObject({ code: 0, err: expect.stringMatching(/"stopping"\}\n.*"stopped"\}\n$/) });
  } finally {
    if (child.exitCode === null) process.kill(-pid, "SIGKILL");
  }
});

test("where nobody sits at a terminal, the log is lines of JSON alone, to the end", async () => {
  const server = place.start("start", "-l", "127.0.0.1:0", "--data-dir", place.path("other"));
  await server.saying(/listening on/);
  server.child.kill("SIGTERM");
  const { code, err } = await server.ended;
  const lines = err.trimEnd().split("\n");
  expect([code, lines.map((line) => JSON.parse(line).msg)]).toEqual([0, ["listening", "stopping", "stopped"]]);
});
