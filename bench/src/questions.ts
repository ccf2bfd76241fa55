/** All questions, by name. */
import { latency } from "./latency.ts";
import { pipeline } from "./pipeline.ts";
import type { Question } from "./support/question.ts";
import { transfers } from "./transfers.ts";

export const questions: readonly Question[] = [transfers, latency, pipeline];
