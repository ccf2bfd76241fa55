/**
 * The project file of the reference's command line, `spacetime.json`, and `spacetime.local.json`, whose keys go before it: what of them
 * means something here. They are JSON5. A project with several databases (`children`) is asked for one by one.
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

export interface SpacetimeProject {
  readonly folder: string;
  readonly database?: string;
  /** The module's folder, as a whole path. */
  readonly module?: string;
  readonly server?: string;
  /** A module that is built already. */
  readonly binPath?: string;
  readonly jsPath?: string;
  readonly generate?: readonly BindingsWanted[];
}

const layers = ["spacetime.json", "spacetime.local.json"] as const;

/** @throws {CliFailure} when a file does not read */
export function readSpacetimeProject(folder: string): SpacetimeProject | undefined {
  const found = layers.flatMap((name) => {
    const path = join(folder, name);
    const text = readIfThere(path);
    return text === undefined ? [] : [{ path, said: readObject(path, text) }];
  });
  const last = found.at(-1);
  if (last === undefined) return undefined;
  const said = new Map(found.flatMap((layer) => Object.entries(layer.said)));
  const text = (key: string): string | undefined => {
    const value = said.get(key);
    if (value === undefined || (typeof value === "string" && value !== "")) return value;
    throw new CliFailure(`${last.path}: "${key}" is no text`, { exitCode: 2 });
  };
  const inFolder = (key: string): string | undefined => {
    const path = text(key);
    return path === undefined ? undefined : resolve(folder, path);
  };
  const [database, server] = [text("database"), text("server")];
  const [module, binPath, jsPath] = [inFolder("module-path"), inFolder("bin-path"), inFolder("js-path")];
  return {
    folder,
    ...(database === undefined ? {} : { database }),
    ...(server === undefined ? {} : { server }),
    ...(module === undefined ? {} : { module }),
    ...(binPath === undefined ? {} : { binPath }),
    ...(jsPath === undefined ? {} : { jsPath }),
    ...(said.has("generate") ? { generate: readBindings(last.path, folder, said.get("generate")) } : {}),
  };
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
