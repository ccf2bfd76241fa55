/** Runs one question in a directory of its own, with the disk's sync time of the same run beside its figures. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { measureSync, type SyncTimes } from "../log-sync.ts";
import type { Figure, Question } from "./question.ts";
import type { Protocol } from "./websocket-client.ts";

export interface Answer {
  readonly question: string;
  readonly figures: readonly Figure[];
  readonly sync: SyncTimes;
}

/** Where runs keep their files: a real disk. The system's place for passing files unless this says otherwise. */
const directoryVariable = "LIGHTCONE_BENCH_DIRECTORY";

export async function runQuestion(
  question: Question,
  isSmoke: boolean,
  say: (text: string) => void,
  protocols: readonly Protocol[] = ["v1"],
): Promise<Answer> {
  const directory = await mkdtemp(join(process.env[directoryVariable] ?? tmpdir(), "lightcone-bench-"));
  try {
    const figures = await question.run({ isSmoke, directory, say, protocols });
    const sync = await measureSync(directory, isSmoke ? 20 : 1000);
    return { question: question.name, figures, sync };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
