/** The arena on a canvas, as large as fits. */
import { arena, radius } from "../module/src/movement.ts";

export interface Figure {
  readonly x: number;
  readonly y: number;
  readonly name: string;
  readonly hue: number;
  readonly isMine: boolean;
}

/** What of the canvas the arena takes. */
function frameOf(canvas: HTMLCanvasElement): { scale: number; left: number; top: number } {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = Math.min(width / arena.width, height / arena.height);
  return { scale, left: (width - arena.width * scale) / 2, top: (height - arena.height * scale) / 2 };
}

/** A point of the screen, in the arena. */
export function toArena(canvas: HTMLCanvasElement, x: number, y: number): { x: number; y: number } {
  const { scale, left, top } = frameOf(canvas);
  const box = canvas.getBoundingClientRect();
  return { x: (x - box.left - left) / scale, y: (y - box.top - top) / scale };
}

export function draw(
  canvas: HTMLCanvasElement,
  figures: readonly Figure[],
  coins: readonly { readonly x: number; readonly y: number }[],
): void {
  const dots = devicePixelRatio;
  const [width, height] = [Math.round(canvas.clientWidth * dots), Math.round(canvas.clientHeight * dots)];
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const on = canvas.getContext("2d");
  if (on === null) return;
  const { scale, left, top } = frameOf(canvas);
  on.setTransform(1, 0, 0, 1, 0, 0);
  on.clearRect(0, 0, width, height);
  on.setTransform(scale * dots, 0, 0, scale * dots, left * dots, top * dots);
  on.fillStyle = "#182033";
  on.beginPath();
  on.roundRect(0, 0, arena.width, arena.height, 20);
  on.fill();
  for (const { x, y } of coins) disc(on, x, y, radius * 0.55, "#f3c04f");
  on.textAlign = "center";
  on.font = "600 20px system-ui, sans-serif";
  // One's own over all others.
  for (const { x, y, name, hue, isMine } of [...figures].sort((a, b) => Number(a.isMine) - Number(b.isMine))) {
    if (isMine) disc(on, x, y, radius + 5, "#ffffff55");
    disc(on, x, y, radius, `hsl(${hue} 70% 60%)`);
    on.fillStyle = "#dfe6f5";
    on.fillText(name, x, y - radius - 10);
  }
}

function disc(on: CanvasRenderingContext2D, x: number, y: number, size: number, colour: string): void {
  on.fillStyle = colour;
  on.beginPath();
  on.arc(x, y, size, 0, 2 * Math.PI);
  on.fill();
}
