/** Tables of `chat`. */
import { t, table } from "spacetimedb/server";

export const Mood = t.enum("Mood", ["calm", "loudVoiced"]);
export const chatLine = table(
  { public: true, indexes: [{ accessor: "byRoom", algorithm: "btree", columns: ["roomName", "lineId"] }] },
  {
    lineId: t.u64().primaryKey().autoInc(),
    roomName: t.string().index(),
    mood: Mood,
    text: t.string(),
    saidBy: t.identity(),
  },
);
export const reminder = table(
  {},
  { scheduledId: t.u64().primaryKey().autoInc(), scheduledAt: t.scheduleAt(), text: t.string() },
);
export const secret = table({ public: true }, { owner: t.identity().primaryKey(), text: t.string() });
/** Told, and not kept. */
export const waved = table({ public: true, event: true }, { roomName: t.string() });
