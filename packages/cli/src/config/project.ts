/**
 * What a project says of itself, in `lightcone.json`, so that no command has to repeat it:
 *
 *   { "database": "todo", "module": "module", "server": "http://127.0.0.1:3000" }
 *
 * It is looked for in the folder that a command runs in and in those above. Paths are seen from where it lies. What a
 * flag, an argument or the environment says goes before it. Where there is none, a `spacetime.json` stands for it.
 */
import { dirname, join, resolve } from "node:path";
import { checkDatabaseName } from "../api/server-api.ts";
import { CliFailure } from "../failure.ts";
import { readIfThere } from "./read-if-there.ts";
import { readSpacetimeProject, type ProjectTarget, type SpacetimeProject } from "./spacetime-json.ts";

/** The folder is that of the file; paths are whole, and the server as `--server` names it. */
export type Project = SpacetimeProject;

export const projectFile = "lightcone.json";
const keys: readonly string[] = ["database", "module", "server", "schema"];

/** Which of a project's files count: those of an environment as well, or none. */
export interface ProjectChoice {
  readonly env?: string | undefined;
  readonly isLeftOut?: boolean;
}

/** Said by the command line, once, before a project is looked for. */
let choice: ProjectChoice = {};
export function chooseProject(said: ProjectChoice): void {
  choice = said;
}

/** The project that a folder is of; undefined without one. @throws {CliFailure} when its file does not read */
export function findProject(from = process.cwd(), { env, isLeftOut }: ProjectChoice = choice): Project | undefined {
  if (isLeftOut === true) return undefined;
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const path = join(folder, projectFile);
    const text = readIfThere(path);
    const project = text === undefined ? readSpacetimeProject(folder, env) : readProject(path, text);
    if (project !== undefined) return project;
    if (dirname(folder) === folder) return undefined;
  }
}

/**
 * A command's names, with the project's database before them where they leave it out.
 *
 * @param names what was typed behind the command, without flags
 * @param database of the project
 */
export function withDatabase(
  command: string,
  names: readonly string[],
  database: () => string | undefined = () => findProject()?.database,
): readonly string[] {
  const leavesOut = leavesOutDatabase[command];
  if (leavesOut?.(names) !== true) return names;
  const { SPACETIMEDB_DB_NAME: variable } = process.env;
  const ours = command === "mcp" && variable !== undefined && variable !== "" ? variable : database();
  return ours === undefined || ours === names[0] ? names : [ours, ...names];
}

/** Whether the first of a command's names is none of a database. */
const leavesOutDatabase: Readonly<Record<string, (names: readonly string[]) => boolean>> = {
  // Of several databases all are published.
  publish: ({ length }) => length === 0 && findProject()?.targets === undefined,
  logs: ({ length }) => length === 0,
  delete: ({ length }) => length === 0,
  lock: ({ length }) => length === 0,
  unlock: ({ length }) => length === 0,
  mcp: ({ length }) => length === 0,
  // Any name may be a function's: within a project another database is asked from outside of it.
  call: () => true,
  sql: ({ length, 0: first = "" }) => length === 0 || (length === 1 && isStatement(first)),
  subscribe: ({ 0: first = "" }) => isStatement(first),
  describe: ({ length, 0: first = "" }) =>
    length === 0 || ["table", "reducer", "procedure", "view", "handler"].includes(first),
};

const isStatement = (text: string): boolean => /\s/.test(text.trim());

function readProject(path: string, text: string): Project {
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch (error) {
    throw new CliFailure(`${path} is no JSON`, { cause: error, hint: example, exitCode: 2 });
  }
  if (typeof said !== "object" || said === null || Array.isArray(said))
    throw new CliFailure(`${path} holds no object`, { hint: example, exitCode: 2 });
  for (const [key, value] of Object.entries(said)) {
    if (!keys.includes(key))
      throw new CliFailure(`${path} has "${key}", which means nothing`, {
        hint: `It may have ${keys.join(", ")}.`,
        exitCode: 2,
      });
    if (typeof value !== "string" || value === "")
      throw new CliFailure(`${path}: "${key}" is no text`, { hint: example, exitCode: 2 });
  }
  const { database, module, server, schema } = said as Readonly<Record<string, string | undefined>>; // checked above
  if (database !== undefined) checkDatabaseName(database, `${path}: `);
  if (schema !== undefined && !schema.endsWith(".ts"))
    throw new CliFailure(`${path}: "schema" is no file of TypeScript`, {
      hint: 'For example: "schema": "module/built/schema.ts"',
      exitCode: 2,
    });
  const folder = dirname(path);
  return {
    folder,
    ...(database === undefined ? {} : { database }),
    ...(module === undefined ? {} : { module: resolve(folder, module) }),
    ...(server === undefined ? {} : { server }),
    ...(schema === undefined ? {} : { schema: resolve(folder, schema) }),
  };
}

const example = `For example: { "database": "todo", "module": "module", "server": "http://127.0.0.1:3000" }`;

/**
 * The databases of a project that a name means, which may have `*` in it; all without one. None where the project has no list of them.
 *
 * @throws {CliFailure} when it has, and the name is none of theirs
 */
export function targetsOf(project: Project | undefined, name: string | undefined): readonly ProjectTarget[] {
  const { targets = [] } = project ?? {};
  if (name === undefined || targets.length === 0) return targets;
  const pattern = new RegExp(`^${name.split("*").map(escaped).join(".*")}$`);
  const meant = targets.filter(({ database = "" }) => pattern.test(database));
  if (meant.length > 0) return meant;
  if (targets.length === 1) return targets.map((only) => ({ ...only, database: name }));
  const there = targets.map(({ database }) => database).join(", ");
  throw new CliFailure(`No database target matches '${name}'. Available databases: ${there}`, {
    hint: "--no-config leaves spacetime.json out.",
    exitCode: 2,
  });
}

const escaped = (text: string): string => text.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`);
