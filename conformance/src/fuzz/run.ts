/** Runs a target over a corpus and over made inputs. The same seed and number are the same input. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { frames, heads, statements } from "./clients.ts";
import { hostCalls } from "./host-calls.ts";
import { inputOf } from "./mutate.ts";
import { descriptions, programs } from "./modules.ts";
import type { Target } from "./target.ts";

export const targets: Readonly<Record<string, Target>> = {
  descriptions,
  programs,
  hostCalls,
  frames,
  statements,
  heads,
};
/** Inputs that were met wrongly once, and such as are known to be hard: a folder a target. */
export const corpus: string = fileURLToPath(new URL("../../vectors/fuzz", import.meta.url));

export interface Run {
  readonly seed: number;
  /** The number of the first made input. */
  readonly from: number;
  /** Whether another is made. Called before each. */
  readonly goesOn: (number: number) => boolean;
}

const checkEach = 100;

/** @throws {Error} naming the input that was met wrongly */
export async function fuzz(name: string, target: Target, { seed, from, goesOn }: Run): Promise<number> {
  const seeds = await target.seeds();
  const open = await target.open();
  const meet = async (input: Uint8Array, what: string): Promise<void> => {
    try {
      await open.feed(input);
    } catch (error) {
      throw new Error(
        `${name}: ${what}: ${String(error)}\ninput: ${Buffer.from(input).toString("hex").slice(0, 4000)}`,
        { cause: error },
      );
    }
  };
  try {
    for (const file of filesOf(name)) await meet(readFileSync(file), file);
    for (const [at, input] of seeds.entries()) await meet(input, `seed input ${at}`);
    await open.check();
    let number = from;
    for (; goesOn(number); number += 1) {
      await meet(inputOf(seeds, seed, number), `--seed ${seed} --from ${number}`);
      if (number % checkEach !== 0) continue;
      try {
        await open.check();
      } catch (error) {
        throw new Error(
          `${name}: after --seed ${seed} --from ${Math.max(from, number - checkEach)}: ${String(error)}`,
          { cause: error },
        );
      }
    }
    await open.check();
    return number - from;
  } finally {
    await open.close();
  }
}

function filesOf(name: string): readonly string[] {
  const folder = join(corpus, name);
  return existsSync(folder)
    ? readdirSync(folder)
        .toSorted()
        .map((file) => join(folder, file))
    : [];
}
