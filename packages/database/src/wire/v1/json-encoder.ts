/** Encodes messages as `v1.json` has them: docs/wire/websocket-v1.md. Rows are texts within the text. */
import { asRowRef, isLightconeError } from "@lightcone/base";
import type { RowRefs, RowSource } from "@lightcone/engine";
import type { TransactionHead } from "@lightcone/protocol";
import type { DeltaPart } from "@lightcone/query";
import type { TableSchema } from "@lightcone/schema";
import {
  bsatnToJson,
  ByteReader,
  jsonWriter,
  toHex,
  toHexReversed,
  type AlgebraicType,
  type JsonForm,
  type ProductType,
} from "@lightcone/sats";
import type { Piece } from "../../link/piece.ts";
import type { MessageBuffer } from "../message-buffer.ts";
import { encodedForms } from "../wire.ts";
import { errorText } from "../error-text.ts";
import type { QueryRows, RowGatherer } from "../first-rows.ts";
import { TextList } from "../json-text-list.ts";
import { PieceWriter } from "../piece-writer.ts";
import type { AppliedKind, Encoder } from "./encoder.ts";

/** Rows gathered as texts within the text. First rows are objects by column name, those of views lists. */
class JsonRows implements RowGatherer {
  readonly texts = new TextList();
  private readonly write: (input: ByteReader) => string;

  constructor({ rowType, isView }: TableSchema["def"]) {
    this.write = jsonWriter(rowType, isView === true ? "positional" : "row");
  }

  get count(): number {
    return this.texts.count;
  }

  add(bytes: Uint8Array, at: number, length: number): void {
    this.texts.add(quote(this.write(new ByteReader(bytes.subarray(at, at + length)))));
  }
}

export class JsonEncoder implements Encoder {
  readonly form = encodedForms["v1.json"];
  private readonly store: RowSource;
  private readonly buffer: MessageBuffer;
  private readonly paramsOf: (functionName: string) => ProductType | undefined;

  /** @param paramsOf the parameters of a reducer, to encode its arguments */
  constructor(store: RowSource, buffer: MessageBuffer, paramsOf: (functionName: string) => ProductType | undefined) {
    this.store = store;
    this.buffer = buffer;
    this.paramsOf = paramsOf;
  }

  identityToken(identity: Uint8Array, token: string, connection: Uint8Array): Piece {
    return this.message(
      "IdentityToken",
      `{"identity":${identityText(identity)},"token":${quote(token)},"connection_id":${connectionText(connection)}}`,
    );
  }

  update(changes: readonly DeltaPart[], head: TransactionHead, light: boolean): Piece {
    const tables = `{"tables":[${this.tables(changes).join(",")}]}`;
    if (light) return this.message("TransactionUpdateLight", `{"request_id":${head.requestId},"update":${tables}}`);
    return this.transaction(`{"Committed":${tables}}`, head);
  }

  failure(message: string, head: TransactionHead): Piece {
    return this.transaction(`{"Failed":${quote(errorText(message))}}`, head);
  }

  gather(table: TableSchema): RowGatherer {
    return new JsonRows(table.def);
  }

  applied(
    kind: AppliedKind,
    requestId: number,
    durationMicros: number,
    queryId: number,
    queries: readonly QueryRows[],
  ): readonly Piece[] {
    const deleted = kind === "UnsubscribeApplied" || kind === "UnsubscribeMultiApplied";
    const [only] = queries;
    const isMulti = kind === "SubscribeMultiApplied" || kind === "UnsubscribeMultiApplied";
    const out = new PieceWriter(this.buffer);
    out.writer.utf8(
      `{"${kind}":{"request_id":${requestId},"total_host_execution_duration_micros":${durationMicros},"query_id":{"id":${queryId}},`,
    );
    if (isMulti || only === undefined) {
      out.writer.utf8(`"update":{"tables":[`);
      writeTables(out, queries, deleted);
      out.writer.utf8("]}}}");
    } else {
      const { table } = only;
      out.writer.utf8(`"rows":{"table_id":${table.id},"table_name":${quote(table.def.name)},"table_rows":`);
      writeTables(out, [only], deleted);
      out.writer.utf8("}}}");
    }
    return out.end();
  }

  withdrawn(queries: readonly QueryRows[]): readonly Piece[] {
    const out = new PieceWriter(this.buffer);
    out.writer.utf8(`{"TransactionUpdateLight":{"request_id":0,"update":{"tables":[`);
    writeTables(out, queries, true);
    out.writer.utf8("]}}}");
    return out.end();
  }

  initial(requestId: number, durationMicros: number, queries: readonly QueryRows[]): readonly Piece[] {
    const out = new PieceWriter(this.buffer);
    out.writer.utf8(`{"InitialSubscription":{"database_update":{"tables":[`);
    writeTables(out, queries, false);
    out.writer.utf8(`]},"request_id":${requestId},${hostDuration(durationMicros)}}}`);
    return out.end();
  }

  subscriptionError(
    durationMicros: number,
    requestId: number | undefined,
    queryId: number | undefined,
    message: string,
  ): Piece {
    return this.message(
      "SubscriptionError",
      `{"total_host_execution_duration_micros":${durationMicros},"request_id":${optional(requestId)},"query_id":${optional(queryId)},` +
        `"table_id":${optional(undefined)},"error":${quote(errorText(message))}}`,
    );
  }

  oneOff(messageId: Uint8Array, durationMicros: number, result: QueryRows): readonly Piece[] {
    const out = new PieceWriter(this.buffer);
    out.writer.utf8(
      `{"OneOffQueryResponse":{"message_id":"${toHex(messageId)}","error":{"none":[]},"tables":[{"table_name":${quote(result.table.def.name)},"rows":[`,
    );
    out.rows(textsOf(result));
    out.writer.utf8(`]}],${hostDuration(durationMicros)}}}`);
    return out.end();
  }

  oneOffError(messageId: Uint8Array, durationMicros: number, message: string): Piece {
    const text = `{"message_id":"${toHex(messageId)}","error":{"some":${quote(errorText(message))}},"tables":[],${hostDuration(durationMicros)}}`;
    return this.message("OneOffQueryResponse", text);
  }

  procedureResult(
    value: Uint8Array,
    type: AlgebraicType,
    timestampMicros: number,
    durationMicros: number,
    requestId: number,
  ): Piece {
    const text = bsatnToJson(type, "positional", new ByteReader(value));
    return this.procedure(`{"Returned":${quote(text)}}`, timestampMicros, durationMicros, requestId);
  }

  procedureFailure(message: string, timestampMicros: number, durationMicros: number, requestId: number): Piece {
    return this.procedure(`{"InternalError":${quote(errorText(message))}}`, timestampMicros, durationMicros, requestId);
  }

  private procedure(status: string, timestampMicros: number, durationMicros: number, requestId: number): Piece {
    return this.message(
      "ProcedureResult",
      `{"status":${status},"timestamp":${timestampText(timestampMicros)},${hostDuration(durationMicros)},"request_id":${requestId}}`,
    );
  }

  private transaction(status: string, head: TransactionHead): Piece {
    return this.message(
      "TransactionUpdate",
      `{"status":${status},"timestamp":${timestampText(head.timestampMicros)},"caller_identity":${identityText(head.sender)},` +
        `"caller_connection_id":${connectionText(head.connection)},"reducer_call":{"reducer_name":${quote(head.functionName)},` +
        `"reducer_id":${head.reducerId},"args":${quote(this.argsText(head))},"request_id":${head.requestId}},` +
        `"energy_quanta_used":{"quanta":0},${hostDuration(head.durationMicros)}}`,
    );
  }

  /** The arguments as the caller wrote them, or else without names. */
  private argsText(head: TransactionHead): string {
    if (head.argsText !== undefined) return head.argsText;
    const params = this.paramsOf(head.functionName);
    if (head.args.length === 0 || params === undefined) return "[]";
    try {
      return bsatnToJson(params, "positional", new ByteReader(head.args));
    } catch (error) {
      // Of a call that was refused before its arguments were looked at.
      if (!isLightconeError(error, "Malformed")) throw error;
      return "[]";
    }
  }

  private tables(changes: readonly DeltaPart[]): string[] {
    const tables: string[] = [];
    for (let from = 0; from < changes.length;) {
      const table = changes[from]?.table;
      if (table === undefined) break;
      const updates: string[] = [];
      let rowCount = 0;
      for (; from < changes.length && changes[from]?.table.id === table.id; from++) {
        const change = changes[from];
        if (change === undefined) continue;
        updates.push(this.queryUpdate(change));
        rowCount += change.deletes.count + change.inserts.count;
      }
      tables.push(tableText(table, rowCount, updates.join(",")));
    }
    return tables;
  }

  /** The text of a change, made when it is first asked for. Its rows are arrays by position. */
  private queryUpdate(change: DeltaPart): string {
    const form = change.encoded[this.form];
    const made = form.part;
    if (typeof made === "string") return made;
    const type = change.table.def.rowType;
    const text = `{"deletes":${textList(this.rows(change.deletes, type))},"inserts":${textList(this.rows(change.inserts, type))}}`;
    form.part = text;
    return text;
  }

  private rows(rows: RowRefs, type: ProductType): string[] {
    const form: JsonForm = "positional";
    const texts: string[] = [];
    for (let row = 0; row < rows.count; row++) {
      this.store.resolve(asRowRef(rows.refs[row] ?? 0));
      const { bytes, at, length } = this.store.row;
      texts.push(bsatnToJson(type, form, new ByteReader(bytes.subarray(at, at + length))));
    }
    return texts;
  }

  private message(kind: string, body: string): Piece {
    this.buffer.begin().utf8(`{"${kind}":${body}}`);
    return this.buffer.end();
  }
}

const quote = (text: string): string => JSON.stringify(text);
const textList = (texts: readonly string[]): string => `[${texts.map(quote).join(",")}]`;
const optional = (value: number | undefined): string => (value === undefined ? `{"none":[]}` : `{"some":${value}}`);
const timestampText = (micros: number): string => `{"__timestamp_micros_since_unix_epoch__":${micros}}`;
const hostDuration = (micros: number): string =>
  `"total_host_execution_duration":{"__time_duration_micros__":${micros}}`;
const connectionText = (id: Uint8Array): string => `{"__connection_id__":${BigInt(`0x${toHexReversed(id)}`)}}`;
const identityText = (id: Uint8Array): string =>
  `{"__identity__":"0x${BigInt(`0x${toHexReversed(id)}`).toString(16)}"}`;

function tableText({ id, def }: Pick<TableSchema, "id" | "def">, rowCount: number, updates: string): string {
  return `{"table_id":${id},"table_name":${quote(def.name)},"num_rows":${rowCount},"updates":[${updates}]}`;
}

/** The rows of queries, each as an update of its table. */
function writeTables(out: PieceWriter, queries: readonly QueryRows[], deleted: boolean): void {
  queries.forEach((query, index) => {
    const { table, rows } = query;
    out.writer.utf8(
      `${index === 0 ? "" : ","}{"table_id":${table.id},"table_name":${quote(table.def.name)},"num_rows":${rows.count},"updates":[`,
    );
    out.writer.utf8(deleted ? `{"deletes":[` : `{"deletes":[],"inserts":[`);
    out.rows(textsOf(query));
    out.writer.utf8(deleted ? `],"inserts":[]}]}` : "]}]}");
  });
}

function textsOf(query: QueryRows): TextList {
  if (query.rows instanceof JsonRows) return query.rows.texts;
  throw new TypeError("rows were gathered for another wire form");
}
