// Goal: what a test calls, reads and is told has the types of the module that it imports, and wrong use does not compile.
// Method: compiled, never run. `is` compares types exactly; each expected error stands under its reason.
import { schema, t, table, type ConnectionId, type Identity } from "@lightcone/module";
import { testModule, type Changed, type RowOf, type Subscription } from "./index.ts";
import * as arena from "./testing/arena.ts";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function is<A, B>(same: Same<A, B>): void;

type Player = RowOf<typeof arena, "player">;

export async function calls(): Promise<void> {
  const world = await testModule(arena, { now: new Date(0), seed: 1, limits: { reducerTimeoutMs: 5 } });
  const ann = world.as("ann", { claims: { admin: true } });
  is<(typeof ann)["identity"], Identity>(true);
  const scored = await ann.score({ points: 1 });
  is<typeof scored, number>(true);
  const said = await ann.procedures.weather({ city: "oslo" });
  is<typeof said, string>(true);
  const tab = await ann.connect();
  is<(typeof tab)["connectionId"], ConnectionId>(true);
  // @ts-expect-error a connection connects no more
  await tab.connect();
  // @ts-expect-error arguments are an object
  await ann.join("Ann");
  // @ts-expect-error a name is a string
  await ann.join({ name: 5 });
  // @ts-expect-error nothing is left out
  await ann.join();
  // @ts-expect-error a procedure is no reducer
  await ann.reducers.weather({ city: "oslo" });
  // @ts-expect-error the life cycle is the database's
  await ann.init();
}

export async function rows(): Promise<void> {
  const world = await testModule(arena);
  const found = world.db.player.id.find(1n);
  is<typeof found, Player | null>(true);
  // @ts-expect-error a test reads: what writes is the module
  world.db.player.insert({ name: "Ann", score: 0 });
  // @ts-expect-error there is no such table
  void world.db.players;
  const live = await world.as("ann").subscribe((from) => from.player.where((row) => row.score.gt(1)));
  is<typeof live, Subscription<Player>>(true);
  const change = live.take();
  is<typeof change, Changed<Player>>(true);
  const texts = await world.as("ann").query<{ readonly text: string }>("SELECT text FROM letter");
  is<typeof texts, { readonly text: string }[]>(true);
  const best = await world.as("ann").query((from) => from.best.where((row) => row.score.gt(1)));
  is<typeof best, Player[]>(true);
  const letters = await world.as("ann").query((from) => from.inBox);
  is<typeof letters, { letterText: string; fromAfar: boolean }[]>(true);
  // @ts-expect-error there is no such view
  await world.as("ann").query((from) => from.worst);
  // @ts-expect-error a number is compared with a number
  await world.as("ann").query((from) => from.player.where((row) => row.score.gt("1")));
}

export async function submodules(): Promise<void> {
  const chat = schema({ line: table({ public: true }, { id: t.u32().primaryKey() }) });
  const send = chat.reducer({ text: t.string() }, t.u32(), () => 1);
  const app = schema({ chat: { default: chat, send } });
  const world = await testModule({ default: app });
  const id = await world.as("ann")["chat.send"]({ text: "hi" });
  is<typeof id, number>(true);
  const line = world.db.chat.line.id.find(1);
  is<typeof line, { id: number } | null>(true);
  const lines = await world.as("ann").query((from) => from.chat.line);
  is<typeof lines, { id: number }[]>(true);
  // @ts-expect-error it takes a text
  await world.as("ann").reducers["chat.send"]({});
}

export async function wrongModules(): Promise<void> {
  // @ts-expect-error all exports are taken, and not the schema alone
  await testModule(arena.default);
  // @ts-expect-error limits are numbers
  await testModule(arena, { limits: { reducerTimeoutMs: "5s" } });
  const world = await testModule(arena);
  // @ts-expect-error a time is a number of milliseconds or a text
  await world.advance(5n);
  // @ts-expect-error an answer has a status, a body or JSON
  world.http.on("https://weather.example", { text: "snow" });
}
