// Goal: a random test that failed can be seen again, and its smallest case runs first ever after.
// Method: properties that do not hold; what they say is taken at its word.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type FailedCase, runProperty } from "./random.ts";

const name = "packages/x/src/x.test.ts > x > holds";

/** The values that a property is asked about; those over a hundred fail. */
function small(asked: number[]): fc.IProperty<[number]> {
  return fc.property(fc.nat(1_000_000), (value) => {
    asked.push(value);
    return value <= 100;
  });
}

async function failureOf(run: () => Promise<void> | void): Promise<string> {
  try {
    await run();
  } catch (error) {
    return String(error);
  }
  throw new Error("it did not fail");
}

function lineOf(failure: string): FailedCase {
  const line: Record<string, readonly FailedCase[]> = JSON.parse(`{${failure.split("\n").at(-1) ?? ""}}`);
  const [failed] = line[name] ?? [];
  if (failed === undefined) throw new Error("the line is another test's");
  return failed;
}

describe("a property that fails", () => {
  test("says how to see it again, and its smallest case is the first of the next run", async () => {
    const failure = await failureOf(() => runProperty(small([]), 100, name, []));
    expect(failure).toContain("[101]");
    const failed = lineOf(failure);
    expect(failure).toContain(
      `LIGHTCONE_SEED=${failed.seed} LIGHTCONE_PATH=${failed.path} npx vitest run packages/x/src/x.test.ts\n`,
    );
    const asked: number[] = [];
    await failureOf(() => runProperty(small(asked), 100, name, [failed]));
    expect(asked[0]).toBe(101);
  });

  test("the same of one that waits", async () => {
    const slow = (asked: number[]): fc.IAsyncProperty<[number]> =>
      fc.asyncProperty(fc.nat(1_000_000), async (value) => {
        asked.push(value);
        await Promise.resolve();
        return value <= 100;
      });
    const failed = lineOf(await failureOf(() => runProperty(slow([]), 100, name, [])));
    const asked: number[] = [];
    await failureOf(() => runProperty(slow(asked), 100, name, [failed]));
    expect(asked[0]).toBe(101);
  });

  test("a case that no longer fails is followed by random ones", async () => {
    const asked: number[] = [];
    const any = fc.property(fc.nat(), (value) => void asked.push(value));
    await runProperty(any, 7, name, [{ seed: 1, path: "3" }]);
    expect(asked).toHaveLength(8);
  });
});
