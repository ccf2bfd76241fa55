/** SQL over HTTP: one statement in, one result out. */
import { isLightconeError } from "@lightcone/base";
import { CommitKind } from "@lightcone/engine";
import { LogLevel } from "@lightcone/host";
import { execute, writes, type Stats } from "@lightcone/query";
import { ByteReader, jsonWriter, product, typeToJson, type ProductType } from "@lightcone/sats";
import { compileStatement, type Plan } from "@lightcone/sql";
import type { Caller, Reply } from "../link/link.ts";
import { SlicedRead } from "../subscriptions/sliced-read.ts";
import type { Settled } from "../recovery/replay.ts";
import { failure, type LongReply } from "../link/reply.ts";
import type { DatabaseContext } from "../core/context.ts";
import type { RequestRun } from "./ephemeral-connection.ts";
import { TextList } from "../wire/json-text-list.ts";
import { Call } from "../core/call.ts";
import { ok } from "../core/commit-pipeline.ts";

const noColumns: ProductType = product([]);

/** Runs a statement, in a transaction of its own if it writes. */
export class StatementRun implements RequestRun {
  readonly connects = true;
  readonly isPiecemeal = false;
  private readonly context: DatabaseContext;
  private readonly caller: Caller;
  private readonly sql: string;

  constructor(context: DatabaseContext, caller: Caller, sql: string) {
    this.context = context;
    this.caller = caller;
    this.sql = sql;
  }

  readsOnly(): boolean {
    try {
      return !writes(this.compile());
    } catch {
      return false; // it is refused in its place
    }
  }

  run(): Reply | LongReply {
    const { context, caller } = this;
    const fromMs = context.clock.steadyMs();
    try {
      const plan = this.compile();
      const result = new Result(context, columnsOf(plan), fromMs);
      if (plan.kind === "select") {
        const failed = context.views.compute([plan], caller);
        if (failed !== undefined) throw failed;
        const read = new SlicedRead(context, [{ plan, rows: result }], caller);
        return read.isWhole ? result.reply(nothing) : new LongResult(read, result);
      }
      if (writes(plan)) return result.reply(write(context, caller, plan, this.sql));
      const emit = (bytes: Uint8Array, at: number, length: number): void => result.add(bytes, at, length);
      return result.reply(execute(context.store, plan, caller.identity, emit));
    } catch (error) {
      if (isLightconeError(error)) return failure(error);
      throw error;
    }
  }

  private compile(): Plan {
    const { context, caller } = this;
    return compileStatement(this.sql, context.access.catalog(caller, false), {
      identity: caller.identity,
      mayWrite: caller.isOwner,
    });
  }

  /** Only a statement that updates has rows of both kinds. */
  settled({ inserted, deleted }: Settled): Reply {
    const isUpdate = inserted > 0 && deleted > 0;
    return new Result(this.context, noColumns, this.context.clock.steadyMs()).reply({
      rowsInserted: isUpdate ? 0 : inserted,
      rowsDeleted: isUpdate ? 0 : deleted,
      rowsUpdated: isUpdate ? inserted : 0,
    });
  }
}

const nothing: Stats = { rowsInserted: 0, rowsDeleted: 0, rowsUpdated: 0 };

/** The rows of a statement as the HTTP API has them. */
class Result {
  private readonly context: DatabaseContext;
  private readonly columns: ProductType;
  private readonly fromMs: number;
  private readonly write: (input: ByteReader) => string;
  private readonly rows = new TextList();

  constructor(context: DatabaseContext, columns: ProductType, fromMs: number) {
    this.context = context;
    this.columns = columns;
    this.fromMs = fromMs;
    this.write = jsonWriter(columns, "positional");
  }

  add(bytes: Uint8Array, at: number, length: number): void {
    this.rows.add(this.write(new ByteReader(bytes.subarray(at, at + length))));
  }

  reply(stats: Stats): Reply {
    const { parts, headers } = this.parts(stats);
    return { status: 200, headers, body: concat(parts) };
  }

  parts(stats: Stats): { readonly parts: readonly Uint8Array[]; readonly headers: Reply["headers"] } {
    const micros = Math.round((this.context.clock.steadyMs() - this.fromMs) * 1000);
    return {
      parts: [
        utf8.encode(`[{"schema":{"elements":[${elementsText(this.columns)}]},"rows":[`),
        ...this.rows.parts(),
        utf8.encode(
          `],"total_duration_micros":${micros},"stats":{"rows_inserted":${stats.rowsInserted},` +
            `"rows_deleted":${stats.rowsDeleted},"rows_updated":${stats.rowsUpdated}}}]`,
        ),
      ],
      headers: {
        "content-type": "application/json",
        "spacetime-execution-duration-micros": String(micros),
      },
    };
  }
}

const utf8 = new TextEncoder();

/** `typeToJson` writes the columns as the HTTP API has types. */
function elementsText({ elements }: ProductType): string {
  return elements
    .map(({ name, type }) => {
      const nameText = name === undefined ? `{"none":[]}` : `{"some":${JSON.stringify(name)}}`;
      return `{"name":${nameText},"algebraic_type":${typeToJson(type)}}`;
    })
    .join(",");
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Parts of a body that are put together in one slice. */
const partsPerSlice = 2;

/** A result whose rows are not all read yet. */
class LongResult implements LongReply {
  private readonly read: SlicedRead;
  private readonly slices: Iterator<undefined, Reply>;

  constructor(read: SlicedRead, result: Result) {
    this.read = read;
    this.slices = slicesOf(read, result);
  }

  get offset(): number {
    return this.read.offset;
  }

  get isLate(): boolean {
    return this.read.isLate;
  }

  slice(): Reply | undefined {
    try {
      return this.slices.next().value;
    } catch (error) {
      this.close();
      if (isLightconeError(error)) return failure(error);
      throw error;
    }
  }

  close(): void {
    this.read.close();
  }
}

function* slicesOf(read: SlicedRead, result: Result): Generator<undefined, Reply> {
  for (; !read.isWhole; yield) read.gather();
  const { parts, headers } = result.parts(nothing);
  const body = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const [index, part] of parts.entries()) {
    if (index % partsPerSlice === 0) yield;
    body.set(part, at);
    at += part.length;
  }
  return { status: 200, headers, body };
}

function columnsOf(plan: Plan): ProductType {
  return plan.kind === "select" || plan.kind === "show" ? plan.columns : noColumns;
}

/** The log has the statement's text as its arguments: a record can be told from it, and made again. */
function write(context: DatabaseContext, caller: Caller, plan: Plan, sql: string): Stats {
  if (context.pipeline.refusal !== undefined) throw context.pipeline.refusal;
  const call = new Call(CommitKind.sql, caller).of(undefined, context.pipeline.nowMicros(), utf8.encode(sql));
  call.requestSequence = 1;
  let stats: Stats | undefined;
  const result = context.pipeline.transact(call, () => {
    stats = execute(context.store, plan, caller.identity, () => undefined);
    return ok;
  });
  if (result.kind === "refused") {
    const { message, hint } = result.error;
    context.log.note(LogLevel.warn, `a SQL statement of the owner failed: ${message}. ${hint}`);
    throw result.error;
  }
  if (result.kind !== "committed" || stats === undefined) throw new TypeError(`a statement ended as ${result.kind}`);
  return stats;
}
