/**
 * Records of the registry as bytes: JSON, so that a person can read what a log or a snapshot holds.
 *
 *   a record in the log     {"format":1,"changes":[…]}
 *   a snapshot              meta {"format":1}; content: per record a line with its list of changes
 *
 * A change is `{"kind":…}` with the fields of `RegistryChange`, those of a database beside it; see docs/formats/registry.md.
 */
import { LightconeError } from "@lightcone/base";
import { identityFromHex } from "../auth/identity.ts";
import type { DatabaseRecord, RegistryChange, RegistryRecord } from "./state.ts";

/** Of records, snapshots and `registry.json`, which had 1 while it held everything. */
export const registryFormat = 2;

/** Whatever is not a record of this release; `reason` says why. */
export class UnreadableRecord extends Error {
  override readonly name = "UnreadableRecord";
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

export function encodeRecord(record: RegistryRecord): Uint8Array {
  return encoder.encode(JSON.stringify({ format: registryFormat, changes: record.map(toJson) }));
}

/** @throws {UnreadableRecord} · {LightconeError} `NewerFormat` */
export function decodeRecord(bytes: Uint8Array, file: string): RegistryRecord {
  const { format, changes } = readFields(parse(bytes));
  checkFormat(format, file);
  return readChanges(changes);
}

/** What says that a snapshot is one of the registry, and in which format. */
export function snapshotMeta(): Uint8Array {
  return encoder.encode(JSON.stringify({ format: registryFormat }));
}

/** @throws {UnreadableRecord} · {LightconeError} `NewerFormat` */
export function checkSnapshotMeta(meta: Uint8Array, file: string): void {
  checkFormat(readFields(parse(meta))["format"], file);
}

export function encodeLine(record: RegistryRecord): string {
  return `${JSON.stringify(record.map(toJson))}\n`;
}

/** @throws {UnreadableRecord} */
export function decodeLine(line: Uint8Array): RegistryRecord {
  return readChanges(parse(line));
}

/** @throws {UnreadableRecord} · {LightconeError} `NewerFormat` */
export function checkFormat(format: unknown, file: string): void {
  if (typeof format !== "number") throw new UnreadableRecord("no format number");
  if (format > registryFormat) {
    throw new LightconeError("NewerFormat", { file, version: format, versionMax: registryFormat });
  }
}

function toJson(change: RegistryChange): object {
  if (change.kind !== "database") return change;
  const { identity, owner, ...rest } = change.database;
  return { kind: change.kind, identity: identity.hex, owner: owner.hex, ...rest };
}

/** @throws {UnreadableRecord} when the bytes are not JSON */
export function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    throw new UnreadableRecord("not JSON", { cause });
  }
}

/** @throws {UnreadableRecord} when it is not an object */
export function readFields(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new UnreadableRecord("not an object");
  // JSON made it, so its keys are strings and its values unknown.
  return value as Readonly<Record<string, unknown>>;
}

function readChanges(value: unknown): RegistryRecord {
  if (!Array.isArray(value)) throw new UnreadableRecord("no list of changes");
  return value.map((entry) => readChange(readFields(entry)));
}

function readChange(fields: Readonly<Record<string, unknown>>): RegistryChange {
  const { kind } = fields;
  switch (kind) {
    case "database":
      return { kind, database: readDatabase(fields) };
    case "no-database":
      return { kind, identity: readHex(fields, "identity") };
    case "name":
      return { kind, name: readText(fields, "name"), owner: readHex(fields, "owner"), database: readNamed(fields) };
    case "no-name":
      return { kind, name: readText(fields, "name") };
    case "doomed":
    case "not-doomed":
      return { kind, directory: readDirectory(fields) };
    default:
      throw new UnreadableRecord(`a change of kind ${JSON.stringify(kind)}`);
  }
}

function readDatabase(fields: Readonly<Record<string, unknown>>): DatabaseRecord {
  const identity = identityFromHex(readHex(fields, "identity"));
  const owner = identityFromHex(readHex(fields, "owner"));
  const { hostType, locked } = fields;
  if (identity === undefined || owner === undefined) throw new UnreadableRecord("a database without identity or owner");
  if (hostType !== "wasm" && hostType !== "js") throw new UnreadableRecord("a database of no known kind");
  const initialProgram = readHex(fields, "initialProgram");
  const coOwners = readCoOwners(fields["coOwners"]);
  return {
    identity,
    owner,
    coOwners,
    hostType,
    initialProgram,
    directory: readDirectory(fields),
    locked: locked === true,
  };
}

/** Records that were written before there were any have none. */
function readCoOwners(value: unknown): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || !value.every(isHex))
    throw new UnreadableRecord("`coOwners` is not a list of identities");
  return value;
}

function readNamed(fields: Readonly<Record<string, unknown>>): string | undefined {
  return fields["database"] === undefined ? undefined : readHex(fields, "database");
}

function readText(fields: Readonly<Record<string, unknown>>, key: string): string {
  const value = fields[key];
  if (typeof value !== "string") throw new UnreadableRecord(`no text in \`${key}\``);
  return value;
}

const isHex = (value: unknown): value is string => typeof value === "string" && /^[0-9a-f]{64}$/.test(value);

function readHex(fields: Readonly<Record<string, unknown>>, key: string): string {
  const value = readText(fields, key);
  if (!isHex(value)) throw new UnreadableRecord(`\`${key}\` is not 64 hex digits`);
  return value;
}

/** What stands here may be removed, so it cannot be any other place than a database's. */
function readDirectory(fields: Readonly<Record<string, unknown>>): string {
  const value = readText(fields, "directory");
  if (!/^databases\/[0-9a-f]{64}\/\d+$/.test(value)) throw new UnreadableRecord(`a directory that is no database's`);
  return value;
}
