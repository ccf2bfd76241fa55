/** The registry's state out of its snapshots and records: for its own start, and for whoever repairs its log. */
import { LightconeError } from "@lightcone/base";
import type { CommitLog, LogStates, Snapshot, SnapshotStore } from "@lightcone/commitlog";
import { UnreadableRecord, checkSnapshotMeta, decodeLine, decodeRecord, encodeLine } from "./record-codec.ts";
import { FoldedState } from "./state.ts";

/** Of a snapshot, written at once. */
const chunkCharacters = 1 << 16;

export interface RegistryFacts {
  readonly databaseCount: number;
  readonly nameCount: number;
}

/** The states of a registry's log, for `surveyRepair`. */
export const registryStates: LogStates<FoldedState, RegistryFacts> = {
  empty: () => new FoldedState(),
  restore: (snapshot) => readSnapshot(snapshot, "a snapshot of the registry"),
  apply(state, record) {
    const file = "the registry's log";
    try {
      state.fold(decodeRecord(record, file));
    } catch (cause) {
      if (!(cause instanceof UnreadableRecord)) throw cause;
      throw new LightconeError("Corrupt", { file, reason: cause.message }, { cause });
    }
  },
  facts: ({ databases, names }) => ({ databaseCount: databases.size, nameCount: names.size }),
};

async function readSnapshot(snapshot: Snapshot, file: string): Promise<FoldedState> {
  const state = new FoldedState();
  try {
    checkSnapshotMeta(snapshot.meta, file);
    for await (const line of linesOf(snapshot.chunks())) state.fold(decodeLine(line));
  } catch (cause) {
    if (!(cause instanceof UnreadableRecord)) throw cause;
    throw new LightconeError("Corrupt", { file, at: 0, reason: cause.message }, { cause });
  }
  return state;
}

export interface Restored {
  readonly state: FoldedState;
  /** Of the snapshot; -1 without one. */
  readonly offset: number;
  readonly byteCount: number;
}

/** The newest readable snapshot, and the log after it. */
export async function restore(log: CommitLog, snapshots: SnapshotStore, directory: string): Promise<Restored> {
  const damage = (reason: string, cause?: unknown): LightconeError =>
    new LightconeError("Corrupt", { file: `${directory}/log`, at: 0, reason }, { cause });
  const { loaded } = await snapshots.loadNewest(log.durableOffset, (snapshot) =>
    readSnapshot(snapshot, `${directory}/snapshots`),
  );
  const state = loaded?.value ?? new FoldedState();
  let next = (loaded?.offset ?? -1) + 1;
  if (next < log.firstOffset)
    throw damage(`it begins at offset ${log.firstOffset}, and no snapshot before is readable`);
  for await (const { records } of log.read(next)) {
    for (const bytes of records) {
      try {
        state.fold(decodeRecord(bytes, `${directory}/log`));
      } catch (cause) {
        if (!(cause instanceof UnreadableRecord)) throw cause;
        throw damage(`record ${next}: ${cause.message}`, cause);
      }
      next += 1;
    }
  }
  return { state, offset: loaded?.offset ?? -1, byteCount: loaded?.byteCount ?? 0 };
}

/** What a snapshot of the state holds: a record a line. */
export function* chunksOf(state: FoldedState): IterableIterator<Uint8Array> {
  const encoder = new TextEncoder();
  let text = "";
  for (const record of state.records()) {
    text += encodeLine(record);
    if (text.length < chunkCharacters) continue;
    yield encoder.encode(text);
    text = "";
  }
  if (text !== "") yield encoder.encode(text);
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  let rest = new Uint8Array(0);
  for await (const chunk of chunks) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let from = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
      yield bytes.subarray(from, end);
      from = end + 1;
    }
    rest = bytes.slice(from);
  }
  if (rest.length > 0) throw new UnreadableRecord("the last line is cut short");
}
