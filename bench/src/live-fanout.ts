/** How long does one row take to reach everybody who is to see it, and how often is it encoded? */
import { Identity, identity, t } from "@lightcone/sats";
import { caller, LiveStore, median, type Sink } from "./support/live-store.ts";
import type { Question } from "./support/question.ts";

export const liveFanout: Question = {
  name: "live-fanout",
  workload:
    "a commit that inserts one message, seen by 10,000 holders of one query, by 10,000 queries whose conditions differ, and by 5,000 callers through their membership of a room (a join)",
  unit: "microseconds from the commit until each has its encoded delta",
  expected: "under 0.25 a holder, 0.4 a caller; one encoding",
  run: (run) => {
    const commits = run.isSmoke ? 3 : 200;
    const holders = run.isSmoke ? 100 : 10_000;
    const callers = run.isSmoke ? 50 : 5_000;
    const alike = measure(commits, holders, openHolders);
    const apart = measure(commits, holders, openThresholds);
    const members = measure(commits, callers, openMembers);
    return Promise.resolve([
      { name: `each of ${holders} holders of one query`, value: alike.micros, unit: "µs", reach: "<= 0.25" },
      { name: `each of ${holders} queries`, value: apart.micros, unit: "µs" },
      { name: "… encodings", value: apart.encodings, unit: "a commit", reach: "1" },
      { name: `each of ${callers} members of a room`, value: members.micros, unit: "µs", reach: "<= 0.4" },
      { name: "… encodings", value: members.encodings, unit: "a commit", reach: "1" },
    ]);
  },
};

const columns = { id: t.u32, room: t.u32, text: t.string };
const message = (id: number) => ({ id, room: 1, text: "a line of chat, as long as they are" });

function openHolders(count: number): LiveStore {
  const store = new LiveStore({ name: "message", columns, unique: [["id"]] });
  const plan = store.plan("SELECT * FROM message WHERE room = 1");
  for (let i = 0; i < count; i += 1) store.subscribe(plan);
  return store;
}

function openThresholds(count: number): LiveStore {
  const store = new LiveStore({ name: "message", columns, unique: [["id"]] });
  for (let i = 0; i < count; i += 1) store.subscribe(store.plan(`SELECT * FROM message WHERE room = 1 AND id >= ${i}`));
  return store;
}

function openMembers(count: number): LiveStore {
  const store = new LiveStore(
    { name: "message", columns, unique: [["id"]], indexes: [{ columns: ["room"] }] },
    {
      name: "member",
      columns: { id: t.u32, room: t.u32, user: identity },
      unique: [["id"]],
      indexes: [{ columns: ["room"] }],
    },
  );
  store.fill("member", count, (id) => ({ id, room: 1, user: new Identity(caller(id)) }));
  const plan = store.plan("SELECT m.* FROM message m JOIN member p ON m.room = p.room WHERE p.user = :sender");
  for (let i = 0; i < count; i += 1) store.subscribe(plan, caller(i));
  return store;
}

interface FanOut {
  readonly micros: number;
  readonly encodings: number;
}

function measure(commits: number, receivers: number, open: (count: number) => LiveStore): FanOut {
  const store = open(receivers);
  let toldCount = 0;
  let encodings = 0;
  // What a connection is sent: the part's bytes, made once for all who get it.
  const sink: Sink = (query, parts) => {
    for (const part of parts) {
      const [form] = part.encoded;
      if (form.part !== undefined) continue;
      encodings += 1;
      form.part = encodedRow(store, part.inserts.refs[0] ?? 0);
    }
    for (const [subscriber] of query.subscribers) if (subscriber > 0) toldCount += 1;
  };
  let next = 1_000_000;
  const rounds: number[] = [];
  store.microsEach(Math.max(3, commits >> 2), () => store.insert("message", message(next++)), sink);
  toldCount = 0;
  encodings = 0;
  for (let round = 0; round < 5; round += 1)
    rounds.push(store.microsEach(commits, () => store.insert("message", message(next++)), sink));
  if (toldCount !== receivers * commits * 5) throw new Error(`${toldCount} told`);
  return { micros: median(rounds) / receivers, encodings: encodings / commits / 5 };
}

function encodedRow({ store }: LiveStore, ref: number): Uint8Array {
  store.resolve(ref as Parameters<typeof store.resolve>[0]); // from a delta of this store
  const { bytes, at, length } = store.row;
  return bytes.slice(at, at + length);
}
