/** Frames as a server of `v1.bsatn` sends them, of a module with people and points. */
import {
  beginApplied,
  beginQueryUpdate,
  beginTable,
  beginTransactionUpdate,
  beginTransactionUpdateLight,
  endTransactionUpdate,
  RowListBuilder,
  writeIdentityToken,
  writeSubscriptionError,
  writeTransactionFailure,
  type TransactionHead,
} from "@lightcone/protocol";
import { schema, SenderError, t, table } from "@lightcone/module";
import { ByteWriter, option, product, t as types, valueCodec } from "@lightcone/sats";
import type { SchemaParts } from "./schema-text.ts";

const spacetime = schema({
  person: table({ public: true }, { id: t.u32().primaryKey(), name: t.string() }),
  /** No primary key, and a name that the database spells another way. */
  mapPoint: table({ public: true, name: "point" }, { x: t.i32(), y: t.i32() }),
  secret: table({}, { code: t.string() }),
});

const personRow = product({ id: types.u32, name: types.string });
const pointRow = product({ x: types.i32, y: types.i32 });

/** The same as a server tells it. */
export const worldSchema = {
  tables: [
    { accessor: "person", row: personRow, key: 0 },
    { accessor: "mapPoint", name: "point", row: pointRow },
  ],
  reducers: [
    { accessor: "renamePerson", name: "rename_person", params: personRow },
    { accessor: "moveAll", name: "move_all", params: product({ by: option(types.i32) }) },
    { accessor: "tidyUp", name: "tidy_up" },
  ],
} as const satisfies SchemaParts;

/** The exports of an entry file, for their types. */
export const world = {
  default: spacetime,
  init: spacetime.init(() => {}),
  renamePerson: spacetime.reducer({ id: t.u32(), name: t.string() }, (_ctx, { name }) => {
    if (name === "") throw new SenderError("nobody is called that");
  }),
  moveAll: spacetime.reducer({ by: t.i32().optional() }, () => {}),
  tidyUp: spacetime.reducer(() => {}),
};

export interface Person {
  readonly id: number;
  readonly name: string;
}
export interface Point {
  readonly x: number;
  readonly y: number;
}

const personCodec = valueCodec<Person>(personRow);
const pointCodec = valueCodec<Point>(pointRow);

/** Changes of one query in one table. */
export type Update =
  | { readonly table: "person"; readonly deletes?: readonly Person[]; readonly inserts?: readonly Person[] }
  | { readonly table: "point"; readonly deletes?: readonly Point[]; readonly inserts?: readonly Point[] };

const made = (write: (out: ByteWriter) => void): Uint8Array => {
  const out = new ByteWriter();
  write(out);
  return out.toBytes();
};

function writeUpdates(out: ByteWriter, updates: readonly Update[]): void {
  out.u32(updates.length);
  for (const { table: name, deletes = [], inserts = [] } of updates) {
    beginTable(out, name === "person" ? 4096 : 4097, name, deletes.length + inserts.length, 1);
    beginQueryUpdate(out);
    writeRows(out, name, deletes);
    writeRows(out, name, inserts);
  }
}

function writeRows(out: ByteWriter, name: Update["table"], rows: readonly (Person | Point)[]): void {
  const list = new RowListBuilder();
  for (const row of rows) {
    // The table's name says which of the two it is.
    const bytes = made((to) =>
      name === "person" ? personCodec.write(to, row as Person) : pointCodec.write(to, row as Point),
    );
    list.add(bytes, 0, bytes.length);
  }
  list.writeTo(out);
}

export const myIdentity = new Uint8Array(32).fill(7);
export const myConnection = new Uint8Array(16).fill(9);

export const greeting = (token = "long-lived"): Uint8Array =>
  made((out) => writeIdentityToken(out, myIdentity, token, myConnection));

export const applied = (queryId: number, ...updates: readonly Update[]): Uint8Array =>
  made((out) => {
    beginApplied(out, "SubscribeMultiApplied", 0, 0, queryId);
    writeUpdates(out, updates);
  });

export const unapplied = (queryId: number, ...updates: readonly Update[]): Uint8Array =>
  made((out) => {
    beginApplied(out, "UnsubscribeMultiApplied", 0, 0, queryId);
    writeUpdates(out, updates);
  });

export const changed = (...updates: readonly Update[]): Uint8Array =>
  made((out) => {
    beginTransactionUpdateLight(out, 0);
    writeUpdates(out, updates);
  });

const head = (requestId: number, functionName: string): TransactionHead => ({
  timestampMicros: 0,
  sender: myIdentity,
  connection: myConnection,
  functionName,
  reducerId: 0,
  args: new Uint8Array(0),
  requestId,
  durationMicros: 0,
});

export const done = (requestId: number, ...updates: readonly Update[]): Uint8Array =>
  made((out) => {
    beginTransactionUpdate(out);
    writeUpdates(out, updates);
    endTransactionUpdate(out, head(requestId, "rename_person"));
  });

export const failed = (requestId: number, text: string, name = "rename_person"): Uint8Array =>
  made((out) => writeTransactionFailure(out, text, head(requestId, name)));

export const refused = (queryId: number | undefined, text: string): Uint8Array =>
  made((out) => writeSubscriptionError(out, 0, queryId, queryId, text));
