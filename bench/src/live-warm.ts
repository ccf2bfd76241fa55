/** How long does it take to make the order of rows that a join needs for want of an index, and how long do others wait meanwhile? */
import { t } from "@lightcone/sats";
import { LiveStore } from "./support/live-store.ts";
import type { Question } from "./support/question.ts";

export const liveWarm: Question = {
  name: "live-warm",
  workload:
    "a join whose one side has no index is subscribed, over 10,000,000 rows of that side: made in slices of half a millisecond, with a commit after each hundredth; then once more in one go, as what a host restores when the one before it has ended",
  unit: "rows a second; milliseconds; bytes a row",
  expected: "over 2,000,000 a second, nobody waits for over 10 ms, under 20 bytes a row",
  run: (run) => {
    const rowCount = run.isSmoke ? 20_000 : 10_000_000;
    const store = new LiveStore(
      { name: "a", columns: { id: t.u32, k: t.u32 }, unique: [["id"]], indexes: [{ columns: ["k"] }] },
      { name: "b", columns: { id: t.u32, k: t.u32 }, unique: [["id"]] },
    );
    // As many values as rows, in no order: 7919 is prime to their number.
    const row = (id: number) => ({ id, k: (id * 7919 + 1) % rowCount });
    store.fill("b", rowCount, row);
    const plan = store.plan("SELECT a.* FROM a JOIN b ON a.k = b.k");
    const warming = store.live.warm([plan]);
    if (warming === undefined) throw new Error("there is nothing to make");
    let [spentMs, longestMs, slices] = [0, 0, 0];
    for (; !warming.isWhole; slices += 1) {
      const from = performance.now();
      do warming.step(200);
      while (!warming.isWhole && performance.now() - from < 0.5);
      const ms = performance.now() - from;
      spentMs += ms;
      longestMs = Math.max(longestMs, ms);
      if (slices % 100 === 0) store.change(() => store.insert("b", { id: rowCount + slices, k: slices }));
    }
    const from = performance.now();
    const held = store.subscribe(plan);
    longestMs = Math.max(longestMs, performance.now() - from);
    warming.close();
    const room = store.live.arrangementBytes / rowCount;
    store.live.unsubscribe(held, 1);
    if (store.live.arrangementBytes !== 0) throw new Error("what nobody looks up by any more is still there");
    const begun = performance.now();
    store.subscribe(plan);
    const inOneGoMs = performance.now() - begun;
    return Promise.resolve([
      { name: "rate", value: (rowCount / spentMs) * 1000, unit: "rows/s", reach: ">= 2000000" },
      { name: "others' longest wait", value: longestMs, unit: "ms", reach: "<= 10" },
      { name: "room", value: room, unit: "bytes a row", reach: "<= 20" },
      { name: "in one go, for a query that is restored", value: inOneGoMs, unit: "ms" },
    ]);
  },
};
