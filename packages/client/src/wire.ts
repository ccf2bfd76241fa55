/**
 * What a client asks and a server says, in versions 1 to 3 of the protocol and in our own, which is 4 here: as much of them as
 * this client uses, read into one form. docs/wire/websocket-v1.md, docs/wire/websocket-v2.md, docs/protocol.md.
 *
 * Rows and values stay views of the frame. `@lightcone/protocol` has the whole of each version, which is more than a page
 * should carry; the tests hold this against that.
 */
import { readRowList, type RowListView } from "@lightcone/protocol";
import type { ByteReader, ByteWriter } from "@lightcone/sats";

/** By the name of the subprotocol; version 3 is version 2 with several messages to a frame, and ours is 3 with places. */
export type WireVersion = 1 | 2 | 3 | 4;

const own = "v1.bsatn.lightcone";
/** As they are offered, the best first. */
export const subprotocols: readonly string[] = [own, ...[3, 2, 1].map((version) => `v${version}.bsatn.spacetimedb`)];

/** @param subprotocol that the server chose; none by servers that speak version 2 and do not say so */
export function versionOf(subprotocol: string): WireVersion {
  if (subprotocol === own) return 4;
  const [, digit] = subprotocol;
  return digit === "1" ? 1 : digit === "3" ? 3 : 2;
}

/** Where a client goes on from: whose place it is, the place, and the texts of each query set. */
export interface Resuming {
  readonly lineage: Uint8Array | undefined;
  readonly place: Uint8Array | undefined;
  readonly sets: ReadonlyMap<number, readonly string[]>;
}

/** `id` is the client's choice: the server repeats it in what it answers. */
export type Ask =
  | { readonly kind: "subscribe"; readonly id: number; readonly queries: readonly string[] }
  | { readonly kind: "unsubscribe"; readonly id: number; readonly subscription: number }
  | { readonly kind: "query"; readonly id: number; readonly query: string }
  | { readonly kind: "resume"; readonly id: number; readonly from: Resuming }
  | { readonly kind: "reducer" | "procedure"; readonly id: number; readonly name: string; readonly args: Uint8Array };

export function writeAsk(out: ByteWriter, version: WireVersion, ask: Ask): void {
  const isFirst = version === 1;
  const head = (tag: number): void => {
    out.u8(tag);
    if (!isFirst) out.u32(ask.id);
  };
  switch (ask.kind) {
    case "subscribe":
      head(isFirst ? 4 : 0);
      if (!isFirst) out.u32(ask.id);
      out.u32(ask.queries.length);
      for (const query of ask.queries) out.string(query);
      if (!isFirst) return;
      out.u32(ask.id);
      return out.u32(ask.id);
    case "unsubscribe":
      head(isFirst ? 6 : 1);
      if (isFirst) out.u32(ask.id);
      out.u32(ask.subscription);
      if (!isFirst) out.u8(1); // with the rows that it loses
      return;
    case "resume": {
      const { lineage, place, sets } = ask.from;
      head(5);
      out.byteArray(lineage ?? new Uint8Array(0));
      out.raw(place ?? new Uint8Array(16));
      out.u32(sets.size);
      for (const [id, queries] of sets) {
        out.u32(id);
        out.u32(queries.length);
        for (const query of queries) out.string(query);
      }
      return;
    }
    case "query":
      head(2);
      if (isFirst) {
        out.u32(4);
        out.u32(ask.id);
      }
      return out.string(ask.query);
    default:
      head(ask.kind === "reducer" ? (isFirst ? 0 : 3) : isFirst ? 7 : 4);
      if (!isFirst) out.u8(0);
      out.string(ask.name);
      out.byteArray(ask.args);
      if (!isFirst) return;
      out.u32(ask.id);
      out.u8(0);
  }
}

/** Rows of a table that come (`by` is 1) or go (-1), or that happen and are not kept (0). */
export interface Rows {
  readonly table: string;
  readonly by: -1 | 0 | 1;
  readonly list: RowListView;
}

export interface Greeting {
  readonly kind: "greeting";
  /** 32 and 16 bytes, little-endian. */
  readonly identity: Uint8Array;
  readonly connectionId: Uint8Array;
  readonly token: string;
  /** Whose places it says; only in our own version. */
  readonly lineage?: Uint8Array;
}

/** What became of a call or of a query. */
export interface Answer {
  readonly kind: "answer";
  readonly id: number;
  readonly rows: readonly Rows[];
  /** What it gave; of a reducer only where the server tells. */
  readonly value?: Uint8Array;
  /** Why there is none: it failed. */
  readonly failure?: string;
  /** Whether these are the database's own words, as far as the version tells. */
  readonly isDatabases?: boolean;
  /** Version 1 tells of others' calls in the same way. */
  readonly caller?: Uint8Array;
  readonly name?: string;
}

/** What goes on from the place that was asked for. */
export interface Resumed {
  readonly kind: "resumed";
  readonly id: number;
  readonly sets: readonly number[];
  /** Whose rows stay, changed by `rows`. */
  readonly tables: readonly string[];
  readonly rows: readonly Rows[];
}

export type Said = (
  | Greeting
  | Answer
  | Resumed
  /** @param ended the subscription that has ended with it */
  | { readonly kind: "changed"; readonly rows: readonly Rows[]; readonly ended?: number }
  | { readonly kind: "applied"; readonly id: number; readonly rows: readonly Rows[] }
  /** A subscription is not taken, or has ended by itself. Without an id it is all of them. */
  | { readonly kind: "refused"; readonly id: number | undefined; readonly message: string }
) & {
  /** Where the rows are with this, if it is said. */
  place?: Uint8Array;
};

/**
 * Reads the next message. What stands behind it in versions 1 and 2 means nothing.
 *
 * @throws {LightconeError} `Malformed`
 */
export function readSaid(input: ByteReader, version: WireVersion): Said {
  const at = input.at;
  let tag = input.u8();
  const place = version === 4 && tag === 8 ? raw(input, 16).slice() : undefined;
  if (place !== undefined) tag = input.u8();
  const said = version === 1 ? readFirst(input, tag) : readSecond(input, tag, version === 4);
  if (said !== undefined && place !== undefined) said.place = place;
  return said ?? input.fail(`nothing was asked that a message of kind ${tag} answers`, at);
}

const outOfTime = "the call took more than one call may, and was undone";

function readFirst(input: ByteReader, tag: number): Said | undefined {
  switch (tag) {
    case 1:
      return readTransaction(input);
    case 2:
      input.take(4);
      return { kind: "changed", rows: tablesOf(input) };
    case 3: {
      const [identity, token] = [raw(input, 32), input.string()];
      return { kind: "greeting", identity, token, connectionId: raw(input, 16) };
    }
    case 4: {
      const [a = 0, b = 0, c = 0, d = 0] = input.byteArrayView();
      const id = a + (b << 8) + (c << 16) + d * 2 ** 24;
      const failure = optional(input, () => input.string());
      const rows = first(input);
      return { kind: "answer", id, rows, ...(failure === undefined ? {} : { failure }) };
    }
    case 7: {
      input.take(8);
      optional(input, () => input.u32());
      const id = optional(input, () => input.u32());
      optional(input, () => input.u32());
      return { kind: "refused", id, message: input.string() };
    }
    case 8:
    case 9: {
      input.take(12);
      const id = input.u32();
      const rows = tablesOf(input);
      return tag === 8 ? { kind: "applied", id, rows } : { kind: "changed", rows };
    }
    case 10: {
      const status = tagBelow(input, 3);
      const outcome =
        status === 0
          ? { value: input.byteArrayView() }
          : { failure: status === 1 ? "it took more than one call may" : input.string() };
      input.take(16);
      return { kind: "answer", id: input.u32(), rows: [], ...outcome };
    }
    default:
      return undefined;
  }
}

function readTransaction(input: ByteReader): Answer {
  const status = tagBelow(input, 3);
  const rows = status === 0 ? tablesOf(input) : [];
  const outcome = status === 0 ? {} : { failure: status === 1 ? input.string() : outOfTime };
  input.take(8 + 32);
  const [caller, name] = [raw(input, 16), input.string()];
  input.take(4);
  input.byteArrayView();
  return { kind: "answer", id: input.u32(), rows, caller, name, ...outcome };
}

/** A `DatabaseUpdate`. */
function tablesOf(input: ByteReader): Rows[] {
  return listOf(input, 20, (rows: Rows[]) => {
    input.take(4);
    const table = input.string();
    input.take(8);
    for (let left = input.count(19); left > 0; left -= 1) {
      tagBelow(input, 1); // not compressed by itself
      rows.push({ table, by: -1, list: readRowList(input) }, { table, by: 1, list: readRowList(input) });
    }
  });
}

function readSecond(input: ByteReader, tag: number, isOwn: boolean): Said | undefined {
  switch (tag) {
    case 0: {
      const [identity, connectionId] = [raw(input, 32), raw(input, 16)];
      const greeting = { kind: "greeting", identity, connectionId, token: input.string() } as const;
      return isOwn ? { ...greeting, lineage: input.byteArrayView().slice() } : greeting;
    }
    case 1:
      input.take(4);
      return { kind: "applied", id: input.u32(), rows: first(input) };
    case 2:
      input.take(4);
      return { kind: "changed", ended: input.u32(), rows: optional(input, () => first(input, -1)) ?? [] };
    case 3:
      optional(input, () => input.u32());
      return { kind: "refused", id: input.u32(), message: input.string() };
    case 4:
      return { kind: "changed", rows: setsOf(input) };
    case 5: {
      const id = input.u32();
      if (tagBelow(input, 2) === 0) return { kind: "answer", id, rows: first(input) };
      return { kind: "answer", id, rows: [], failure: input.string() };
    }
    case 6: {
      const id = input.u32();
      input.take(8);
      const outcome = tagBelow(input, 4);
      if (outcome === 0) return { kind: "answer", id, value: input.byteArrayView(), rows: setsOf(input) };
      if (outcome === 1) return { kind: "answer", id, rows: [] };
      if (outcome === 2) input.take(4); // the bytes of a text, which has its length again
      return { kind: "answer", id, rows: [], failure: input.string(), isDatabases: outcome === 3 };
    }
    case 7: {
      const outcome = tagBelow(input, 2) === 0 ? { value: input.byteArrayView() } : { failure: input.string() };
      input.take(16);
      return { kind: "answer", id: input.u32(), rows: [], ...outcome };
    }
    case 9: {
      if (!isOwn) return undefined;
      const id = input.u32();
      const sets = Array.from({ length: input.count(4) }, () => input.u32());
      const tables = Array.from({ length: input.count(4) }, () => input.string());
      return { kind: "resumed", id, sets, tables, rows: setsOf(input) };
    }
    default:
      return undefined;
  }
}

/** Tables with their rows, as a subscription's first ones and those of a query come. */
function first(input: ByteReader, by: -1 | 1 = 1): Rows[] {
  return listOf(input, 9, (rows: Rows[]) => rows.push({ table: input.string(), by, list: readRowList(input) }));
}

/** The changes of query sets, all of which end up in one cache. */
function setsOf(input: ByteReader): Rows[] {
  return listOf(input, 8, (rows: Rows[]) => {
    input.take(4);
    for (let tables = input.count(8); tables > 0; tables -= 1) {
      const table = input.string();
      for (let left = input.count(8); left > 0; left -= 1) {
        const isEvent = tagBelow(input, 2) === 1;
        rows.push({ table, by: isEvent ? 0 : 1, list: readRowList(input) });
        if (!isEvent) rows.push({ table, by: -1, list: readRowList(input) });
      }
    }
  });
}

/** @param sizeMin of an element, in bytes */
function listOf(input: ByteReader, sizeMin: number, read: (rows: Rows[]) => void): Rows[] {
  const rows: Rows[] = [];
  for (let left = input.count(sizeMin); left > 0; left -= 1) read(rows);
  return rows;
}

function optional<T>(input: ByteReader, read: () => T): T | undefined {
  return tagBelow(input, 2) === 0 ? read() : undefined;
}

function tagBelow(input: ByteReader, count: number): number {
  const tag = input.u8();
  return tag < count ? tag : input.fail(`there is no tag ${tag} here`, input.at - 1);
}

function raw(input: ByteReader, length: number): Uint8Array {
  const at = input.take(length);
  return input.bytes.subarray(at, at + length);
}
