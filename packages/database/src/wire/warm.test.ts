// Goal: who subscribes to what needs a large table in another order holds up nobody: it is made in slices, commits in between
// are followed, and the rows told are those that there are.
// Method: a store of 20,000 rows, a loop and a clock that passes with each look; a request that notes when it is run again.
import { manualClock } from "@lightcone/commitlog/testing";
import { tableDef } from "@lightcone/engine/testing";
import { t } from "@lightcone/sats";
import { bindParams, compileSubscription, type SelectPlan } from "@lightcone/sql";
import { beforeEach, expect, test } from "vitest";
import type { Job } from "../core/job-loop.ts";
import { openParts, type TestParts } from "../testing/index.ts";
import type { ClientRequest } from "./wire.ts";
import type { Subscriber, Subscription } from "../subscriptions/subscriber.ts";
import { putOffUntilWarm } from "./warm.ts";

const rowCount = 20_000;
const item = tableDef({
  name: "item",
  columns: { id: t.u32, room: t.u32 },
  unique: [["id"]],
  indexes: [{ columns: ["room"] }],
});
const mark = tableDef({ name: "mark", columns: { id: t.u32, room: t.u32 }, unique: [["id"]] });

let parts: TestParts;
let jobs: Job[];
let plan: SelectPlan;
let isOver: boolean;

function put(name: "item" | "mark", id: number, room: number): void {
  const table = parts.store.tableByName(name);
  const bytes = new Uint8Array(Uint32Array.of(id, room).buffer);
  if (table !== undefined) parts.store.tx.insert(table.id, bytes, 0, 8);
}

function take(id: number): void {
  const index = parts.store.tableByName("mark")?.indexes[0]?.id;
  if (index !== undefined) parts.store.tx.deletePoint(index, new Uint8Array(Uint32Array.of(id).buffer), 0, 4);
}

beforeEach(async () => {
  parts = await openParts({ tables: [item, mark] });
  parts.commit(() => {
    for (let id = 0; id < rowCount; id += 1) put("mark", id, id % 100);
  });
  jobs = [];
  isOver = false;
  const [first] = compileSubscription(
    "SELECT mark.* FROM mark JOIN item ON mark.room = item.room",
    parts.context.access.catalog({ isOwner: true }, false),
  );
  if (first === undefined) throw new Error("no plan");
  plan = first;
});

/** @returns whether the request is put off; `resumed` is called when it is to run again */
function putOff(resumed: () => void): boolean {
  const clock = manualClock();
  const request: Pick<ClientRequest, "putOff"> = {
    putOff: () => ({
      get isOver() {
        return isOver;
      },
      resume: resumed,
    }),
  };
  const context = {
    clock: { ...clock, steadyMs: () => (clock.advance(0.1), clock.steadyMs()) },
    loop: { holdsWrites: false, push: (job: Job) => void jobs.push(job) },
  };
  // It asks for no more of either.
  return putOffUntilWarm(
    context as unknown as Parameters<typeof putOffUntilWarm>[0],
    parts.subscriptions,
    request as ClientRequest,
    [plan],
  );
}

class Counter implements Subscriber {
  readonly changes: Subscriber["changes"] = [];
  count = 0;

  deliver(): void {
    for (const { deletes, inserts } of this.changes) this.count += inserts.count - deletes.count;
  }
  struckOff(_: Subscription, text: string): void {
    throw new Error(text);
  }
  missed(_: Subscription, text: string): void {
    throw new Error(text);
  }
}

test("issue 9: slices, with commits in between; then the rows are those that there are", () => {
  const at = { resumed: false };
  expect(putOff(() => void (at.resumed = true))).toBe(true);
  let slices = 0;
  for (; !at.resumed; slices += 1) {
    const [job, ...more] = jobs.splice(0);
    expect(more).toEqual([]);
    job?.run();
    // Rows come where the walk has been and where it has yet to come, and go likewise.
    if (slices < 12)
      parts.commit(() => {
        put("mark", rowCount + slices, 7);
        take(slices * 1600 + 7);
      });
  }
  expect(slices).toBeGreaterThan(12);
  // Nothing is to be made any more.
  expect(putOff(() => undefined)).toBe(false);
  const counter = new Counter();
  const held = parts.subscriptions.hold(counter, plan, bindParams(plan, new Uint8Array(32)));
  for (const job of jobs.splice(0)) job.run();
  parts.commit(() => put("item", 1, 7));
  const index = parts.store.tableByName("mark");
  let there = 0;
  const cursor = index?.openCursor();
  cursor?.seek();
  for (let ref = cursor?.next() ?? -1; ref !== -1; ref = cursor?.next() ?? -1) {
    parts.store.resolve(ref);
    if (parts.store.row.view.getUint32(parts.store.row.at + 4, true) === 7) there += 1;
  }
  expect(there).toBe(200);
  expect(counter.count).toBe(there);
  parts.subscriptions.release(held);
});

test("a client that has gone is not waited for, and leaves nothing", () => {
  expect(putOff(() => expect.unreachable())).toBe(true);
  jobs.shift()?.run();
  isOver = true;
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) job.run();
  // It would be made anew.
  isOver = false;
  expect(putOff(() => undefined)).toBe(true);
});
