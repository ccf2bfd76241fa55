/** `lightcone call`: arguments as they are typed become the JSON that a call takes. */
import { specialKind, type AlgebraicType } from "@lightcone/sats";
import { fetchSchema, type FunctionShape, type SchemaShape } from "../api/schema.ts";
import { openLoggedIn, type ServerFlags } from "../api/session.ts";
import { refused, ServerApi } from "../api/server-api.ts";
import { CliFailure } from "../failure.ts";
import { typeText } from "../print/type-text.ts";
import { note, print, visible } from "../terminal.ts";
import { resolveDatabase } from "./databases.ts";

export type CallFlags = ServerFlags;

/** Names that are listed at most when one is not known. */
const listedMax = 10;

export async function call(database: string, name: string, args: readonly string[], flags: CallFlags): Promise<void> {
  const api = await openLoggedIn(flags);
  const identity = await resolveDatabase(api, database);
  const schema = await fetchSchema(api, identity);
  const called = schema.functions.find((each) => each.name === name);
  if (called === undefined) {
    const whole = `No such reducer OR procedure \`${name}\` for database \`${database}\` resolving to identity \`${identity}\`.`;
    throw new CliFailure(whole, { causes: [others(schema, name)] });
  }
  if (args.length > called.params.length) {
    note(`Warning: ${args.length - called.params.length} surplus argument(s) left out; it takes: ${signature(called)}`);
  }
  const path = ServerApi.database(identity, `/call/${encodeURIComponent(name)}`);
  const answer = await api.ask("POST", path, { body: argumentsText(called, args), contentType: "application/json" });
  if (answer.status === 400 && answer.body.startsWith("invalid arguments"))
    throw new CliFailure(
      `Invalid arguments provided for ${called.kind} \`${name}\` for database \`${database}\` resolving to identity \`${identity}\`.`,
      { causes: [answer.body, `it takes: ${signature(called)}`] },
    );
  if (answer.status >= 400) throw refused(`Calling \`${name}\` failed`, { ...answer, body: visible(answer.body) });
  if (answer.body !== "") print(answer.body);
}

/** The arguments as a JSON array; those past the declared parameters are left out. */
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

function others({ functions }: SchemaShape, name: string): string {
  const similar = functions.find((each) => distance(each.name, name) <= 3);
  if (similar !== undefined) return `A ${similar.kind} with a similar name exists: ${similar.name}`;
  const lists = (["reducer", "procedure"] as const).flatMap((kind) => {
    const names = functions.filter((each) => each.kind === kind).map((each) => `    ${each.name}`);
    if (names.length === 0) return [];
    const rest = names.length > listedMax ? [`    ... (${names.length - listedMax} ${kind}s not shown)`] : [];
    return [`Here are some existing ${kind}s:`, ...names.slice(0, listedMax), ...rest];
  });
  return lists.length === 0 ? "The database has no functions." : lists.join("\n");
}

/** How many letters must be put in, taken out or changed. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
