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
import { TextList } from "../wire/json-text-list.ts";
import { noBytes, noReducerId, ok } from "../core/commit-pipeline.ts";

const noColumns: ProductType = product([]);

/** Runs a statement as `caller`, in a transaction of its own if it writes. */
export function runStatement(context: DatabaseContext, caller: Caller, sql: string): Reply | LongReply {
  const from = context.clock.steadyMs();
  try {
    const plan = compileStatement(sql, context.catalog(caller, false), {
      identity: caller.identity,
      mayWrite: caller.isOwner,
    });
    const result = new Result(context, columnsOf(plan), from);
    if (plan.kind === "select") {
      const reading = new SlicedRead(context, [{ plan, rows: result }], caller.identity);
      return reading.isWhole ? result.reply(nothing) : new LongResult(reading, result);
    }
    if (writes(plan)) return result.reply(write(context, caller, plan));
    const stats = execute(context.store, plan, caller.identity, (bytes, at, length) => result.add(bytes, at, length));
    return result.reply(stats);
  } catch (error) {
    if (isLightconeError(error)) return failure(error);
    throw error;
  }
}

/** The reply to a statement that a host before had carried out. Only one that updates has rows of both kinds. */
export function settledStatement(context: DatabaseContext, { inserted, deleted }: Settled): Reply {
  const isUpdate = inserted > 0 && deleted > 0;
  return new Result(context, noColumns, context.clock.steadyMs()).reply({
    rowsInserted: isUpdate ? 0 : inserted,
    rowsDeleted: isUpdate ? 0 : deleted,
    rowsUpdated: isUpdate ? inserted : 0,
  });
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

  /** The body in parts. */
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

/** The result of a reading that is not whole yet. */
class LongResult implements LongReply {
  private readonly reading: SlicedRead;
  private readonly result: Result;
  private parts: readonly Uint8Array[] = [];
  private headers: Reply["headers"] = {};
  private body: Uint8Array | undefined;
  private nextPart = 0;
  private at = 0;

  constructor(reading: SlicedRead, result: Result) {
    this.reading = reading;
    this.result = result;
  }

  get offset(): number {
    return this.reading.offset;
  }

  get isLate(): boolean {
    return this.reading.isLate;
  }

  slice(): Reply | undefined {
    try {
      if (!this.reading.isWhole) this.reading.gather();
      else if (this.body === undefined) this.beginBody();
      else return this.fill(this.body);
      return undefined;
    } catch (error) {
      this.close();
      if (isLightconeError(error)) return failure(error);
      throw error;
    }
  }

  private beginBody(): void {
    const { parts, headers } = this.result.parts(nothing);
    this.parts = parts;
    this.headers = headers;
    this.body = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  }

  /** The reply, once all parts are in its body. */
  private fill(body: Uint8Array): Reply | undefined {
    for (let count = 0; count < partsPerSlice; count++) {
      const part = this.parts[this.nextPart++];
      if (part === undefined) return { status: 200, headers: this.headers, body };
      body.set(part, this.at);
      this.at += part.length;
    }
    return undefined;
  }

  close(): void {
    this.reading.close();
  }
}

function columnsOf(plan: Plan): ProductType {
  return plan.kind === "select" || plan.kind === "show" ? plan.columns : noColumns;
}

function write(context: DatabaseContext, caller: Caller, plan: Plan): Stats {
  if (context.refusal !== undefined) throw context.refusal;
  const { meta } = context;
  meta.kind = CommitKind.sql;
  meta.timestampMicros = context.pipeline.nowMicros();
  meta.functionName = "";
  meta.reducerId = noReducerId;
  meta.args = noBytes;
  meta.sender = caller.identity;
  meta.connection = caller.connectionId;
  meta.requestId = 0;
  meta.requestSequence = 1;
  let stats: Stats | undefined;
  const result = context.pipeline.transact(meta, () => {
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
