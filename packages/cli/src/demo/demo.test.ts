/**
 * Goal: `npm start` brings up the chat, its three commands work as printed, and a second start finds the data.
 * Method: the script that npm runs, on a free port, without a terminal; the printed lines go to a shell.
 */
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Place, repository, type Running } from "../testing/command.ts";

const place = new Place();
afterAll(() => place.close());

const npmStart = (...args: readonly string[]): Running =>
  place.open(process.execPath, [
    join(repository, "scripts/run.mjs"),
    "start",
    "--data-dir",
    place.path("data"),
    ...args,
  ]);

test("starts, prints commands that work, stops, and starts again with its data", async () => {
  let started = npmStart("--listen-addr", "127.0.0.1:0");
  await started.saying(/Ctrl-C stops it/);
  const commands = [...started.out.matchAll(/^ +(npx lightcone .*)$/gm)].map((match) => match[1] ?? "");
  expect(commands).toHaveLength(3);
  for (const command of commands) {
    const ended = await place.open("bash", ["-c", command]).ended;
    expect(ended, command).toMatchObject({ code: 0 });
    if (!command.includes(" call ")) expect(ended.out, command).toContain("hello from the terminal");
  }

  const address = new URL(/ -s (\S+)/.exec(commands[0] ?? "")?.[1] ?? "").host;
  const second = await npmStart("--listen-addr", address).ended;
  expect(second.code).toBe(1);
  expect(second.err).toMatch(/already in use.*--listen-addr/);
  expect(second.err).toMatch(/Hint: for example: lightcone start --listen-addr 127\.0\.0\.1:\d+\n/);
  place.env["npm_lifecycle_event"] = "start";
  const behindNpm = await npmStart("--listen-addr", address).ended;
  expect(behindNpm.err).toMatch(/Hint: for example: npm start -- --listen-addr 127\.0\.0\.1:\d+\n/);

  started.child.kill("SIGTERM");
  expect(await started.ended).toMatchObject({ code: 0 });

  started = npmStart("--listen-addr", address);
  await started.saying(/Ctrl-C stops it/);
  const again = await place.open("bash", ["-c", commands[1] ?? ""]).ended;
  expect(again.out).toContain("hello from the terminal");
  started.child.kill("SIGTERM");
  expect(await started.ended).toMatchObject({ code: 0 });
});
