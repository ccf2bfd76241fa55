/**
 * Encodes the messages of version 2: docs/wire/websocket-v2.md. Version 3 has the same, and `v1.bsatn.lightcone` a few more and
 * places in front of some: docs/protocol.md.
 *
 * Law: what is made of a part is made once, whoever is told of it: the rows by themselves, and the whole message if the part
 * is all that it tells.
 */
import type { RowRefs, RowSource } from "@lightcone/engine";
import type { TableSchema } from "@lightcone/schema";
import { lightcone, v2 } from "@lightcone/protocol";
import type { DeltaPart } from "@lightcone/query";
import type { ByteWriter } from "@lightcone/sats";
import type { CommitHead } from "../../core/call.ts";
import type { Piece } from "../../link/piece.ts";
import { BsatnRows, bsatnRowsOf, ChangedRows } from "../bsatn-rows.ts";
import { errorText } from "../error-text.ts";
import type { QueryRows, RowGatherer } from "../first-rows.ts";
import type { MessageBuffer } from "../message-buffer.ts";
import { PieceWriter } from "../piece-writer.ts";
import { encodedForms } from "../wire.ts";

/** What a commit changes for a client: parts, and for each the query set that holds its query. */
export interface MarkedChanges {
  readonly changes: DeltaPart[];
  readonly marks: number[];
}

/** What has changed of a query set since a client had its rows. */
export interface ResumedChanges {
  readonly querySetId: number;
  /** One for each query; of each row the net change. */
  readonly changes: readonly {
    readonly table: TableSchema;
    readonly inserts: BsatnRows;
    readonly deletes: BsatnRows;
  }[];
}

/** A message that tells of one part, made for the clients that hold its query in a set of that id. */
interface LoneMessage {
  readonly querySetId: number;
  readonly message: Piece;
}

/** Where a database stands: after which commit, and when that was made. */
export interface StandOfDatabase {
  readonly offset: number;
  readonly timestampMicros: number;
}

const ownForm = encodedForms["v2.bsatn"];
const noRows: RowRefs = { refs: new Uint32Array(0), count: 0 };

export class EncoderV2 {
  private readonly buffer: MessageBuffer;
  private readonly rows: ChangedRows;

  /** Where the database stands; undefined in versions that do not say it. */
  private readonly stand: (() => StandOfDatabase) | undefined;

  constructor(store: RowSource, buffer: MessageBuffer, stand?: () => StandOfDatabase) {
    this.rows = new ChangedRows(store);
    this.buffer = buffer;
    this.stand = stand;
  }

  /** The place of rows that are read now, for an answer that may be encoded later. */
  place(): StandOfDatabase | undefined {
    return this.stand?.();
  }

  gather(_table: TableSchema): RowGatherer {
    return new BsatnRows();
  }

  /** @param lineage whose offsets places are by, for a client that is told of places */
  initialConnection(
    identity: Uint8Array,
    connection: Uint8Array,
    token: string,
    lineage: Uint8Array | undefined,
  ): Piece {
    const out = this.begin();
    v2.writeInitialConnection(out, identity, connection, token);
    if (lineage !== undefined) out.byteArray(lineage);
    return this.buffer.end();
  }

  // --- subscriptions

  /** @param place of the rows */
  subscribeApplied(
    requestId: number,
    querySetId: number,
    queries: readonly QueryRows[],
    place: StandOfDatabase | undefined,
  ): readonly Piece[] {
    const out = this.beginPieces();
    writePlace(out.writer, place);
    v2.beginSubscribeApplied(out.writer, requestId, querySetId);
    writeTables(out, queries);
    return out.end();
  }

  /** @param queries undefined when the client does not want the rows that it loses */
  unsubscribeApplied(
    requestId: number,
    querySetId: number,
    queries: readonly QueryRows[] | undefined,
  ): readonly Piece[] {
    const out = this.beginPieces();
    v2.beginUnsubscribeApplied(out.writer, requestId, querySetId, queries !== undefined);
    if (queries !== undefined) writeTables(out, queries);
    return out.end();
  }

  subscriptionError(requestId: number | undefined, querySetId: number, text: string): Piece {
    v2.writeSubscriptionError(this.begin(), requestId, querySetId, errorText(text));
    return this.buffer.end();
  }

  /** Rows that a client has of a set and may not keep, outside of any transaction. */
  withdrawn(querySetId: number, queries: readonly QueryRows[]): readonly Piece[] {
    const out = this.beginPieces();
    v2.beginTransactionUpdate(out.writer);
    out.writer.u32(1);
    v2.beginQuerySet(out.writer, querySetId, queries.length);
    for (const query of queries) {
      v2.beginTable(out.writer, query.table.def.name, 1);
      out.writer.u8(v2.rowsKind.PersistentTable);
      this.rows.write(out.writer, noRows);
      out.rows(bsatnRowsOf(query));
    }
    return out.end();
  }

  /**
   * Query sets that go on from where a client stood, and what has changed of them.
   *
   * @param tables whose rows the client keeps
   */
  resumed(
    requestId: number,
    sets: readonly ResumedChanges[],
    tables: readonly TableSchema[],
    place: StandOfDatabase | undefined,
  ): readonly Piece[] {
    const out = this.beginPieces();
    writePlace(out.writer, place);
    const [ids, names] = [sets.map(({ querySetId }) => querySetId), tables.map(({ def }) => def.name)];
    lightcone.beginResumed(out.writer, requestId, ids, names);
    out.writer.u32(sets.length);
    for (const { querySetId, changes } of sets) {
      v2.beginQuerySet(out.writer, querySetId, changes.length);
      for (const { table, inserts, deletes } of changes) {
        v2.beginTable(out.writer, table.def.name, 1);
        out.writer.u8(v2.rowsKind.PersistentTable);
        out.rows(inserts);
        out.rows(deletes);
      }
    }
    return out.end();
  }

  oneOff(requestId: number, result: QueryRows): readonly Piece[] {
    const out = this.beginPieces();
    v2.beginOneOffQueryResult(out.writer, requestId);
    writeTable(out, result);
    return out.end();
  }

  oneOffError(requestId: number, text: string): Piece {
    v2.writeOneOffQueryError(this.begin(), requestId, errorText(text));
    return this.buffer.end();
  }

  // --- calls

  /** A call that succeeded, with what it changed of the caller's query sets. @param value what the reducer gives */
  reducerOk(requestId: number, timestampMicros: number, changes: MarkedChanges, value: Uint8Array | undefined): Piece {
    const out = this.beginPlaced();
    v2.beginReducerOk(out, requestId, timestampMicros, value);
    this.querySets(out, changes);
    return this.buffer.end();
  }

  /** @param isModules whether the reducer itself reported it */
  reducerFailure(requestId: number, timestampMicros: number, text: string, isModules: boolean): Piece {
    const write = isModules ? v2.writeReducerError : v2.writeReducerFailure;
    write(this.begin(), requestId, timestampMicros, errorText(text));
    return this.buffer.end();
  }

  procedureResult(value: Uint8Array, timestampMicros: number, durationMicros: number, requestId: number): Piece {
    v2.writeProcedureResult(this.begin(), value, timestampMicros, durationMicros, requestId);
    return this.buffer.end();
  }

  procedureFailure(text: string, timestampMicros: number, durationMicros: number, requestId: number): Piece {
    v2.writeProcedureFailure(this.begin(), errorText(text), timestampMicros, durationMicros, requestId);
    return this.buffer.end();
  }

  // --- updates

  /** A commit as its subscribers hear of it. */
  update(changes: MarkedChanges, commit: CommitHead): Piece {
    const [first] = changes.changes;
    if (changes.changes.length === 1 && first !== undefined) {
      const querySetId = changes.marks[0] ?? 0;
      const form = first.encoded[ownForm];
      const kept = this.stand === undefined ? "whole" : "light";
      const made = form[kept] as LoneMessage | undefined; // the place holds nothing else
      if (made?.querySetId === querySetId) return made.message;
      const message = this.makeUpdate(changes);
      if (first.isShared) form[kept] = { querySetId, message } satisfies LoneMessage;
      return message;
    }
    sortChanges(changes);
    const key = `${this.stand === undefined ? "v2" : "lightcone"}:${changes.changes.map(({ number }, index) => `${changes.marks[index]}.${number}`).join(",")}`;
    let message = commit.messages.get(key);
    if (message === undefined) {
      message = this.makeUpdate(changes);
      commit.messages.set(key, message);
    }
    return message;
  }

  private makeUpdate(changes: MarkedChanges): Piece {
    const out = this.beginPlaced();
    v2.beginTransactionUpdate(out);
    this.querySets(out, changes);
    return this.buffer.end();
  }

  /** An entry per query set, in it one per table, in it one per query. */
  private querySets(out: ByteWriter, marked: MarkedChanges): void {
    const { changes, marks } = marked;
    if (changes.length === 0) {
      out.u32(0);
      return;
    }
    if (changes.length > 1) sortChanges(marked);
    const setCountAt = out.reserve(4);
    let setCount = 0;
    for (let from = 0; from < changes.length;) {
      const querySetId = marks[from] ?? 0;
      out.u32(querySetId);
      const tableCountAt = out.reserve(4);
      let tableCount = 0;
      while (from < changes.length && marks[from] === querySetId) {
        const table = changes[from]?.table;
        if (table === undefined) break;
        let to = from;
        while (to < changes.length && marks[to] === querySetId && changes[to]?.table.id === table.id) to += 1;
        v2.beginTable(out, table.def.name, to - from);
        for (; from < to; from += 1) {
          const change = changes[from];
          if (change !== undefined) this.tableRows(out, change);
        }
        tableCount += 1;
      }
      out.setU32(tableCountAt, tableCount);
      setCount += 1;
    }
    out.setU32(setCountAt, setCount);
  }

  /** Writes a change: from where another message has it, if one has. */
  private tableRows(out: ByteWriter, change: DeltaPart): void {
    const form = change.encoded[ownForm];
    const made = form.part as Piece | undefined; // the place holds nothing else
    if (made !== undefined) {
      out.rawRange(made.bytes, made.at, made.length);
      return;
    }
    const at = out.length;
    if (change.table.def.isEvent) {
      out.u8(v2.rowsKind.EventTable);
      this.rows.write(out, change.inserts);
    } else {
      out.u8(v2.rowsKind.PersistentTable);
      this.rows.write(out, change.inserts);
      this.rows.write(out, change.deletes);
    }
    if (change.isShared) form.part = { bytes: out.bytes, at, length: out.length - at } satisfies Piece;
  }

  private begin(): ByteWriter {
    const out = this.buffer.begin();
    out.u8(0); // not compressed
    return out;
  }

  /** Begins a message that brings its client to where the database stands. */
  private beginPlaced(): ByteWriter {
    const out = this.begin();
    writePlace(out, this.stand?.());
    return out;
  }

  private beginPieces(): PieceWriter {
    const out = new PieceWriter(this.buffer);
    out.writer.u8(0); // not compressed
    return out;
  }
}

function writePlace(out: ByteWriter, place: StandOfDatabase | undefined): void {
  if (place !== undefined) lightcone.writePlaceBefore(out, place.offset, place.timestampMicros);
}

/** By query set, table and part. */
function sortChanges({ changes, marks }: MarkedChanges): void {
  const sorted = changes.map((change, index) => ({ change, mark: marks[index] ?? 0 }));
  sorted.sort((a, b) => a.mark - b.mark || a.change.table.id - b.change.table.id || a.change.number - b.change.number);
  sorted.forEach(({ change, mark }, index) => {
    changes[index] = change;
    marks[index] = mark;
  });
}

function writeTables(out: PieceWriter, queries: readonly QueryRows[]): void {
  out.writer.u32(queries.length);
  for (const query of queries) writeTable(out, query);
}

function writeTable(out: PieceWriter, query: QueryRows): void {
  out.writer.string(query.table.def.name);
  out.rows(bsatnRowsOf(query));
}
