/**
 * A database under test, and what a test does with it.
 *
 *   test ─▶ person ─▶ connection (messages of protocol v2) ─▶ the real database, in memory, on a clock of the test's
 */
import { defined, LightconeError } from "@lightcone/base";
import type { InMemory } from "@lightcone/database";
import type { LoadedModule, LoadedProgram } from "@lightcone/host-js";
import {
  ByteReader,
  ByteWriter,
  type Identity,
  identityFromClaims,
  JsonObject,
  jsonToBsatn,
  parseJson,
  Timestamp,
  typeFromJson,
  valueCodec,
  type JsonNode,
} from "@lightcone/sats";
import type { ModuleDef } from "@lightcone/schema";
import { TestConnection } from "./connection.ts";
import { durationMicros, type Duration } from "./duration.ts";
import { queryStart, type QueryStart } from "./from.ts";
import { calledFunctions, type CalledFunction } from "./functions.ts";
import type { StubbedHttp } from "./http-stubs.ts";
import { checkOptions, helpful } from "./helpful.ts";
import { keepDatabase, type KeepOptions } from "./keep.ts";
import type { HttpStubs, LogEntry, Person, PersonOptions, RouteInit, RouteReply } from "./api.ts";
import { makePerson, type PersonSite } from "./person.ts";
import { rowReaders, type RowReader } from "./rows.ts";
import type { TestClock } from "./test-clock.ts";
import type { ModuleExports } from "./types.ts";

// Kept: a test may put others in their place.
const soon = setImmediate;

/** Rows that are scheduled, and timers, which one `advance` runs at most. */
const runsMax = 100_000;
/** How many of them while the clock stands. */
const atOnceMax = 1000;
const decoder = new TextDecoder();
const issuer = "https://lightcone.testing";

export interface WorldParts {
  readonly module: LoadedModule;
  readonly program: LoadedProgram;
  readonly memory: InMemory;
  readonly clock: TestClock;
  readonly http: StubbedHttp;
  readonly failures: Error[];
  readonly lines: Uint8Array[];
  readonly owner: Identity;
  readonly identity: Identity;
  /** Whether its database is there until it is let go: the test's end says what becomes of it. */
  readonly isKept: boolean;
}

/** The same in each world. */
export const ownerIdentity: Identity = identityFromClaims(issuer, "owner");
export const databaseIdentity: Identity = identityFromClaims(issuer, "database");

export class TestWorld {
  readonly identity: Identity;
  readonly owner: Person<ModuleExports>;
  readonly http: HttpStubs;
  private readonly parts: WorldParts;
  private readonly site: PersonSite;
  private readonly people = new Map<string, Person<ModuleExports>>();
  private readonly connections: TestConnection[] = [];
  private connectionCount = 0;
  private isClosed = false;

  constructor(parts: WorldParts) {
    this.parts = parts;
    this.identity = parts.identity;
    this.http = parts.http;
    const { module, memory } = parts;
    const { def } = memory.database.context.module ?? {};
    if (def === undefined) throw new TypeError("the module is not there");
    const { readers, functions, from } = codecsOf(module, def);
    const link = memory.database;
    void memory.database.failed.then((error) => this.broken(error));
    this.site = {
      functions,
      from,
      connect: (identity, claims, isOwner) => {
        const site = { link, readers, lastWords: () => this.lastWords() };
        const caller = { identity, connectionId: this.nextConnectionId(), claims, isOwner };
        const connection = new TestConnection(site, caller);
        this.connections.push(connection);
        return connection;
      },
      request: (run) => this.ask(run),
      settle: () => this.settle(),
    };
    this.owner = makePerson(this.site, "owner", parts.owner, claimsOf("owner"), true);
  }

  as(name: string, options: PersonOptions = {}): Person<ModuleExports> {
    if (typeof name !== "string" || name === "") throw new TypeError('as takes a name: world.as("ann")');
    checkOptions("`as`", options, { claims: true });
    const known = this.people.get(name);
    if (known !== undefined) return known;
    const person = makePerson(this.site, name, identityFromClaims(issuer, name), claimsOf(name, options.claims));
    this.people.set(name, person);
    return person;
  }

  get now(): Timestamp {
    return new Timestamp(BigInt(this.parts.clock.nowMicros()));
  }

  get db(): object {
    this.checkOpen();
    return this.parts.program.readTables(this.parts.memory.readPort(), (tables, path) =>
      helpful(tables, `\`world.db${path}\``),
    );
  }

  get log(): readonly LogEntry[] {
    return this.parts.lines.map((line) => JSON.parse(decoder.decode(line)) as LogEntry); // the log is JSON, line by line
  }

  sql(statement: string): Promise<Readonly<Record<string, unknown>>[]> {
    return this.ask(async () => {
      const { status, body } = await this.parts.memory.database.request({
        kind: "sql",
        caller: this.ownersCaller(),
        text: statement,
        confirmed: false,
      });
      const text = decoder.decode(body);
      if (status !== 200) throw new LightconeError("BadRequest", { reason: text });
      return rowsOf(text);
    });
  }

  request(path: string, init: RouteInit = {}): Promise<RouteReply> {
    checkOptions("`request`", init, { method: true, headers: true, body: true });
    const { method = "GET", headers = {}, body = "" } = init;
    return this.ask(async () => {
      const reply = await this.parts.memory.database.request({
        kind: "route",
        caller: { ...this.ownersCaller(), identity: new Uint8Array(32), isOwner: false, claims: "" },
        method,
        peer: "127.0.0.1",
        path,
        uri: `http://127.0.0.1:3000/v1/database/test/route${path}`,
        headers: Object.entries(headers).map(
          ([name, value]) => [name.toLowerCase(), new TextEncoder().encode(value)] as const,
        ),
        version: "1.1",
        body: typeof body === "string" ? new TextEncoder().encode(body) : body,
      });
      const text = (): string => decoder.decode(reply.body);
      const fields = Object.fromEntries(reply.fields ?? []);
      return {
        status: reply.status,
        headers: { ...reply.headers, ...fields },
        text,
        json: () => JSON.parse(text()) as unknown,
      };
    });
  }

  async advance(by: Duration): Promise<void> {
    const untilMicros = this.parts.clock.nowMicros() + durationMicros(by);
    await this.ask(async () => {
      const { clock, memory } = this.parts;
      const { loop } = memory.database.context;
      let runCount = 0;
      let atOnce = 0;
      let micros = clock.nowMicros();
      await this.settle();
      while (clock.runNext(untilMicros)) {
        runCount += 1;
        atOnce = clock.nowMicros() === micros ? atOnce + 1 : 0;
        micros = clock.nowMicros();
        if (runCount > runsMax || atOnce > atOnceMax) throw new RangeError(this.endless(by, runCount));
        if (loop.count > 0) await this.settle();
      }
      clock.moveTo(untilMicros);
    }, false);
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    const { failures, isKept } = this.parts;
    if (!isKept) this.letGo();
    const [failure] = failures.splice(0);
    if (failure !== undefined) throw failure;
  }

  /** The database is gone. */
  letGo(): void {
    const { memory, program } = this.parts;
    memory.leave();
    program.release();
  }

  /** Keeps the database as it is now. @returns the data directory that it is kept in */
  keep(name: string, options: KeepOptions): Promise<string> {
    const { memory, module, owner, identity } = this.parts;
    const description = defined(module.description, "what a module that runs says of itself");
    return keepDatabase({ memory, description, owner, identity }, name, options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Waits until the database has nothing to do and no request of a procedure is under way. */
  private async settle(): Promise<void> {
    const { memory, http } = this.parts;
    const { loop } = memory.database.context;
    do await new Promise<void>((resolve) => soon(resolve));
    while (loop.count > 0 || http.openCount > 0);
  }

  private async ask<T>(run: () => Promise<T>, ticks = true): Promise<T> {
    this.checkOpen();
    if (ticks) this.parts.clock.tick();
    const { failures } = this.parts;
    try {
      const value = await run();
      if (failures.length === 0) return value;
    } catch (error) {
      // A request that the test did not expect says more than what the procedure made of it.
      if (failures.length === 0) throw error;
    }
    throw failures.splice(0)[0] ?? new Error("a request failed");
  }

  /** The database has ended by itself: whoever waits for it is told why. */
  private broken(error: Error): void {
    this.parts.failures.push(error);
    for (const connection of this.connections) connection.end(error);
  }

  private checkOpen(): void {
    if (this.isClosed)
      throw new TypeError("the world is closed: what a test does with it comes before world.close(), and is awaited");
  }

  private ownersCaller() {
    return {
      identity: this.parts.owner.toUint8Array(),
      connectionId: this.nextConnectionId(),
      claims: claimsOf("owner"),
      isOwner: true,
    };
  }

  private nextConnectionId(): Uint8Array {
    const id = new Uint8Array(16);
    new DataView(id.buffer).setUint32(0, (this.connectionCount += 1), true);
    return id;
  }

  /** What the log has of the call that has just broken. */
  private lastWords(): string {
    return this.log.findLast(({ level }) => level === "Panic" || level === "Error")?.message ?? "";
  }

  private endless(by: Duration, runCount: number): string {
    const last = this.log.at(-1);
    const told = last === undefined ? "" : `; its log ends with: ${last.message}`;
    return `after ${runCount} runs of scheduled rows ${String(by)} were not over: an interval may be too short, or a reducer may schedule itself again at once. Advance by less at a time if it is meant${told}`;
  }
}

interface Codecs {
  readonly readers: ReadonlyMap<string, RowReader>;
  readonly functions: ReadonlyMap<string, CalledFunction>;
  readonly from: QueryStart;
}
const codecs = new WeakMap<LoadedModule, Codecs>();

/** What reads rows and writes arguments: the same for all databases of a module. */
function codecsOf(module: LoadedModule, def: ModuleDef): Codecs {
  let made = codecs.get(module);
  if (made === undefined) {
    const { shape } = module;
    const readers = rowReaders(shape, def);
    made = { readers, functions: calledFunctions(shape, def), from: queryStart(shape, def, readers) };
    codecs.set(module, made);
  }
  return made;
}

function claimsOf(name: string, more: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ iss: issuer, sub: name, ...more });
}

/** Rows of a reply over HTTP, as values of the module's own kinds. */
function rowsOf(text: string): Readonly<Record<string, unknown>>[] {
  const tree = parseJson(text, "the rows of a statement");
  const result = Array.isArray(tree) ? (tree as readonly JsonNode[])[0] : undefined; // `isArray` forgets what is in it
  if (!(result instanceof JsonObject)) return [];
  const columns: unknown = (JSON.parse(text) as readonly { readonly schema: unknown }[])[0]?.schema; // it is JSON, as was just seen
  const type = typeFromJson(JSON.stringify({ Product: columns }));
  const codec = valueCodec<Readonly<Record<string, unknown>>>(type);
  const rows = result.values[result.keys.indexOf("rows")];
  return (Array.isArray(rows) ? (rows as readonly JsonNode[]) : []).map((row) => {
    const out = new ByteWriter(64);
    jsonToBsatn(type, { tree: row }, out);
    return codec.read(new ByteReader(out.toBytes(), "a row"));
  });
}
