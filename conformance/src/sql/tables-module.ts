/** Modules that are nothing but tables and their rules, from the words of `vectors/sql.json`. */
import { buildModule, op } from "@lightcone/host-wasm/testing";
import * as sats from "@lightcone/sats";
import { encodeRawV9, type RawTableV9 } from "@lightcone/schema";

export interface SketchedTable {
  readonly name: string;
  readonly access: "public" | "private";
  readonly columns: readonly (readonly [string, string])[];
  readonly unique?: readonly (readonly string[])[];
  readonly indexes?: readonly (readonly string[])[];
  readonly event?: boolean;
  /** Row-level rules. */
  readonly rls?: readonly string[];
}

const named: Readonly<Record<string, sats.AlgebraicType>> = {
  Identity: sats.identity,
  ConnectionId: sats.connectionId,
  Timestamp: sats.timestamp,
  TimeDuration: sats.timeDuration,
  Uuid: sats.uuid,
  ScheduleAt: sats.scheduleAt,
};

function typeFrom(text: string): sats.AlgebraicType {
  const generic = /^(Array|Option)<(.*)>$/.exec(text);
  const inner = typeof generic?.[2] === "string" ? typeFrom(generic[2]) : undefined;
  if (inner !== undefined) return generic?.[1] === "Array" ? sats.array(inner) : sats.option(inner);
  return named[text] ?? ({ kind: text } as sats.AlgebraicType); // the file names only types there are
}

/** A module that is nothing but the tables. */
export function moduleOf(tables: readonly SketchedTable[]): Uint8Array<ArrayBuffer> {
  const rows = tables.map(({ columns }) =>
    sats.product(Object.fromEntries(columns.map(([name, type]) => [name, typeFrom(type)]))),
  );
  const raw = tables.map(({ name, access, columns, unique = [], indexes = [] }, typeRef): RawTableV9 => {
    const positions = (of: readonly string[]): number[] =>
      of.map((each) => columns.findIndex(([column]) => column === each));
    return {
      name,
      typeRef,
      primaryKey: [],
      indexes: indexes.map((of) => ({
        name: undefined,
        accessor: undefined,
        algorithm: { kind: "btree", columns: positions(of) },
      })),
      constraints: unique.map((of) => ({ name: undefined, columns: positions(of) })),
      sequences: [],
      schedule: undefined,
      kind: "user",
      access,
    };
  });
  const description = encodeRawV9({
    version: 9,
    typespace: rows,
    types: [],
    tables: raw,
    reducers: [],
    miscExports: [],
    rowLevelRules: tables.flatMap(({ rls = [] }) => rls),
  });
  return new Uint8Array(buildModule({ description, memory: { min: 4 }, reducer: op.i32(0) }));
}
