/** What `module-tests` measures, in a process that is nobody else's: other benches lock theirs down, and the kit needs it open. */
import { schema, t, table } from "lightcone/module";
import { testModule } from "lightcone/testing";
import type { Figure } from "./question.ts";

function makeModule() {
  const app = schema({
    player: table({ public: true }, { id: t.u64().primaryKey().autoInc(), name: t.string().unique(), score: t.i32() }),
    secret: table({}, { who: t.identity().primaryKey(), word: t.string() }),
    round: table({ scheduled: "endRound" }, { id: t.u64().primaryKey().autoInc(), at: t.scheduleAt() }),
  });
  const join = app.reducer({ name: t.string() }, (ctx, { name }) => {
    ctx.db.player.insert({ name, score: 0 });
  });
  const endRound = app.reducer({ round: app.tables.round.rowType }, () => undefined);
  return { default: app, join, endRound };
}

const timed = async (run: () => Promise<unknown>): Promise<number> => {
  const from = performance.now();
  await run();
  return performance.now() - from;
};
const at = (sorted: readonly number[], share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;

async function measure(isSmoke: boolean): Promise<readonly Figure[]> {
  const open = async (module: ReturnType<typeof makeModule>): Promise<void> => (await testModule(module)).close();
  const module = makeModule();
  const cold = await timed(() => open(module));
  const warmUps = isSmoke ? 20 : 2000;
  for (let count = 0; count < warmUps; count += 1) await open(module);
  const firsts: number[] = [];
  const laters: number[] = [];
  for (let count = 0; count < 20; count += 1) {
    const other = makeModule();
    firsts.push(await timed(() => open(other)));
    for (let more = 0; more < (isSmoke ? 1 : 50); more += 1) laters.push(await timed(() => open(module)));
  }
  const testCount = isSmoke ? 20 : 3000;
  const cpu = process.cpuUsage();
  const tookMs = await timed(async () => {
    for (let count = 0; count < testCount; count += 1) {
      const world = await testModule(module);
      await world.as("ann").join({ name: "Ann" });
      if (world.db.player.name.find("Ann")?.id !== 1n) throw new Error("no row");
      await world.close();
    }
  });
  const { user, system } = process.cpuUsage(cpu);
  firsts.sort((a, b) => a - b);
  laters.sort((a, b) => a - b);
  return [
    { name: "the first of a process", value: cold, unit: "ms" },
    { name: "the first of a module, p50", value: at(firsts, 0.5), unit: "ms", reach: "<= 5" },
    { name: "a later one, p10", value: at(laters, 0.1), unit: "ms" },
    { name: "a later one, p50", value: at(laters, 0.5), unit: "ms", reach: "<= 0.5" },
    { name: "tests", value: (testCount / tookMs) * 1000, unit: "/s", reach: ">= 1,000" },
    { name: "processor time a test", value: (user + system) / testCount / 1000, unit: "ms" },
  ];
}

process.stdout.write(JSON.stringify(await measure(process.argv[2] === "smoke")));
