/**
 * The project file of the reference's command line, `spacetime.json`: what of it means something here. The keys of
 * `spacetime.local.json` go before it, and those of an environment's files (`--env NAME`) before these. They are JSON5.
 *
 * A project may have several databases, within each other under `children`: what one does not say itself it has from the one around it,
 * but for its database, its bindings and its own children.
 */
import { join, resolve } from "node:path";
import { CliFailure } from "../failure.ts";
import { readIfThere } from "./read-if-there.ts";

/** One set of bindings that a project wants. */
export interface BindingsWanted {
  readonly lang: string;
  /** A whole path. */
  readonly outDir: string;
  readonly includePrivate: boolean;
}

/** One of a project's databases. */
export interface ProjectTarget {
  readonly database?: string;
  /** The module's folder, as a whole path. */
  readonly module?: string;
  readonly server?: string;
  /** A module that is built already. */
  readonly binPath?: string;
  readonly jsPath?: string;
  readonly generate?: readonly BindingsWanted[];
}

export interface SpacetimeProject extends ProjectTarget {
  readonly folder: string;
  /** The file that a page's version is written to, as a whole path (`schema-file.ts`). */
  readonly schema?: string;
  /** What `dev` runs beside the module. */
  readonly run?: string;
  /** All of its databases, where it has children; the outer ones first. */
  readonly targets?: readonly ProjectTarget[];
}

type Said = ReadonlyMap<string, unknown>;

/** @param env whose files are read as well @throws {CliFailure} when a file does not read */
export function readSpacetimeProject(folder: string, env?: string): SpacetimeProject | undefined {
  const layers = ["spacetime.json", "spacetime.local.json"];
  if (env !== undefined) layers.push(`spacetime.${env}.json`, `spacetime.${env}.local.json`);
  const found = layers.flatMap((name) => {
    const path = join(folder, name);
    const text = readIfThere(path);
    return text === undefined ? [] : [{ path, said: readObject(path, text) }];
  });
  const last = found.at(-1);
  if (last === undefined) return undefined;
  const said = new Map(found.flatMap((layer) => Object.entries(layer.said)));
  const targets = readTargets({ path: last.path, folder }, said, {});
  const [root = {}] = targets;
  const run = runIn(last.path, said.get("dev"));
  return {
    folder,
    ...root,
    ...given({ run }),
    ...(said.has("children") ? { targets: targets.filter(isOfDatabase) } : {}),
  };
}

function runIn(path: string, dev: unknown): string | undefined {
  if (dev === undefined) return undefined;
  const run: unknown = typeof dev === "object" && dev !== null ? Reflect.get(dev, "run") : null;
  if (run === undefined || typeof run === "string") return run;
  throw new CliFailure(`${path}: "dev" is an object with "run"`, { exitCode: 2 });
}

const isOfDatabase = ({ database }: ProjectTarget): boolean => database !== undefined;

interface Place {
  readonly path: string;
  readonly folder: string;
}

/** What an object says, then what its children do. @param around what holds unless it says otherwise */
function readTargets(place: Place, said: Said, around: ProjectTarget): readonly ProjectTarget[] {
  const { path, folder } = place;
  const text = (key: string): string | undefined => {
    const value = said.get(key);
    if (value === undefined || (typeof value === "string" && value !== "")) return value;
    throw new CliFailure(`${path}: "${key}" is no text`, { exitCode: 2 });
  };
  const inFolder = (key: string): string | undefined => {
    const value = text(key);
    return value === undefined ? undefined : resolve(folder, value);
  };
  const [module, binPath, jsPath] = [inFolder("module-path"), inFolder("bin-path"), inFolder("js-path")];
  const own = given({ module, binPath, jsPath });
  const { module: aroundModule, binPath: aroundBin, jsPath: aroundJs } = around;
  // Whoever names one has none of the others.
  const program =
    Object.keys(own).length > 0 ? own : given({ module: aroundModule, binPath: aroundBin, jsPath: aroundJs });
  const inherited = { ...given({ server: text("server") ?? around.server }), ...program };
  const target: ProjectTarget = {
    ...given({ database: text("database") }),
    ...inherited,
    ...(said.has("generate") ? { generate: readBindings(path, folder, said.get("generate")) } : {}),
  };
  return [target, ...childrenOf(path, said).flatMap((child) => readTargets(place, child, inherited))];
}

function childrenOf(path: string, said: Said): readonly Said[] {
  const children = said.get("children") ?? [];
  if (Array.isArray(children) && children.every((each) => typeof each === "object" && each !== null))
    return children.map((each: object) => new Map(Object.entries(each)));
  throw new CliFailure(`${path}: "children" is a list of objects`, { exitCode: 2 });
}

/** Without what is not given. */
function given<Key extends string>(values: Readonly<Record<Key, string | undefined>>): Partial<Record<Key, string>> {
  const all: [string, string | undefined][] = Object.entries(values);
  return Object.fromEntries(all.filter(([, value]) => value !== undefined)) as Partial<Record<Key, string>>; // those are left out
}

function readBindings(path: string, folder: string, said: unknown): readonly BindingsWanted[] {
  const wrong = (): never => {
    throw new CliFailure(`${path}: "generate" is a list of objects with "language" and "out-dir"`, { exitCode: 2 });
  };
  if (!Array.isArray(said)) return wrong();
  return said.map((each: unknown): BindingsWanted => {
    if (typeof each !== "object" || each === null) return wrong();
    const { language, "out-dir": outDir, "include-private": includePrivate } = each as Record<string, unknown>;
    if (typeof language !== "string" || typeof outDir !== "string") return wrong();
    return { lang: language, outDir: resolve(folder, outDir), includePrivate: includePrivate === true };
  });
}

function readObject(path: string, text: string): object {
  let said: unknown;
  try {
    said = JSON.parse(plainJson(text));
  } catch (error) {
    throw new CliFailure(`${path} is no JSON5`, { cause: error, exitCode: 2 });
  }
  if (typeof said === "object" && said !== null && !Array.isArray(said)) return said;
  throw new CliFailure(`${path} holds no object`, { exitCode: 2 });
}

const text5 = String.raw`"(?:\\[^]|[^"\\])*"|'(?:\\[^]|[^'\\])*'`;
const spaceOrComment = new RegExp(String.raw`(${text5})|\/\/[^\n]*|\/\*[^]*?\*\/`, "g");
const tokens = new RegExp(String.raw`(${text5})|([A-Za-z_$][\w$]*)(?=\s*:)|,(?=\s*[}\]])`, "g");

/** JSON5 as JSON, in what people write of it: comments, commas behind the last, names and texts in other quotes or in none. */
function plainJson(text: string): string {
  const bare = text.replaceAll(spaceOrComment, (_, kept: string | undefined) => kept ?? " ");
  return bare.replaceAll(tokens, (_, quoted: string | undefined, name: string | undefined) => {
    if (name !== undefined) return JSON.stringify(name);
    if (quoted === undefined) return "";
    return quoted.startsWith("'") ? `"${quoted.slice(1, -1).replaceAll("\\'", "'").replaceAll('"', '\\"')}"` : quoted;
  });
}
