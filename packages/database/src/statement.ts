/** SQL over HTTP: one statement in, one result out. */
import { isLightconeError, LightconeError } from "@lightcone/base";
import { CommitKind } from "@lightcone/engine";
import { execute, writes, type Stats } from "@lightcone/query";
import { bsatnToJson, ByteReader, typeToJson, product, type ProductType } from "@lightcone/sats";
import { compileStatement, type Plan } from "@lightcone/sql";
import type { Caller, Reply } from "./link.ts";
import { failure, json } from "./reply.ts";
import type { Room } from "./room.ts";
import { noBytes, noConnection, noReducerId, ok } from "./writer.ts";

const noColumns: ProductType = product([]);

/** Runs a statement as `caller`, in a transaction of its own if it writes. */
export function runStatement(room: Room, caller: Caller, sql: string): Reply {
  const from = room.clock.steadyMs();
  try {
    const plan = compileStatement(sql, room.catalog(caller, false), {
      identity: caller.identity,
      mayWrite: caller.isOwner,
    });
    const columns = columnsOf(plan);
    const rows: string[] = [];
    const { queryRowsMax } = room.limits;
    const emit = (bytes: Uint8Array, at: number, length: number): void => {
      if (rows.length === queryRowsMax)
        throw new LightconeError("LimitExceeded", { limit: "queryRowsMax", value: rows.length + 1, max: queryRowsMax });
      rows.push(bsatnToJson(columns, "positional", new ByteReader(bytes.subarray(at, at + length))));
    };
    const stats = writes(plan) ? write(room, caller, plan) : execute(room.store, plan, caller.identity, emit);
    const micros = Math.round((room.clock.steadyMs() - from) * 1000);
    return json(200, resultText(columns, rows, stats, micros), {
      "spacetime-execution-duration-micros": String(micros),
    });
  } catch (error) {
    if (isLightconeError(error)) return failure(error);
    throw error;
  }
}

function columnsOf(plan: Plan): ProductType {
  return plan.kind === "select" || plan.kind === "show" ? plan.columns : noColumns;
}

function write(room: Room, caller: Caller, plan: Plan): Stats {
  if (room.refusal !== undefined) throw room.refusal;
  const { meta } = room;
  meta.kind = CommitKind.sql;
  meta.timestampMicros = room.writer.nowMicros();
  meta.functionName = "";
  meta.reducerId = noReducerId;
  meta.args = noBytes;
  meta.sender = caller.identity;
  meta.connection = noConnection;
  meta.requestId = 0;
  meta.requestSequence = 0;
  let stats: Stats | undefined;
  const result = room.writer.transact(meta, () => {
    stats = execute(room.store, plan, caller.identity, () => undefined);
    return ok;
  });
  if (result.kind === "refused") throw result.error;
  if (result.kind !== "committed" || stats === undefined) throw new TypeError(`a statement ended as ${result.kind}`);
  return stats;
}

/** The one result of a statement. `typeToJson` writes the columns as the HTTP API has types. */
function resultText(columns: ProductType, rows: readonly string[], stats: Stats, micros: number): string {
  const elements = columns.elements.map(
    (element) =>
      `{"name":${element.name === undefined ? `{"none":[]}` : `{"some":${JSON.stringify(element.name)}}`},"algebraic_type":${typeToJson(element.type)}}`,
  );
  return (
    `[{"schema":{"elements":[${elements.join(",")}]},"rows":[${rows.join(",")}],"total_duration_micros":${micros},` +
    `"stats":{"rows_inserted":${stats.rowsInserted},"rows_deleted":${stats.rowsDeleted},"rows_updated":${stats.rowsUpdated}}}]`
  );
}
