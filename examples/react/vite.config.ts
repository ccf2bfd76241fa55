import { join } from "node:path";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import lightcone from "./lightcone.json" with { type: "json" };

const folder = import.meta.dirname;

/** The page asks its own address for the database: here Vite passes that on, and a reverse proxy where it is deployed. */
export default defineConfig({
  root: join(folder, "page"),
  // An edit of a component is in the page without its losing what is typed there.
  plugins: [react()],
  build: { outDir: join(folder, "dist"), emptyOutDir: true, target: "esnext" },
  server: { proxy: { "/v1": { target: lightcone.server, ws: true } }, fs: { allow: [folder] } },
});
