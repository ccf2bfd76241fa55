// Goal: issue 9, areas tables to logging. Modules that the official crate of each version compiled, on a real server: their life
// cycle, callers, timers and logs, and their own checks of tables, keys and indexes, with the rows that are there afterwards.
// Method: the showcase of `modules/rust`, built with 1.11.1, 1.12.0 and 2.10.1; HTTP, sockets that come and go, a cleared database.
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RawClient } from "../raw-client.ts";
import { rustModule } from "../rust-modules.ts";
import { Served } from "../served.ts";

const versions = [
  { version: "1.11.1", name: "showcase11" },
  { version: "1.12.0", name: "showcase" },
  { version: "2.10.1", name: "showcase2" },
] as const;

let served: Served;
beforeAll(async () => (served = await Served.open()));
afterAll(() => served.stop());

describe.each(versions)("the showcase built with $version", ({ version, name }) => {
  describe.skipIf(rustModule(name) === undefined)("on a server", () => {
    beforeAll(async () => served.publish(name, new Uint8Array(await readFile(rustModule(name) ?? "")), "Wasm"));

    const journal = async (): Promise<readonly string[]> =>
      (await served.sql(name, "SELECT id, entry FROM journal"))
        .toSorted(([a], [b]) => Number(a) - Number(b))
        .map(([, entry]) => String(entry));
    const call = async (reducer: string, ...args: readonly unknown[]): Promise<readonly [number, string]> => {
      const response = await served.call(name, reducer, JSON.stringify(args));
      return [response.status, await response.text()];
    };
    const somebody = async (): Promise<{ readonly identity: string; readonly token: string }> => {
      const response = await fetch(`${served.url}/v1/identity`, { method: "POST" });
      const made: { identity: string; token: string } = JSON.parse(await response.text());
      return made;
    };
    const done = [200, ""];
    const logs = async (): Promise<readonly Record<string, unknown>[]> =>
      (await (await served.request("GET", `/v1/database/${name}/logs`)).text())
        .split("\n")
        .filter((line) => line !== "")
        .map((line): Record<string, unknown> => JSON.parse(line));

    test("init runs once at the first publish, and again when the database is cleared", async () => {
      expect(await journal()).toEqual(["init"]);
      const bytes = new Uint8Array(await readFile(rustModule(name) ?? ""));
      await served.publish(name, bytes, "Wasm");
      await call("write_entry", "mine");
      expect(await journal()).toEqual(["init", "mine"]);
      const cleared = await served.request("PUT", `/v1/database/${name}?host_type=Wasm&clear=true`, bytes);
      expect(cleared.status).toBe(200);
      expect(await journal()).toEqual(["init"]);
    });

    test.each([
      "check_scalars",
      "check_composite",
      "fill_scores",
      "check_scans",
      "check_deletes",
      "check_open_iterator_refilled",
      "check_unique",
      "check_set",
      "check_numbered",
      "check_narrow",
    ])("%s", async (check) => {
      if (check === "check_open_iterator_refilled") {
        await served.sql(name, "DELETE FROM score");
        expect(await call("fill_scores")).toEqual(done);
        expect(await call("check_open_iterator")).toEqual(done);
      } else expect(await call(check)).toEqual(done);
    });

    test("the rows of those checks are there", async () => {
      const counts = await Promise.all(
        ["scalars", "composite", "score", "badge_former", "mark", "numbered", "narrow"].map(async (table) => [
          table,
          (await served.sql(name, `SELECT * FROM ${table}`)).length,
        ]),
      );
      expect(Object.fromEntries(counts)).toEqual({
        scalars: 2,
        composite: 1,
        score: 0,
        badge_former: 1,
        mark: 1,
        numbered: 3,
        narrow: 256,
      });
      const [low] = await served.sql(name, "SELECT * FROM scalars WHERE truth = false");
      expect(low?.slice(0, 8)).toEqual([4294967294, false, -128, 0, -32768, 0, -2147483648, 0]);
    });

    test("a refusal and a panic leave no rows, and say why", async () => {
      const before = await journal();
      expect(await call("refuse", "for a reason: é")).toEqual([530, "for a reason: é"]);
      const [status, text] = await call("panic_now", "no way");
      expect([status, text]).toEqual([530, expect.stringContaining("fatal error")]);
      expect(await journal()).toEqual(before);
      const panic = (await logs()).findLast(({ message }) => message === "no way");
      expect(panic).toMatchObject({ level: "Panic", filename: `${name}/src/life.rs` });
      expect(panic?.["line_number"]).toBeGreaterThan(1);
    });

    test("an error of the module's own type is told in its words", async () => {
      const before = await journal();
      expect(await call("refuse_many", 4)).toEqual([530, "4 are too many"]);
      expect(await journal()).toEqual(before);
      expect(await call("refuse_many", 3)).toEqual(done);
      expect(await journal()).toEqual([...before, "must not stay"]);
    });

    test("logs have level, target, file and line", async () => {
      expect(await call("speak")).toEqual(done);
      const said = (await logs()).slice(-7);
      expect(said.map(({ level }) => level)).toEqual(["Error", "Warn", "Info", "Debug", "Trace", "Info", "Info"]);
      expect(said[0]).toMatchObject({
        message: "an error",
        target: `${name}::life`,
        filename: `${name}/src/life.rs`,
        line_number: expect.any(Number) as number,
      });
      expect(said[5]).toMatchObject({ message: "with a target: é🌍", target: "elsewhere" });
    });

    test("who calls: identity, connection, time, the token's claims", async () => {
      expect(await call("who_am_i")).toEqual(done);
      const said = (await journal()).at(-1) ?? "";
      expect(said).toMatch(
        /^sender=c200[\da-f]{60} connection=Some\("[\da-f]{32}"\) database=c200[\da-f]{60} at=\d{16}/,
      );
      expect(said).toMatch(/internal=false claims=Some\("\S+ \S+ \[/);
    });

    test("chance follows from the time, and is another the next time", async () => {
      for (const roll of [1, 2]) expect([roll, await call("roll")]).toEqual([roll, done]);
      const [first, second] = (await journal()).slice(-2);
      expect(first).toMatch(/^[1-6] \d+$/);
      expect(second).not.toBe(first);
    });

    test("each connection comes and goes once, and one that is refused is told why", async () => {
      const sessions = async (): Promise<number> => (await served.sql(name, "SELECT * FROM session")).length;
      const before = await sessions();
      const [one, two] = await Promise.all([RawClient.open(served.url, name), RawClient.open(served.url, name)]);
      await Promise.all([one.next(), two.next()]);
      expect(await sessions()).toBe(before + 2);
      one.close();
      await one.over;
      await expect.poll(sessions).toBe(before + 1);
      two.close();
      await two.over;
      await expect.poll(sessions).toBe(before);

      const { identity, token } = await somebody();
      expect(await call("ban", [`0x${identity}`])).toEqual(done);
      const refused = await RawClient.open(served.url, name, { token });
      await refused.over;
      expect(refused.closed).toMatchObject({ code: 4403, reason: expect.stringContaining("you are banned") as string });
      const over = await served.call(name, "who_am_i", "[]", token);
      expect([over.status, await over.text()]).toEqual([403, expect.stringContaining("you are banned")]);
    });

    test("timers fire at their time and at their interval, until their row goes; others may not call them", async () => {
      const rows = (): Promise<readonly (readonly unknown[])[]> => served.sql(name, "SELECT scheduled_id FROM tick");
      const ticks = async (note: string): Promise<number> =>
        (await journal()).filter((entry) => entry.startsWith("tick ") && entry.endsWith(` ${note}`)).length;
      expect(await call("tick_in", 20, "once")).toEqual(done);
      await expect.poll(() => ticks("once")).toBe(1);
      expect(await rows()).toEqual([]);
      expect(await call("tick_every", 20, "often")).toEqual(done);
      await expect.poll(() => ticks("often")).toBeGreaterThan(2);
      const [[id]] = (await rows()) as [[number]];
      const forged = [1, { Interval: [1] }, "forged"];
      expect(await call("on_tick", forged)).toEqual([530, "only the scheduler may call this"]);
      // 2.x makes a scheduled reducer private; before it, the reducer has to look itself.
      const other = await served.call(name, "on_tick", JSON.stringify([forged]), (await somebody()).token);
      expect(other.status).toBe(version === "2.10.1" ? 404 : 530);
      expect(await call("stop_tick", id)).toEqual(done);
      const then = await ticks("often");
      expect(await call("tick_in", 60, "later")).toEqual(done);
      await expect.poll(() => ticks("later")).toBe(1);
      expect([await ticks("often"), await ticks("once"), await ticks("forged")]).toEqual([then, 1, 0]);
    });

    test("a call that does not wait for the commit", async () => {
      expect((await call("call_soon", "came anyway", true))[0]).toBe(530);
      await expect.poll(async () => (await journal()).includes("came anyway")).toBe(true);
    });
  });
});
