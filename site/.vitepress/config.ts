/**
 * The site: the pages of docs/, with a search that needs no network. A link that leads nowhere fails the build, here for
 * pages, and in `links.ts` for the places within them.
 */
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitepress";
import { checkLinks } from "./links.ts";

const docs = fileURLToPath(new URL("../../docs/", import.meta.url));

/** Two cones that meet: what can have reached a point, and what it can reach. */
const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path fill="#5b6ee1" d="M4 4h24L16 16z"/><path fill="#99a5f2" d="M16 16l12 12H4z"/></svg>`;

/** The first heading of a page of docs/, named without its ending. */
function titleOf(page: string): string {
  return /^# (.+)$/m.exec(readFileSync(`${docs}${page}.md`, "utf8"))?.[1]?.replaceAll("`", "") ?? page;
}
const page = (link: string, text = titleOf(link)) => ({ text, link: `/${link}` });
/** The pages of a folder, by their names. */
const folder = (name: string) =>
  globSync(`${name}/*.md`, { cwd: docs })
    .sort()
    .map((file) => page(file.slice(0, -3)));

export default defineConfig({
  title: "Lightcone",
  description: "A database that runs your application inside itself",
  lang: "en",
  head: [["link", { rel: "icon", href: `data:image/svg+xml,${encodeURIComponent(icon)}` }]],
  srcDir: "../docs",
  outDir: "./dist",
  cacheDir: "./dist/.cache",
  cleanUrls: true,
  lastUpdated: false,
  vite: { logLevel: "warn", build: { chunkSizeWarningLimit: 4096 } },
  buildEnd: ({ outDir }) => checkLinks(outDir),
  themeConfig: {
    search: {
      provider: "local",
      options: {
        // The reasons for decisions are for who works on Lightcone, and would bury what they are reasons for.
        _render: (source, env, markdown) =>
          env.relativePath.startsWith("decisions/") ? "" : markdown.render(source, env),
      },
    },
    outline: [2, 3],
    nav: [page("quick-start", "Quick start"), page("modules", "Modules"), page("client", "Client"), page("cli", "CLI")],
    sidebar: [
      { text: "Start", items: [page("quick-start"), page("concepts")] },
      {
        text: "Guides",
        items: ["modules", "client", "react", "testing", "migrations", "rules", "deploying"].map((name) => page(name)),
      },
      {
        text: "Reference",
        items: ["cli", "sql", "http", "errors", "limits", "typescript-modules", "rust-modules", "typescript-names"].map(
          (name) => page(name),
        ),
      },
      {
        text: "API",
        items: ["module", "client", "react", "live", "testing"].map((name) => page(`api/${name}`)),
      },
      {
        text: "Coming from",
        items: [
          page("from-spacetimedb", "SpacetimeDB"),
          page("from-convex", "Convex"),
          page("from-firebase", "Firebase"),
          page("from-rest", "A REST server"),
        ],
      },
      {
        text: "Internals",
        collapsed: true,
        items: [
          ...["protocol", "compatibility", "glossary", "dependencies"].map((name) => page(name)),
          { text: "Semantics", collapsed: true, items: folder("semantics") },
          { text: "Wire", collapsed: true, items: folder("wire") },
          { text: "Formats", collapsed: true, items: folder("formats") },
        ],
      },
    ],
  },
});
