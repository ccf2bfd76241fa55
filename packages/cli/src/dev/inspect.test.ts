// Goal: issue 10, debugging: a break point on a line of a reducer's TypeScript is hit, and the call
// goes on to its end.
// Method: `dev --inspect` as its users run it, and a debugger that speaks the inspector's protocol and reads the module's source map.
import { once } from "node:events";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { SourceMap, type SourceMapPayload } from "node:module";
import { createServer } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, expect, test } from "vitest";
import { bin, Place, repository } from "../testing/command.ts";

const place = new Place();
afterAll(() => place.close());

const text = `import { schema, t, table } from "lightcone/module";

interface Words {
  readonly text: string;
}
const app = schema({ note: table({ public: true }, { id: t.u64().primaryKey().autoInc(), text: t.string() }) });
export default app;

export const add = app.reducer({ text: t.string() }, (ctx, { text }: Words) => {
  const loud = text.toUpperCase();
  ctx.db.note.insert({ id: 0n, text: loud });
});
`;
const brokenAt = 11;

/** A debugger. */
class Inspector {
  private readonly socket: WebSocket;
  private readonly heard: { method?: string; id?: number; params: Record<string, unknown>; result?: unknown }[] = [];
  private wake: () => void = () => undefined;
  private calls = 0;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.addEventListener("message", ({ data }) => {
      this.heard.push(JSON.parse(String(data)));
      this.wake();
    });
  }

  static async open(port: number): Promise<Inspector> {
    const list = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
      readonly webSocketDebuggerUrl: string;
    }[];
    const socket = new WebSocket(list[0]?.webSocketDebuggerUrl ?? "");
    await once(socket, "open");
    return new Inspector(socket);
  }

  async ask(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.calls;
    this.socket.send(JSON.stringify({ id, method, params }));
    return (await this.until((message) => message.id === id)).result;
  }

  async event(method: string, isIt: (params: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> {
    return (await this.until((message) => message.method === method && isIt(message.params))).params;
  }

  close(): void {
    this.socket.close();
  }

  private async until(isIt: (message: Inspector["heard"][number]) => boolean): Promise<Inspector["heard"][number]> {
    for (;;) {
      const found = this.heard.find(isIt);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  await new Promise((closed) => probe.close(closed));
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

test("a break point in a reducer is hit at the author's line, and the call goes on", async () => {
  const at = place.path("notes");
  mkdirSync(join(at, "module", "src"), { recursive: true });
  mkdirSync(join(at, "node_modules"));
  symlinkSync(join(repository, "node_modules", "lightcone"), join(at, "node_modules", "lightcone"), "dir");
  const server = `http://127.0.0.1:${await freePort()}`;
  writeFileSync(join(at, "lightcone.json"), JSON.stringify({ database: "notes", module: "module", server }));
  const source = join(at, "module", "src", "index.ts");
  writeFileSync(source, text);
  const port = await freePort();
  const running = place.open(process.execPath, [bin, "dev", `--inspect=${port}`], { cwd: at });
  await running.saying(/Debugger: 127\.0\.0\.1:\d+[^]*Published successfully!/);

  const inspector = await Inspector.open(port);
  await inspector.ask("Debugger.enable");
  // The script whose source map has the file.
  const mapOf = (url: unknown): SourceMapPayload =>
    JSON.parse(Buffer.from(String(url).split("base64,")[1] ?? "", "base64").toString());
  const hasFile = ({ sourceMapURL }: Record<string, unknown>): boolean => {
    if (!String(sourceMapURL).startsWith("data:application/json")) return false;
    const { sourceRoot, sources } = mapOf(sourceMapURL);
    return sources.some((each) => sourceRoot + each === pathToFileURL(source).href);
  };
  const script = await inspector.event("Debugger.scriptParsed", hasFile);
  const map = mapOf(script["sourceMapURL"]);
  const place0 = new SourceMap(map);
  // As a debugger does: the first place of the script that the line of the file became.
  const written = Array.from({ length: 5000 }, (_, line) => line).flatMap((line) =>
    [0, 1, 2, 4, 8].map((column) => ({ line, column, entry: place0.findEntry(line, column) })),
  );
  const found = written.find(
    ({ entry }) =>
      "originalLine" in entry && entry.originalLine === brokenAt - 1 && entry.originalSource === "src/index.ts",
  );
  expect(found).toBeDefined();
  const { line = 0, column = 0 } = found ?? {};
  await inspector.ask("Debugger.setBreakpoint", {
    location: { scriptId: script["scriptId"], lineNumber: line, columnNumber: column },
  });

  const call = place.open(process.execPath, [bin, "call", "add", "quiet"], { cwd: at });
  const paused = await inspector.event("Debugger.paused", () => true);
  const [frame] = paused["callFrames"] as { readonly callFrameId: string; readonly location: { lineNumber: number } }[];
  expect(frame?.location.lineNumber).toBe(line);
  const value = await inspector.ask("Debugger.evaluateOnCallFrame", {
    callFrameId: frame?.callFrameId,
    expression: "loud",
  });
  expect(value).toMatchObject({ result: { value: "QUIET" } });
  expect(call.child.exitCode).toBeNull();
  await inspector.ask("Debugger.resume");
  expect(await call.ended).toMatchObject({ code: 0 });
  inspector.close();
  const rows = await place.open(process.execPath, [bin, "sql", "SELECT text FROM note"], { cwd: at }).ended;
  expect(rows.out).toContain("QUIET");
  running.child.kill("SIGTERM");
  await running.ended;
});

test("a port that is in use, and a server that is there already", async () => {
  const at = place.path("taken");
  mkdirSync(join(at, "module", "src"), { recursive: true });
  writeFileSync(join(at, "module", "src", "index.ts"), text);
  const server = `http://127.0.0.1:${await freePort()}`;
  writeFileSync(join(at, "lightcone.json"), JSON.stringify({ database: "taken", module: "module", server }));
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const address = taken.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  const run = (...args: readonly string[]) => place.open(process.execPath, [bin, "dev", ...args], { cwd: at }).ended;
  expect(await run(`--inspect=${port}`)).toMatchObject({
    code: 2,
    err: expect.stringMatching(/port \d+, where a debugger is to look, is in use[^]*Hint: Another: /) as string,
  });
  await new Promise((closed) => taken.close(closed));
  expect(await run("--inspect=x")).toMatchObject({ code: 2, err: expect.stringContaining('not "x"') as string });
  expect(await run("--inspect", "-s", server)).toMatchObject({
    code: 2,
    err: expect.stringMatching(/needs a server that `dev` starts itself[^]*Leave out --server/) as string,
  });
});
