/**
 * The game's page. Everybody's place comes from the database ten times a second; in between, this page moves them on by
 * the module's own rules. Its own player turns at once when a key is pressed: the page does what the reducer will do.
 */
import { connect, optimistic, webTokenStore, type Identity } from "lightcone/client";
import lightcone from "../lightcone.json" with { type: "json" };
import * as schema from "../module/built/schema.ts";
import type * as game from "../module/src/index.ts";
import { moved, turn, type Place } from "../module/src/movement.ts";
import { draw, toArena, type Figure } from "./drawing.ts";
import { listenToSteering } from "./steering.ts";

const db = connect<typeof game>({
  uri: location.origin,
  database: lightcone.database,
  schema,
  // Each tab is a player of its own.
  tokenStore: webTokenStore(sessionStorage, "game.token"),
  optimistic: optimistic<typeof game>({ steer: turn }),
  onState: (state) => {
    byId("state").textContent = state === "open" ? "live" : state === "waiting" ? "offline" : state;
    // Who was away has left the arena.
    if (state === "open" && name !== null) enter(name);
  },
  onError: ({ message }) => tell(`${message}. Reload the page to try again.`),
});
const { player, place, coin, leaders } = db.tables;
const canvas = byId<HTMLCanvasElement>("arena");
let name = sessionStorage.getItem("game.name");

// --- places between two words of the database

/** Where each is shown, by identity. */
const shown = new Map<string, { at: Place; told: Place; toldMs: number }>();
place.onInsert(heard);
place.onUpdate((_, row) => heard(row));
place.onDelete(({ id }) => shown.delete(id.toHexString()));

function heard(row: Place & { readonly id: Identity }): void {
  const known = shown.get(row.id.toHexString());
  // Who turns on the way has been on it since the place was told.
  const isTurning = known?.told.x === row.x && known.told.y === row.y && (known.told.dx !== 0 || known.told.dy !== 0);
  shown.set(row.id.toHexString(), {
    at: { ...row, x: known?.at.x ?? row.x, y: known?.at.y ?? row.y },
    told: row,
    toldMs: isTurning ? known.toldMs : performance.now(),
  });
}

/** How much of a difference from what was told is taken back in a second. */
const correction = 4;

function advance(milliseconds: number): void {
  const now = performance.now();
  for (const each of shown.values()) {
    // What was told is a moment old: where would it be by now?
    const target = moved(each.told, Math.min(now - each.toldMs, 300));
    const next = moved(each.at, milliseconds);
    const isFar = Math.hypot(target.x - next.x, target.y - next.y) > 150;
    const share = isFar ? 1 : Math.min(1, (milliseconds / 1000) * correction);
    each.at = {
      ...each.told,
      x: next.x + (target.x - next.x) * share,
      y: next.y + (target.y - next.y) * share,
    };
  }
}

let lastMs = performance.now();
function frame(nowMs: number): void {
  advance(Math.min(nowMs - lastMs, 250));
  lastMs = nowMs;
  const figures: Figure[] = place.rows().map(({ id }) => {
    const at = shown.get(id.toHexString())?.at ?? { x: 0, y: 0 };
    return { x: at.x, y: at.y, name: player.get(id)?.name ?? "?", hue: hueOf(id), isMine: isMe(id) };
  });
  draw(canvas, figures, coin.rows());
  requestAnimationFrame(frame);
}
requestAnimationFrame(frame);

const isMe = (id: Identity): boolean => db.identity?.isEqual(id) === true;
// The first digits of every identity are alike.
const hueOf = (id: Identity): number => (Number.parseInt(id.toHexString().slice(12, 16), 16) * 137) % 360;

// --- what there is to do

listenToSteering(
  canvas,
  () => {
    const me = db.identity && shown.get(db.identity.toHexString())?.at;
    return me ?? { x: 0, y: 0 };
  },
  (x, y) => toArena(canvas, x, y),
  (dx, dy) => {
    const own = db.identity && place.get(db.identity);
    if (own === undefined || (dx === own.dx && dy === own.dy)) return;
    // Said to nobody while there is no connection: by then it means nothing.
    if (byId("state").textContent === "live") db.reducers.steer({ dx, dy }).catch(() => undefined);
  },
);

function enter(as: string): void {
  db.reducers.enter({ name: as }).then(
    () => {
      name = as;
      sessionStorage.setItem("game.name", as);
      byId("enter").hidden = true;
      tell("");
    },
    (error: unknown) => tell(error instanceof Error ? error.message : String(error)),
  );
}

byId("enter").hidden = name !== null;
byId("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  enter(byId<HTMLInputElement>("name").value);
});

leaders.onChange(() => {
  const rows = leaders.rows().toSorted((a, b) => b.points - a.points);
  byId("leaders").replaceChildren(
    ...rows.map(({ name: who, points }) => {
      const item = document.createElement("li");
      item.textContent = `${who} ${points}`;
      return item;
    }),
  );
});

function tell(words: string): void {
  byId("problem").textContent = words;
}

function byId<E extends HTMLElement = HTMLElement>(id: string): E {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element as E; // The page and this script are written together.
}

db.subscribe(player, place, coin, leaders);
addEventListener("online", () => db.retry());
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && db.retry());
