import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { db, LightconeProvider } from "./lightcone.ts";

const root = document.getElementById("root");
if (root === null) throw new Error("the page has no #root");
createRoot(root).render(
  <StrictMode>
    <LightconeProvider client={db}>
      <App />
    </LightconeProvider>
  </StrictMode>,
);
