/**
 * The bytes of a V10 description: an array of tagged sections, in any order, each at most once.
 *
 * An absent section is an empty one; of two with the same tag the first counts. A tag that is not known
 * here is refused: skipping it would silently leave out a part of the module.
 */
import type { ByteReader, ByteWriter } from "@lightcone/sats";
import { decodeType, encodeType } from "@lightcone/sats";
import { LightconeError } from "@lightcone/base";
import { httpMethods, type HttpMethod } from "./module-def.ts";
import {
  accesses,
  lifecycles,
  readArray,
  readChoice,
  readColumns,
  readConstraint,
  readIndex,
  readOption,
  readParams,
  readSequence,
  readString,
  readTag,
  readTypeDef,
  readTypespace,
  readView,
  tableKinds,
  writeArray,
  writeChoice,
  writeColumns,
  writeConstraint,
  writeIndex,
  writeOption,
  writeParams,
  writeSequence,
  writeString,
  writeTypeDef,
  writeTypespace,
  writeView,
} from "./raw-codec.ts";
import type {
  CasePolicy,
  RawExplicitName,
  RawHttpRoute,
  RawLifecycleV10,
  RawModuleDefV10,
  RawProcedureV10,
  RawReducerV10,
  RawScheduleV10,
  RawSubmodule,
  RawTableV10,
  RawViewPrimaryKey,
  Visibility,
} from "./raw-module-def.ts";

/** How deep submodules may stand in submodules. */
export const submoduleDepthMax = 16;

const sectionCount = 15;
const visibilities: readonly Visibility[] = ["private", "client"];
const casePolicies: readonly CasePolicy[] = ["none", "snakeCase"];
const explicitKinds: readonly RawExplicitName["kind"][] = ["table", "function", "index"];

/** What an absent section means. */
export const emptyRawV10: RawModuleDefV10 = {
  version: 10,
  typespace: [],
  types: [],
  tables: [],
  reducers: [],
  procedures: [],
  views: [],
  schedules: [],
  lifecycles: [],
  rowLevelRules: [],
  casePolicy: "snakeCase",
  explicitNames: [],
  httpHandlers: [],
  httpRoutes: [],
  viewPrimaryKeys: [],
  submodules: [],
};

/** Writes the sections that hold something, by rising tag; typespace and case policy always. */
export function writeRawV10(out: ByteWriter, raw: RawModuleDefV10): void {
  const countAt = out.reserve(4);
  let count = 0;
  const section = (tag: number, isPresent: boolean, write: () => void): void => {
    if (!isPresent) return;
    count += 1;
    out.u8(tag);
    write();
  };
  section(0, true, () => writeTypespace(out, raw.typespace));
  section(1, raw.types.length > 0, () => writeArray(out, raw.types, writeTypeDef));
  section(2, raw.tables.length > 0, () => writeArray(out, raw.tables, writeTable));
  section(3, raw.reducers.length > 0, () => writeArray(out, raw.reducers, writeReducer));
  section(4, raw.procedures.length > 0, () => writeArray(out, raw.procedures, writeProcedure));
  section(5, raw.views.length > 0, () => writeArray(out, raw.views, writeView));
  section(6, raw.schedules.length > 0, () => writeArray(out, raw.schedules, writeSchedule));
  section(7, raw.lifecycles.length > 0, () => writeArray(out, raw.lifecycles, writeLifecycle));
  section(8, raw.rowLevelRules.length > 0, () => writeArray(out, raw.rowLevelRules, writeString));
  section(9, true, () => writeChoice(out, casePolicies, raw.casePolicy));
  section(10, raw.explicitNames.length > 0, () => writeArray(out, raw.explicitNames, writeExplicitName));
  section(11, raw.httpHandlers.length > 0, () => writeArray(out, raw.httpHandlers, writeString));
  section(12, raw.httpRoutes.length > 0, () => writeArray(out, raw.httpRoutes, writeHttpRoute));
  section(13, raw.viewPrimaryKeys.length > 0, () => writeArray(out, raw.viewPrimaryKeys, writeViewPrimaryKey));
  section(14, raw.submodules.length > 0, () => writeArray(out, raw.submodules, writeSubmodule));
  out.setU32(countAt, count);
}

export function readRawV10(input: ByteReader, depth = 0): RawModuleDefV10 {
  if (depth > submoduleDepthMax) {
    throw new LightconeError("TooDeep", { what: "a module's submodules", depthMax: submoduleDepthMax });
  }
  const count = input.count(2);
  const raw = { ...emptyRawV10 };
  const seen = new Set<number>();
  for (let i = 0; i < count; i += 1) {
    const tag = input.u8();
    const section = readSection(input, tag, depth);
    if (!seen.has(tag)) Object.assign(raw, section);
    seen.add(tag);
  }
  return raw;
}

function readSection(input: ByteReader, tag: number, depth: number): Partial<RawModuleDefV10> {
  switch (tag) {
    case 0:
      return { typespace: readTypespace(input) };
    case 1:
      return { types: readArray(input, 13, readTypeDef) };
    case 2:
      return { tables: readArray(input, 31, readTable) };
    case 3:
      return { reducers: readArray(input, 11, readReducer) };
    case 4:
      return { procedures: readArray(input, 10, readProcedure) };
    case 5:
      return { views: readArray(input, 15, readView) };
    case 6:
      return { schedules: readArray(input, 11, readSchedule) };
    case 7:
      return { lifecycles: readArray(input, 5, readLifecycle) };
    case 8:
      return { rowLevelRules: readArray(input, 4, readString) };
    case 9:
      return { casePolicy: readChoice(input, "a case policy", casePolicies) };
    case 10:
      return { explicitNames: readArray(input, 9, readExplicitName) };
    case 11:
      return { httpHandlers: readArray(input, 4, readString) };
    case 12:
      return { httpRoutes: readArray(input, 9, readHttpRoute) };
    case 13:
      return { viewPrimaryKeys: readArray(input, 8, readViewPrimaryKey) };
    case 14:
      return { submodules: readArray(input, 8, (from) => readSubmodule(from, depth)) };
    default:
      return input.fail(
        `section ${tag} is not known to this release, which reads 0 to ${sectionCount - 1}`,
        input.at - 1,
      );
  }
}

function writeTable(out: ByteWriter, table: RawTableV10): void {
  out.string(table.name);
  out.u32(table.typeRef);
  writeColumns(out, table.primaryKey);
  writeArray(out, table.indexes, writeIndex);
  writeArray(out, table.constraints, writeConstraint);
  writeArray(out, table.sequences, writeSequence);
  writeChoice(out, tableKinds, table.kind);
  writeChoice(out, accesses, table.access);
  writeArray(out, table.defaults, (to, entry) => {
    to.u16(entry.column);
    to.byteArray(entry.value);
  });
  out.bool(table.isEvent);
}
function readTable(input: ByteReader): RawTableV10 {
  const name = input.string();
  const typeRef = input.u32();
  const primaryKey = readColumns(input);
  const indexes = readArray(input, 5, readIndex);
  const constraints = readArray(input, 6, readConstraint);
  const sequences = readArray(input, 22, readSequence);
  const kind = readChoice(input, "a table's kind", tableKinds);
  const access = readChoice(input, "a table's access", accesses);
  const defaults = readArray(input, 6, (from) => {
    const column = from.u16();
    const value = from.byteArray();
    return { column, value };
  });
  const isEvent = input.bool();
  return { name, typeRef, primaryKey, indexes, constraints, sequences, kind, access, defaults, isEvent };
}

function writeReducer(out: ByteWriter, reducer: RawReducerV10): void {
  out.string(reducer.name);
  writeParams(out, reducer.params);
  writeChoice(out, visibilities, reducer.visibility);
  encodeType(out, reducer.ok);
  encodeType(out, reducer.err);
}
function readReducer(input: ByteReader): RawReducerV10 {
  const name = input.string();
  const params = readParams(input);
  const visibility = readChoice(input, "a visibility", visibilities);
  const ok = decodeType(input);
  const err = decodeType(input);
  return { name, params, visibility, ok, err };
}

function writeProcedure(out: ByteWriter, procedure: RawProcedureV10): void {
  out.string(procedure.name);
  writeParams(out, procedure.params);
  encodeType(out, procedure.returns);
  writeChoice(out, visibilities, procedure.visibility);
}
function readProcedure(input: ByteReader): RawProcedureV10 {
  const name = input.string();
  const params = readParams(input);
  const returns = decodeType(input);
  const visibility = readChoice(input, "a visibility", visibilities);
  return { name, params, returns, visibility };
}

function writeSchedule(out: ByteWriter, schedule: RawScheduleV10): void {
  writeOption(out, schedule.name, writeString);
  out.string(schedule.table);
  out.u16(schedule.atColumn);
  out.string(schedule.functionName);
}
function readSchedule(input: ByteReader): RawScheduleV10 {
  const name = readOption(input, readString);
  const table = input.string();
  const atColumn = input.u16();
  const functionName = input.string();
  return { name, table, atColumn, functionName };
}

function writeLifecycle(out: ByteWriter, entry: RawLifecycleV10): void {
  writeChoice(out, lifecycles, entry.lifecycle);
  out.string(entry.functionName);
}
function readLifecycle(input: ByteReader): RawLifecycleV10 {
  const lifecycle = readChoice(input, "a lifecycle event", lifecycles);
  const functionName = input.string();
  return { lifecycle, functionName };
}

function writeExplicitName(out: ByteWriter, entry: RawExplicitName): void {
  writeChoice(out, explicitKinds, entry.kind);
  out.string(entry.sourceName);
  out.string(entry.canonicalName);
}
function readExplicitName(input: ByteReader): RawExplicitName {
  const kind = readChoice(input, "an explicit name", explicitKinds);
  const sourceName = input.string();
  const canonicalName = input.string();
  return { kind, sourceName, canonicalName };
}

function writeHttpRoute(out: ByteWriter, route: RawHttpRoute): void {
  out.string(route.handler);
  writeHttpMethod(out, route.method);
  out.string(route.path);
}
function readHttpRoute(input: ByteReader): RawHttpRoute {
  const handler = input.string();
  const method = readHttpMethod(input);
  const path = input.string();
  return { handler, method, path };
}

function writeHttpMethod(out: ByteWriter, method: HttpMethod): void {
  if (method.kind === "any") {
    out.u8(0);
    return;
  }
  out.u8(1);
  if (method.kind === "standard") {
    writeChoice(out, httpMethods, method.name);
  } else {
    out.u8(httpMethods.length);
    out.string(method.name);
  }
}
function readHttpMethod(input: ByteReader): HttpMethod {
  if (readTag(input, "a route's method", 2) === 0) return { kind: "any" };
  const name = httpMethods[readTag(input, "an HTTP method", httpMethods.length + 1)];
  return name === undefined ? { kind: "extension", name: input.string() } : { kind: "standard", name };
}

function writeViewPrimaryKey(out: ByteWriter, key: RawViewPrimaryKey): void {
  out.string(key.view);
  writeArray(out, key.columns, writeString);
}
function readViewPrimaryKey(input: ByteReader): RawViewPrimaryKey {
  const view = input.string();
  const columns = readArray(input, 4, readString);
  return { view, columns };
}

function writeSubmodule(out: ByteWriter, submodule: RawSubmodule): void {
  out.string(submodule.namespace);
  writeRawV10(out, submodule.module);
}
function readSubmodule(input: ByteReader, depth: number): RawSubmodule {
  const namespace = input.string();
  const module = readRawV10(input, depth + 1);
  return { namespace, module };
}
