/**
 * What a client may use of a module: public tables and callable functions, under the names of the module's code.
 *
 * Nothing else leaves a name behind; entries of the typespace keep their places, those not used are unit.
 */
import { unit, type AlgebraicType, type Typespace } from "@lightcone/sats";
import type { ModuleDef, ViewDef } from "./module-def.ts";

/** A module of that part alone, to be served as any other. */
export function clientPartOf(def: ModuleDef): ModuleDef {
  const isCallable = ({ visibility }: { readonly visibility: "client" | "private" }): boolean =>
    visibility === "client";
  const tables = def.tables.filter((table) => table.access === "public");
  const reducers = def.reducers.filter((reducer) => isCallable(reducer) && reducer.lifecycle === undefined);
  const procedures = def.procedures.filter(isCallable);
  const views = def.views.filter((view) => view.isPublic);
  const used = usedEntries(def.sourceTypespace, [
    ...[...tables.flatMap(({ typeRef }) => typeRef ?? []), ...views.map(({ rowTypeRef }) => rowTypeRef)].map(
      (index): AlgebraicType => ({ kind: "Ref", index }),
    ),
    ...[...reducers, ...procedures, ...views].map(({ paramsByRef }) => paramsByRef),
    ...[...reducers, ...procedures].flatMap(({ returnsByRef }) => returnsByRef ?? []),
  ]);
  return {
    version: def.version,
    typespace: def.sourceTypespace.map((type, index) => (used.has(index) ? type : unit)),
    sourceTypespace: def.sourceTypespace,
    types: [],
    tables: tables.map((table) => ({
      ...table,
      columns: table.columns.map((column) => ({ ...column, defaultValue: undefined })),
      sequences: table.sequences,
      schedule: undefined,
    })),
    reducers,
    procedures,
    views: views.map(withSourceColumns),
    rowLevelRules: [],
    httpHandlers: [],
    httpRoutes: [],
    submodules: [],
  };
}

/** A view's key is told by its column's name. */
function withSourceColumns(view: ViewDef): ViewDef {
  return { ...view, columns: view.columns.map((column) => ({ ...column, name: column.accessor })) };
}

/** The entries of a typespace that types reach. */
function usedEntries(typespace: Typespace, types: readonly AlgebraicType[]): ReadonlySet<number> {
  const used = new Set<number>();
  const visit = (type: AlgebraicType): void => {
    switch (type.kind) {
      case "Ref": {
        const target = typespace[type.index];
        if (target === undefined || used.has(type.index)) return;
        used.add(type.index);
        return visit(target);
      }
      case "Array":
        return visit(type.element);
      case "Product":
        return type.elements.forEach((element) => visit(element.type));
      case "Sum":
        return type.variants.forEach((variant) => visit(variant.type));
      default:
    }
  };
  types.forEach(visit);
  return used;
}
