/** All questions, by name. */
import { broadcast } from "./broadcast.ts";
import { manyDatabases } from "./many-databases.ts";
import { memory } from "./engine-memory.ts";
import { edits } from "./edits.ts";
import { clientRows } from "./client-rows.ts";
import { firstRows } from "./first-rows.ts";
import { growth } from "./growth.ts";
import { latency } from "./latency.ts";
import { sync } from "./log-sync.ts";
import { liveFanout } from "./live-fanout.ts";
import { liveJoin } from "./live-join.ts";
import { liveRoute } from "./live-route.ts";
import { liveRules } from "./live-rules.ts";
import { liveView } from "./live-view.ts";
import { liveWarm } from "./live-warm.ts";
import { loop } from "./loop.ts";
import { moduleTests } from "./module-tests.ts";
import { pipeline } from "./pipeline.ts";
import { replay } from "./replay.ts";
import { restart } from "./restart.ts";
import { skew } from "./skew.ts";
import { subscribed } from "./subscribed.ts";
import type { Question } from "./support/question.ts";
import { thread } from "./thread.ts";
import { transfers } from "./transfers.ts";

export const questions: readonly Question[] = [
  transfers,
  latency,
  skew,
  broadcast,
  subscribed,
  thread,
  pipeline,
  liveRoute,
  liveFanout,
  liveJoin,
  liveRules,
  liveWarm,
  liveView,
  firstRows,
  clientRows,
  edits,
  growth,
  loop,
  restart,
  manyDatabases,
  moduleTests,
  memory,
  replay,
  sync,
];
