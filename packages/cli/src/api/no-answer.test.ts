// Goal: whoever waits for a server hears within seconds what is the matter with it, and waits on while it works.
// Method: the command as a process; a real server that is stopped in the middle, and listeners that do one thing each.
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer, type AddressInfo, type Server } from "node:net";
import { afterAll, describe, expect, test } from "vitest";
import { Place } from "../testing/command.ts";

const place = new Place();
afterAll(() => place.close());

async function listening(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // A TCP server's address is never a path.
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}`;
}

describe.concurrent("a server that gives no answer", () => {
  test("because it stands still: it is not told to be started", async () => {
    const server = place.start("start", "-l", "127.0.0.1:0", "--data-dir", place.path("data"));
    const [, url = ""] = await server.saying(/listening on (\S+)/);
    server.child.kill("SIGSTOP");
    const { code, err } = await place.run("server", "ping", url);
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/could not be reached[^]*listens there and answers nothing/),
    ]);
    expect(err).not.toContain("lightcone start");
    server.child.kill("SIGCONT");
    expect(await place.run("server", "ping", url)).toMatchObject({ code: 0 });
  });

  test("but closes the connection: the limit on connections is named", async () => {
    const server = createServer((socket) => void socket.destroy());
    const { code, err } = await place.run("server", "ping", await listening(server));
    expect([code, err]).toEqual([1, expect.stringMatching(/closed without an answer[^]*socketsMax/)]);
    expect(err).not.toContain("lightcone start");
    server.close();
  });

  test("because nothing listens: it is told how one is started", async () => {
    const server = createServer();
    const url = await listening(server);
    server.close();
    await once(server, "close");
    const { err } = await place.run("server", "ping", url);
    expect(err).toMatch(/nothing listens there[^]*lightcone start/);
  });

  test("but one that no server of databases gives: what it is is shown", async () => {
    const server = createHttpServer((_, response) => void response.end("<html>"));
    const { code, err } = await place.run("sql", "anything", "SELECT 1", "-s", await listening(server), "--anonymous");
    expect([code, err]).toEqual([1, expect.stringMatching(/answers with no identity: "<html>"[^]*Hint: /)]);
    server.close();
  });

  test("to this one for long, but answers others: it is waited for", async () => {
    let answer: (() => void) | undefined;
    let pings = 0;
    const server = createHttpServer((request, response) => {
      const end = (): unknown => response.end(request.url?.endsWith("/identity") === true ? "c2".repeat(32) : "[]");
      if (request.url === "/v1/ping") {
        pings += 1;
        end();
        // The command has looked whether somebody is there, and found that.
        setImmediate(answer ?? end);
      } else if (answer === undefined) answer = end;
      else end();
    });
    const { code, err } = await place.run("sql", "anything", "SELECT 1", "-s", await listening(server), "--anonymous");
    expect([code, err, pings]).toEqual([0, expect.not.stringContaining("Error"), 1]);
    server.close();
    server.closeAllConnections();
  });
});
