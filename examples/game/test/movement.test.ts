// The rules of moving, which are plain functions.
import assert from "node:assert/strict";
import { test } from "node:test";
import { arena, moved, radius, touch } from "../module/src/movement.ts";

test("across is no faster than along, and nobody leaves the arena", () => {
  const from = { x: 500, y: 300, dx: 1, dy: 0 };
  const along = moved(from, 1000).x - 500;
  const across = moved({ ...from, dy: 1 }, 1000);
  assert.ok(Math.abs(Math.hypot(across.x - 500, across.y - 300) - along) < 1e-9);
  assert.equal(moved(from, 60_000).x, arena.width - radius);
  assert.equal(moved({ ...from, dx: -1 }, 60_000).x, radius);
});

test("two halves of a time are as good as the whole", () => {
  const from = { x: 100, y: 100, dx: 0.5, dy: -0.25 };
  const halves = moved(moved(from, 50), 50);
  assert.ok(Math.abs(halves.x - moved(from, 100).x) < 1e-9);
});

test("what is near touches", () => {
  assert.ok(touch({ x: 0, y: 0 }, { x: radius, y: 0 }));
  assert.ok(!touch({ x: 0, y: 0 }, { x: 3 * radius, y: 0 }));
});
