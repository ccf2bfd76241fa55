/** How long does a commit take to find the views, of very many, that it concerns, and to tell what they give now? */
import { CriticalSection, defined } from "@lightcone/base";
import type { Watchdog } from "@lightcone/base/node";
import { commitMeta, tableDef } from "@lightcone/engine/testing";
import type { HostPort, ViewCall, ViewOutcome } from "@lightcone/host";
import { t } from "@lightcone/sats";
import { bindParams, compileSubscription } from "@lightcone/sql";
import { openParts, type TestParts } from "../../packages/database/src/testing/index.ts";
import { caller, median } from "./support/live-store.ts";
import type { Figure, Question } from "./support/question.ts";
import { againFigures, SqliteCopy } from "./support/run-again.ts";

export const liveView: Question = {
  name: "live-view",
  workload:
    "a commit that replaces one row, and 10,000 instances of a view, each of another caller, subscribed to, that reads its caller's ten rows by an index; the view is a function of the bench over the port of views. A commit that concerns all of them stands beside it, and node:sqlite, which reads them all again",
  unit: "microseconds from the commit to the delta",
  expected: "a commit that concerns none: under 1; one that concerns one: under 30",
  run: async (run) => {
    const instanceCount = run.isSmoke ? 200 : 10_000;
    const commits = run.isSmoke ? 200 : 20_000;
    const world = await opened(instanceCount);
    const elsewhere = median([1, 2, 3].map(() => world.measure(commits, () => instanceCount)));
    const one = median([1, 2, 3].map(() => world.measure(commits, (i) => (i * 7919) % instanceCount)));
    const all = world.all();
    const large = await measureAsked(run.isSmoke ? 200 : 10_000, run.isSmoke ? 20 : 2_000);
    const figures: Figure[] = [
      { name: "no instance concerned", value: elsewhere, unit: "µs", reach: "<= 1" },
      { name: "one instance concerned, of ten rows", value: one, unit: "µs", reach: "<= 30" },
      { name: "all instances concerned, each", value: all / instanceCount, unit: "µs" },
      { name: "a view that is a query, one row of ten thousand", value: large, unit: "µs" },
      ...againFigures({ count: instanceCount, sqlite: readBySqlite(instanceCount) }, one),
    ];
    return figures;
  },
};

/** Makes a change. Gives the milliseconds that telling it took. */
function committing({ store, subscriptions }: TestParts): (make: () => void) => number {
  return (make) => {
    store.begin();
    make();
    const commit = defined(store.commit(meta), "a change");
    const begun = performance.now();
    subscriptions.committed(commit, undefined);
    const ms = performance.now() - begun;
    store.release(commit);
    return ms;
  };
}

/** A view that is a query over one table, with so many rows of which each commit changes one. */
async function measureAsked(rowCount: number, commits: number): Promise<number> {
  const run = (): ViewOutcome => ({ kind: "query", sql: "SELECT * FROM item WHERE owner = 1" });
  const views = { some: { columns, isAnonymous: true, run } };
  const parts: TestParts = await openParts({ tables: [tableDef(sketch)], views }, {}, unwatched);
  const { context, store, subscriptions } = parts;
  const { id, indexes } = defined(store.tableByName("item"), "the table");
  const key = defined(
    indexes.find(({ unique }) => unique),
    "its key",
  );
  const change = committing(parts);
  change(() => {
    for (let each = 0; each < rowCount; each += 1) store.tx.insert(id, row(each, 1, 0), 0, 12);
  });
  const [query] = compileSubscription("SELECT * FROM some", context.access.catalog({ isOwner: false }, false));
  const plan = defined(query, "the query");
  const failed = context.views.compute([plan], { identity: caller(0), isOwner: false });
  if (failed !== undefined) throw failed;
  let told = 0;
  const [deliver, ignore] = [() => void (told += 1), () => undefined];
  subscriptions.hold({ changes: [], deliver, struckOff: ignore, missed: ignore }, plan, bindParams(plan, caller(0)));
  const times = Array.from({ length: commits }, (_, i) =>
    change(() => store.tx.update(id, key.id, row((i * 7919) % rowCount, 1, i + 1), 0, 12)),
  );
  if (told !== commits) throw new Error(`${told} deltas of ${commits}`);
  return median(times) * 1000;
}

/** A host's own costs next to nothing where a thread watches; that of other processes starts a thread each time. */
const unwatched: Watchdog = {
  sliceMs: 3,
  critical: new CriticalSection(),
  run: (work) => (work(), true),
  runWithin: (work) => (work(), true),
};
const rowsEach = 10;
const meta = commitMeta();

function row(id: number, owner: number, size: number): Uint8Array {
  return new Uint8Array(Uint32Array.from([id, owner, size]).buffer);
}

/** The rows of the caller, by the index of owners. */
function mine(port: HostPort, { sender }: ViewCall): ViewOutcome {
  const scan = port.scanPoint(port.indexId("item_owner_idx_btree") as never, sender, 0, 4);
  if (typeof scan === "number") throw new Error(port.failure());
  const rows: number[] = [];
  for (let ref = scan.next(); ref !== -1; ref = scan.next()) {
    port.resolve(ref);
    const { view, at } = port.row;
    rows.push(view.getUint32(at, true), view.getUint32(at + 4, true), view.getUint32(at + 8, true));
  }
  return { kind: "rows", bytes: new Uint8Array(Uint32Array.from([rows.length / 3, ...rows]).buffer) };
}

const columns = { id: t.u32, owner: t.u32, size: t.u32 };
const sketch = { name: "item", columns, unique: [["id"]], indexes: [{ columns: ["owner"] }] };

function readBySqlite(ownerCount: number): number {
  const copy = new SqliteCopy([sketch]);
  copy.fill("item", ownerCount * rowsEach, (id) => ({ id, owner: Math.floor(id / rowsEach), size: 0 }));
  const owners = Array.from({ length: ownerCount }, (_, owner) => owner);
  return copy.microsOf("SELECT * FROM item WHERE owner = :sender", owners, ownerCount * rowsEach);
}

interface World {
  measure(count: number, ownerOf: (i: number) => number): number;
  all(): number;
}

async function opened(instanceCount: number): Promise<World> {
  const item = tableDef(sketch);
  const parts: TestParts = await openParts({ tables: [item], views: { mine: { columns, run: mine } } }, {}, unwatched);
  const { context, store, subscriptions } = parts;
  const { id } = defined(store.tableByName("item"), "the table");
  const key = defined(
    store.tableByName("item")?.indexes.find(({ unique }) => unique),
    "its key",
  );
  const change = committing(parts);
  for (let owner = 0; owner <= instanceCount; owner += 1)
    change(() => {
      for (let each = 0; each < rowsEach; each += 1) store.tx.insert(id, row(owner * rowsEach + each, owner, 0), 0, 12);
    });
  const [plan] = compileSubscription("SELECT * FROM mine", context.access.catalog({ isOwner: false }, false));
  const query = defined(plan, "the query");
  let told = 0;
  for (let owner = 0; owner < instanceCount; owner += 1) {
    const failed = context.views.compute([query], { identity: caller(owner), isOwner: false });
    if (failed !== undefined) throw failed;
    const subscriber = {
      changes: [],
      deliver: () => void (told += 1),
      struckOff: () => undefined,
      missed: () => undefined,
    };
    subscriptions.hold(subscriber, query, bindParams(query, caller(owner)));
  }
  let size = 0;
  const measure = (count: number, ownerOf: (i: number) => number): number => {
    let ms = 0;
    const before = told;
    for (let i = 0; i < count; i += 1) {
      const owner = ownerOf(i);
      size += 1;
      const changed = row(owner * rowsEach + (i % rowsEach), owner, size);
      ms += change(() => store.tx.update(id, key.id, changed, 0, 12));
    }
    const wanted = ownerOf(0) === instanceCount ? 0 : count;
    if (told - before !== wanted) throw new Error(`${told - before} deltas of ${wanted}`);
    return (ms * 1000) / count;
  };
  return {
    measure: (count, ownerOf) => {
      measure(Math.min(count, 5000), ownerOf);
      return measure(count, ownerOf);
    },
    // All at once: a commit that a table is read whole by would do the same.
    all: () =>
      change(() => {
        for (let owner = 0; owner < instanceCount; owner += 1) {
          const changed = row(owner * rowsEach, owner, (size += 1));
          store.tx.update(id, key.id, changed, 0, 12);
        }
      }) * 1000,
  };
}
