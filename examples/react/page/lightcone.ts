/** The client and the hooks, typed by the module's own file, of which nothing else gets into the page. */
import { connect, webTokenStore } from "lightcone/client";
import { createHooks } from "lightcone/react";
import lightcone from "../lightcone.json" with { type: "json" };
import * as schema from "../module/built/schema.ts";
import type * as notes from "../module/src/index.ts";

export const db = connect<typeof notes>({
  uri: location.origin,
  database: lightcone.database,
  schema,
  // Each tab is a person of its own; with `localStorage` it is the whole browser.
  tokenStore: webTokenStore(sessionStorage, "notes.token"),
});

export const { LightconeProvider, useConnection, useQuery, useReducer } = createHooks<typeof notes>();
