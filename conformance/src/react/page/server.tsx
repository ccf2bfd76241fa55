/** The page on a server: its HTML, and its rows for the page to go on from. */
import { renderToReadableStream } from "react-dom/server.browser";
import { connect } from "lightcone/client";
import { dehydrate, preload } from "lightcone/react";
import type * as board from "../module.ts";
import { App, LightconeProvider } from "./app.tsx";

/** @param timeMs how long the database may take */
export async function render(
  uri: string,
  shown: readonly string[],
  timeMs: number,
): Promise<{ readonly html: string; readonly rows: string }> {
  const db = connect<typeof board>({ uri, database: "board" });
  const late = setTimeout(() => db.close(), timeMs);
  try {
    // What suspends is waited for by React; of the others this is what they show.
    await preload(db, db.tables.card);
    const stream = await renderToReadableStream(
      <LightconeProvider client={db}>
        <App shown={shown} />
      </LightconeProvider>,
    );
    await stream.allReady;
    const html = await new Response(stream).text();
    return { html, rows: dehydrate(db) };
  } finally {
    clearTimeout(late);
    db.close();
  }
}
