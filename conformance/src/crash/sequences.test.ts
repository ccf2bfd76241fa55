// Goal: what increments by itself goes on over restarts: a clean stop skips nothing, a crash little, and no value comes
// twice, whatever the width of the key.
// Method: a real server that is stopped, or killed, or whose host is killed, after each few calls; the rows are looked at.
import { fileURLToPath } from "node:url";
import { bundleModule } from "@lightcone/cli/bundle";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Served } from "../served.ts";

let served: Served;
beforeAll(async () => {
  served = await Served.open();
  const { code } = await bundleModule(fileURLToPath(new URL("../database/modules/counters.ts", import.meta.url)));
  await served.publish("counters", code, "Js");
});
afterAll(() => served.stop());

const idsOf = async (name: string): Promise<number[]> =>
  (await served.sql("counters", `SELECT id FROM ${name}`)).map(([id]) => Number(id)).toSorted((a, b) => a - b);

async function add(): Promise<void> {
  const answer = await served.call("counters", "add", '["x"]');
  expect(answer.status, await answer.text()).toBe(200);
}

test("row 12: keys of every width go on after each kind of end", async () => {
  const last = { tiny: 0, small: 0, wide: 0 };
  const skipMax = { tiny: 0, small: 64, wide: 4096 };
  const ends = ["stop", "host", "front", "stop", "front", "stop"] as const;
  let count = 0;
  for (const end of ends) {
    await add();
    await add();
    expect((await served.call("counters", "waste", "[]")).status).toBe(530);
    await add();
    count += 3;
    for (const name of ["tiny", "small", "wide"] as const) {
      const ids = await idsOf(name);
      expect(ids.length, `${name}: one row for each call`).toBe(count);
      last[name] = ids.at(-1) ?? 0;
    }
    if (end === "host") served.killHost();
    else {
      await (end === "stop" ? served.stopFront() : served.killFront());
      await served.start();
    }
    await add();
    count += 1;
    for (const name of ["tiny", "small", "wide"] as const) {
      const next = (await idsOf(name)).at(-1) ?? 0;
      if (end === "stop") expect(next, `${name} after a clean stop`).toBe(last[name] + 1);
      else {
        expect(next, `${name} after a crash`).toBeGreaterThan(last[name]);
        expect(next - last[name] - 1, `${name} after a crash`).toBeLessThanOrEqual(skipMax[name]);
      }
    }
  }
});

test("row 12: what was drawn in vain before a clean stop is not drawn again", async () => {
  const before = (await idsOf("tiny")).at(-1) ?? 0;
  expect((await served.call("counters", "waste", "[]")).status).toBe(530);
  await served.stopFront();
  await served.start();
  await add();
  expect((await idsOf("tiny")).at(-1)).toBe(before + 2);
});
