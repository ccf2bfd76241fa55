/** All questions, by name. */
import { firstRows } from "./first-rows.ts";
import { growth } from "./growth.ts";
import { latency } from "./latency.ts";
import { loop } from "./loop.ts";
import { pipeline } from "./pipeline.ts";
import type { Question } from "./support/question.ts";
import { transfers } from "./transfers.ts";

export const questions: readonly Question[] = [transfers, latency, pipeline, firstRows, growth, loop];
