/**
 * Compares what a server says with what was recorded: values that change from run to run match anything, and
 * the order of tables in a message, of a table's queries in a query set and of rows in a list does not matter, since it was
 * not stable either.
 */
import { decodeServerMessage, v2, type RowListView, type ServerMessage, type TableUpdate } from "@lightcone/protocol";
import { toHex } from "@lightcone/sats";
import type { Step } from "./recording.ts";

/** Values of this run by the names that the recording gives them: `identity.A` as hex, `connection_id.A` as hex. */
export type Names = Map<string, string>;

/** A message in words: what must be equal, with rows as lists that have no order. */
export type Told =
  | string
  | number
  | boolean
  | null
  | readonly Told[]
  | { readonly [key: string]: Told }
  | { readonly rows: readonly string[] };

/** Stands in recorded text for a number that may be anything, inside strings and out: too long to stay a number. */
export const anyNumber = "8876543219876543";
const anyText = "(anything)";
const anyByte = "..";

const listsWithoutOrder: ReadonlySet<string> = new Set(["rows", "tables", "queries"]);

/** Whether `actual` says what was `expected`; lists under the keys `unordered` may be in any order. */
export function matches(expected: Told, actual: Told, unordered: ReadonlySet<string> = listsWithoutOrder): boolean {
  if (expected === anyNumber) return typeof actual === "number" || typeof actual === "string";
  if (expected === anyText) return typeof actual === "string";
  if (typeof expected === "string") return typeof actual === "string" && textMatches(expected, actual);
  if (expected === null || typeof expected !== "object") return expected === actual;
  if (actual === null || typeof actual !== "object") return false;
  if (Array.isArray(expected)) {
    return (
      Array.isArray(actual) &&
      expected.length === actual.length &&
      expected.every((each, index) => matches(each, actual[index], unordered))
    );
  }
  const [left, right] = [expected as Record<string, Told>, actual as Record<string, Told>];
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => {
      const [want, have] = [left[key] ?? null, right[key]];
      if (have === undefined) return false;
      return unordered.has(key) ? matchesInAnyOrder(want, have, unordered) : matches(want, have, unordered);
    })
  );
}

function matchesInAnyOrder(expected: Told, actual: Told, unordered: ReadonlySet<string>): boolean {
  if (!Array.isArray(expected) || !Array.isArray(actual)) return matches(expected, actual, unordered);
  if (expected.length !== actual.length) return false;
  const rest = [...actual];
  return expected.every((want) => {
    const at = rest.findIndex((have) => matches(want, have, unordered));
    if (at !== -1) rest.splice(at, 1);
    return at !== -1;
  });
}

function textMatches(expected: string, actual: string): boolean {
  // What is wrong with an argument is said in the server's own words.
  const words = /^invalid arguments for (?:reducer|procedure) \w+: /.exec(expected);
  if (words !== null) return actual.startsWith(words[0]);
  if (!expected.includes(anyByte) && !expected.includes(anyNumber)) return expected === actual;
  const pattern = expected.replaceAll(/[\\^$*+?()[\]{}|]/g, "\\$&").replaceAll(anyNumber, "\\d+");
  return new RegExp(`^${pattern}$`, "s").test(actual);
}

// --- BSATN

/** What a recorded binary message says. */
export function recordedBinary(step: Step, names: Names, protocol: string): Told {
  const bytes = Uint8Array.from(Buffer.from(step.hex ?? "", "hex"));
  const isVolatile = new Uint8Array(bytes.length);
  for (const { at, len, name } of step.volatile ?? []) {
    const value = names.get(name);
    if (value === undefined || name.startsWith("token")) isVolatile.fill(1, at, at + len);
    else if (value.length === len) bytes.set(new TextEncoder().encode(value), at);
    else bytes.set(Uint8Array.from(Buffer.from(value, "hex")).reverse(), at);
  }
  const payload = bytes.subarray(1);
  const show = (part: Uint8Array): string =>
    Array.from(part, (byte, index) =>
      isVolatile[part.byteOffset + index] === 1 ? anyByte : byte.toString(16).padStart(2, "0"),
    ).join("");
  return tellAs(protocol, payload, show, true);
}

/** What a binary message of ours says. */
export function actualBinary(bytes: Uint8Array, protocol: string): Told {
  return tellAs(protocol, bytes, toHex, false);
}

function tellAs(protocol: string, payload: Uint8Array, show: (bytes: Uint8Array) => string, isRecorded: boolean): Told {
  return protocol.startsWith("v1.")
    ? tell(decodeServerMessage(payload), show, isRecorded)
    : tellV2(v2.decodeServerMessage(payload), show, isRecorded);
}

function tell(message: ServerMessage, show: (bytes: Uint8Array) => string, isRecorded: boolean): Told {
  switch (message.kind) {
    case "IdentityToken":
      return {
        kind: message.kind,
        identity: show(message.identity),
        token: isRecorded ? anyText : message.token,
        connection: show(message.connectionId),
      };
    case "InitialSubscription":
    case "TransactionUpdateLight":
      return { kind: message.kind, requestId: message.requestId, tables: tellTables(message.tables, show) };
    case "SubscribeMultiApplied":
    case "UnsubscribeMultiApplied":
      return {
        kind: message.kind,
        requestId: message.requestId,
        queryId: message.queryId,
        tables: tellTables(message.tables, show),
      };
    case "SubscribeApplied":
    case "UnsubscribeApplied": {
      const { kind, requestId, queryId, tableId, tableName } = message;
      return { kind, requestId, queryId, tableId, tableName, tables: tellTables([message.table], show) };
    }
    case "SubscriptionError":
      return {
        kind: message.kind,
        requestId: message.requestId ?? null,
        queryId: message.queryId ?? null,
        tableId: message.tableId ?? null,
        error: message.message,
      };
    case "OneOffQueryResponse":
      return {
        kind: message.kind,
        messageId: show(message.messageId),
        error: message.error ?? null,
        tables: message.tables.map(({ tableName, rows }) => ({ tableName, rows: tellRows(rows, show) })),
      };
    case "ProcedureResult":
      return {
        kind: message.kind,
        requestId: message.requestId,
        status: message.status.kind === "Returned" ? show(message.status.value) : message.status.kind,
      };
    case "TransactionUpdate": {
      const { status } = message;
      return {
        kind: message.kind,
        status: status.kind,
        error: status.kind === "Failed" ? status.message : null,
        tables: status.kind === "Committed" ? tellTables(status.tables, show) : [],
        caller: show(message.callerIdentity),
        connection: show(message.callerConnectionId),
        reducer: message.reducerName,
        reducerId: message.reducerId,
        args: show(message.args),
        requestId: message.requestId,
      };
    }
  }
}

function tellV2(message: v2.ServerMessage, show: (bytes: Uint8Array) => string, isRecorded: boolean): Told {
  switch (message.kind) {
    case "InitialConnection":
      return {
        kind: message.kind,
        identity: show(message.identity),
        token: isRecorded ? anyText : message.token,
        connection: show(message.connectionId),
      };
    case "SubscribeApplied":
    case "UnsubscribeApplied": {
      const { kind, requestId, querySetId, tables } = message;
      return { kind, requestId, querySetId, tables: tables === undefined ? null : tellTableRows(tables, show) };
    }
    case "SubscriptionError": {
      const { kind, requestId, querySetId, message: error } = message;
      return { kind, requestId: requestId ?? null, querySetId, error };
    }
    case "TransactionUpdate":
      return { kind: message.kind, querySets: tellQuerySets(message.querySets, show) };
    case "OneOffQueryResult": {
      const { kind, requestId, result } = message;
      if (result.kind === "err") return { kind, requestId, error: result.message };
      return { kind, requestId, tables: tellTableRows(result.tables, show) };
    }
    case "ReducerResult": {
      const { kind, requestId, outcome } = message;
      const head = { kind, requestId, outcome: outcome.kind };
      switch (outcome.kind) {
        case "Ok":
          return { ...head, value: show(outcome.value), querySets: tellQuerySets(outcome.querySets, show) };
        case "OkEmpty":
          return head;
        case "Err":
          return { ...head, error: show(outcome.error) };
        default:
          return { ...head, error: outcome.message };
      }
    }
    case "ProcedureResult": {
      const { kind, requestId, status } = message;
      return { kind, requestId, status: status.kind === "Returned" ? show(status.value) : status.message };
    }
  }
}

function tellTableRows(tables: readonly v2.TableRows[], show: (bytes: Uint8Array) => string): Told {
  return tables.map(({ tableName, rows }) => ({ tableName, rows: tellRows(rows, show) }));
}

function tellQuerySets(sets: readonly v2.QuerySetUpdate[], show: (bytes: Uint8Array) => string): Told {
  return sets.map(({ querySetId, tables }) => ({
    querySetId,
    tables: tables.map(({ tableName, rows }) => ({
      tableName,
      queries: rows.map((each) =>
        each.kind === "EventTable"
          ? { events: { rows: tellRows(each.events, show) } }
          : { inserts: { rows: tellRows(each.inserts, show) }, deletes: { rows: tellRows(each.deletes, show) } },
      ),
    })),
  }));
}

function tellTables(tables: readonly TableUpdate[], show: (bytes: Uint8Array) => string): Told {
  return tables.map(({ tableId, tableName, rowCount, updates }) => ({
    tableId,
    tableName,
    rowCount: String(rowCount),
    updates: updates.map(({ deletes, inserts }) => ({
      deletes: { rows: tellRows(deletes, show) },
      inserts: { rows: tellRows(inserts, show) },
    })),
  }));
}

function tellRows(rows: RowListView, show: (bytes: Uint8Array) => string): readonly string[] {
  return Array.from(rows, (row) => show(row));
}

// --- JSON

/** Writes the values of this run into recorded text; those that have none match anything. */
export function fillIn(text: string, names: Names): string {
  return text.replaceAll(/\{\{([^}]+)\}\}/g, (_, name: string) => {
    const value = names.get(name);
    if (value !== undefined) return name.startsWith("connection_id") ? String(BigInt(`0x${value}`)) : value;
    return /^(?:micros|duration|energy|connection_id)/.test(name) ? anyNumber : anyText;
  });
}

/** What a message in JSON says, recorded (after `fillIn`) or ours. */
export function toldInJson(text: string): Told {
  return JSON.parse(exactNumbers(text), (key: string, value: unknown) => {
    if (/^total_host_execution_duration|^timestamp$|^energy_quanta_used$/.test(key)) return 0;
    if ((key === "deletes" || key === "inserts") && Array.isArray(value)) return { rows: value.map(rowInJson) };
    if (key === "rows" && Array.isArray(value)) return value.map(rowInJson);
    return value;
  });
}

/** A row is a string that holds JSON; by name or by position is the same. */
function rowInJson(row: unknown): unknown {
  if (typeof row !== "string") return row;
  const byPosition = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(byPosition);
    if (typeof value === "object" && value !== null) return Object.values(value).map(byPosition);
    return value;
  };
  return JSON.stringify(byPosition(JSON.parse(exactNumbers(row))));
}

/** Keeps numbers that a double cannot hold as their digits. */
export function exactNumbers(json: string): string {
  return json.replaceAll(/"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g, (token) =>
    token.startsWith('"') ? token : `"${token}"`,
  );
}
