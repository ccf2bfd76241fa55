/** `lightcone call`: arguments as they are typed become the JSON that a call takes. */
import { specialKind, type AlgebraicType } from "@lightcone/sats";
import { fetchSchema, type FunctionShape } from "../api/schema.ts";
import { openLoggedIn, type ServerFlags } from "../api/session.ts";
import { refused, ServerApi } from "../api/server-api.ts";
import { CliFailure } from "../failure.ts";
import { whatExists } from "../print/nearest.ts";
import { typeText } from "../print/type-text.ts";
import { print, visible } from "../terminal.ts";
import { resolveDatabase } from "./databases.ts";

export type CallFlags = ServerFlags;

export async function call(database: string, name: string, args: readonly string[], flags: CallFlags): Promise<void> {
  const api = await openLoggedIn(flags);
  const identity = await resolveDatabase(api, database);
  const schema = await fetchSchema(api, identity);
  const called = schema.functions.find((each) => each.name === name);
  if (called === undefined) {
    const whole = `No such reducer OR procedure \`${name}\` for database \`${database}\` resolving to identity \`${identity}\`.`;
    const names = (kind: FunctionShape["kind"]) => ({
      kind,
      names: schema.functions.filter((each) => each.kind === kind).map((each) => each.name),
    });
    throw new CliFailure(whole, { causes: [whatExists(name, [names("reducer"), names("procedure")])] });
  }
  const invalid = (reason: string): CliFailure =>
    new CliFailure(
      `Invalid arguments provided for ${called.kind} \`${name}\` for database \`${database}\` resolving to identity \`${identity}\`.`,
      { causes: [reason, `it takes: ${signature(called)}`] },
    );
  const missing = called.params.slice(args.length).map((each) => each.name);
  if (missing.length > 0) throw invalid(`${missing.join(", ")} is missing`);
  const surplus = args.slice(called.params.length);
  if (surplus.length > 0)
    throw invalid(`${args.length} arguments where ${called.params.length} are taken: ${surplus.join(" ")} is too much`);
  const path = ServerApi.database(identity, `/call/${encodeURIComponent(name)}`);
  const answer = await api.ask("POST", path, { body: argumentsText(called, args), contentType: "application/json" });
  if (answer.status === 400 && answer.body.startsWith("invalid arguments")) throw invalid(answer.body);
  if (answer.status >= 400) throw refused(`Calling \`${name}\` failed`, { ...answer, body: visible(answer.body) });
  if (answer.body !== "") print(answer.body);
}

/** The arguments as a JSON array. */
export function argumentsText({ params }: FunctionShape, args: readonly string[]): string {
  const texts = params.flatMap(({ type }, at) => {
    const arg = args[at];
    return arg === undefined ? [] : [argumentText(type, arg)];
  });
  return `[${texts.join(",")}]`;
}

function argumentText(type: AlgebraicType, arg: string): string {
  if (type.kind === "String" && !(arg.length > 1 && arg.startsWith('"') && arg.endsWith('"')))
    return JSON.stringify(arg);
  if (specialKind(type) === "Identity" && /^(?:0x[\da-f]+|c200[\da-f]{60})$/i.test(arg))
    return `["${arg.startsWith("0x") ? arg : `0x${arg}`}"]`;
  return arg;
}

function signature({ name, params }: FunctionShape): string {
  return `${name}(${params.map((each) => `${each.name}: ${typeText(each.type)}`).join(", ")})`;
}
