/** The files for single types and functions. */
import { isOption, isResult, isSimpleEnum, isUnit, specialKind, type AlgebraicType } from "@lightcone/sats";
import { NameRegistry } from "../names.ts";
import {
  fieldNames,
  type RustBindings,
  type RustField,
  type RustFunction,
  type RustProcedure,
  type RustType,
} from "./rust-bindings.ts";
import { rustFile } from "./rust-file.ts";
import { pascalName, rustIdentifier, rustText } from "./rust-names.ts";
import { rowParts } from "./rust-rows.ts";
import type { RustTypes, TypePlace } from "./rust-types.ts";

const derives = "__lib::ser::Serialize, __lib::de::Deserialize, Clone, PartialEq, Debug";
const structHead = `#[derive(${derives})]\n#[sats(crate = __lib)]\n`;
const enumHead = (isSimple: boolean): string =>
  `#[derive(${derives}${isSimple ? ", Copy, Eq, Hash" : ""})]\n#[sats(crate = __lib)]\n`;

export const inModule = (name: string, module = "super::RemoteModule"): string =>
  `impl __sdk::InModule for ${name} {\n    type Module = ${module};\n}\n`;

/** What inline empty sums are. */
export const neverFile = (): string => rustFile(`${enumHead(true)}pub enum __Never {}\n\n${inModule("__Never")}`);

/** A named type, and its columns if it is a row. */
export function typeFile(bindings: RustBindings, types: RustTypes, bound: RustType): string {
  const type = bindings.module.sourceTypespace[bound.ref] ?? { kind: "Product", elements: [] };
  const declared = declaration(types, bound, type);
  return rustFile(`${declared}${rowParts(bindings, types, bound)}`);
}

function declaration(types: RustTypes, { name, ref }: RustType, type: AlgebraicType): string {
  const place: TypePlace = { root: "super::", within: ref };
  const isPlain = specialKind(type) === undefined && !isOption(type) && !isResult(type);
  if (isPlain && type.kind === "Product") {
    const identifiers = fieldNames(type.elements.map((element, at) => element.name ?? `field_${at}`));
    const fields = type.elements.map((each, at) => `    pub ${identifiers[at]}: ${types.write(each.type, place)},\n`);
    return `${structHead}pub struct ${name} {${block(fields)}}\n\n${inModule(name)}`;
  }
  if (isPlain && type.kind === "Sum") {
    const taken = new NameRegistry();
    const variants = type.variants.map((each, at) => {
      const variant = taken.claim(rustIdentifier(pascalName(each.name ?? `variant_${at}`)));
      return isUnit(each.type) ? `    ${variant},\n` : `    ${variant}(${types.write(each.type, place)}),\n`;
    });
    return `${enumHead(isSimpleEnum(type))}pub enum ${name} {${block(variants)}}\n\n${inModule(name)}`;
  }
  return `pub type ${name} = ${types.write(type, { root: "super::" })};\n`;
}

const block = (lines: readonly string[]): string => (lines.length === 0 ? "" : `\n${lines.join("")}`);

/** What a function is called with, as one value. */
function args(types: RustTypes, each: RustFunction): string {
  const fields = each.params.map(({ identifier, type }) => `    pub ${identifier}: ${types.write(type, inFile)},\n`);
  return `${structHead}pub(super) struct ${each.pascal}Args {${block(fields)}}\n\n${inModule(`${each.pascal}Args`)}\n`;
}

const inFile: TypePlace = { root: "super::" };

/** ` { a, b }`, or nothing. */
const fieldList = (params: readonly RustField[]): string =>
  params.length === 0 ? "" : ` { ${params.map(({ identifier }) => identifier).join(", ")} }`;

function paramList(types: RustTypes, params: readonly RustField[], more: readonly string[] = []): string {
  const own = params.map(({ identifier, type }) => `${identifier}: ${types.write(type, inFile)}`);
  return ["&self", ...own, ...more].map((each) => `        ${each},\n`).join("");
}

export function reducerFile(bindings: RustBindings, types: RustTypes, each: RustFunction): string {
  const { pascal, params } = each;
  const from =
    `impl ::core::convert::From<${pascal}Args> for super::Reducer {\n    fn from(args: ${pascal}Args) -> Self {\n` +
    (params.length === 0
      ? `        Self::${pascal}\n`
      : `        Self::${pascal} {\n${params.map(({ identifier }) => `            ${identifier}: args.${identifier},\n`).join("")}        }\n`) +
    "    }\n}\n\n";
  const body = bindings.sdk === 1 ? reducer1(types, each) : reducer2(types, each);
  return rustFile(`${args(types, each)}${from}${body}`);
}

function reducer2(types: RustTypes, { stem, pascal, params }: RustFunction): string {
  const name = rustIdentifier(stem);
  const result = "::core::result::Result<::core::result::Result<(), ::std::string::String>, __sdk::InternalError>";
  const callback = `__callback: impl FnOnce(&super::ReducerEventContext, ${result}) + Send + 'static`;
  const passed = [...params.map(({ identifier }) => identifier), "|_, _| {}"].join(", ");
  const then = `    fn ${stem}_then(\n${paramList(types, params, [callback])}    ) -> __sdk::Result<()>`;
  return `/// Calls the reducer of this name, once it is in scope.
pub trait ${name} {
    /// Asks the server to run the reducer. What comes of it is not heard of; see \`${stem}_then\`.
    fn ${name}(
${paramList(types, params)}    ) -> __sdk::Result<()> {
        self.${stem}_then(${passed})
    }

    /// Asks the server to run the reducer, and hears what came of it.
${then};
}

impl ${name} for super::RemoteReducers {
${then} {
        self.imp.invoke_reducer_with_callback(${pascal}Args${structFields(params)}, __callback)
    }
}
`;
}

/** A struct without fields takes braces as well. */
const structFields = (params: readonly RustField[]): string => (params.length === 0 ? " {}" : fieldList(params));

function reducer1(types: RustTypes, { stem, pascal, params, name: wireName }: RustFunction): string {
  const name = rustIdentifier(stem);
  const seen = params.map(({ type }) => `, &${types.write(type, inFile)}`).join("");
  const heard = `impl FnMut(&super::ReducerEventContext${seen}) + Send + 'static`;
  const passed = ["__ctx", ...params.map(({ identifier }) => identifier)].join(", ");
  const literal = rustText(wireName);
  const call = `    fn ${name}(\n${paramList(types, params)}    ) -> __sdk::Result<()>`;
  const on = (mut: string): string => `    fn on_${stem}(&self, ${mut}__callback: ${heard}) -> ${pascal}CallbackId`;
  return `/// A callback that hears of the reducer of this name.
pub struct ${pascal}CallbackId(__sdk::CallbackId);

/// Calls the reducer of this name, and hears of calls, once it is in scope.
pub trait ${name} {
    /// Asks the server to run the reducer.
${call};

    /// Hears of each call of the reducer that this client is told of.
${on("")};

    /// Takes a callback back.
    fn remove_on_${stem}(&self, __callback: ${pascal}CallbackId);
}

impl ${name} for super::RemoteReducers {
${call} {
        self.imp.call_reducer(${literal}, ${pascal}Args${structFields(params)})
    }

${on("mut ")} {
        ${pascal}CallbackId(self.imp.on_reducer(
            ${literal},
            ::std::boxed::Box::new(move |__ctx: &super::ReducerEventContext| {
                match &__ctx.event.reducer {
                    super::Reducer::${pascal}${fieldList(params)} => __callback(${passed}),
                    _ => unreachable!(),
                }
            }),
        ))
    }

    fn remove_on_${stem}(&self, __callback: ${pascal}CallbackId) {
        self.imp.remove_on_reducer(${literal}, __callback.0)
    }
}

/// Says how the server answers calls of the reducer, once it is in scope.
pub trait set_flags_for_${stem} {
    fn ${name}(&self, flags: __ws::CallReducerFlags);
}

impl set_flags_for_${stem} for super::SetReducerFlags {
    fn ${name}(&self, flags: __ws::CallReducerFlags) {
        self.imp.set_call_reducer_flags(${literal}, flags)
    }
}
`;
}

export function procedureFile(types: RustTypes, each: RustProcedure): string {
  const { stem, pascal, params } = each;
  const name = rustIdentifier(stem);
  const returns = types.write(each.returns, inFile);
  const result = `::core::result::Result<${returns}, __sdk::InternalError>`;
  const callback = `__callback: impl FnOnce(&super::ProcedureEventContext, ${result}) + Send + 'static`;
  const passed = [...params.map(({ identifier }) => identifier), "|_, _| {}"].join(", ");
  const then = `    fn ${stem}_then(\n${paramList(types, params, [callback])}    )`;
  return rustFile(`${args(types, each)}/// Calls the procedure of this name, once it is in scope.
pub trait ${name} {
    /// Asks the server to run the procedure. What it returns is not heard of; see \`${stem}_then\`.
    fn ${name}(
${paramList(types, params)}    ) {
        self.${stem}_then(${passed})
    }

    /// Asks the server to run the procedure, and hears what it returned.
${then};
}

impl ${name} for super::RemoteProcedures {
${then} {
        self.imp.invoke_procedure_with_callback::<_, ${returns}>(
            ${rustText(each.name)},
            ${pascal}Args${structFields(params)},
            __callback,
        )
    }
}
`);
}
