/**
 * `lightcone subscribe`: rows of queries as they change, a line of JSON for each update.
 *
 *   {"<table>":{"deletes":[{…}],"inserts":[{…}]}}
 *
 * Values are written as `sql --json` writes them. Rows of an event table are inserts.
 */
import { v2 } from "@lightcone/protocol";
import { bsatnToJson, ByteReader, ByteWriter, parseJson, resolveRefs, type AlgebraicType } from "@lightcone/sats";
import { fetchSchema, readableTables, type SchemaShape } from "../api/schema.ts";
import { openLoggedIn, type ServerFlags } from "../api/session.ts";
import { ServerApi } from "../api/server-api.ts";
import { CliFailure } from "../failure.ts";
import { whatExists } from "../print/nearest.ts";
import { plainJson } from "../print/plain-value.ts";
import { note, print } from "../terminal.ts";
import { resolveDatabase } from "./databases.ts";

export interface SubscribeFlags extends ServerFlags {
  readonly numUpdates?: string | undefined;
  readonly timeout?: string | undefined;
  readonly printInitialUpdate?: boolean | undefined;
  readonly confirmed?: string | undefined;
}

export async function subscribe(database: string, queries: readonly string[], flags: SubscribeFlags): Promise<void> {
  const updatesMax = flags.numUpdates === undefined ? undefined : readCount("--num-updates", flags.numUpdates);
  const timeoutSeconds = flags.timeout === undefined ? undefined : readCount("--timeout", flags.timeout);
  const api = await openLoggedIn(flags);
  const identity = await resolveDatabase(api, database);
  const schema = await fetchSchema(api, identity);
  const rows = new RowTexts(schema);
  const socket = await openSocket(api, identity, flags.confirmed);
  let updates = 0;
  let isApplied = false;
  const timer =
    timeoutSeconds === undefined ? undefined : setTimeout(() => socket.end({ kind: "timeout" }), timeoutSeconds * 1000);
  socket.send({ kind: "Subscribe", requestId: 1, querySetId: 1, queries });
  try {
    for (let next = await socket.next(); ; next = await socket.next()) {
      switch (next.kind) {
        case "SubscribeApplied":
          isApplied = true;
          if (flags.printInitialUpdate === true) print(rows.initial(next.tables));
          if (updatesMax === 0) return;
          break;
        case "TransactionUpdate":
          print(rows.update(next.querySets));
          updates += 1;
          if (updates === updatesMax) return;
          break;
        case "SubscriptionError":
          throw isApplied ? ended(next.message) : await refused(api, identity, schema, next.message);
        case "timeout":
          return timedOut(timeoutSeconds, updates, updatesMax);
        case "closed":
          throw closed(next, updates, updatesMax);
        case "InitialConnection":
        case "UnsubscribeApplied":
        case "OneOffQueryResult":
        case "ReducerResult":
        case "ProcedureResult":
          break; // says who we are, or answers what was not asked here
      }
    }
  } finally {
    clearTimeout(timer);
    socket.close();
  }
}

function readCount(flag: string, text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count <= countMax) return count;
  throw new CliFailure(`${flag} takes a count, not ${JSON.stringify(text)}`, { exitCode: 2 });
}

/** More seconds no timer takes. */
const countMax = 2_000_000;

/** Whoever waits for so many updates has failed without them; whoever only looks on has not. */
function timedOut(seconds: number | undefined, updates: number, updatesMax: number | undefined): void {
  if (updatesMax === undefined) return note(`timed out after ${seconds}s`);
  throw new CliFailure(`subscription timed out after ${seconds}s after receiving ${updates}/${updatesMax} updates`);
}

function closed(ending: Closed, updates: number, updatesMax: number | undefined): CliFailure {
  const what =
    updatesMax === undefined
      ? "disconnected by server"
      : `subscription closed after receiving ${updates}/${updatesMax} updates`;
  return new CliFailure(what, {
    causes: [ending.reason === "" ? `close code ${ending.code}` : ending.reason],
    hint: "`lightcone logs` has what the module says, and `lightcone server ping` asks the server whether it is there.",
  });
}

async function refused(api: ServerApi, identity: string, schema: SchemaShape, why: string): Promise<CliFailure> {
  return new CliFailure("The subscription was refused", {
    causes: [why, ...(await tablesMeant(api, identity, schema, why))],
    hint: "`docs/sql.md` says what a query may ask for.",
  });
}

/** It was there: the module has changed, or a limit was met. */
function ended(why: string): CliFailure {
  return new CliFailure("The subscription was ended", {
    causes: [why],
    hint: "What was printed until now held; `lightcone logs` has what happened to the database since.",
  });
}

async function tablesMeant(
  api: ServerApi,
  identity: string,
  schema: SchemaShape,
  refusal: string,
): Promise<readonly string[]> {
  const wanted = /no such table: `([^`]*)`/.exec(refusal)?.[1];
  if (wanted === undefined) return [];
  return [whatExists(wanted, [{ kind: "table", names: await readableTables(api, identity, schema) }])];
}

/** Rows as JSON, by the schema that the subscription began with. */
class RowTexts {
  private readonly types: ReadonlyMap<string, AlgebraicType>;

  constructor({ tables, functions, typespace }: SchemaShape) {
    const ofTables = tables.map(({ name, columns }): [string, AlgebraicType] => [
      name,
      { kind: "Product", elements: columns },
    ]);
    const ofViews = functions.flatMap(({ kind, name, returns }): [string, AlgebraicType][] => {
      const row = kind === "view" && returns !== undefined ? rowOf(resolveRefs(returns, typespace)) : undefined;
      return row === undefined ? [] : [[name, row]];
    });
    this.types = new Map([...ofTables, ...ofViews]);
  }

  initial(tables: readonly v2.TableRows[]): string {
    const told = new Updates();
    for (const { tableName, rows } of tables) told.add(tableName, "inserts", this.texts(tableName, rows));
    return told.text();
  }

  update(querySets: readonly v2.QuerySetUpdate[]): string {
    const told = new Updates();
    for (const { tables } of querySets)
      for (const { tableName, rows } of tables)
        for (const each of rows) {
          if (each.kind === "EventTable") told.add(tableName, "inserts", this.texts(tableName, each.events));
          else {
            told.add(tableName, "deletes", this.texts(tableName, each.deletes));
            told.add(tableName, "inserts", this.texts(tableName, each.inserts));
          }
        }
    return told.text();
  }

  private texts(tableName: string, rows: Iterable<Uint8Array>): readonly string[] {
    const type = this.types.get(tableName);
    if (type === undefined)
      throw new CliFailure(`The server tells of rows of ${tableName}, which was not there when this began`, {
        hint: "Subscribe again: the database has another module now.",
      });
    return [...rows].map((row) => plainJson(type, parseJson(bsatnToJson(type, "positional", new ByteReader(row)))));
  }
}

/** The row's type of a view, which gives one row or many. */
function rowOf(returns: AlgebraicType): AlgebraicType | undefined {
  if (returns.kind === "Array") return returns.element;
  return returns.kind === "Sum" ? returns.variants[0]?.type : returns;
}

interface TableUpdates {
  readonly deletes: string[];
  readonly inserts: string[];
}

/** What one update says of each table. */
class Updates {
  private readonly tables = new Map<string, TableUpdates>();

  add(table: string, what: keyof TableUpdates, rows: readonly string[]): void {
    let updates = this.tables.get(table);
    if (updates === undefined) this.tables.set(table, (updates = { deletes: [], inserts: [] }));
    updates[what].push(...rows);
  }

  text(): string {
    const tables = [...this.tables].map(
      ([name, { deletes, inserts }]) =>
        `${JSON.stringify(name)}:{"deletes":[${deletes.join(",")}],"inserts":[${inserts.join(",")}]}`,
    );
    return `{${tables.join(",")}}`;
  }
}

interface Closed {
  readonly kind: "closed";
  readonly code: number;
  readonly reason: string;
}
type Next = v2.ServerMessage | Closed | { readonly kind: "timeout" };

interface Socket {
  send(message: v2.ClientMessage): void;
  /** What comes next; after `timeout` and `closed` nothing does. */
  next(): Promise<Next>;
  end(ending: Next): void;
  close(): void;
}

async function openSocket(api: ServerApi, identity: string, confirmed: string | undefined): Promise<Socket> {
  const url = new URL(`${api.url.replace(/^http/, "ws")}${ServerApi.database(identity, "/subscribe")}`);
  url.searchParams.set("compression", "None");
  if (confirmed !== undefined) url.searchParams.set("confirmed", confirmed);
  if (api.token !== undefined) {
    // An address may be logged somewhere: what stands in it is good for a minute.
    const answer = await api.need("The server gave no token", "POST", "/v1/identity/websocket-token");
    const { token }: { token: string } = JSON.parse(answer.body);
    url.searchParams.set("token", token);
  }
  const web = new WebSocket(url, "v2.bsatn.spacetimedb");
  web.binaryType = "arraybuffer";
  const waiting: (() => Next)[] = [];
  let wake: () => void = () => undefined;
  const put = (read: () => Next): void => {
    waiting.push(read);
    wake();
  };
  web.addEventListener("message", ({ data }) => {
    // What is binary comes as that; the first byte says that it is not compressed.
    const bytes = new Uint8Array(data as ArrayBuffer, 1);
    put(() => v2.decodeServerMessage(bytes));
  });
  web.addEventListener("close", ({ code, reason }) => put(() => ({ kind: "closed", code, reason })));
  const socket: Socket = {
    send: (message) => {
      const out = new ByteWriter();
      v2.encodeClientMessage(out, message);
      web.send(out.toBytes());
    },
    next: async () => {
      for (;;) {
        const read = waiting.shift();
        if (read !== undefined) return read();
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    end: (ending) => put(() => ending),
    close: () => web.close(),
  };
  await new Promise<void>((resolve, reject) => {
    web.addEventListener("open", () => resolve());
    web.addEventListener("error", () =>
      reject(
        new CliFailure(`The connection to ${api.url} was not opened`, {
          hint: "`lightcone logs` has what the module says, and `lightcone server ping` asks the server whether it is there.",
        }),
      ),
    );
  });
  return socket;
}
