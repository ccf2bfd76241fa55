/** Branded numbers: one kind of id is not another. Made only by the `as…` functions here. */

declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** Names a table. User tables start at `userIdMin`; 0 names none. */
export type TableId = Branded<number, "TableId">;
/** Names an index. 0 names none. */
export type IndexId = Branded<number, "IndexId">;
/** A row's place: u32, page above slot. Stable until the row is deleted. */
export type RowRef = Branded<number, "RowRef">;
/** A commit's place in the log: 0, 1, 2, … without gaps. A safe integer. */
export type TxOffset = Branded<number, "TxOffset">;

/** The first id of each kind that a user's object gets; smaller ones are the system's. */
export const userIdMin = 4096;

export const asTableId = (id: number): TableId => id as TableId;
export const asIndexId = (id: number): IndexId => id as IndexId;
export const asRowRef = (ref: number): RowRef => ref as RowRef;
export const asTxOffset = (offset: number): TxOffset => offset as TxOffset;
