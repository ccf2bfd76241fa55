/** The page of this folder as a browser and as a server of pages has it, built by Vite as users build theirs. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, type InlineConfig } from "vite";

const source = fileURLToPath(new URL("./page/", import.meta.url));

/** A script of `page/`, with React as it is while one develops: strict mode renders and mounts everything twice. */
export async function buildScript(entry: string, options: InlineConfig = {}): Promise<string> {
  const built = await build({
    root: source,
    logLevel: "error",
    configFile: false,
    mode: "development",
    define: { "process.env.NODE_ENV": `"development"` },
    ...options,
    build: { write: false, minify: false, lib: { entry: join(source, entry), formats: ["es"] }, ...options.build },
  });
  for (const { output } of Array.isArray(built) ? built : []) return output[0].code;
  throw new Error("Vite gave no library");
}

/** What a page's server has of `server.tsx`. */
export interface PageRenderer {
  readonly render: (
    uri: string,
    shown: readonly string[],
    timeMs: number,
  ) => Promise<{ readonly html: string; readonly rows: string }>;
}

export class BuiltPage {
  private readonly folder: string;
  private readonly server: Server;
  /** Pages that were rendered, by their path. */
  readonly pages = new Map<string, string>();

  private constructor(folder: string, scripts: ReadonlyMap<string, string>) {
    this.folder = folder;
    this.server = createServer(({ url = "" }, response) => {
      const path = new URL(url, "http://page").pathname;
      const script = scripts.get(path);
      if (script !== undefined) return response.setHeader("content-type", "text/javascript").end(script);
      if (path === "/favicon.ico") return response.writeHead(204).end();
      const body = this.pages.get(path) ?? `<div id="root"></div>`;
      const name = path === "/vue" ? "/vue.js" : "/main.js";
      const page = `<!doctype html><meta charset="utf-8"><body>${body}<script type="module" src="${name}"></script>`;
      return response.setHeader("content-type", "text/html").end(page);
    });
  }

  static async open(under: string): Promise<BuiltPage> {
    const scripts = new Map([
      ["/main.js", await buildScript("main.tsx")],
      ["/vue.js", await buildScript("vue.ts")],
    ]);
    const page = new BuiltPage(mkdtempSync(join(under, "page-")), scripts);
    page.server.listen(0, "127.0.0.1");
    await once(page.server, "listening");
    return page;
  }

  url(path: string, query: Readonly<Record<string, string>>): string {
    const { port } = this.server.address() as AddressInfo;
    return `http://localhost:${port}${path}?${new URLSearchParams(query).toString()}`;
  }

  async renderer(): Promise<PageRenderer> {
    const code = await buildScript("server.tsx", { build: { ssr: true }, ssr: { noExternal: true } });
    mkdirSync(this.folder, { recursive: true });
    const file = join(this.folder, "server.mjs");
    writeFileSync(file, code);
    // What was just built exports this.
    return (await import(pathToFileURL(file).href)) as PageRenderer;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
