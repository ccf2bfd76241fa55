/**
 * A board, without a server and a client: what its reducers do to its rows, written down as plainly as can be. The real client's
 * guesses are held against it, and the server of the tests is made of it.
 */
import { product, t } from "@lightcone/sats";
import type { SchemaParts } from "../../testing/schema-text.ts";

export interface Item {
  readonly id: number;
  readonly group: number;
  readonly n: number;
}
export interface Note {
  readonly item: number;
  readonly text: string;
}
export interface Entry {
  readonly id: number;
  readonly group: number;
}
export type AnyRow = Item | Note | Entry;
export type TableName = "item" | "note" | "entry";

/** Rows by what they are, table by table. */
export type Rows = Readonly<Record<TableName, ReadonlyMap<string, AnyRow>>>;
export const noRows: Rows = { item: new Map(), note: new Map(), entry: new Map() };
export const keyOf = (row: AnyRow): string => JSON.stringify(row);
export const rowTypes = {
  item: product({ id: t.u32, group: t.u8, n: t.i32 }),
  note: product({ item: t.u32, text: t.string }),
  entry: product({ id: t.u32, group: t.u8 }),
} as const;

export const boardSchema = {
  tables: [
    {
      accessor: "item",
      row: rowTypes.item,
      key: 0,
      indexes: { id: [0], group: [1], byNumber: [1, 2] },
      unique: [[0]],
    },
    { accessor: "note", row: rowTypes.note, indexes: { item: [0] } },
    { accessor: "entry", row: rowTypes.entry, key: 0, indexes: { id: [0] }, unique: [[0]], autoInc: [0] },
  ],
  reducers: [
    { accessor: "put", params: rowTypes.item },
    { accessor: "bump", params: product({ id: t.u32, by: t.i32 }) },
    { accessor: "swap", params: product({ one: t.u32, other: t.u32 }) },
    { accessor: "move", params: product({ from: t.u8, to: t.u8 }) },
    { accessor: "remove", params: product({ id: t.u32 }) },
    { accessor: "noteTop", params: product({ group: t.u8, from: t.i32 }) },
    { accessor: "forget", params: product({ item: t.u32 }) },
    { accessor: "add", params: product({ group: t.u8 }) },
  ],
} as const satisfies SchemaParts;

export type Call =
  | { readonly name: "put"; readonly args: Item }
  | { readonly name: "bump"; readonly args: { readonly id: number; readonly by: number } }
  | { readonly name: "swap"; readonly args: { readonly one: number; readonly other: number } }
  | { readonly name: "move"; readonly args: { readonly from: number; readonly to: number } }
  | { readonly name: "remove"; readonly args: { readonly id: number } }
  | { readonly name: "noteTop"; readonly args: { readonly group: number; readonly from: number } }
  | { readonly name: "forget"; readonly args: { readonly item: number } }
  | { readonly name: "add"; readonly args: { readonly group: number } };

/** What becomes of rows. @throws {Error} when the call is refused */
export function ran(
  before: Rows,
  { name, args }: Call,
  covers: (table: TableName, row: AnyRow) => boolean,
  id: number,
): Rows {
  const rows = { item: new Map(before.item), note: new Map(before.note), entry: new Map(before.entry) };
  const items = [...before.item.values()] as Item[];
  const put = (table: TableName, row: AnyRow): void => {
    if (covers(table, row)) rows[table].set(keyOf(row), row);
  };
  const itemOf = (wanted: number): Item => {
    const found = items.find((each) => each.id === wanted);
    if (found === undefined) throw new Error("there is no such item");
    return found;
  };
  const replace = (old: Item, row: Item): void => {
    rows.item.delete(keyOf(old));
    put("item", row);
  };
  switch (name) {
    case "put":
      if (items.some((each) => each.id === args.id)) throw new Error("there is one");
      put("item", args);
      break;
    case "bump": {
      const item = itemOf(args.id);
      replace(item, { ...item, n: item.n + args.by });
      break;
    }
    case "swap": {
      const [one, other] = [itemOf(args.one), itemOf(args.other)];
      if (one.id === other.id) break;
      replace(one, { ...one, n: other.n });
      replace(other, { ...other, n: one.n });
      break;
    }
    case "move":
      for (const item of items) if (item.group === args.from) replace(item, { ...item, group: args.to });
      break;
    case "remove":
      rows.item.delete(keyOf(itemOf(args.id)));
      break;
    case "noteTop": {
      const some = items.filter(({ group, n }) => group === args.group && n >= args.from);
      for (const { id: item, n } of some) put("note", { item, text: `${n} of ${rows.item.size}` });
      break;
    }
    case "forget":
      for (const [key, row] of rows.note) if ("item" in row && row.item === args.item) rows.note.delete(key);
      break;
    case "add":
      put("entry", { id, group: args.group });
      break;
  }
  return rows;
}
