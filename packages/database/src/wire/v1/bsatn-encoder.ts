/** Encodes messages as `v1.bsatn` has them. */
import type { RowSource } from "@lightcone/engine";
import type { TableSchema } from "@lightcone/schema";
import {
  beginApplied,
  beginInitialSubscription,
  beginOneOffQueryResponse,
  beginQueryUpdate,
  beginTable,
  beginTransactionUpdate,
  beginTransactionUpdateLight,
  endInitialSubscription,
  endOneOffQueryResponse,
  endTransactionUpdate,
  writeEmptyRowList,
  writeIdentityToken,
  writeProcedureFailure,
  writeProcedureResult,
  writeSubscriptionError,
  writeTransactionFailure,
  type TransactionHead,
} from "@lightcone/protocol";
import type { DeltaPart } from "@lightcone/query";
import { LastView, writeView, type AlgebraicType, type ByteWriter } from "@lightcone/sats";
import type { Piece } from "../../link/piece.ts";
import type { MessageBuffer } from "../message-buffer.ts";
import { encodedForms } from "../wire.ts";
import { BsatnRows, bsatnRowsOf, ChangedRows } from "../bsatn-rows.ts";
import { errorText } from "../error-text.ts";
import type { QueryRows, RowGatherer } from "../first-rows.ts";
import { PieceWriter } from "../piece-writer.ts";
import type { AppliedKind, Encoder, UpdateHead } from "./encoder.ts";

export class BsatnEncoder implements Encoder {
  readonly form = encodedForms["v1.bsatn"];
  private readonly buffer: MessageBuffer;
  private readonly rows: ChangedRows;
  private readonly views = new LastView();

  constructor(store: RowSource, buffer: MessageBuffer) {
    this.rows = new ChangedRows(store);
    this.buffer = buffer;
  }

  identityToken(identity: Uint8Array, token: string, connection: Uint8Array): Piece {
    writeIdentityToken(this.buffer.begin(), identity, token, connection);
    return this.buffer.end();
  }

  update(changes: readonly DeltaPart[], head: UpdateHead, light: boolean): Piece {
    const out = this.buffer.begin();
    if (light) beginTransactionUpdateLight(out, head.requestId);
    else beginTransactionUpdate(out);
    this.tables(out, changes);
    if (!light) this.endUpdate(out, head);
    return this.buffer.end();
  }

  /** Says who made the commit, as another message about it does if there is one. */
  private endUpdate(out: ByteWriter, head: UpdateHead): void {
    const { ending } = head;
    if (ending?.bytes !== undefined) {
      writeView(out, this.views.of(ending.bytes), ending.at, ending.length);
      return;
    }
    const at = out.length;
    endTransactionUpdate(out, head);
    if (ending === undefined) return;
    ending.bytes = out.bytes;
    ending.at = at;
    ending.length = out.length - at;
  }

  failure(message: string, head: TransactionHead): Piece {
    writeTransactionFailure(this.buffer.begin(), errorText(message), head);
    return this.buffer.end();
  }

  gather(_table: TableSchema): RowGatherer {
    return new BsatnRows();
  }

  applied(
    kind: AppliedKind,
    requestId: number,
    durationMicros: number,
    queryId: number,
    queries: readonly QueryRows[],
  ): readonly Piece[] {
    const out = new PieceWriter(this.buffer);
    beginApplied(out.writer, kind, requestId, durationMicros, queryId);
    const deleted = kind === "UnsubscribeApplied" || kind === "UnsubscribeMultiApplied";
    if (kind === "SubscribeMultiApplied" || kind === "UnsubscribeMultiApplied") {
      writeQueryRows(out, queries, deleted);
    } else {
      const [only] = queries;
      if (only !== undefined) {
        out.writer.u32(only.table.id);
        out.writer.string(only.table.def.name);
        writeTableRows(out, only, deleted);
      }
    }
    return out.end();
  }

  withdrawn(queries: readonly QueryRows[]): readonly Piece[] {
    const out = new PieceWriter(this.buffer);
    beginTransactionUpdateLight(out.writer, 0);
    writeQueryRows(out, queries, true);
    return out.end();
  }

  initial(requestId: number, durationMicros: number, queries: readonly QueryRows[]): readonly Piece[] {
    const out = new PieceWriter(this.buffer);
    beginInitialSubscription(out.writer);
    writeQueryRows(out, queries, false);
    endInitialSubscription(out.writer, requestId, durationMicros);
    return out.end();
  }

  subscriptionError(
    durationMicros: number,
    requestId: number | undefined,
    queryId: number | undefined,
    message: string,
  ): Piece {
    writeSubscriptionError(this.buffer.begin(), durationMicros, requestId, queryId, errorText(message));
    return this.buffer.end();
  }

  oneOff(messageId: Uint8Array, durationMicros: number, result: QueryRows): readonly Piece[] {
    const out = new PieceWriter(this.buffer);
    beginOneOffQueryResponse(out.writer, messageId, undefined);
    out.writer.string(result.table.def.name);
    out.rows(bsatnRowsOf(result));
    endOneOffQueryResponse(out.writer, durationMicros);
    return out.end();
  }

  oneOffError(messageId: Uint8Array, durationMicros: number, message: string): Piece {
    const out = this.buffer.begin();
    beginOneOffQueryResponse(out, messageId, errorText(message));
    endOneOffQueryResponse(out, durationMicros);
    return this.buffer.end();
  }

  procedureResult(
    value: Uint8Array,
    _type: AlgebraicType,
    timestampMicros: number,
    durationMicros: number,
    requestId: number,
  ): Piece {
    writeProcedureResult(this.buffer.begin(), value, timestampMicros, durationMicros, requestId);
    return this.buffer.end();
  }

  procedureFailure(message: string, timestampMicros: number, durationMicros: number, requestId: number): Piece {
    writeProcedureFailure(this.buffer.begin(), errorText(message), timestampMicros, durationMicros, requestId);
    return this.buffer.end();
  }

  /** A `DatabaseUpdate`: one entry per table, one update per query. `changes` are sorted by table. */
  private tables(out: ByteWriter, changes: readonly DeltaPart[]): void {
    const countAt = out.reserve(4);
    let tableCount = 0;
    for (let from = 0; from < changes.length;) {
      const table = changes[from]?.table;
      if (table === undefined) break;
      let to = from;
      let rowCount = 0;
      for (; to < changes.length && changes[to]?.table.id === table.id; to++) {
        const change = changes[to];
        rowCount += (change?.deletes.count ?? 0) + (change?.inserts.count ?? 0);
      }
      beginTable(out, table.id, table.def.name, rowCount, to - from);
      for (; from < to; from++) {
        const change = changes[from];
        if (change !== undefined) this.queryUpdate(out, change);
      }
      tableCount++;
    }
    out.setU32(countAt, tableCount);
  }

  /** Writes a change: from where another message has it, if one has. */
  private queryUpdate(out: ByteWriter, change: DeltaPart): void {
    const form = change.encoded[this.form];
    const made = form.part as Piece | undefined; // the place holds nothing else
    if (made !== undefined) {
      out.rawRange(made.bytes, made.at, made.length);
      return;
    }
    const at = out.length;
    beginQueryUpdate(out);
    this.rows.write(out, change.deletes);
    this.rows.write(out, change.inserts);
    if (change.isShared) form.part = { bytes: out.bytes, at, length: out.length - at } satisfies Piece;
  }
}

function writeQueryRows(out: PieceWriter, queries: readonly QueryRows[], deleted: boolean): void {
  out.writer.u32(queries.length);
  for (const query of queries) writeTableRows(out, query, deleted);
}

function writeTableRows(out: PieceWriter, query: QueryRows, deleted: boolean): void {
  beginTable(out.writer, query.table.id, query.table.def.name, query.rows.count, 1);
  beginQueryUpdate(out.writer);
  if (!deleted) writeEmptyRowList(out.writer);
  out.rows(bsatnRowsOf(query));
  if (deleted) writeEmptyRowList(out.writer);
}
