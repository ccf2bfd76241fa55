/**
 * `registry.json`: in format 1 it held the whole registry. Since format 2 it says no more than that the registry is
 * in `registry/`: so an earlier release refuses the directory, and a `registry/` that is lost is missed.
 */
import { LightconeError, isLightconeError, readWholeFile, replaceWholeFile } from "@lightcone/base";
import type { FileSystem } from "@lightcone/base";
import { UnreadableRecord, checkFormat, decodeLine, parse, readFields, registryFormat } from "./record-codec.ts";
import type { RegistryRecord } from "./state.ts";

const fileName = "registry.json";
/** What format 1 refused to read beyond. */
const fileBytesMax = 64 * 1024 * 1024;

export type Marker =
  | { readonly kind: "missing" }
  /** The registry is in `registry/`. */
  | { readonly kind: "moved" }
  /** All that an earlier release knew. */
  | { readonly kind: "earlier"; readonly record: RegistryRecord };

export async function writeMarker(files: FileSystem, dataDirectory: string): Promise<void> {
  const text = `${JSON.stringify({ format: registryFormat, registry: "registry/" })}\n`;
  await replaceWholeFile(files, `${dataDirectory}/${fileName}`, new TextEncoder().encode(text));
}

/** @throws {LightconeError} `Corrupt` · `NewerFormat` */
export async function readMarker(files: FileSystem, dataDirectory: string): Promise<Marker> {
  const path = `${dataDirectory}/${fileName}`;
  if (!(await files.exists(path))) return { kind: "missing" };
  try {
    const stored = readFields(parse(await readWholeFile(files, path, fileBytesMax)));
    checkFormat(stored["format"], path);
    return stored["format"] === 1 ? { kind: "earlier", record: readEarlier(stored) } : { kind: "moved" };
  } catch (cause) {
    if (!(cause instanceof UnreadableRecord) && !isLightconeError(cause, "LimitExceeded")) throw cause;
    throw new LightconeError("Corrupt", { file: path, at: 0, reason: cause.message }, { cause });
  }
}

function readEarlier(stored: Readonly<Record<string, unknown>>): RegistryRecord {
  const { databases, names } = stored;
  if (!Array.isArray(databases) || !Array.isArray(names)) throw new UnreadableRecord("no lists of databases and names");
  const changes = [
    ...databases.map((entry) => {
      const { host_type: hostType, initial_program: initialProgram, ...rest } = readFields(entry);
      return { ...rest, kind: "database", hostType, initialProgram };
    }),
    ...names.map((entry) => {
      const { name, owner, database } = readFields(entry);
      return { kind: "name", name, owner, database: database ?? undefined };
    }),
  ];
  return decodeLine(new TextEncoder().encode(JSON.stringify(changes)));
}
