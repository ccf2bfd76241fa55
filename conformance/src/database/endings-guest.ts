/**
 * A module in WebAssembly whose functions end in each way there is. All take a number `n`:
 *
 *   reducers    put (a row) · refuse · trap · spin · putAndSpin
 *   procedures  ask (gives n back) · askAndTrap · askAndSpin · askAndPut (a transaction) · putAndAskForEver ·
 *               putForEver (in one transaction)
 */
import { buildModule, op } from "@lightcone/host-wasm/testing";
import { product, t } from "@lightcone/sats";
import { encodeRawV9 } from "@lightcone/schema";

export const reducers = ["put", "refuse", "trap", "spin", "putAndSpin"] as const;
export const procedures = ["ask", "askAndTrap", "askAndSpin", "askAndPut", "putAndAskForEver", "putForEver"] as const;
export const refusedText = "not this one";

const lengthAt = 4096;
const argsAt = 4100;
const tableAt = 4104;
const rowLengthAt = 4108;
const textLengthAt = 4112;
const startAt = 4120;
const nameAt = 4200;
const textAt = 4300;

// The imports: `bytes_sink_write` is the first.
const uses = [
  "bytes_source_read",
  "table_id_from_name",
  "datastore_insert_bsatn",
  "procedure_start_mut_tx",
  "procedure_commit_mut_tx",
] as const;
const [sinkWrite, sourceRead, tableId, insertRow, start, commit] = [0, 1, 2, 3, 4, 5];

const utf8 = (text: string): readonly number[] => [...new TextEncoder().encode(text)];
const set = (at: number, value: number): number[] => [...op.i32(at), ...op.i32(value), ...op.store];
const get = (at: number): number[] => [...op.i32(at), 0x28, 2, 0];
const call = (index: number, ...args: readonly (readonly number[])[]): number[] => [
  ...args.flat(),
  ...op.call(index),
  ...op.drop,
];
const giveBack = (value: number): number[] => [...op.i32(value), 0x0f];
/** Runs `body` in the function with this id. */
const inFunction = (id: number, body: readonly number[]): number[] => [
  ...op.get(0),
  ...op.i32(id),
  0x46,
  0x04,
  0x40,
  ...body,
  0x0b,
];

const readArgs = [...set(lengthAt, 4), ...call(sourceRead, op.get(8), op.i32(argsAt), op.i32(lengthAt))];
const put = [
  ...set(rowLengthAt, 4),
  ...call(tableId, op.i32(nameAt), op.i32("thing".length), op.i32(tableAt)),
  ...call(insertRow, get(tableAt), op.i32(argsAt), op.i32(rowLengthAt)),
];
const putNext = [...op.i32(argsAt), ...get(argsAt), ...op.i32(1), 0x6a, ...op.store, ...put];
const putForEver = [...call(start, op.i32(startAt)), 0x03, 0x40, ...putNext, 0x0c, 0, 0x0b];
const inTransaction = [...call(start, op.i32(startAt)), ...put, ...call(commit)];
const answer = [...set(lengthAt, 4), ...call(sinkWrite, op.get(9), op.i32(argsAt), op.i32(lengthAt)), ...giveBack(0)];

/**
 * @param version another number makes another program that does the same
 * @param paddingBytes how much longer it is than it need be
 */
export function endingsProgram(version = 1, paddingBytes = 0): Uint8Array<ArrayBuffer> {
  const program = programOf(version);
  if (paddingBytes === 0) return program;
  // A section of its own, which nobody reads: its kind, its length, an empty name.
  const head = Uint8Array.of(0, ...leb(paddingBytes + 1), 0);
  const padded = new Uint8Array(program.length + head.length + paddingBytes);
  padded.set(program);
  padded.set(head, program.length);
  return padded;
}

function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];
}

function programOf(version: number): Uint8Array<ArrayBuffer> {
  const params = [{ name: "n", type: t.u32 }];
  return buildModule({
    uses,
    description: encodeRawV9({
      version: 9,
      typespace: [product({ n: t.u32 })],
      types: [],
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
          schedule: undefined,
        },
      ],
      reducers: reducers.map((name) => ({ name, params, lifecycle: undefined })),
      miscExports: procedures.map((name) => ({ kind: "procedure", name, params, returns: t.u32 })),
      rowLevelRules: [],
    }),
    reducer: [
      ...readArgs,
      ...inFunction(0, [...put, ...giveBack(0)]),
      ...inFunction(1, [
        ...set(textLengthAt, refusedText.length),
        ...call(sinkWrite, op.get(9), op.i32(textAt), op.i32(textLengthAt)),
        ...giveBack(1),
      ]),
      ...inFunction(2, op.unreachable),
      ...inFunction(4, put),
      ...op.spin,
      ...op.i32(0),
    ],
    procedure: [
      ...readArgs,
      ...inFunction(0, answer),
      ...inFunction(1, op.unreachable),
      ...inFunction(3, [...inTransaction, ...answer]),
      ...inFunction(4, inTransaction),
      ...inFunction(5, putForEver),
      ...op.spin,
      ...op.i32(0),
    ],
    data: [
      { at: nameAt, bytes: utf8("thing") },
      { at: textAt, bytes: utf8(refusedText) },
      { at: 5000, bytes: [version] },
    ],
  });
}
