/** The rows that a record says were deleted and inserted, for whoever compares records or shows them. */
import { ByteReader } from "@lightcone/sats";
import { readHead, readRowLength, readTable, readTableCount } from "./commit-record.ts";

export interface RecordRows {
  readonly tableId: number;
  /** Each is a view of the record's bytes. */
  readonly deletes: readonly Uint8Array[];
  readonly inserts: readonly Uint8Array[];
}

/** By rising table id. @throws {LightconeError} `NewerFormat`, `Malformed` */
export function rowsOfRecord(record: Uint8Array): readonly RecordRows[] {
  const input = new ByteReader(record, "a log record");
  const { version } = readHead(input);
  const tables: RecordRows[] = [];
  for (let left = readTableCount(input); left > 0; left -= 1) {
    const head = readTable(input, version);
    const rows = (count: number): Uint8Array[] =>
      Array.from({ length: count }, () => {
        const length = readRowLength(input, head);
        const at = input.take(length);
        return input.bytes.subarray(at, at + length);
      });
    const deletes = rows(head.deleteCount);
    tables.push({ tableId: head.id, deletes, inserts: rows(head.insertCount) });
  }
  input.expectEnd();
  return tables;
}
