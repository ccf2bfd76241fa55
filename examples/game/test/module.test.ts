// What the module promises: the timer moves who steers, coins are points, and who leaves is gone with the points kept.
import assert from "node:assert/strict";
import { test } from "node:test";
import { testModule } from "lightcone/testing";
import * as game from "../module/src/index.ts";
import { moved, tickMs } from "../module/src/movement.ts";

test("the timer moves who steers, by the rules of moving, and runs while somebody plays", async () => {
  await using world = await testModule(game);
  const ann = world.as("ann");
  assert.equal(world.db.coin.count(), 12n);
  await ann.enter({ name: "Ann" });
  const place = () => {
    const own = world.db.place.id.find(ann.identity);
    assert.ok(own);
    return own;
  };
  const before = place();
  await ann.steer({ dx: before.x < 500 ? 1 : -1, dy: 0 });
  const heading = place();
  await world.advance(`${3 * tickMs}ms`);
  assert.ok(Math.abs(place().x - moved(heading, 3 * tickMs).x) < 1e-9);
  await ann.disconnect();
  assert.deepEqual([world.db.place.count(), world.db.tick.count()], [0n, 0n]);
});

test("who takes a coin leads, and another coin lies elsewhere", async () => {
  await using world = await testModule(game);
  const ann = world.as("ann");
  await ann.enter({ name: "Ann" });
  const leaders = await ann.subscribe<{ name: string; points: number }>("SELECT * FROM leaders");
  // From coin to coin, as a player does.
  for (let step = 0; step < 200 && leaders.rows.length === 0; step += 1) {
    const own = world.db.place.id.find(ann.identity);
    assert.ok(own);
    const far = (at: { x: number; y: number }): number => Math.hypot(at.x - own.x, at.y - own.y);
    const [next] = [...world.db.coin.iter()].toSorted((a, b) => far(a) - far(b));
    assert.ok(next);
    const long = Math.max(far(next), 1);
    await ann.steer({ dx: (next.x - own.x) / long, dy: (next.y - own.y) / long });
    await world.advance(`${tickMs}ms`);
  }
  assert.equal(leaders.rows[0]?.name, "Ann");
  assert.equal(world.db.coin.count(), 12n);
});

test("who leaves is gone, and finds the points again", async () => {
  await using world = await testModule(game);
  const [ben, eve] = [world.as("ben"), world.as("eve")];
  await ben.enter({ name: "Ben" });
  await eve.enter({ name: "Eve" });
  await ben.disconnect();
  assert.equal(world.db.place.id.find(ben.identity), null);
  assert.equal(world.db.player.id.find(ben.identity)?.name, "Ben");
  assert.equal(world.db.place.count(), 1n);
});

test("what cannot be is refused", async () => {
  await using world = await testModule(game);
  const ann = world.as("ann");
  await assert.rejects(ann.enter({ name: " " }), { message: /needs a name/ });
  await assert.rejects(ann.steer({ dx: 2, dy: 0 }), { message: /from -1 to 1/ });
  await assert.rejects(ann.steer({ dx: Number.NaN, dy: 0 }), { message: /from -1 to 1/ });
});
