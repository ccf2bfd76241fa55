/** The arguments of a call, as JSON: an array in order, or an object by parameter name. */
import { LightconeError } from "@lightcone/base";
import type { ProductType, Typespace } from "../algebraic-type.ts";
import { ByteWriter } from "../byte-writer.ts";
import { JsonEncoder } from "./json-to-bsatn.ts";
import { JsonObject, parseJson } from "./json-reader.ts";
import type { JsonNode } from "./json-reader.ts";

/**
 * The BSATN of a call's arguments.
 *
 * @param functionName for the error of a wrong count
 * @throws {LightconeError} `Malformed` whose reason names the argument by position and parameter; `TooDeep`
 */
export function jsonArgsToBsatn(
  params: ProductType,
  text: string,
  functionName: string,
  typespace: Typespace = [],
): Uint8Array<ArrayBuffer> {
  const tree = parseJson(text, "arguments");
  const values = tree instanceof JsonObject ? byName(params, tree) : tree;
  if (!Array.isArray(values)) throw malformed("an array of arguments is expected, or an object by parameter name");
  const args: readonly JsonNode[] = values;
  const { elements } = params;
  if (args.length !== elements.length) {
    throw malformed(
      `invalid length ${args.length}, expected reducer args for ${functionName} with ${elements.length} elements`,
    );
  }
  const out = new ByteWriter(64);
  elements.forEach((element, index) => {
    const place = element.name === undefined ? `argument ${index}` : `argument ${index} (\`${element.name}\`)`;
    new JsonEncoder(out, typespace, place).value(element.type, args[index] as JsonNode, ""); // same length
  });
  return out.toBytes();
}

function byName(params: ProductType, tree: JsonObject): JsonNode[] {
  const repeated = tree.keys.find((key, index) => tree.keys.indexOf(key) !== index);
  if (repeated !== undefined) throw malformed(`argument \`${repeated}\` is given twice`);
  const unknown = tree.keys.find((key) => !params.elements.some((element) => element.name === key));
  if (unknown !== undefined) throw malformed(`there is no parameter \`${unknown}\``);
  return params.elements.map((element, index) => {
    const value = element.name === undefined ? undefined : tree.values[tree.keys.indexOf(element.name)];
    if (value === undefined) throw malformed(`argument ${index} (\`${element.name ?? ""}\`) is missing`);
    return value;
  });
}

function malformed(reason: string): LightconeError<"Malformed"> {
  return new LightconeError("Malformed", { what: "arguments", reason });
}
