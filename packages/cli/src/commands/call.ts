/** `lightcone call`: arguments as they are typed become the JSON that a call takes. */
import { isUnit, parseJson, resolveRefs, typeText } from "@lightcone/sats";
import { findNamed } from "../api/names.ts";
import { fetchSchema, type FunctionShape, type SchemaShape } from "../api/schema.ts";
import { openLoggedIn, type ServerFlags } from "../api/session.ts";
import { refused, ServerApi } from "../api/server-api.ts";
import { exampleText, shellWord } from "../call/example.ts";
import { argumentJson, NotAValue } from "../call/typed-text.ts";
import { CliFailure } from "../failure.ts";
import { plainJson } from "../print/plain-value.ts";
import { whatExists } from "../print/nearest.ts";
import { print, visible } from "../terminal.ts";
import { resolveDatabase } from "./databases.ts";

export type CallFlags = ServerFlags;

export async function call(database: string, name: string, args: readonly string[], flags: CallFlags): Promise<void> {
  const api = await openLoggedIn(flags);
  const identity = await resolveDatabase(api, database);
  const schema = await fetchSchema(api, identity);
  const called = findFunction(schema, name, database, identity);
  const calledBy = lifecycleWords[called.lifecycle ?? ""];
  if (calledBy !== undefined)
    throw new CliFailure(`\`${called.name}\` is called by the database alone: ${calledBy}`, {
      hint: "What is to be called at other times as well belongs into a function that a reducer of its own calls too.",
    });
  const invalid = (causes: readonly string[]): CliFailure =>
    new CliFailure(
      `Invalid arguments provided for ${called.kind} \`${called.name}\` for database \`${database}\` resolving to identity \`${identity}\`.`,
      {
        causes: [...causes, `it takes: ${signature(called)}`],
        hint: `for example: ${["lightcone call", database, called.name, ...called.params.map(exampleWord)].join(" ")}`,
      },
    );
  const missing = called.params.slice(args.length).map((each) => each.name);
  if (missing.length > 0) throw invalid([`${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} missing`]);
  const surplus = args.slice(called.params.length);
  if (surplus.length > 0)
    throw invalid([
      `${args.length} arguments where ${called.params.length === 1 ? "1 is" : `${called.params.length} are`} taken: ${surplus.join(" ")} is too much`,
    ]);
  const values = called.params.map(({ name: parameter, type }, at) => {
    try {
      return argumentJson(type, args[at] ?? "");
    } catch (error) {
      if (!(error instanceof NotAValue)) throw error;
      throw invalid([`argument \`${parameter}\` (${typeText(type)}): ${error.message}`]);
    }
  });
  const path = ServerApi.database(identity, `/call/${encodeURIComponent(called.name)}`);
  const answer = await api.ask("POST", path, { body: `[${values.join(",")}]`, contentType: "application/json" });
  if (answer.status === 400 && answer.body.startsWith("invalid arguments")) throw invalid([answer.body]);
  // The server says no more to a stranger than that there is none; the schema is told to everybody.
  if (answer.status === 404 && (called.scheduledBy !== undefined || called.isPrivate))
    throw new CliFailure(`\`${called.name}\` is for the database and its owner alone`, {
      causes: [
        ...(called.scheduledBy === undefined ? [] : [`the rows of \`${called.scheduledBy}\` run it at their times`]),
        `HTTP status ${answer.status}`,
      ],
      hint: "`lightcone login show` says who you are, `lightcone list` what is yours. What others are to call is a reducer of its own.",
    });
  if (answer.status >= 400)
    throw refused(`Calling \`${called.name}\` failed`, { ...answer, body: visible(answer.body) });
  if (answer.body !== "" && !(called.returns !== undefined && isUnit(called.returns)))
    print(resultText(called, schema, answer.body));
}

/** What it has returned, as `sql --json` shows values. */
function resultText({ returns }: FunctionShape, { typespace }: SchemaShape, body: string): string {
  return returns === undefined ? body : plainJson(resolveRefs(returns, typespace), parseJson(body, "the result"));
}

const lifecycleWords: Readonly<Record<string, string>> = {
  Init: "once, when it is made",
  OnConnect: "when a client connects",
  OnDisconnect: "when a client's connection ends",
};

/** The function of that name, which may be spelled as the module exports it. */
function findFunction(schema: SchemaShape, name: string, database: string, identity: string): FunctionShape {
  const called = findNamed(
    schema.functions.filter(({ kind }) => kind !== "view"),
    name,
  );
  if (called !== undefined) return called;
  const names = (kind: FunctionShape["kind"]) => ({
    kind,
    names: schema.functions.filter((each) => each.kind === kind).map((each) => each.name),
  });
  throw new CliFailure(
    `No such reducer OR procedure \`${name}\` for database \`${database}\` resolving to identity \`${identity}\`.`,
    { causes: [whatExists(name, [names("reducer"), names("procedure")])] },
  );
}

function exampleWord({ type }: FunctionShape["params"][number]): string {
  return shellWord(exampleText(type));
}

function signature({ name, params }: FunctionShape): string {
  return `${name}(${params.map((each) => `${each.name}: ${typeText(each.type)}`).join(", ")})`;
}
