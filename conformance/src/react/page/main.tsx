/** The page in a browser: goes on from what its server has shown, if there is something, or begins. */
import { StrictMode } from "react";
import { createRoot, hydrateRoot } from "react-dom/client";
import { connect } from "lightcone/client";
import { hydrate } from "lightcone/react";
import type * as board from "../module.ts";
import { App, LightconeProvider, seen } from "./app.tsx";

const query = new URLSearchParams(location.search);
const errors: string[] = [];
const db = connect<typeof board>({
  uri: query.get("server") ?? "",
  database: query.get("database") ?? "board",
  onError: ({ code }) => errors.push(code),
});
Object.assign(globalThis, { app: { db, seen, errors } });

const root = document.getElementById("root");
const rows = document.getElementById("rows")?.textContent;
const app = (
  <StrictMode>
    <LightconeProvider client={db}>
      <App shown={query.get("shown")?.split(" ") ?? []} />
    </LightconeProvider>
  </StrictMode>
);
if (root !== null && rows !== undefined && rows !== null) {
  hydrate(db, rows);
  hydrateRoot(root, app, { onRecoverableError: (error) => errors.push(String(error)) });
} else if (root !== null) createRoot(root).render(app);
