/** The page in a browser: goes on from what its server has shown, if there is something, or begins. */
import { StrictMode, useState, type ReactElement } from "react";
import { createRoot, hydrateRoot } from "react-dom/client";
import { connect, optimistic } from "lightcone/client";
import { hydrate } from "lightcone/react";
import type * as board from "../module.ts";
import { App, LightconeProvider, seen } from "./app.tsx";

const query = new URLSearchParams(location.search);
const errors: string[] = [];
/** With `guesses`, a card is on the page at once; whether it may have such a text only the database knows. */
const guesses = optimistic<typeof board>({
  addCard: (ctx, { board, text }) => void ctx.db.card.insert({ id: 0n, board, text }),
});
const open = () =>
  connect<typeof board>({
    uri: query.get("server") ?? "",
    database: query.get("database") ?? "board",
    onError: ({ code }) => errors.push(code),
    ...(query.has("guesses") ? { optimistic: guesses } : {}),
  });
const db = open();

function Page(): ReactElement {
  const [client, setClient] = useState(db);
  /** As when somebody else signs in. */
  const swap = (): void => {
    setClient(open());
    client.close();
  };
  Object.assign(globalThis, { app: { db: client, seen, errors, swap } });
  return (
    <LightconeProvider client={client}>
      <App shown={query.get("shown")?.split(" ") ?? []} />
    </LightconeProvider>
  );
}

const root = document.getElementById("root");
const rows = document.getElementById("rows")?.textContent;
const app = (
  <StrictMode>
    <Page />
  </StrictMode>
);
if (root !== null && rows !== undefined && rows !== null) {
  hydrate(db, rows);
  hydrateRoot(root, app, { onRecoverableError: (error) => errors.push(String(error)) });
} else if (root !== null) createRoot(root).render(app);
