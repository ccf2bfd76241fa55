/**
 * What the page shows of a change before the database has it. The views say what is seen, so the guesses write what they will come
 * to; with the answer the database's rows are in their place, or those of before when the module refuses.
 */
import { optimistic, type GuessCtx } from "lightcone/client";
import type * as todo from "../module/src/index.ts";

/** Of tasks that are not in the database yet: no number of its own is as high. */
const firstUnsaved = 2n ** 62n;
export const isSaved = (id: bigint): boolean => id < firstUnsaved;

export const guesses = optimistic<typeof todo>({
  addTask: ({ db, timestamp }, { list, text }) => {
    const id = firstUnsaved + timestamp.microsSinceUnixEpoch + db.myTasks.count(); // behind all others
    db.myTasks.insert({ id, list, text, isDone: false, by: "not saved yet" });
  },
  setDone: ({ db }, { task, isDone }) => {
    for (const each of taskOf(db, task)) db.myTasks.insert({ ...each, isDone });
  },
  removeTask: ({ db }, { task }) => void taskOf(db, task),
  removeDone: ({ db }, { list }) => {
    for (const each of db.myTasks) if (each.list === list && each.isDone) db.myTasks.delete(each);
  },
});

/** Takes a task off its list. */
function taskOf({ myTasks }: GuessCtx<typeof todo>["db"], id: bigint) {
  return [...myTasks].filter((each) => each.id === id && myTasks.delete(each));
}
