/** Keys and fingers as a direction. */

interface Point {
  readonly x: number;
  readonly y: number;
}

const keys: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
  KeyA: [-1, 0],
  KeyD: [1, 0],
  KeyW: [0, -1],
  KeyS: [0, 1],
};
/** A finger this near means: stay. */
const nearBy = 12;

/**
 * @param where the player is
 * @param toArena a point of the screen, in the arena
 * @param steer hears where to, from -1 to 1 each
 */
export function listenToSteering(
  canvas: HTMLCanvasElement,
  where: () => Point,
  toArena: (x: number, y: number) => Point,
  steer: (dx: number, dy: number) => void,
): void {
  const pressed = new Set<string>();
  const byKeys = (): void => {
    let [dx, dy] = [0, 0];
    for (const code of pressed) {
      dx += keys[code]?.[0] ?? 0;
      dy += keys[code]?.[1] ?? 0;
    }
    steer(Math.sign(dx), Math.sign(dy));
  };
  addEventListener("keydown", (event) => {
    if (keys[event.code] === undefined || event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    pressed.add(event.code);
    byKeys();
  });
  addEventListener("keyup", (event) => {
    if (pressed.delete(event.code)) byKeys();
  });
  addEventListener("blur", () => {
    pressed.clear();
    steer(0, 0);
  });

  const toFinger = ({ clientX, clientY }: PointerEvent): void => {
    const [from, to] = [where(), toArena(clientX, clientY)];
    const far = Math.hypot(to.x - from.x, to.y - from.y);
    // In eighths: a hand that trembles says nothing new.
    const eighth = (at: number): number => Math.round(at * 8) / 8;
    if (far < nearBy) steer(0, 0);
    else steer(eighth((to.x - from.x) / far), eighth((to.y - from.y) / far));
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    toFinger(event);
  });
  canvas.addEventListener("pointermove", (event) => canvas.hasPointerCapture(event.pointerId) && toFinger(event));
  for (const end of ["pointerup", "pointercancel"] as const) canvas.addEventListener(end, () => steer(0, 0));
}
