/** What does a changed row cost when who sees it is said by a row-level rule that joins? */
import { Identity, identity, t } from "@lightcone/sats";
import { caller, LiveStore, median } from "./support/live-store.ts";
import type { Question } from "./support/question.ts";
import { againFigures, runAgain } from "./support/run-again.ts";

export const liveRules: Question = {
  name: "live-rules",
  workload:
    "10,000 callers subscribe to all messages, under a rule that shows each those of the rooms that it is a member of: 1,000 rooms of 10 members; one message is posted, one member comes or goes; and one message for a room of 5,000; the peers run the queries of all callers again",
  unit: "microseconds from the commit until each caller's delta",
  expected: "under 50 a change, however many callers; a caller of the large room under 0.4",
  run: (run) => {
    const commits = run.isSmoke ? 3 : 300;
    const few = measure(run.isSmoke ? 20 : 100, 10, commits);
    const many = measure(run.isSmoke ? 100 : 10_000, 10, commits);
    const crowd = measure(run.isSmoke ? 50 : 5_000, run.isSmoke ? 50 : 5_000, commits);
    const { callers } = many;
    const senders = Array.from({ length: callers }, (_, i) => caller(i));
    const again = runAgain(opened(callers, 10).store, { sql: rule, ruled: { sql: asked, rules: [rule] }, senders });
    return Promise.resolve([
      { name: `a message among ${few.callers} callers, 10 see it`, value: few.posted, unit: "µs" },
      { name: `… among ${callers}`, value: many.posted, unit: "µs", reach: "<= 50" },
      { name: `a member joins or leaves, among ${callers}`, value: many.joined, unit: "µs", reach: "<= 50" },
      {
        name: `each of ${crowd.callers} callers who see one message`,
        value: crowd.posted / crowd.callers,
        unit: "µs",
        reach: "<= 0.4",
      },
      { name: "… the query run afresh for one caller", value: many.afresh, unit: "µs" },
      ...againFigures(again, many.posted),
    ]);
  },
};

const asked = "SELECT * FROM message";
const rule = "SELECT m.* FROM message m JOIN member p ON m.room = p.room WHERE p.who = :sender";

interface Costs {
  readonly callers: number;
  readonly posted: number;
  readonly joined: number;
  readonly afresh: number;
}

/** Ten messages a room, and as many rooms as the callers fill. */
function opened(callers: number, perRoom: number) {
  const rooms = Math.max(1, callers / perRoom);
  const store = new LiveStore(
    {
      name: "message",
      columns: { id: t.u32, room: t.u32, text: t.string },
      unique: [["id"]],
      indexes: [{ columns: ["room"] }],
    },
    {
      name: "member",
      columns: { id: t.u32, room: t.u32, who: identity },
      unique: [["id"]],
      indexes: [{ columns: ["room"] }, { columns: ["who"] }],
    },
  );
  const message = (id: number) => ({ id, room: id % rooms, text: "a line of chat, as long as they are" });
  const member = (id: number, room = id % rooms) => ({ id, room, who: new Identity(caller(id % callers)) });
  store.fill("message", rooms * 10, message);
  store.fill("member", callers, (id) => member(id));
  return { store, rooms, message, member };
}

function measure(callers: number, perRoom: number, commits: number): Costs {
  const { store, rooms, message, member } = opened(callers, perRoom);
  const plan = store.plan(asked, [rule]);
  for (let i = 0; i < callers; i += 1) store.subscribe(plan, caller(i));
  let next = 1_000_000;
  let told = 0;
  const post = (): number => {
    told = 0;
    const micros = store.microsEach(
      commits,
      () => store.insert("message", message(next++)),
      () => (told += 1),
    );
    if (told !== commits * perRoom) throw new Error(`${told} told, not ${commits * perRoom}`);
    return micros;
  };
  /** Members come to the room next to theirs, and go. */
  const join = (): number =>
    store.microsEach(commits & ~1, (i) => {
      const row = member(2_000_000 + (i >> 1), ((i >> 1) + 1) % rooms);
      if (i % 2 === 0) store.insert("member", row);
      else store.delete("member", row);
    });
  post();
  join();
  const rounds = [1, 2, 3, 4, 5];
  return {
    callers,
    posted: median(rounds.map(post)),
    joined: median(rounds.map(join)),
    afresh: median(rounds.map(() => timed(() => store.count(plan, caller(1))))),
  };
}

function timed(run: () => void): number {
  const begun = performance.now();
  run();
  return (performance.now() - begun) * 1000;
}
