/**
 * MCP: what the tools of a language model ask of databases, as JSON-RPC in the body of a request.
 *
 *   POST /v1/database/NAME/mcp   ping, get_schema, sql, call
 *   POST /v1/mcp                 the same with a database each, and list_databases
 *
 * A tool's answer is a text, and whether it is of a failure: what the HTTP interface answers to the same question.
 */
import type { DatabaseRequest } from "@lightcone/database/front";
import { JsonNumber, JsonObject, jsonText, parseJson, type JsonNode } from "@lightcone/sats";
import { makeCaller, makeConnectionId } from "../services.ts";
import { readText } from "./body.ts";
import { callerOf, resolveDatabase } from "./resolve.ts";
import { empty, fail, fromError, fromReply, json } from "./responses.ts";
import type { Exchange, Route } from "./route.ts";

export const mcpRoutes: readonly Route[] = [
  { path: "/v1/mcp", auth: "minted", methods: { POST: (exchange) => serve(exchange, "any") } },
  { path: "/v1/database/:db/mcp", auth: "minted", methods: { POST: (exchange) => serve(exchange, "one") } },
];

/** Whether requests are of the database that the path names, or name one each. */
type Scope = "one" | "any";
/** Numbers in it are as they were written: an argument may be a u64. */
type Fields = Readonly<Record<string, JsonNode | undefined>>;

const protocolVersion = "2025-06-18";
const instructions =
  "Tools to look into a Lightcone database and to call its functions. get_schema says which tables and functions there are; sql reads tables, and writes them for the database's owner; call runs a reducer or a procedure.";

const codes = { invalidRequest: -32600, methodNotFound: -32601, invalidParams: -32602 } as const;

/** An answer that says what is wrong with a request. */
class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

async function serve(exchange: Exchange, scope: Scope): Promise<Response> {
  if (scope === "one") resolveDatabase(exchange);
  const type = exchange.request.headers.get("content-type") ?? "";
  if (!/^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type))
    throw fail(415, "Expected request with `Content-Type: application/json`");
  const request = readRequest(await readText(exchange, exchange.services.limits.bodyBytesMax, "detailed"));
  const id = idOf(request);
  try {
    const result = await answer(exchange, scope, request);
    // What has no id wants no answer.
    return id === undefined ? empty(202) : json(200, { jsonrpc: "2.0", id, result });
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    if (id === undefined) return empty(202);
    return json(200, { jsonrpc: "2.0", id, error: { code: error.code, message: error.message } });
  }
}

function readRequest(body: string): Fields {
  let said: JsonNode;
  try {
    said = parseJson(body, "the body");
  } catch (error) {
    throw fail(400, `the body is no JSON: ${error instanceof Error ? error.message : "it does not read"}`);
  }
  if (said instanceof JsonObject) return fieldsOf(said);
  throw fail(400, "the body is one JSON-RPC request, an object");
}

function idOf({ id }: Fields): string | number | null | undefined {
  if (id instanceof JsonNumber) return Number(id.text);
  if (id === undefined || id === null || typeof id === "string") return id;
  throw fail(400, "the `id` of a request is a text or a number");
}

async function answer(exchange: Exchange, scope: Scope, { method, params }: Fields): Promise<unknown> {
  if (typeof method !== "string") throw new RpcError(codes.invalidRequest, "a request has a `method`");
  // Notifications: nothing is done for them.
  if (method.startsWith("notifications/")) return {};
  switch (method) {
    case "initialize":
      return {
        protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: "lightcone", version: exchange.services.version },
        instructions,
      };
    case "ping":
      return {};
    case "tools/list":
      return { tools: toolsOf(scope) };
    case "tools/call":
      return callTool(exchange, scope, params);
    default:
      throw new RpcError(codes.methodNotFound, `there is no method \`${method}\``);
  }
}

// --- tools

interface Property {
  readonly type: "string" | "boolean" | "array";
  readonly description: string;
  readonly isRequired?: boolean;
}

interface Tool {
  readonly name: string;
  readonly description: string;
  readonly takes: Readonly<Record<string, Property>>;
  /** Whether it is asked of a database. */
  readonly isOfDatabase: boolean;
  run(exchange: Exchange, args: Fields): Promise<Response> | Response;
}

const tools: readonly Tool[] = [
  {
    name: "ping",
    description: "Says whether the server answers.",
    takes: { message: { type: "string", description: "is said back" } },
    isOfDatabase: false,
    run: (_exchange, { message }) => new Response(message === undefined ? "pong" : `pong: ${textOf(message)}`),
  },
  {
    name: "list_databases",
    description: "Names the databases of whoever asks, by their identities.",
    takes: {},
    isOfDatabase: false,
    run: (exchange) => {
      const { hex } = callerOf(exchange).identity;
      const { state } = exchange.services.registry;
      return json(
        200,
        [...state.ownedBy(hex), ...state.coOwnedBy(hex)].map(({ identity }) => identity.hex),
      );
    },
  },
  {
    name: "get_schema",
    description: "The tables, views and functions of a database, with their types, as JSON.",
    takes: {},
    isOfDatabase: true,
    run: (exchange) => ask(exchange, { kind: "schema", form: "10" }),
  },
  {
    name: "sql",
    description: "Runs a SQL statement, and gives its rows as JSON.",
    takes: {
      sql: { type: "string", description: "the statement", isRequired: true },
      confirmed: { type: "boolean", description: "whether to wait until what was read is durable (default: true)" },
    },
    isOfDatabase: true,
    run: (exchange, { sql, confirmed }) => {
      const caller = callerIn(exchange);
      return ask(exchange, { kind: "sql", caller, text: textOf(sql), confirmed: confirmed !== false });
    },
  },
  {
    name: "call",
    description: "Calls a reducer or a procedure.",
    takes: {
      reducer: { type: "string", description: "its name", isRequired: true },
      args: { type: "array", description: "a value for each parameter, in order" },
    },
    isOfDatabase: true,
    run: (exchange, { reducer, args }) => {
      const caller = callerIn(exchange);
      return ask(exchange, { kind: "call", caller, functionName: textOf(reducer), args: jsonText(args ?? []) });
    },
  },
];

const databaseProperty: Property = {
  type: "string",
  description: "name or identity of the database",
  isRequired: true,
};

/** A tool's properties, with the database where each request names one. */
function takenBy({ takes, isOfDatabase }: Tool, scope: Scope): Tool["takes"] {
  return scope === "any" && isOfDatabase ? { database: databaseProperty, ...takes } : takes;
}

const isThere = ({ name }: Tool, scope: Scope): boolean => scope === "any" || name !== "list_databases";

function toolsOf(scope: Scope): readonly object[] {
  return tools
    .filter((tool) => isThere(tool, scope))
    .map((tool) => {
      const properties = Object.entries(takenBy(tool, scope));
      return {
        name: tool.name,
        description: tool.description,
        inputSchema: {
          type: "object",
          properties: Object.fromEntries(
            properties.map(([name, { type, description }]) => [name, { type, description }]),
          ),
          required: properties.flatMap(([name, { isRequired }]) => (isRequired === true ? [name] : [])),
        },
      };
    });
}

async function callTool(exchange: Exchange, scope: Scope, params: JsonNode | undefined): Promise<object> {
  const { name, arguments: args = new JsonObject([], []) } = params instanceof JsonObject ? fieldsOf(params) : noFields;
  const tool = tools.find((each) => each.name === name && isThere(each, scope));
  if (tool === undefined) throw new RpcError(codes.invalidParams, `there is no tool \`${textOf(name)}\``);
  if (!(args instanceof JsonObject)) throw new RpcError(codes.invalidParams, "the arguments of a tool are an object");
  const given = fieldsOf(args);
  checkArguments(tool, takenBy(tool, scope), given);
  const { database } = given;
  const asked = scope === "any" && tool.isOfDatabase ? aboutDatabase(exchange, textOf(database)) : exchange;
  let response: Response;
  try {
    response = await tool.run(asked, given);
  } catch (error) {
    response = fromError(error);
    // What has failed here is not the tool's to tell.
    if (response.status >= 500) throw error;
  }
  return { content: [{ type: "text", text: await response.text() }], isError: response.status >= 400 };
}

function checkArguments(tool: Tool, takes: Tool["takes"], given: Fields): void {
  for (const [name, { type, isRequired }] of Object.entries(takes)) {
    const value = given[name];
    if (value === undefined && isRequired !== true) continue;
    if (type === "array" ? Array.isArray(value) : typeof value === type) continue;
    throw new RpcError(
      codes.invalidParams,
      value === undefined ? `\`${tool.name}\` needs \`${name}\`` : `\`${name}\` of \`${tool.name}\` is no ${type}`,
    );
  }
  const other = Object.keys(given).find((name) => !Object.hasOwn(takes, name));
  if (other !== undefined) throw new RpcError(codes.invalidParams, `\`${tool.name}\` takes no \`${other}\``);
}

/** The same request, of a database that its body names. */
function aboutDatabase(exchange: Exchange, database: string): Exchange {
  return { ...exchange, parameter: (name) => (name === "db" ? database : exchange.parameter(name)) };
}

function callerIn(exchange: Exchange): ReturnType<typeof makeCaller> {
  return makeCaller(resolveDatabase(exchange), callerOf(exchange), makeConnectionId(exchange.services.random));
}

async function ask(exchange: Exchange, request: DatabaseRequest): Promise<Response> {
  const link = await exchange.services.databases.link(resolveDatabase(exchange));
  return fromReply(await link.request(request));
}

const noFields: Fields = {};

function fieldsOf({ keys, values }: JsonObject): Fields {
  return Object.fromEntries(keys.map((key, at) => [key, values[at]]));
}

/** An argument that was checked to be a text. */
function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
