/** The files for single things: a row, a type, the parameters of a function. */
import {
  isSimpleEnum,
  specialKind,
  isOption,
  isResult,
  isUnit,
  type AlgebraicType,
  type Member,
  integerKinds,
} from "@lightcone/sats";
import { isRecursive, refsIn, type Bindings, type BoundFunction, type BoundTable, type BoundType } from "./bindings.ts";
import type { ProcedureDef, ReducerDef } from "@lightcone/schema";
import { camelKeys, objectKey } from "./names.ts";
import { TypeExpressions } from "./type-expression.ts";
import type { Dialect } from "./dialect.ts";

/** The row of a table or view. */
export function tableFile(dialect: Dialect, bindings: Bindings, table: BoundTable): string {
  const types = new TypeExpressions(bindings);
  const declared = bindings.module.typespace[table.typeRef];
  const keys = camelKeys(table.columns.map((column) => column.name));
  const lines = table.columns.map((column, i) => {
    const byRef = declared?.kind === "Product" ? declared.elements[i]?.type : undefined;
    const expression = types.write(byRef ?? column.type);
    const key = keys[i] ?? column.name;
    const isKey = i === table.primaryKey && mayBeKey(column.type);
    const isRenamed = key !== column.name && mayBeNamed(column.type);
    return `  ${objectKey(key)}: ${expression}${isKey ? ".primaryKey()" : ""}${isRenamed ? `.name(${JSON.stringify(column.name)})` : ""},`;
  });
  return file(dialect, types, `export default __t.row({\n${joined(lines)}});\n`);
}

const keyKinds: ReadonlySet<AlgebraicType["kind"]> = new Set([...integerKinds, "Bool", "String"]);

/** Whether the client library's builder of this type can be marked as the primary key. */
function mayBeKey(type: AlgebraicType): boolean {
  const special = specialKind(type);
  return keyKinds.has(type.kind) || (special !== undefined && special !== "ScheduleAt") || isSimpleEnum(type);
}

/** Whether that builder can be given a name. */
const mayBeNamed = (type: AlgebraicType): boolean => !isUnit(type) && !isResult(type);

/** A named type. One that leads back to itself does so through getters, whose types have to be spelled out. */
export function typeFile(dialect: Dialect, bindings: Bindings, bound: BoundType): string {
  const types = new TypeExpressions(bindings);
  const type = bindings.module.typespace[bound.ref] ?? { kind: "Product", elements: [] };
  const recursive = isRecursive(bindings, bound.ref);
  const builder = writeNamed(types, bound.name, type, recursive);
  const body = `const ${bound.name} = ${builder};\nexport default ${bound.name};\n`;
  return file(dialect, types, body, { own: bound, namesBuilderType: recursive });
}

function writeNamed(types: TypeExpressions, name: string, type: AlgebraicType, recursive: boolean): string {
  const isPlain = specialKind(type) === undefined && !isOption(type) && !isResult(type);
  const quoted = JSON.stringify(name);
  if (isPlain && type.kind === "Product") {
    const keys = camelKeys(type.elements.map((element, i) => element.name ?? `field${i}`));
    return `__t.object(${quoted}, {\n${writeMembers(types, type.elements, keys, recursive)}})`;
  }
  if (isPlain && type.kind === "Sum") {
    const keys = type.variants.map((variant, i) => variant.name ?? `Variant${i}`);
    if (isSimpleEnum(type)) return `__t.enum(${quoted}, [${keys.map((key) => JSON.stringify(key)).join(", ")}])`;
    return `__t.enum(${quoted}, {\n${writeMembers(types, type.variants, keys, recursive)}})`;
  }
  return types.write(type);
}

function writeMembers(
  types: TypeExpressions,
  members: readonly Member[],
  keys: readonly string[],
  recursive: boolean,
): string {
  const lines = members.map((member, i) => {
    const key = objectKey(keys[i] ?? "");
    const expression = types.write(member.type);
    if (!recursive || refsIn(member.type).length === 0) return `  ${key}: ${expression},`;
    return `  get ${key}(): __TypeBuilder<any, any> {\n    return ${expression};\n  },`;
  });
  return joined(lines);
}

/** The parameters of a reducer. */
export function reducerFile(dialect: Dialect, bindings: Bindings, bound: BoundFunction<ReducerDef>): string {
  const types = new TypeExpressions(bindings);
  return file(dialect, types, `export default ${writeParams(types, bound.def)};\n`);
}

/** The parameters and the result of a procedure. */
export function procedureFile(dialect: Dialect, bindings: Bindings, bound: BoundFunction<ProcedureDef>): string {
  const types = new TypeExpressions(bindings);
  const params = writeParams(types, bound.def);
  const returns = types.write(bound.def.returnsByRef);
  return file(dialect, types, `export const params = ${params};\nexport const returnType = ${returns};\n`);
}

function writeParams(types: TypeExpressions, def: ReducerDef | ProcedureDef): string {
  const { elements } = def.paramsByRef;
  if (elements.length === 0) return "{}";
  const keys = camelKeys(elements.map((element, i) => element.name ?? `arg${i}`));
  const lines = elements.map((element, i) => `  ${objectKey(keys[i] ?? "")}: ${types.write(element.type)},`);
  return `{\n${joined(lines)}}`;
}

const joined = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join("");

interface FileParts {
  /** The type that the file is of: it does not import itself. */
  readonly own?: BoundType;
  readonly namesBuilderType?: boolean;
}

/** Head, imports, body. */
function file(dialect: Dialect, types: TypeExpressions, body: string, parts: FileParts = {}): string {
  const values = [
    ...(body.includes("__t.") ? ["t as __t"] : []),
    ...(parts.namesBuilderType === true ? ["type TypeBuilder as __TypeBuilder"] : []),
  ];
  const imports = [
    ...(values.length === 0 ? [] : [`import { ${values.join(", ")} } from ${JSON.stringify(dialect.packageName)};\n`]),
    ...types
      .imports()
      .filter((type) => type !== parts.own)
      .map((type) => `import ${type.name} from "./${type.file}${dialect.importExtension}";\n`),
  ];
  return `${dialect.header}${imports.join("")}${imports.length === 0 ? "" : "\n"}${body}`;
}
