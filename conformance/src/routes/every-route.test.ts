// Goal: issue 9, row "HTTP, SQL". docs/http.md says which routes there are, and it is so: each is served, by its method alone, and the server
// has none besides. Statuses and bodies are compared by the recorded exchanges (conversations/http.test.ts).
// Method: the page's table, asked of a real server one by one; the server's own list of routes.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { databaseRoutes } from "../../../packages/server/src/http/database-routes.ts";
import { identityRoutes } from "../../../packages/server/src/http/identity-routes.ts";
import { mcpRoutes } from "../../../packages/server/src/http/mcp-routes.ts";
import { moduleRoutes } from "../../../packages/server/src/http/module-routes.ts";
import { namesRoutes } from "../../../packages/server/src/http/names-routes.ts";
import { ownerRoutes } from "../../../packages/server/src/http/owner-routes.ts";
import { publishRoutes } from "../../../packages/server/src/http/publish-routes.ts";
import { returningProgram } from "../database/returning-guest.ts";
import { Served } from "../served.ts";

const page = readFileSync(fileURLToPath(new URL("../../../docs/http.md", import.meta.url)), "utf8");
const routes = [...page.matchAll(/^\| `([A-Z]+) (\S+)` \| ([^|]+) \|/gm)].map(
  ([, method = "", path = "", who = ""]) => ({
    method,
    path,
    who,
  }),
);

let served: Served;
beforeAll(async () => {
  served = await Served.open();
  await served.publish("routed", returningProgram, "Wasm");
});
afterAll(() => served.stop());

const made = (path: string): string =>
  path.replace(":db", "routed").replace(":function", "look").replace(":identity", "c2".repeat(32)).replace("*", "none");

describe("row 9: the routes of docs/http.md", () => {
  test("are those of the server, and no others", () => {
    const own = [
      ...identityRoutes,
      ...publishRoutes,
      ...namesRoutes,
      ...ownerRoutes,
      ...databaseRoutes,
      ...mcpRoutes,
      ...moduleRoutes,
    ];
    const served = own.flatMap(({ path, methods, any }) =>
      [...Object.keys(methods), ...(any === undefined ? [] : ["ANY"])].map((method) => `${method} ${path}`),
    );
    expect(routes.map(({ method, path }) => `${method} ${path.replace(/\?.*/, "")}`).toSorted()).toEqual(
      served.toSorted(),
    );
  });

  test.each(routes.filter(({ method }) => method !== "DELETE" && method !== "ANY"))(
    "$method $path is served, and by no method that is none of its",
    async ({ method, path, who }) => {
      const body = { POST: "x", PUT: '["x"]' }[method];
      const headers = { "content-type": "application/json" };
      const answer = await fetch(`${served.url}${made(path)}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body }),
      });
      // Nobody's token: what is the owner's is refused, and nothing else is missing.
      expect([404, 405], `${method} ${path}`).not.toContain(answer.status);
      if (who.startsWith("owner")) expect([401, 403]).toContain(answer.status);
      if (who === "token" || who === "operator") expect(answer.status).toBe(401);
      const other = await served.request("PATCH", made(path), "x");
      expect([other.status, await other.text()]).toEqual([405, ""]);
      expect(other.headers.get("allow")?.split(",")).toContain(method);
      expect((await served.request("OPTIONS", made(path))).status).toBe(200);
    },
  );

  test.each(["/v1/energy/c2", "/v1/metrics", "/v1/prometheus/sd_config", "/internal/heap"])(
    "%s is not there",
    async (path) => {
      const answer = await fetch(`${served.url}${path}`);
      expect([answer.status, await answer.text()]).toEqual([404, ""]);
    },
  );
});

describe("row 9: MCP", () => {
  type Answer = { readonly result?: unknown; readonly error?: { readonly code: number; readonly message: string } };
  const say = (path: string, body: string, type = "application/json"): Promise<Response> =>
    fetch(`${served.url}${path}`, {
      method: "POST",
      headers: { "content-type": type, authorization: `Bearer ${served.token}` },
      body,
    });
  const ask = async (path: string, method: string, params: object = {}): Promise<Answer> => {
    const answer = await say(path, JSON.stringify({ jsonrpc: "2.0", id: 7, method, params }));
    expect(answer.status).toBe(200);
    const { jsonrpc, id, ...said } = JSON.parse(await answer.text());
    expect([jsonrpc, id]).toEqual(["2.0", 7]);
    return said;
  };
  const one = "/v1/database/routed/mcp";
  const tool = (path: string, name: string, args: object = {}) => ask(path, "tools/call", { name, arguments: args });
  const text = (said: unknown, isError = false) => ({ result: { content: [{ type: "text", text: said }], isError } });

  test("initialize, ping and the tools that there are", async () => {
    expect(await ask(one, "initialize")).toMatchObject({
      result: { protocolVersion: "2025-06-18", capabilities: { tools: {} }, serverInfo: { name: "lightcone" } },
    });
    expect(await ask(one, "ping")).toEqual({ result: {} });
    const names = async (path: string): Promise<readonly string[]> => {
      const { tools } = (await ask(path, "tools/list")).result as { tools: { name: string; inputSchema: object }[] };
      return tools.map(({ name, inputSchema }) => `${name}: ${JSON.stringify(Object.values(inputSchema).at(-1))}`);
    };
    expect(await names(one)).toEqual(["ping: []", "get_schema: []", 'sql: ["sql"]', 'call: ["reducer"]']);
    expect(await names("/v1/mcp")).toEqual([
      ...["ping: []", "list_databases: []", 'get_schema: ["database"]'],
      ...['sql: ["database","sql"]', 'call: ["database","reducer"]'],
    ]);
  });

  test("tools answer as the HTTP interface does", async () => {
    expect(await tool(one, "ping", { message: "here" })).toEqual(text("pong: here"));
    expect(await tool(one, "get_schema")).toEqual(text(expect.stringContaining("Typespace")));
    expect(await tool(one, "call", { reducer: "look", args: [1] })).toEqual(text(expect.anything()));
    expect(await tool(one, "call", { reducer: "none" })).toEqual(text(expect.anything(), true));
    const rows = text(expect.stringContaining(`"rows":[]`));
    expect(await tool(one, "sql", { sql: "SELECT * FROM thing WHERE n = 4000000" })).toEqual(rows);
    expect(await tool("/v1/mcp", "sql", { database: "routed", sql: "SELECT * FROM thing WHERE n = 4000000" })).toEqual(
      rows,
    );
    expect(await tool(one, "sql", { sql: "SELEC" })).toEqual(text(expect.stringContaining("sql parser error"), true));
    expect(await tool("/v1/mcp", "get_schema", { database: "nowhere" })).toEqual(text(expect.anything(), true));
    const { result } = await tool("/v1/mcp", "list_databases");
    expect(result).toMatchObject({
      isError: false,
      content: [{ text: expect.stringMatching(/^\["c200[0-9a-f]{60}"\]$/) }],
    });
  });

  test("numbers of a call's arguments are those that were written", async () => {
    const wanted = "18446744073709551617";
    const body = `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"call","arguments":{"reducer":"look","args":[${wanted}]}}}`;
    const direct = await served.call("routed", "look", `[${wanted}]`);
    const [{ text: said }] = JSON.parse(await (await say(one, body)).text()).result.content;
    expect([direct.status, said]).toEqual([400, expect.stringContaining(wanted)]);
  });

  test("what is nested without end, as an argument or an id, is refused", async () => {
    const deep = "[".repeat(200_000) + "]".repeat(200_000);
    const args = `{"name":"call","arguments":{"reducer":"look","args":${deep}}}`;
    expect((await say(one, `{"id":1,"method":"tools/call","params":${args}}`)).status).toBe(400);
    expect((await say(one, `{"id":${deep},"method":"ping"}`)).status).toBe(400);
    expect((await say(one, `{"id":{},"method":"ping"}`)).status).toBe(400);
  });

  test("what is wrong is told by a code, and what wants no answer gets none", async () => {
    const code = async (method: string, params?: object) => (await ask(one, method, params)).error?.code;
    expect(await code("resources/list")).toBe(-32601);
    expect(await code("tools/call", { name: "none" })).toBe(-32602);
    expect(await code("tools/call", { name: "list_databases" })).toBe(-32602);
    expect(await code("tools/call", { name: "sql", arguments: {} })).toBe(-32602);
    expect(await code("tools/call", { name: "sql", arguments: { sql: 5 } })).toBe(-32602);
    expect(await code("tools/call", { name: "ping", arguments: { more: 1 } })).toBe(-32602);
    expect(JSON.parse(await (await say(one, '{"id":1}')).text())).toMatchObject({ error: { code: -32600 } });
    const quiet = await say(one, '{"jsonrpc":"2.0","method":"notifications/initialized"}');
    expect([quiet.status, await quiet.text()]).toEqual([202, ""]);
    expect((await say(one, "no JSON")).status).toBe(400);
    expect((await say(one, "[]")).status).toBe(400);
    expect((await say(one, "{}", "text/plain")).status).toBe(415);
    expect((await say("/v1/database/nowhere/mcp", "{}")).status).toBe(404);
  });
});
