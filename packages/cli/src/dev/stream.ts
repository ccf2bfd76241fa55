/** The one stream that `dev` writes: its own words, and lines of what runs beside it, each with its source before it. */
import { paint, print } from "../terminal.ts";

type Source = "module" | "page" | "server";

const colours = { module: "magenta", page: "cyan", server: "yellow" } as const satisfies Record<Source, unknown>;
const width = Math.max(...Object.keys(colours).map((source) => source.length));

/** Shows what a source says, line by line. */
export function tell(source: Source, text: string): void {
  const tag = paint(colours[source], source.padEnd(width));
  for (const line of text.trimEnd().split("\n")) print(`${tag} ${line}`);
}
