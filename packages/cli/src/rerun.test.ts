// Goal: `lightcone rerun` says whether a module keeps anything outside of its tables, and where that was first seen.
// Method: a server, stopped after calls of a module that does when it is asked to; the command on its data.
import { cpSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Place } from "./testing/command.ts";

const text = `import { schema, t, table } from "lightcone/module";
const app = schema({ note: table({ public: true }, { id: t.u64().primaryKey().autoInc(), n: t.u32() }) });
export default app;
let kept = 0;
export const twice = app.procedure(t.unit(), (ctx) => {
  for (const n of [8, 9]) ctx.withTx((tx) => void tx.db.note.insert({ n }));
});
export const add = app.reducer({ n: t.u32() }, (ctx, { n }) => void ctx.db.note.insert({ n }));
export const ask = app.reducer((ctx) => {
  ctx.db.note.insert({ n: ctx.senderAuth.jwt === null ? 0 : 1 });
});
export const keep = app.reducer({ n: t.u32() }, (ctx, { n }) => {
  kept += n;
  ctx.db.note.insert({ n: kept });
});
`;
let place: Place;
beforeAll(() => {
  place = new Place();
});
afterAll(() => place.close());

async function serve(work: (url: string) => Promise<void>): Promise<void> {
  const data = ["--data-dir", place.path("data"), "--log-level", "silent"];
  const server = place.start("start", "--listen-addr", "127.0.0.1:0", ...data);
  const [, url = ""] = await server.saying(/listening on (\S+)/);
  await work(url);
  server.child.kill("SIGTERM");
  await server.ended;
}

test("calls of a stopped server's database are run again", async () => {
  const call = async (url: string, ...args: string[]): Promise<void> => {
    expect((await place.run("call", "notes", ...args, "-s", url)).code).toBe(0);
  };
  await serve(async (url) => {
    writeFileSync(place.path("module.ts"), text);
    expect((await place.run("publish", "notes", "--module-path", place.path("."), "-s", url)).code).toBe(0);
    await call(url, "add", "1");
    await call(url, "twice");
    expect((await place.run("sql", "notes", "UPDATE note SET n = 2 WHERE n = 1", "-s", url)).code).toBe(0);
    await call(url, "add", "2");
  });
  const same = await place.run("rerun", "notes", "--data-dir", place.path("data"));
  expect([same.code, same.out]).toEqual([
    0,
    expect.stringMatching(
      /^3 calls were run again, from offset 0 to \d+; \d+ other records were taken as they are:\n {2}2 of the transactions of procedures: .*\n {2}1 of the publishes.*\n {2}\d+ of the database itself.*\nEach changed the same rows, to the byte\.\n$/,
    ),
  ]);

  const data = ["--data-dir", place.path("data")];
  const listed = await place.run("rerun", "notes", "--list", "--from", "3", ...data);
  const calls = [...listed.out.matchAll(/^ +(\d+) {2}\S+Z {2}(.*)$/gm)].map(([, offset, title]) => [offset, title]);
  expect(calls.map(([, title]) => title)).toEqual(["a statement of the owner", "add"]);
  const [statement = ""] = calls[0] ?? [];
  expect((await place.run("replay", "notes", "--to", statement, ...data)).out).toBe(
    `a statement of the owner, offset ${statement}, was run again, and changed the same rows, to the byte.\n`,
  );
  const json: unknown = JSON.parse((await place.run("rerun", "notes", "--json", ...data)).out);
  expect(json).toMatchObject({ rerunCount: 3, others: { procedures: 2, publishes: 1 }, difference: null });
  expect((await place.run("rerun", "notes", "--from", "100000", ...data)).err).toMatch(
    /^Error: the log ends at offset \d+, before 100000\n/,
  );

  await serve((url) => call(url, "ask"));
  const asked = /^ +(\d+) .* ask$/m.exec((await place.run("rerun", "notes", "--list", ...data)).out)?.[1] ?? "";
  const untold = await place.run("replay", "notes", "--to", asked, ...data);
  expect([untold.code, untold.err]).toEqual([
    1,
    expect.stringMatching(/^Error: ask, offset \d+, asked for its caller's token/),
  ]);

  await serve(async (url) => {
    for (const n of ["3", "4"]) await call(url, "keep", n);
  });
  const other = await place.run("rerun", "notes", "--data-dir", place.path("data"));
  expect(other.code).toBe(1);
  expect(other.err).toMatch(
    /keep, offset \d+, of \S+: a row of note differs, the insert of which it did when it was recorded, and does not now: \{"id":7,"n":7\}/,
  );
  expect(other.err).toContain("keep it in a table");

  const offset = Number(/keep, offset (\d+)/.exec(other.err)?.[1]);
  const first = await place.run("replay", "notes", "--to", String(offset - 1), ...data);
  expect([first.code, first.err]).toEqual([
    1,
    expect.stringMatching(/cannot be run again: it is one of the database itself/),
  ]);
  const again = await place.run("replay", "notes", "--to", String(offset), ...data);
  expect([again.code, again.err]).toEqual([1, expect.stringMatching(/a row of note differs.*"n":7/)]);
  expect((await place.run("replay", "notes", "--to", "100000", ...data)).err).toMatch(
    /the log ends at offset \d+, before 100000/,
  );
  expect((await place.run("replay", "notes", ...data)).err).toMatch(/--to says which call/);
});

test("what is damaged is named where it is, and not in the copy that was read", async () => {
  cpSync(place.path("data"), place.path("damaged"), { recursive: true });
  const [segment = ""] = globSync("damaged/databases/*/*/log/*.segment", { cwd: place.path(".") });
  const bytes = readFileSync(place.path(segment));
  bytes[5000] = (bytes[5000] ?? 0) ^ 0xff;
  writeFileSync(place.path(segment), bytes);
  const damaged = await place.run("rerun", "notes", "--data-dir", place.path("damaged"));
  expect([damaged.code, damaged.err]).toEqual([
    1,
    expect.stringContaining(`${place.path(segment)} is damaged at byte`),
  ]);
});

test("issue 10 §3: a call is run again under a debugger, which stops right before it", async () => {
  const data = ["--data-dir", place.path("data")];
  const command = place.start("replay", "notes", "--to", "2", "--inspect-brk", "127.0.0.1:0", ...data);
  const [, url = ""] = await command.saying(/Debugger listening on (ws:\S+)/);
  const socket = new WebSocket(url);
  const paused = new Promise<string>((resolve) => {
    socket.addEventListener("message", ({ data: text }) => {
      const said: { method?: string; params?: { callFrames?: { functionName: string }[] } } = JSON.parse(String(text));
      const [top] = said.params?.callFrames ?? [];
      if (said.method === "Debugger.paused" && top !== undefined) resolve(top.functionName);
    });
  });
  await new Promise((resolve) => socket.addEventListener("open", resolve, { once: true }));
  let id = 0;
  const post = (method: string): void => socket.send(JSON.stringify({ id: (id += 1), method }));
  post("Debugger.enable");
  post("Runtime.runIfWaitingForDebugger");
  expect(await paused).toBe("stopHere");
  post("Debugger.resume");
  socket.close();
  expect((await command.ended).code).toBe(0);
  expect(command.out).toMatch(/^add, offset 2, was run again, and changed the same rows, to the byte\.\n$/);
});
