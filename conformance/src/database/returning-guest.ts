/**
 * A module in WebAssembly whose reducers give something. All take a number `n`:
 *
 *   echo (puts a row, gives n back) · look (gives n back, puts nothing) · wrong (puts a row, gives what is not of its
 *   type) · silent (says that it gives nothing, and writes n all the same) · refuse
 */
import { buildModule, op } from "@lightcone/host-wasm/testing";
import { product, t } from "@lightcone/sats";
import { emptyRawV10, encodeRawV10 } from "@lightcone/schema";

const reducers = ["echo", "look", "wrong", "silent", "refuse"] as const;
const [lengthAt, argsAt, tableAt, rowLengthAt, textLengthAt, nameAt, textAt] = [
  4096, 4100, 4104, 4108, 4112, 4200, 4300,
];
const refused = "not this one";
const uses = ["bytes_source_read", "table_id_from_name", "datastore_insert_bsatn"] as const;
const [sinkWrite, sourceRead, tableId, insertRow] = [0, 1, 2, 3];

const utf8 = (text: string): readonly number[] => [...new TextEncoder().encode(text)];
const set = (at: number, value: number): number[] => [...op.i32(at), ...op.i32(value), ...op.store];
const call = (index: number, ...args: readonly (readonly number[])[]): number[] => [
  ...args.flat(),
  ...op.call(index),
  ...op.drop,
];
const inFunction = (id: number, body: readonly number[], code = 0): number[] => [
  ...[op.get(0), op.i32(id), [0x46, 0x04, 0x40]].flat(),
  ...body,
  ...[op.i32(code), [0x0f, 0x0b]].flat(),
];
const put = [
  ...set(rowLengthAt, 4),
  ...call(tableId, op.i32(nameAt), op.i32("thing".length), op.i32(tableAt)),
  ...call(insertRow, [...op.i32(tableAt), 0x28, 2, 0], op.i32(argsAt), op.i32(rowLengthAt)),
];
const write = (at: number, length: number): number[] => [
  ...set(textLengthAt, length),
  ...call(sinkWrite, op.get(9), op.i32(at), op.i32(textLengthAt)),
];

export const returningProgram = buildModule({
  uses,
  description: encodeRawV10({
    ...emptyRawV10,
    typespace: [product({ n: t.u32 })],
    types: [{ scope: [], name: "Thing", ref: 0, customOrdering: true }],
    tables: [
      {
        name: "thing",
        typeRef: 0,
        primaryKey: [],
        indexes: [],
        constraints: [],
        sequences: [],
        kind: "user",
        access: "public",
        defaults: [],
        isEvent: false,
      },
    ],
    reducers: reducers.map((name) => ({
      name,
      params: [{ name: "n", type: t.u32 }],
      visibility: "client",
      ok: name === "silent" ? product({}) : name === "wrong" ? t.string : { kind: "Ref", index: 0 },
      err: t.string,
    })),
  }),
  reducer: [
    ...set(lengthAt, 4),
    ...call(sourceRead, op.get(8), op.i32(argsAt), op.i32(lengthAt)),
    ...inFunction(0, [...put, ...write(argsAt, 4)]),
    ...inFunction(1, write(argsAt, 4)),
    ...inFunction(2, [...put, ...write(argsAt, 4)]),
    ...inFunction(3, [...put, ...write(argsAt, 4)]),
    ...write(textAt, refused.length),
    ...op.i32(1),
  ],
  data: [
    { at: nameAt, bytes: utf8("thing") },
    { at: textAt, bytes: utf8(refused) },
  ],
});
