// Goal: jobs run in order, a runaway job is ended and named, a full log holds the queue, a stopped loop runs nothing.
// Method: small jobs that note what happens to them; real turns, no clock but the one passed in.
import { drainMicrotasks, modulePromises, TimeoutWatchdog } from "@lightcone/base/node";
import { describe, expect, test } from "vitest";
import { JobClock } from "./job-clock.ts";
import { JobLoop, type Job, type JobLoopOptions } from "./job-loop.ts";

/** A clock that shows what the test says. */
function clockOf(steadyMs: () => number): JobClock {
  return new JobClock({ nowMicros: () => 0, steadyMs, after: () => () => undefined });
}

function makeLoop(options: Partial<JobLoopOptions> = {}): JobLoop {
  return new JobLoop({
    watchdog: new TimeoutWatchdog(),
    timeoutMs: 30,
    time: clockOf(() => 0),
    mustWait: () => false,
    turnEnded: () => undefined,
    broken: (error) => {
      throw error;
    },
    ...options,
  });
}

const job = (notes: string[], name: string, work: () => void = () => undefined): Job => ({
  run: () => {
    work();
    notes.push(name);
  },
  timedOut: () => notes.push(`${name} timed out`),
});

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe("a job loop", () => {
  test("runs jobs in arrival order, also those that come while it runs", async () => {
    const notes: string[] = [];
    const loop = makeLoop();
    loop.push(job(notes, "a", () => loop.push(job(notes, "c"))));
    loop.push(job(notes, "b"));
    await turns(3);
    expect(notes).toEqual(["a", "b", "c"]);
    expect(loop.count).toBe(0);
  });

  test("row migrations: between the parts of a long job only what reads runs, in each owner's order", async () => {
    const notes: string[] = [];
    const loop = makeLoop();
    const [ann, bea] = [{}, {}];
    const of = (owner: object, name: string, isRead: boolean): Job => ({
      ...job(notes, name),
      owner,
      readsOnly: () => isRead,
    });
    let left = 4;
    const long: Job = job(notes, "part", () => {
      left -= 1;
      if (left > 0) loop.beside(long);
      if (left === 2) loop.push(of(bea, "bea reads late", true));
    });
    loop.push(long);
    loop.push(of(ann, "ann reads", true));
    loop.push(of(ann, "ann writes", false));
    loop.push(of(ann, "ann reads again", true));
    loop.push(of(bea, "bea reads", true));
    loop.push(job(notes, "a client goes"));
    await turns(12);
    expect(notes).toEqual([
      ...["part", "ann reads", "part", "bea reads", "part", "bea reads late", "part"],
      ...["ann writes", "ann reads again", "a client goes"],
    ]);
    expect(loop.count).toBe(0);
  });

  test("row migrations: one that takes too long in a part lets the others go on", async () => {
    const notes: string[] = [];
    const loop = makeLoop();
    let parts = 0;
    const long: Job = job(notes, "part", () => {
      parts += 1;
      if (parts > 1) for (;;);
      loop.beside(long);
    });
    loop.push(long);
    loop.push(job(notes, "next"));
    await turns(6);
    expect(notes).toEqual(["part", "part timed out", "next"]);
  });

  test("ends a job that does not end, and goes on behind it", async () => {
    const notes: string[] = [];
    const loop = makeLoop();
    loop.push(
      job(notes, "loop", () => {
        for (;;);
      }),
    );
    loop.push(job(notes, "next"));
    await turns(4);
    expect(notes).toEqual(["loop timed out", "next"]);
  });

  test("ends a loop in a promise that an ended job left behind, before the job is told", async () => {
    const notes: string[] = [];
    const loop = makeLoop();
    loop.push(
      job(notes, "promise", () => {
        void Promise.resolve().then(() => {
          notes.push("left behind");
          for (;;);
        });
        for (;;);
      }),
    );
    loop.push(job(notes, "next"));
    await turns(4);
    expect(notes).toEqual(["left behind", "promise timed out", "next"]);
  });

  test("lets what a job left to promises run before the next job, which may drain within a transaction", async () => {
    modulePromises.watch();
    const notes: string[] = [];
    const loop = makeLoop();
    let isInTransaction = false;
    const answer = Promise.withResolvers<void>();
    void answer.promise.then(() => notes.push(`answered, in a transaction: ${isInTransaction}`));
    loop.push(job(notes, "answers", () => answer.resolve()));
    loop.push(
      job(notes, "drains", () => {
        isInTransaction = true;
        drainMicrotasks();
        isInTransaction = false;
      }),
    );
    await turns(3);
    expect(notes).toEqual(["answers", "answered, in a transaction: false", "drains"]);
  });

  test("waits while it must, and goes on when it is told", async () => {
    const notes: string[] = [];
    let full = false;
    const loop = makeLoop({ mustWait: () => full });
    loop.push(job(notes, "a", () => (full = true)));
    loop.push(job(notes, "b"));
    await turns(4);
    expect(notes).toEqual(["a"]);
    full = false;
    loop.kick();
    await turns(2);
    expect(notes).toEqual(["a", "b"]);
  });

  test("yields between turns when its time is up", async () => {
    const notes: string[] = [];
    let now = 0;
    const loop = makeLoop({ time: clockOf(() => now), turnEnded: () => notes.push("|") });
    for (let index = 0; index < 64; index++) loop.push(job(notes, "j", () => (now += 1)));
    await turns(64);
    expect(notes.filter((note) => note === "j")).toHaveLength(64);
    expect(notes.indexOf("|")).toBeLessThan(32);
  });

  test("drops what waits when it is stopped", async () => {
    const notes: string[] = [];
    const loop = makeLoop();
    loop.push(job(notes, "a", () => loop.stop()));
    loop.push(job(notes, "b"));
    await turns(3);
    loop.push(job(notes, "c"));
    await turns(3);
    expect(notes).toEqual(["a"]);
  });

  test("says when a job threw, and runs no more", async () => {
    const notes: string[] = [];
    const errors: unknown[] = [];
    const loop = makeLoop({ broken: (error) => errors.push(error) });
    loop.push(
      job(notes, "bad", () => {
        throw new Error("a bug");
      }),
    );
    await turns(2);
    expect(errors).toHaveLength(1);
  });
});
