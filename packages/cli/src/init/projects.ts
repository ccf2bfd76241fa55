/** Whole small applications that a project begins with: the folders of `examples/`, which the package has as `templates/`. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { CliFailure } from "../failure.ts";
import { home } from "../pages.ts";
import { version } from "../version.ts";
import { moduleFiles } from "./templates.ts";

export const templates = ["react", "chat", "todo", "game", "module-rust"] as const;
export type Template = (typeof templates)[number];

/** What a project is developed with. */
export const tools = { "@types/node": "^24.19.2", typescript: "^7.0.2", vite: "^8.3.8" } as const;

const withReact = {
  dependencies: { react: "^19.3.1", "react-dom": "^19.3.1" },
  devDependencies: { "@types/react": "^19.3.3", "@types/react-dom": "^19.3.0", "@vitejs/plugin-react": "^6.3.0" },
} as const;

/** What running and building leave in a folder. */
const leftOut: ReadonlySet<string> = new Set(["node_modules", "dist", ".lightcone", "package.json", ".gitignore"]);
const ignored = "/.lightcone/\n/dist/\n/module/dist/\n/module/target/\n/node_modules/\n";

/**
 * The files of a new project, by path.
 *
 * @param name of the project, and of its database: lower-case words with hyphens
 * @param lightcone what `npm install` gets Lightcone from
 */
export function projectFiles(template: Template, name: string, lightcone: string): ReadonlyMap<string, string> {
  const files = template === "module-rust" ? rustProject(name) : copied(template, name);
  return files.set(".gitignore", ignored).set("package.json", manifest(template, name, lightcone));
}

function copied(template: string, name: string): Map<string, string> {
  const folder = [join(home ?? "", "templates", template), join(home ?? "", "examples", template)].find(existsSync);
  if (folder === undefined) throw new CliFailure(`the files of --template ${template} are not there`);
  const files = new Map<string, string>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = relative(folder, join(entry.parentPath, entry.name));
    if (!entry.isFile() || path.split(sep).some((part) => leftOut.has(part))) continue;
    const text = readFileSync(join(folder, path), "utf8");
    files.set(path, named(path, text, name));
  }
  return files;
}

/** A file with the project's name in it, where the template's stood. */
function named(path: string, text: string, name: string): string {
  if (path === "lightcone.json") return text.replace(/("database": )"[^"]*"/, `$1"${name}"`);
  return path === "README.md" ? text.replace(/^# .*/, `# ${name}`) : text;
}

function rustProject(name: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const [path, text] of moduleFiles("rust", name)) if (path !== ".gitignore") files.set(`module/${path}`, text);
  const project = { database: name, module: "module", server: "http://127.0.0.1:3000" };
  return files.set("lightcone.json", `${JSON.stringify(project)}\n`).set("README.md", rustReadme(name));
}

const rustReadme = (name: string): string => `# ${name}

A module in Rust. \`module/src/lib.rs\` is the whole back end; \`lightcone.json\` names the database, the module and the server.

    npm install
    npx lightcone dev                # server, build, publish, log; again at every change
    npx lightcone call add Ada
    npx lightcone sql "SELECT * FROM person"

It needs \`cargo\` and the target \`wasm32-unknown-unknown\`: \`rustup target add wasm32-unknown-unknown\`.
`;

function manifest(template: Template, name: string, lightcone: string): string {
  const isRust = template === "module-rust";
  const scripts = {
    dev: "lightcone dev",
    ...(isRust
      ? {}
      : {
          build: "lightcone build && vite build",
          preview: "vite preview",
          check: "tsc && tsc -p page && tsc -p module",
          test: 'node --test "test/**/*.test.ts"',
        }),
    deploy: "lightcone publish",
  };
  const whole = {
    name,
    private: true,
    type: "module",
    scripts,
    dependencies: { lightcone, ...(template === "react" ? withReact.dependencies : {}) },
    // The `node` that comes with Lightcone has a script that fetches the part for this machine.
    allowScripts: { node: true },
    ...(isRust ? {} : { devDependencies: { ...(template === "react" ? withReact.devDependencies : {}), ...tools } }),
  };
  return `${JSON.stringify(whole, undefined, 2)}\n`;
}

/** What `npm install` gets Lightcone from: a file, as long as no registry has it. */
export const dependencyOn = (file: string | undefined): string => (file === undefined ? `^${version}` : `file:${file}`);
