// Goal: an encoding is made once for a change and a form of the wire, however many clients get it, and however many
// queries of a template it is the change of.
// Method: clients of every form that hold one query, by itself, beside one that does not change, and beside one that
// does, and clients whose queries differ in a constant; what a commit sends them must be the same bytes at the same
// place, one place for each form and set of changes.
import type { ConnectionSink, Database, WireProtocol } from "@lightcone/database";
import { decodeServerMessage, encodeClientMessage, v2 } from "@lightcone/protocol";
import { ByteWriter } from "@lightcone/sats";
import { expect, test } from "vitest";
import { call, makeCaller, openLocal, publish } from "./local.ts";

const clientsPerKind = 10;
const entries = "SELECT * FROM entry";
const querySets: readonly {
  readonly tables: readonly string[];
  /** Of the client with that number. */
  readonly queries: (client: number) => readonly string[];
}[] = [
  { tables: ["entry"], queries: () => [entries] },
  { tables: ["entry"], queries: () => [entries, "SELECT * FROM tally WHERE client = 99"] },
  { tables: ["entry", "tally"], queries: () => [entries, "SELECT * FROM tally"] },
  { tables: ["tally"], queries: (client) => [`SELECT * FROM tally WHERE client < ${100 + client}`] },
];
/** Those with the same rows of the same templates are told the same. */
const changes = [["entry"], ["entry", "tally"], ["tally"]];
const forms: readonly { readonly protocol: WireProtocol; readonly light: boolean }[] = [
  { protocol: "v1.bsatn", light: false },
  { protocol: "v1.bsatn", light: true },
  { protocol: "v1.json", light: false },
  { protocol: "v1.json", light: true },
  { protocol: "v2.bsatn", light: false },
];

/** Notes where the last thing it was sent stands. */
class PlaceSink implements ConnectionSink {
  readonly queuedBytes = 0;
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;
  length = 0;
  answeredCount = 0;

  send(bytes: Uint8Array, at: number, length: number): void {
    this.bytes = bytes;
    this.at = at;
    this.length = length;
  }
  answered(messageCount: number): void {
    this.answeredCount = messageCount;
  }
  note(): void {
    // Nobody resumes here.
  }
  close(): void {
    // At the end, when the database stops.
  }
}

function subscribe(link: Database, protocol: WireProtocol, light: boolean, queries: readonly string[]): PlaceSink {
  const sink = new PlaceSink();
  const caller = makeCaller(2);
  const handle = link.connect({ caller, token: "", protocol, compression: "none", light, confirmed: true }, sink);
  if (protocol === "v1.json") {
    const bytes = new TextEncoder().encode(JSON.stringify({ Subscribe: { query_strings: queries, request_id: 1 } }));
    handle.receive(bytes, 0, bytes.length, true);
  } else if (protocol === "v2.bsatn") {
    const out = new ByteWriter();
    v2.encodeClientMessage(out, { kind: "Subscribe", queries, requestId: 1, querySetId: 7 });
    handle.receive(out.toBytes(), 0, out.length, false);
  } else {
    const out = new ByteWriter();
    encodeClientMessage(out, { kind: "Subscribe", queries, requestId: 1 });
    handle.receive(out.toBytes(), 0, out.length, false);
  }
  return sink;
}

test("an encoding is made once for a change and a form of the wire", async () => {
  const link = await openLocal();
  await publish(link, "../../../modules/typescript/ledger/src/index.ts");
  const kinds = forms.flatMap((form) =>
    querySets.map((querySet) => ({
      ...form,
      ...querySet,
      sinks: Array.from({ length: clientsPerKind }, (_, client) =>
        subscribe(link, form.protocol, form.light, querySet.queries(client)),
      ),
    })),
  );
  const sinks = kinds.flatMap((kind) => kind.sinks);
  while (sinks.some((sink) => sink.answeredCount === 0)) await new Promise(setImmediate);

  expect((await call(link, "record", "[7, 1]")).status).toBe(200);

  for (const { protocol, tables, sinks: holders } of kinds) {
    for (const { bytes, at, length } of holders) {
      const told =
        protocol === "v1.json"
          ? tablesOfJson(new TextDecoder().decode(bytes.subarray(at, at + length)))
          : protocol === "v2.bsatn"
            ? tablesOfV2(bytes.subarray(at + 1, at + length))
            : tablesOf(bytes.subarray(at + 1, at + length));
      expect(told).toEqual(tables);
    }
  }
  // Whoever did not make the call is told in the light form, as since the tenth version of modules' descriptions.
  const buffers = [...new Set(sinks.map((sink) => sink.bytes))];
  const places = new Set(sinks.map((sink) => `${buffers.indexOf(sink.bytes)}:${sink.at}`));
  expect(places.size).toBe(["v1.bsatn", "v1.json", "v2.bsatn"].length * changes.length);
  await link.stop(0);
});

function tablesOf(message: Uint8Array): readonly string[] {
  const decoded = decodeServerMessage(message);
  if (decoded.kind !== "TransactionUpdateLight") throw new Error(`a ${decoded.kind}`);
  return decoded.tables.map((table) => table.tableName);
}

function tablesOfV2(message: Uint8Array): readonly string[] {
  const decoded = v2.decodeServerMessage(message);
  if (decoded.kind !== "TransactionUpdate") throw new Error(`a ${decoded.kind}`);
  expect(decoded.querySets.map(({ querySetId }) => querySetId)).toEqual([7]);
  return decoded.querySets.flatMap(({ tables }) => tables.map(({ tableName }) => tableName));
}

function tablesOfJson(message: string): readonly string[] {
  const decoded: { TransactionUpdateLight: { update: { tables: { table_name: string }[] } } } = JSON.parse(message);
  return decoded.TransactionUpdateLight.update.tables.map((table) => table.table_name);
}
