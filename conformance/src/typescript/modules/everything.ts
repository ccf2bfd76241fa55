/** Every type, key, index and function that the SDK has: the module of the TypeScript suites. */
import {
  ConnectionId,
  errors,
  Identity,
  Range,
  schema,
  ScheduleAt,
  SenderError,
  t,
  table,
  TimeDuration,
  Timestamp,
  Uuid,
} from "lightcone/module";

const Shape = t.enum("Shape", { Empty: t.unit(), Circle: t.u32(), Text: t.string() });
const Color = t.enum("Color", ["Red", "Green"]);
const Point = t.object("Point", { x: t.f64(), y: t.f64(), color: Color });

const sample = {
  id: t.u64().primaryKey().autoInc(),
  bool: t.bool(),
  string: t.string(),
  i8: t.i8(),
  u8: t.u8(),
  i16: t.i16(),
  u16: t.u16(),
  i32: t.i32(),
  u32: t.u32(),
  i64: t.i64(),
  u64: t.u64(),
  i128: t.i128(),
  u128: t.u128(),
  i256: t.i256(),
  u256: t.u256(),
  f32: t.f32(),
  f64: t.f64(),
  number: t.number(),
  option: t.option(t.string()),
  nested: t.option(t.array(t.option(t.u8()))),
  array: t.array(t.i32()),
  points: t.array(Point),
  bytes: t.byteArray(),
  shape: Shape,
  color: Color,
  point: Point,
  unit: t.unit(),
  result: t.result(t.u32(), t.string()),
  identity: t.identity(),
  connectionId: t.connectionId(),
  timestamp: t.timestamp(),
  timeDuration: t.timeDuration(),
  uuid: t.uuid(),
  scheduleAt: t.scheduleAt(),
};

const spacetime = schema({
  sample: table({ public: true }, sample),
  playerRow: table(
    {
      name: "players",
      public: true,
      indexes: [
        { accessor: "byTeam", algorithm: "btree", columns: ["team", "level", "id"] },
        { accessor: "slot", algorithm: "hash", columns: ["team", "seat"], name: "player_slot" },
        { accessor: "place", algorithm: "btree", columns: ["seat", "level"] },
      ],
      constraints: [{ constraint: "unique", columns: ["level", "seat"] }],
    },
    {
      id: t.u32().primaryKey().autoInc(),
      name: t.string().unique(),
      team: t.string(),
      level: t.i32().index(),
      seat: t.u8().index("hash"),
      note: t.string().optional(),
      added: t.u32().default(7),
    },
  ),
  timer: table({}, { scheduledId: t.u64().primaryKey().autoInc(), scheduledAt: t.scheduleAt(), note: t.string() }),
  alarm: table({ scheduled: "ring" }, { at: t.scheduleAt(), key: t.u64().primaryKey().autoInc() }),
  flash: table({ event: true, public: true }, { text: t.string() }),
});
export default spacetime;

export const init = spacetime.init((ctx) => {
  ctx.db.timer.insert({ scheduledId: 0n, scheduledAt: ScheduleAt.interval(1_000_000n), note: "tick" });
});
export const hello = spacetime.clientConnected((ctx) => console.info("hello", ctx.sender));
export const goodbye = spacetime.clientDisconnected({ name: "bye" }, (ctx) => console.info("bye", ctx.connectionId));
export const tick = spacetime.reducer(
  { onSchedule: spacetime.tables.timer },
  { row: spacetime.tables.timer.rowType },
  (_, { row }) => {
    console.info(row.note);
  },
);
export const ring = spacetime.reducer({ row: spacetime.tables.alarm.rowType }, () => {});

/** Keeps what it is given; says what classes it got. */
export const keep = spacetime.reducer({ row: spacetime.tables.sample.rowType }, (ctx, { row }) => {
  const kept = ctx.db.sample.insert(row);
  const found = ctx.db.sample.id.find(kept.id);
  if (found === null) throw new Error("the row is not there");
  const classes = [
    found.identity instanceof Identity,
    found.connectionId instanceof ConnectionId,
    found.timestamp instanceof Timestamp,
    found.timeDuration instanceof TimeDuration,
    found.uuid instanceof Uuid,
    found.bytes instanceof Uint8Array,
    Array.isArray(found.array),
    found.point instanceof Object,
    Object.getPrototypeOf(found) === Object.prototype,
  ];
  console.info(classes.every(Boolean) ? "classes" : `classes ${classes.join(" ")}`);
  ctx.db.sample.insert({ ...found, id: 0n });
  ctx.db.sample.id.update({ ...found, string: `${found.string}!` });
});

/** Makes enum values by their makers. */
export const made = spacetime.reducer((ctx) => {
  for (const row of ctx.db.sample) ctx.db.sample.id.update({ ...row, shape: Shape.Circle(3), color: Color.Green });
  for (const { id, shape } of ctx.db.sample) console.info(`${id} ${shape.tag === "Circle" ? shape.value : shape.tag}`);
});

/** Runs one of the scripts below and logs each line that it yields. */
export const run = spacetime.reducer({ script: t.string() }, (ctx, { script }) => {
  const players = ctx.db.playerRow;
  const names = (rows: Iterable<{ name: string }>): string => [...rows].map(({ name }) => name).join(" ");
  const caught = (act: () => unknown): string => {
    try {
      return `gave ${String(act())}`;
    } catch (error) {
      return error instanceof Error
        ? `${error.name}${error instanceof errors.UniqueAlreadyExists ? " caught" : ""}`
        : "?";
    }
  };
  const range = <T>(from: T, to: T): Range<T> =>
    new Range({ tag: "included", value: from }, { tag: "excluded", value: to });
  const scripts: Record<string, () => unknown> = {
    fill: () => {
      const rows = [
        ["ann", "red", 1, 1],
        ["bob", "red", 2, 2],
        ["cy", "blue", 2, 1],
        ["dee", "red", 3, 3],
        ["eve", "blue", -5, 2],
      ] as const;
      return rows
        .map(([name, team, level, seat]) => players.insert({ id: 0, name, team, level, seat, added: 0 }).id)
        .join(" ");
    },
    count: () => players.count(),
    iterate: () => names(players),
    helpers: () =>
      names(
        players
          .iter()
          .filter(({ team }) => team === "red")
          .drop(1)
          .take(1),
      ),
    find: () => players.id.find(2)?.name,
    "find none": () => players.id.find(99),
    "find by name": () => players.name.find("cy")?.id,
    "find pair": () => players.place.find([3, 3])?.name,
    "filter level": () => names(players.level.filter(2)),
    "filter range": () => names(players.level.filter(range(-10, 2))),
    "filter open range": () => names(players.level.filter(new Range({ tag: "excluded", value: 1 }))),
    "filter hash": () => names(players.seat.filter(2)),
    "filter team": () => names(players.byTeam.filter("red")),
    "filter prefix": () => names(players.byTeam.filter(["red", 2])),
    "filter whole": () => names(players.byTeam.filter(["red", 2, 2])),
    "filter prefix range": () => names(players.byTeam.filter(["red", range(2, 9)])),
    "filter last range": () => names(players.byTeam.filter(["red", 3, range(0, 9)])),
    "filter first range": () => names(players.byTeam.filter(range("a", "c"))),
    "filter slot": () => names(players.slot.filter(["blue", 2])),
    update: () => {
      const bob = players.name.find("bob");
      return bob === null ? "?" : JSON.stringify(players.id.update({ ...bob, note: "new" }));
    },
    "update by name": () => {
      const bob = players.name.find("bob");
      return bob === null ? "?" : players.name.update({ ...bob, note: null }).note;
    },
    "update none": () => caught(() => players.id.update({ id: 99, name: "x", team: "", level: 0, seat: 0, added: 0 })),
    "same name": () => caught(() => players.insert({ id: 0, name: "ann", team: "", level: 9, seat: 9, added: 0 })),
    "same pair": () => caught(() => players.insert({ id: 0, name: "zed", team: "", level: 1, seat: 1, added: 0 })),
    delete: () => players.id.delete(1),
    "delete none": () => players.id.delete(1),
    "delete row": () => {
      const dee = players.name.find("dee");
      return dee === null ? "?" : `${players.delete(dee)} ${players.delete(dee)}`;
    },
    "delete range": () => players.level.delete(range(-10, 0)),
    "delete prefix": () => players.byTeam.delete("red"),
    "delete hash": () => players.seat.delete(1),
    clear: () => `${players.clear()} ${players.count()}`,
    "early out": () => {
      for (const row of players) return row.name;
      return "";
    },
    "write while walking": () => {
      let count = 0;
      for (const row of players.level.filter(new Range<number>())) {
        players.id.update({ ...row, level: row.level + 100 });
        count++;
      }
      return count;
    },
    "wrong type": () =>
      caught(() => players.insert({ id: 0, name: 5 as never, team: "", level: 0, seat: 0, added: 0 })),
    "too large": () => caught(() => players.insert({ id: 0, name: "x", team: "", level: 0, seat: 256, added: 0 })),
    "missing column": () => caught(() => players.insert({ name: "x" } as never)),
    "no row": () => caught(() => players.insert(null as never)),
    "wrong key": () => caught(() => players.id.find("1" as never)),
    "long key": () => caught(() => players.byTeam.filter(["red", 1, 1, 1] as never)),
    "short pair": () => caught(() => players.place.find([1] as never)),
    "bad bound": () => caught(() => players.level.filter(new Range({ tag: "nope" } as never))),
    "maker of rows": () =>
      caught(() => new (players.iter().constructor as never as new (scan: unknown) => unknown)({ next: () => 7 })),
    "getter that inserts": () => {
      const row = {
        id: 0,
        name: "outer",
        team: "t",
        level: 50,
        seat: 5,
        added: 0,
        get note() {
          players.insert({ id: 0, name: "inner".repeat(2000), team: "", level: 51, seat: 6, added: 0 });
          return "from a getter";
        },
      };
      players.insert(row);
      return players.name.find("outer")?.note;
    },
    "nested call": () => {
      refuse(ctx, { why: "nested" });
    },
    event: () => ctx.db.flash.insert({ text: "flash" }).text,
    random: () => `${ctx.random()} ${ctx.random.integerInRange(1, 6)}`,
    "caught fault": () => {
      try {
        return scripts["fault"]?.();
      } catch (error) {
        console.error("caught:", error, { inside: error });
        return (error as Error).stack?.includes("file:");
      }
    },
    fault: () => {
      const nothing = JSON.parse("null") as { deep: { er: string } };
      return nothing.deep.er;
    },
  };
  const found = scripts[script];
  if (found === undefined) throw new SenderError(`no script ${script}`);
  console.info(String(found()));
});

export const refuse = spacetime.reducer({ why: t.string() }, (_, { why }) => {
  throw new SenderError(why);
});

export const grow = spacetime.reducer({ count: t.u32() }, (ctx, { count }) => {
  for (let index = 0; index < count; index++)
    ctx.db.playerRow.insert({ id: 0, name: `n${index}`, team: "grown", level: index, seat: 0, added: 0 });
});

/** Recurses to the end of the stack, catches that, and goes on inserting from every depth. */
export const hostile = spacetime.reducer((ctx) => {
  let inserted = 0;
  const dive = (depth: number): void => {
    try {
      ctx.db.playerRow.insert({ id: 0, name: `d${inserted++}`, team: "deep", level: inserted, seat: 1, added: 0 });
      dive(depth + 1);
      ctx.db.playerRow.insert({ id: 0, name: `u${inserted++}`, team: "deep", level: inserted, seat: 2, added: 0 });
    } catch {
      // On with it.
    }
  };
  dive(0);
});

export const loop = spacetime.reducer((ctx) => {
  for (let index = 0; ; index++) {
    try {
      ctx.db.playerRow.insert({ id: 0, name: `l${index}`, team: "loop", level: index, seat: 1, added: 0 });
      ctx.db.playerRow.name.delete(`l${index}`);
    } catch {
      // Nothing ends this but time.
    }
  }
});
