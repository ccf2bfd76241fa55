// Goal: wherever a machine stops in a migration, the database has one version whole afterwards, with all its rows; the one that
// was answered for, if it was; and takes the other then.
// Method: a database in this process over a simulated disk, which stops at each operation from the beginning of the publish to its
// answer, and after numbers of turns of the event loop, so between slices of rows. What was not synced is lost, is there, or is
// chosen block by block.
import { testSeed } from "@lightcone/base/testing";
import { bestFate, SimulatedDisk, worstFate, type Fate } from "@lightcone/commitlog/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { call, openLocal, program, sql, textOf } from "../database/local.ts";

const seed = testSeed(1);
/** In the middle of slices; each takes a publish, a start and another publish. */
const stopCount = Number(process.env["LIGHTCONE_CRASHES"] ?? 5);

/** Chooses what survives by a generator of its own: the same for one seed. */
function randomFate(state: number): Fate {
  let x = state >>> 0 || 1;
  const below = (count: number): number => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % count;
  };
  return {
    block: (versions) => versions[below(versions.length)] ?? new Uint8Array(0),
    length: (lengths) => lengths[below(lengths.length)] ?? 0,
    entry: () => below(2) === 0,
  };
}

type Link = Awaited<ReturnType<typeof openLocal>>;

async function publishOver(link: Link, path: string): Promise<{ readonly status: number; readonly text: string }> {
  const bytes = await program(path);
  const plan = await link.request({ kind: "plan", program: bytes, hostType: "js", dropsData: true });
  if (plan.status !== 200) return { status: plan.status, text: textOf(plan) };
  const { AutoMigrate }: { AutoMigrate?: { token: string } } = JSON.parse(textOf(plan));
  const reply = await link.request({
    kind: "publish",
    program: bytes,
    hostType: "js",
    breakClients: true,
    dropsData: true,
    migrationToken: AutoMigrate?.token ?? "",
  });
  return { status: reply.status, text: textOf(reply) };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
async function turnsOf(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await turn();
}

/** Where a machine stops. */
interface Stop {
  readonly turns: number;
  readonly operations: number;
}

const migrations = [
  {
    what: "rows made anew in slices",
    first: "modules/shop/first.ts",
    second: "modules/shop/second.ts",
    fill: (link: Link) => call(link, "fill", "[3500]"),
    before: { sql: "SELECT COUNT(*) AS n FROM people", rows: [[3500]] },
    after: { sql: "SELECT COUNT(*) AS n FROM person", rows: [[3500]] },
  },
  {
    what: "rows carried over by a function",
    first: "modules/tickets/first.ts",
    second: "modules/tickets/second.ts",
    fill: async (link: Link) => {
      for (const holder of ["Ann", "Bea", "Cid"]) await call(link, "hand", `["${holder}"]`);
    },
    before: {
      sql: "SELECT id, holder FROM ticket",
      rows: [
        [1, "Ann"],
        [2, "Bea"],
        [3, "Cid"],
      ],
    },
    after: {
      sql: "SELECT number, name FROM holder",
      rows: [
        [1, "Ann"],
        [2, "Bea"],
        [3, "Cid"],
      ],
    },
  },
] as const;

const sorted = (rows: readonly (readonly unknown[])[]) => rows.toSorted((a, b) => Number(a[0]) - Number(b[0]));

describe.each(migrations)(
  "row 9: a machine that stops in a migration: $what",
  ({ first, second, fill, before, after }) => {
    const versionOf = async (link: Link): Promise<"first" | "second"> => {
      const [old, made] = await Promise.all(
        [before, after].map(({ sql: text }) => sql(link, text).catch(() => undefined)),
      );
      expect([old !== undefined, made !== undefined].filter((each) => each)).toHaveLength(1);
      expect(sorted(old ?? made ?? [])).toEqual(old === undefined ? after.rows : before.rows);
      return old === undefined ? "second" : "first";
    };

    test(
      `one version whole, at each operation of the disk and ${stopCount} times between (seed ${seed})`,
      { timeout: 300_000 },
      async () => {
        const origin = new SimulatedDisk();
        const founder = await openLocal({ fileSystem: origin.fileSystem });
        expect(
          (
            await founder.request({
              kind: "publish",
              program: await program(first),
              hostType: "js",
              breakClients: false,
            })
          ).status,
        ).toBe(200);
        await fill(founder);
        await founder.stop(1000);

        /** Publishes, and stops the machine at an operation of its disk, or after so many turns. */
        const stopped = async (
          disk: SimulatedDisk,
          at: Stop,
          fate: Fate,
        ): Promise<Stop & { readonly heard: number | undefined }> => {
          const link = await openLocal({ fileSystem: disk.fileSystem, mustExist: true });
          const said: { status?: number } = {};
          let operations = 0;
          disk.intercept = (_, path, apply) => {
            operations += 1;
            if (operations > at.operations)
              throw Object.assign(new Error(`the disk has stopped: ${path}`), { code: "EIO" });
            apply();
          };
          const published = publishOver(link, second).then(
            ({ status }) => (said.status = status),
            () => (said.status = 0),
          );
          let turns = 0;
          for (; turns < at.turns && said.status === undefined && operations <= at.operations; turns += 1) await turn();
          // What it says when its disk does nothing any more was said by then.
          if (operations > at.operations) await Promise.race([published, turnsOf(20)]);
          disk.intercept = undefined;
          disk.crash(fate);
          const told = { turns, operations, heard: said.status };
          await link.stop(0).catch(() => undefined);
          return told;
        };

        const whole = await stopped(origin.copy(), { turns: Infinity, operations: Infinity }, bestFate);
        expect(whole.heard).toBe(200);
        const stops: Stop[] = [
          ...Array.from({ length: whole.operations + 1 }, (_, operations) => ({ turns: Infinity, operations })),
          ...fc
            .sample(fc.nat(whole.turns), { numRuns: stopCount, seed })
            .map((turns) => ({ turns, operations: Infinity })),
        ];
        const seen = new Set<string>();
        for (const [round, stop] of stops.entries()) {
          const disk = origin.copy();
          const fate = [worstFate, randomFate(seed + round), bestFate][round % 3] ?? worstFate;
          const { heard } = await stopped(disk, stop, fate);
          const next = await openLocal({ fileSystem: disk.fileSystem, mustExist: true });
          const version = await versionOf(next);
          seen.add(version);
          if (heard === 200) expect([stop, version]).toEqual([stop, "second"]);
          expect([stop, (await publishOver(next, second)).status]).toEqual([stop, 200]);
          await next.stop(1000);
          const restarted = await openLocal({ fileSystem: disk.fileSystem, mustExist: true });
          expect(await versionOf(restarted)).toBe("second");
          await restarted.stop(0);
        }
        expect([...seen].toSorted()).toEqual(["first", "second"]);
      },
    );
  },
);
