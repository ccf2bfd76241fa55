/** All questions, by name. */
import { manyDatabases } from "./many-databases.ts";
import { memory } from "./engine-memory.ts";
import { firstRows } from "./first-rows.ts";
import { growth } from "./growth.ts";
import { latency } from "./latency.ts";
import { sync } from "./log-sync.ts";
import { loop } from "./loop.ts";
import { pipeline } from "./pipeline.ts";
import { replay } from "./replay.ts";
import { restart } from "./restart.ts";
import type { Question } from "./support/question.ts";
import { thread } from "./thread.ts";
import { transfers } from "./transfers.ts";

export const questions: readonly Question[] = [
  transfers,
  latency,
  thread,
  pipeline,
  firstRows,
  growth,
  loop,
  restart,
  manyDatabases,
  memory,
  replay,
  sync,
];
