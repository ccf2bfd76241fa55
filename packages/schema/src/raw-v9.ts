/**
 * The bytes of a V9 description:
 *
 *   typespace | tables | reducers | types | misc exports | row-level rules      each an array
 */
import type { ByteReader, ByteWriter } from "@lightcone/sats";
import { decodeType, encodeType } from "@lightcone/sats";
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
import type { RawMiscExport, RawModuleDefV9, RawReducerV9, RawScheduleV9, RawTableV9 } from "./raw-module-def.ts";

export function writeRawV9(out: ByteWriter, raw: RawModuleDefV9): void {
  writeTypespace(out, raw.typespace);
  writeArray(out, raw.tables, writeTable);
  writeArray(out, raw.reducers, writeReducer);
  writeArray(out, raw.types, writeTypeDef);
  writeArray(out, raw.miscExports, writeMiscExport);
  writeArray(out, raw.rowLevelRules, writeString);
}
export function readRawV9(input: ByteReader): RawModuleDefV9 {
  const typespace = readTypespace(input);
  const tables = readArray(input, 27, readTable);
  const reducers = readArray(input, 9, readReducer);
  const types = readArray(input, 13, readTypeDef);
  const miscExports = readArray(input, 10, readMiscExport);
  const rowLevelRules = readArray(input, 4, readString);
  return { version: 9, typespace, tables, reducers, types, miscExports, rowLevelRules };
}

function writeTable(out: ByteWriter, table: RawTableV9): void {
  out.string(table.name);
  out.u32(table.typeRef);
  writeColumns(out, table.primaryKey);
  writeArray(out, table.indexes, writeIndex);
  writeArray(out, table.constraints, writeConstraint);
  writeArray(out, table.sequences, writeSequence);
  writeOption(out, table.schedule, writeSchedule);
  writeChoice(out, tableKinds, table.kind);
  writeChoice(out, accesses, table.access);
}
function readTable(input: ByteReader): RawTableV9 {
  const name = input.string();
  const typeRef = input.u32();
  const primaryKey = readColumns(input);
  const indexes = readArray(input, 5, readIndex);
  const constraints = readArray(input, 6, readConstraint);
  const sequences = readArray(input, 22, readSequence);
  const schedule = readOption(input, readSchedule);
  const kind = readChoice(input, "a table's kind", tableKinds);
  const access = readChoice(input, "a table's access", accesses);
  return { name, typeRef, primaryKey, indexes, constraints, sequences, schedule, kind, access };
}

function writeSchedule(out: ByteWriter, schedule: RawScheduleV9): void {
  writeOption(out, schedule.name, writeString);
  out.string(schedule.functionName);
  out.u16(schedule.atColumn);
}
function readSchedule(input: ByteReader): RawScheduleV9 {
  const name = readOption(input, readString);
  const functionName = input.string();
  const atColumn = input.u16();
  return { name, functionName, atColumn };
}

function writeReducer(out: ByteWriter, reducer: RawReducerV9): void {
  out.string(reducer.name);
  writeParams(out, reducer.params);
  writeOption(out, reducer.lifecycle, (to, lifecycle) => writeChoice(to, lifecycles, lifecycle));
}
function readReducer(input: ByteReader): RawReducerV9 {
  const name = input.string();
  const params = readParams(input);
  const lifecycle = readOption(input, (from) => readChoice(from, "a lifecycle event", lifecycles));
  return { name, params, lifecycle };
}

function writeMiscExport(out: ByteWriter, misc: RawMiscExport): void {
  switch (misc.kind) {
    case "columnDefault":
      out.u8(0);
      out.string(misc.table);
      out.u16(misc.column);
      out.byteArray(misc.value);
      return;
    case "procedure":
      out.u8(1);
      out.string(misc.name);
      writeParams(out, misc.params);
      encodeType(out, misc.returns);
      return;
    case "view":
      out.u8(2);
      writeView(out, misc);
      return;
  }
}
function readMiscExport(input: ByteReader): RawMiscExport {
  switch (readTag(input, "a misc export", 3)) {
    case 0: {
      const table = input.string();
      const column = input.u16();
      const value = input.byteArray();
      return { kind: "columnDefault", table, column, value };
    }
    case 1: {
      const name = input.string();
      const params = readParams(input);
      const returns = decodeType(input);
      return { kind: "procedure", name, params, returns };
    }
    default:
      return { kind: "view", ...readView(input) };
  }
}
