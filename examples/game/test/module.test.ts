// What the module promises: the timer moves who steers, coins are points, and who leaves is gone with the points kept.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { connect } from "lightcone/client";
import type * as game from "../module/src/index.ts";
import { startServer, type Server } from "./server.ts";

type Db = ReturnType<typeof connect<typeof game>>;
let server: Server;
const opened: Db[] = [];
before(async () => (server = await startServer("game")));
after(async () => {
  for (const db of opened) db.close();
  await server.stop();
});

async function player(name: string): Promise<Db> {
  const db = connect<typeof game>({ uri: server.url, database: "game" });
  opened.push(db);
  const { player: players, place, coin, leaders } = db.tables;
  await db.subscribe(players, place, coin, leaders).applied;
  await db.reducers.enter({ name });
  return db;
}

/** Waits until a table is as it should be. */
async function until(isSo: () => boolean, table: { onChange(run: () => void): () => void }): Promise<void> {
  if (isSo()) return;
  await new Promise<void>((resolve) => {
    const end = table.onChange(() => {
      if (!isSo()) return;
      end();
      resolve();
    });
  });
}

function own(db: Db) {
  assert.ok(db.identity);
  const place = db.tables.place.get(db.identity);
  assert.ok(place);
  return place;
}

test("who steers moves with the timer, and takes coins", async () => {
  const ann = await player("Ann");
  assert.equal(ann.tables.coin.size, 12);
  // From coin to coin, as a player does.
  const steer = (): void => {
    const { x, y } = own(ann);
    const far = (at: { x: number; y: number }): number => Math.hypot(at.x - x, at.y - y);
    const [next] = ann.tables.coin.rows().toSorted((a, b) => far(a) - far(b));
    assert.ok(next);
    const long = Math.max(far(next), 1);
    void ann.reducers.steer({ dx: (next.x - x) / long, dy: (next.y - y) / long });
  };
  steer();
  const end = ann.tables.place.onChange(steer);
  await until(() => ann.tables.leaders.size === 1, ann.tables.leaders);
  end();
  assert.equal(ann.tables.leaders.rows()[0]?.name, "Ann");
  assert.equal(ann.tables.coin.size, 12);
});

test("who leaves is gone, and finds the points again", async () => {
  const [ben, eve] = [await player("Ben"), await player("Eve")];
  assert.ok(ben.identity);
  const id = ben.identity;
  await until(() => eve.tables.place.get(id) !== undefined, eve.tables.place);
  ben.close();
  await until(() => eve.tables.place.get(id) === undefined, eve.tables.place);
  assert.equal(eve.tables.player.get(id)?.name, "Ben");
});

test("what cannot be is refused", async () => {
  const ann = await player("Ann");
  await assert.rejects(ann.reducers.enter({ name: " " }), /needs a name/);
  await assert.rejects(ann.reducers.steer({ dx: 2, dy: 0 }), /from -1 to 1/);
  await assert.rejects(ann.reducers.steer({ dx: Number.NaN, dy: 0 }), /from -1 to 1/);
});
