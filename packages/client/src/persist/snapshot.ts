/**
 * Rows as they are kept for the next start: a table's rows by how often each is counted, and what they are of.
 *
 *   "LCR2" | check u32 | whose string | schema string | identity 32 bytes | lineage n | place n | sets n × (texts n × string)
 *   tables n × (name string | lists n × (count u32 | row list))
 *
 * The check is of all that follows it: what is damaged is not read.
 */
import { hashBytes, LightconeError } from "@lightcone/base";
import { readRowList, RowListBuilder } from "@lightcone/protocol";
import { ByteReader, ByteWriter, Identity } from "@lightcone/sats";
import type { Bags } from "../bags.ts";
import type { RowBag } from "../row-bag.ts";

const magic = 0x3252_434c;
/** Behind the magic number and the check. */
const checkedFrom = 8;

export interface SnapshotHead {
  /** Whose rows they are: a server, a database, and a caller. */
  readonly whose: string;
  readonly schema: string;
  /** Who the caller is to the server. */
  readonly identity: Identity;
}

/** @returns undefined when it would have more than `bytesMax` bytes */
export function writeSnapshot(
  { whose, schema, identity }: SnapshotHead,
  bags: Bags,
  nameOf: (accessor: string) => string,
  bytesMax: number,
): Uint8Array<ArrayBuffer> | undefined {
  const { lineage, place, sets } = bags.standing;
  const out = new ByteWriter(4096);
  out.u32(magic);
  const checkAt = out.reserve(4);
  out.string(whose);
  out.string(schema);
  out.raw(identity.bytes);
  out.byteArray(lineage ?? none);
  out.byteArray(place ?? none);
  out.u32(sets.size);
  for (const texts of sets.values()) {
    out.u32(texts.length);
    for (const text of texts) out.string(text);
  }
  const tables = [...bags.all()];
  out.u32(tables.length);
  for (const bag of tables) {
    out.string(nameOf(bag.table.accessor));
    writeRows(out, bag);
    if (out.length > bytesMax) return undefined;
  }
  out.setU32(checkAt, hashBytes(out.written(), checkedFrom));
  return out.toBytes();
}

function writeRows(out: ByteWriter, bag: RowBag): void {
  const lists = new Map<number, RowListBuilder>();
  for (const slot of bag.slots()) {
    const count = bag.count(slot);
    let list = lists.get(count);
    if (list === undefined) lists.set(count, (list = new RowListBuilder()));
    const row = bag.bytesOf(slot);
    list.add(row, 0, row.length);
  }
  out.u32(lists.size);
  for (const [count, list] of lists) {
    out.u32(count);
    list.writeTo(out);
  }
}

/** What is to be shown of a snapshot, once its schema is known. */
export interface ReadSnapshot extends SnapshotHead {
  /** Fills bags that have nothing yet. @throws {LightconeError} `Malformed` */
  fill(bags: Bags, newId: () => number): void;
}

/** @throws {LightconeError} `Malformed` when it is damaged, or none */
export function readSnapshot(bytes: Uint8Array): ReadSnapshot {
  const input = new ByteReader(bytes, "kept rows");
  if (input.u32() !== magic) input.fail("they are of another version", 0);
  if (input.u32() !== hashBytes(bytes, checkedFrom)) input.fail("they are damaged", 4);
  const [whose, schema] = [input.string(), input.string()];
  const identityAt = input.take(32);
  const identity = Identity.fromBytes(bytes.slice(identityAt, identityAt + 32));
  return {
    whose,
    schema,
    identity,
    fill(bags, newId) {
      const [lineage, place] = [input.byteArrayView().slice(), input.byteArrayView().slice()];
      const { standing } = bags;
      if (lineage.length > 0) standing.lineage = lineage;
      if (place.length > 0) standing.place = place;
      for (let sets = input.count(4); sets > 0; sets -= 1)
        standing.sets.set(
          newId(),
          Array.from({ length: input.count(4) }, () => input.string()),
        );
      for (let tables = input.count(8); tables > 0; tables -= 1) {
        const name = input.string();
        for (let lists = input.count(9); lists > 0; lists -= 1) {
          const count = input.u32();
          const list = readRowList(input);
          if (!bags.fill(name, list, count))
            throw new LightconeError("Malformed", { what: "kept rows", reason: `there is no table ${name} for them` });
        }
      }
      input.expectEnd();
    },
  };
}

const none = new Uint8Array(0);
