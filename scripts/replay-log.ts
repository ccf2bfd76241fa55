/**
 * Replays a database's log in this process and prints each commit: what to put a breakpoint in when a log does not replay.
 *
 *   node [--inspect-brk] scripts/replay-log.ts DIRECTORY [--from OFFSET] [--rows]
 *
 * DIRECTORY is the database's, `DATA/databases/IDENTITY/NUMBER`. It is copied first, so a server may have it open, and is
 * never changed. Replay begins with the first record, or with the oldest snapshot when the log before it is gone.
 * At the end the store is checked: its indexes against its rows.
 */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { assert, cutText, realClock, type RowRef } from "@lightcone/base";
import { realFileSystem } from "@lightcone/base/node";
import { openLog, openSnapshot, snapshotOffsets } from "@lightcone/commitlog";
import { checkStore, CommitKind, openStore, restoreStore, type Commit, type Store } from "@lightcone/engine";
import { bsatnToJson, ByteReader, product, toHexReversed } from "@lightcone/sats";

/** A row is shown as long as this: a program is a row too. */
const rowTextMax = 2000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { from: { type: "string", default: "0" }, rows: { type: "boolean", default: false } },
});
const [directory] = positionals;
if (directory === undefined) {
  process.stderr.write("usage: node scripts/replay-log.ts DIRECTORY [--from OFFSET] [--rows]\n");
  process.exit(2);
}
const copy = mkdtempSync(join(tmpdir(), "lightcone-replay-"));
try {
  for (const part of ["log", "snapshots"]) cpSync(join(directory, part), join(copy, part), { recursive: true });
  await replay();
} finally {
  rmSync(copy, { recursive: true });
}

async function replay(): Promise<void> {
  const offsets = [...(await snapshotOffsets(realFileSystem, `${copy}/snapshots`))].sort((a, b) => a - b);
  const log = await openLog({
    fileSystem: realFileSystem,
    clock: realClock,
    directory: `${copy}/log`,
    mustExist: true,
    snapshots: offsets,
  });
  const store = log.firstOffset === 0 ? openStore() : await restored(offsets[0]);
  print(`replays from offset ${store.offset} to ${log.durableOffset}`);
  for await (const { firstOffset, records, file, at } of log.read(store.offset)) {
    for (const [index, record] of records.entries()) {
      try {
        const commit = store.apply(record);
        if (commit.offset >= Number(values.from)) print(textOf(store, commit));
        store.release(commit);
      } catch (error) {
        throw new Error(`offset ${firstOffset + index}, in ${file}, batch at byte ${at}`, { cause: error });
      }
    }
  }
  const problems = checkStore(store);
  for (const problem of problems) print(problem);
  print(`at offset ${store.offset}: ${store.tables().length} tables, ${problems.length} problems`);
  if (problems.length > 0) process.exitCode = 1;
  await log.close();
}

async function restored(offset: number | undefined): Promise<Store> {
  assert(offset !== undefined, "a log that does not begin with the first record has a snapshot before it");
  const snapshot = await openSnapshot(realFileSystem, `${copy}/snapshots`, offset);
  try {
    return await restoreStore(snapshot.chunks(), { verify: true });
  } finally {
    await snapshot.close();
  }
}

function textOf(store: Store, { offset, meta, deltas, bytes }: Commit): string {
  const kind = Object.entries(CommitKind).find(([, number]) => number === meta.kind)?.[0] ?? meta.kind;
  const when = new Date(meta.timestampMicros / 1000).toISOString();
  const lines = [
    `${offset} ${when} ${kind} ${meta.functionName} by ${toHexReversed(meta.sender)}, ${bytes.length} bytes`,
  ];
  for (const { table, deletes, inserts } of deltas) {
    lines.push(`  ${table.name}: -${deletes.count} +${inserts.count}`);
    if (!values.rows) continue;
    const type = product(Object.fromEntries(table.def.columns.map((column) => [column.name, column.type])));
    for (const [sign, { refs, count }] of [
      ["-", deletes],
      ["+", inserts],
    ] as const)
      for (const ref of refs.subarray(0, count)) {
        store.resolve(ref as RowRef); // a delta's references are rows
        const { bytes: source, at, length } = store.row;
        const input = new ByteReader(source.subarray(at, at + length), "a row");
        lines.push(`    ${sign} ${cutText(bsatnToJson(type, "named", input), rowTextMax)}`);
      }
  }
  return lines.join("\n");
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
