// Goal: issue 9, row "HTTP, SQL". docs/http.md says which routes there are, and it is so: each is served, by its method alone, and the server
// has none besides. Statuses and bodies are compared by the recorded exchanges (conversations/http.test.ts).
// Method: the page's table, asked of a real server one by one; the server's own list of routes.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { databaseRoutes } from "../../../packages/server/src/http/database-routes.ts";
import { identityRoutes } from "../../../packages/server/src/http/identity-routes.ts";
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

  test.each([
    "/v1/energy/c2",
    "/v1/metrics",
    "/v1/prometheus/sd_config",
    "/internal/heap",
    "/v1/mcp",
    "/v1/database/routed/mcp",
  ])("%s is not there", async (path) => {
    const answer = await fetch(`${served.url}${path}`);
    expect([answer.status, await answer.text()]).toEqual([404, ""]);
  });
});
