// Goal: issue 9, rows "procedures" and "TypeScript modules": a procedure of an official bundle waits within `ctx.http.fetch` without
// giving its stack up, in a thread of its own. Others run meanwhile, and however it ends, its caller is told and its thread is gone.
// The threads are the same for both lines: most endings are looked at with 2.x alone.
// Method: a real server, and another that is asked and answers when the test lets it. Rows, the log and the host's threads are read.
import { readdirSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Served } from "../served.ts";
import { officialBundle, officialLines } from "./official.ts";

const threadsMax = 3;

interface Asked {
  readonly body: string;
  readonly header: string | undefined;
  readonly answer: ServerResponse;
}

describe.each(officialLines)("row 9: procedures of a bundle of the official package, line %i", (line) => {
  let served: Served;
  let identity: string;
  let outside: Server;
  let url: string;
  const asked: Asked[] = [];
  let bundle: string;

  beforeAll(async () => {
    outside = createServer((request, answer) => {
      let body = "";
      request.setEncoding("utf8");
      request.on("data", (chunk: string) => (body += chunk));
      request.on("end", () => asked.push({ body, header: request.headers["x-drill"]?.toString(), answer }));
    });
    await new Promise<void>((resolve) => outside.listen(0, "127.0.0.1", resolve));
    const address = outside.address();
    url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/`;
    served = await Served.open({
      procedureHttp: "any",
      databaseLimits: { reducerTimeoutMs: 2000, procedureThreadsMax: threadsMax, moduleMemoryPagesMax: 1024 },
    });
    bundle = await officialBundle("drill", line);
    identity = await served.create("drill", bundle);
  });
  afterAll(async () => {
    outside.closeAllConnections();
    outside.close();
    await served.stop();
  });

  const call = async (name: string, args: readonly unknown[] = []): Promise<string> => {
    const response = await served.call("drill", name, JSON.stringify(args));
    return `${response.status} ${await response.text()}`;
  };
  const said = async (): Promise<readonly unknown[]> =>
    (await served.sql("drill", "SELECT * FROM said"))
      .map(([what]) => what)
      .filter((what) => !/^(?:came|went|init) /.test(String(what)));
  /** The request that came as the next. */
  const next = async (): Promise<Asked> => {
    await expect.poll(() => asked.length).toBeGreaterThan(0);
    const [first] = asked.splice(0, 1);
    if (first === undefined) throw new Error("nothing was asked");
    return first;
  };
  const threads = (): number => readdirSync(`/proc/${served.hosts.get(identity)}/task`).length;

  test("what it sends, what it is given, and a transaction behind it; reducers run meanwhile", async () => {
    const answer = call("ask", [url]);
    const request = await next();
    expect([request.body, request.header]).toEqual(["ünï", "yes"]);
    expect(await call("chance")).toBe("200 ");
    expect(await call("double", [4])).toBe("200 8"); // another procedure
    request.answer.writeHead(201).end("héard");
    expect(await answer).toBe('200 "201 héard true"');
    expect(await said()).toContain("héard");
  });

  test("several in turn, with transactions before each", async () => {
    const answer = call("ask_twice", [url]);
    const first = await next();
    expect(await said()).toContain("before 1");
    expect(await said()).not.toContain("before 2");
    first.answer.end("12345");
    (await next()).answer.end(Buffer.alloc(100_000));
    expect(await answer).toBe("200 100005");
  });

  test("a request that fails is an error that it can handle; within a transaction it is refused", async () => {
    expect(await call("ask", ["http://127.0.0.1:1/"])).toMatch(/^200 "true .+"$/);
    expect(await call("waits_inside", [url])).toBe('200 "true"');
    const cut = call("ask", [url]);
    (await next()).answer.destroy();
    expect(await cut).toMatch(/^200 "true .+"$/);
    expect(asked).toEqual([]);
  });

  test.skipIf(line === 1)(
    "one that computes without end is ended, in a transaction or outside, and what it wrote is undone",
    async () => {
      const spinning = call("spin", [false]);
      expect(await call("chance")).toBe("200 "); // others run while it does
      expect(await spinning).toMatch(/took longer than 2 s \(reducerTimeoutMs\)/);
      expect(await call("spin", [true])).toMatch(/took longer than 2 s \(reducerTimeoutMs\)/);
      expect(await said()).not.toContain("this is undone");
      expect(await call("double", [5])).toBe("200 10");
    },
  );

  test.skipIf(line === 1)("one that eats memory ends alone", async () => {
    const before = served.openings.get(identity);
    expect(await call("hog")).toMatch(/^500 /);
    expect(served.openings.get(identity)).toBe(before);
    const log = await (await served.request("GET", "/v1/database/drill/logs?num_lines=20")).text();
    expect(log).toMatch(/thread has ended: .*memory.*moduleMemoryPagesMax/);
    expect(await call("double", [6])).toBe("200 12");
  });

  // The limit is procedureThreadsMax.
  test.skipIf(line === 1)(
    "more at a time than there are threads wait for one; threads are used again, and go",
    async () => {
      const waiting = Array.from({ length: threadsMax }, () => call("ask_twice", [url]));
      const requests = await Promise.all(waiting.map(() => next()));
      const full = threads();
      let isAnswered = false;
      const behind = call("double", [1]).finally(() => (isAnswered = true));
      expect(await call("chance")).toBe("200 ");
      expect(isAnswered).toBe(false);
      for (const { answer } of requests) answer.end("1");
      for (const _ of waiting) (await next()).answer.end("1");
      expect(await Promise.all(waiting)).toEqual(waiting.map(() => "200 2"));
      expect(await behind).toBe("200 2");
      const many = Array.from({ length: 40 }, (_, at) => call("double", [at]));
      expect(await Promise.all(many)).toEqual(many.map((_, at) => `200 ${at * 2}`));
      // Two are kept for the next procedures.
      await expect.poll(threads).toBeLessThan(full);
    },
  );

  test.skipIf(line === 1)(
    "a client that leaves, a program that is published meanwhile: it goes on to its end",
    async () => {
      const leaving = new AbortController();
      const headers = { authorization: `Bearer ${served.token}`, "content-type": "application/json" };
      const path = `${served.url}/v1/database/drill/call/ask`;
      const left = fetch(path, { method: "POST", headers, body: JSON.stringify([url]), signal: leaving.signal }).catch(
        () => "gone",
      );
      const request = await next();
      leaving.abort();
      expect(await left).toBe("gone");
      await served.publish("drill", `${bundle.replace("not today", "not now")}\n// another program`, "Js");
      request.answer.end("said to nobody");
      await expect.poll(said).toContain("said to nobody");
      expect(await call("double", [7])).toBe("200 14");
    },
  );

  test.skipIf(line === 1)("its host ends while it waits: its caller is told, and it is not run again", async () => {
    const answer = call("ask", [url]);
    const request = await next();
    process.kill(served.hosts.get(identity) ?? 0, "SIGKILL");
    expect(await answer).toMatch(/^5\d\d /);
    request.answer.end("too late");
    expect(await call("double", [8])).toBe("200 16");
    expect(asked).toEqual([]);
    expect(await said()).not.toContain("too late");
  });

  test.skipIf(line === 1)("the server stops while it waits", async () => {
    const answer = call("ask", [url]).catch(() => "the server is gone");
    const request = await next();
    await served.stopFront();
    expect(await answer).toMatch(/^503 |gone/);
    request.answer.end("too late");
    await served.start();
    expect(await call("double", [9])).toBe("200 18");
  });
});
