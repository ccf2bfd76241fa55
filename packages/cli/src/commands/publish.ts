/**
 * `lightcone publish`: build, ask the server what the change would do, agree to that, send it.
 *
 * The server's word on a plan is a token; sending it along says that this plan, and no other, was agreed to.
 */
import { errorFacts } from "@lightcone/base";
import { openLoggedIn, type ServerFlags } from "../api/session.ts";
import { refused, ServerApi } from "../api/server-api.ts";
import { buildModule, readPrebuilt, type Program, type ProgramFlags } from "../build/build-module.ts";
import { isLocal, isServerUrl } from "../config/servers.ts";
import { CliFailure } from "../failure.ts";
import { during, insist, note, print } from "../terminal.ts";

export interface PublishFlags extends ProgramFlags, ServerFlags {
  readonly deleteData: "always" | "on-conflict" | "never";
  readonly breakClients?: boolean | undefined;
  /** `all`, or a list of what is agreed to. */
  readonly yes?: string | undefined;
}

type Agreement = "remote" | "migrate" | "break-clients" | "skip-login" | "delete-data" | "no-owner";
const agreements: readonly string[] = [
  "all",
  ...(["remote", "migrate", "break-clients", "skip-login", "delete-data", "no-owner"] satisfies Agreement[]),
];

export type Plan =
  | { readonly AutoMigrate: { readonly migrate_plan: string; readonly break_clients: boolean; readonly token: string } }
  | { readonly ManualMigrate: { readonly reason: string } };

interface Published {
  readonly Success: {
    readonly domain: string | null;
    readonly database_identity: string;
    readonly op: "created" | "updated";
  };
}

export async function publish(name: string | undefined, flags: PublishFlags): Promise<void> {
  const agrees = readAgreements(flags.yes);
  if (name === undefined && flags.deleteData === "always")
    throw new CliFailure("--delete-data needs the name of the database whose data goes", { exitCode: 2 });
  const api = await openLoggedIn(flags);
  const prebuilt = readPrebuilt(flags);
  if (prebuilt !== undefined)
    print(`(${prebuilt.hostType.toUpperCase()}) Skipping build. Instead we are publishing ${prebuilt.path}`);
  const program = prebuilt ?? (await buildModule(flags));
  if (!isLocal(api.url)) {
    print(`You are about to publish to a non-local server: ${new URL(api.url).hostname}`);
    await insist("Are you sure you want to proceed?", agrees("remote"), "Publish aborted by user.", "--yes=remote");
  }
  // A nickname says little without what it stands for; an address says it all.
  const named = flags.server ?? process.env["LIGHTCONE_SERVER"] ?? "default server";
  print(`Uploading to ${isServerUrl(named) ? "" : `${named} => `}${api.url}`);
  if (flags.anonymous === true && (name === undefined || (await isNew(api, name))))
    await confirmOwnerless(name, agrees("no-owner"));
  const query = name === undefined ? {} : await agree(api, name, program, flags, agrees);
  if (name !== undefined && "clear" in query) await confirmDestroying(name, agrees("delete-data"));
  const answer = await during("Publishing module", () => send(api, name, program, query));
  const { Success }: Published = JSON.parse(answer);
  const { domain, database_identity: identity } = Success;
  const what = Success.op === "created" ? "Created new" : "Updated";
  print(`${what} database with ${domain === null ? "" : `name: ${domain}, `}identity: ${identity}`);
}

/** Sends a program. @throws {CliFailure} with the server's reason */
export async function send(
  api: ServerApi,
  name: string | undefined,
  program: Program,
  query: Readonly<Record<string, string>>,
): Promise<string> {
  const [method, path] =
    name === undefined ? (["POST", "/v1/database"] as const) : (["PUT", ServerApi.database(name)] as const);
  const answer = await api.ask(method, path, { query: { ...query, host_type: program.hostType }, body: program.bytes });
  if (answer.status === 401 && answer.body.includes("PermissionDenied"))
    throw new CliFailure(`The name ${name} belongs to another identity`, {
      hint: "Choose another name, or log in as its owner. On the server's machine `lightcone owner` names another owner.",
    });
  if (answer.status >= 400) throw refused("Publishing failed", answer);
  return answer.body;
}

/** What the change would do, and whether that is wanted: the query that says so. */
async function agree(
  api: ServerApi,
  name: string,
  program: Program,
  flags: PublishFlags,
  agrees: (to: Agreement) => boolean,
): Promise<Readonly<Record<string, string>>> {
  // Of a database that is not there yet nothing is destroyed.
  if (flags.deleteData === "always") return (await isNew(api, name)) ? {} : { clear: "true" };
  const plan = await askForPlan(api, name, program);
  if (plan === undefined) return {}; // a new database: nobody's data or client can break
  print("Checking for breaking changes...");
  if ("ManualMigrate" in plan) {
    print(plan.ManualMigrate.reason);
    if (flags.deleteData === "on-conflict") {
      print("Proceeding with database clear due to --delete-data=on-conflict.");
      return { clear: "true" };
    }
    print("Aborting publish due to required manual migration.");
    throw new CliFailure(
      "Aborting because publishing would require manual migration or deletion of data and --delete-data was not specified.",
      { hint: errorFacts("MigrationRefused").hint },
    );
  }
  const { migrate_plan: text, break_clients: breaks, token } = plan.AutoMigrate;
  // A plan without steps is a heading alone.
  if (text.replaceAll(/[━\s]|Database Migration Plan/g, "") !== "")
    print(`Nothing is changed yet. This is what publishing does:\n${text.trimEnd()}`);
  const question = "The above changes will BREAK existing clients. Do you want to proceed?";
  if (breaks && flags.breakClients !== true)
    await insist(
      question,
      agrees("break-clients"),
      "Publishing aborted by user",
      "--break-clients, or --yes=break-clients,",
    );
  return { token, policy: "BreakClients" };
}

/** What the server would do with the program; undefined when there is no such database yet. */
export async function askForPlan(api: ServerApi, name: string, program: Program): Promise<Plan | undefined> {
  const answer = await api.ask("POST", ServerApi.database(name, "/pre_publish"), {
    query: {
      host_type: program.hostType,
      style: process.stdout.isTTY === true && process.env["NO_COLOR"] === undefined ? "AnsiColor" : "NoColor",
    },
    body: program.bytes,
  });
  if (answer.status === 404) return undefined;
  if (answer.status >= 400) throw refused(`Pre-publish check failed with status ${answer.status}`, answer);
  return JSON.parse(answer.body);
}

async function isNew(api: ServerApi, name: string): Promise<boolean> {
  return (await api.ask("GET", ServerApi.database(name))).status === 404;
}

/** The owner of a database is whoever has its token, and nobody keeps the one that `--anonymous` publishes with. */
async function confirmOwnerless(name: string | undefined, yes: boolean): Promise<void> {
  note(
    `With --anonymous nobody owns ${name ?? "the new database"}: nobody can publish to it again, delete it, or read its private tables and its log.\n` +
      `Without that flag it is yours. On the server's machine \`lightcone owner ${name ?? "IDENTITY"}\` gives it an owner later.`,
  );
  await insist("Create a database without an owner?", yes, "Publishing aborted by user", "--yes=no-owner");
}

async function confirmDestroying(name: string, yes: boolean): Promise<void> {
  print(`This will DESTROY the current ${name} module, and ALL corresponding data.`);
  await insist(`Are you sure you want to proceed? [deleting ${name}]`, yes, "Aborted.", "--yes=delete-data");
}

function readAgreements(list: string | undefined): (to: Agreement) => boolean {
  const given = (list ?? "").split(",").filter((each) => each !== "");
  const unknown = given.find((each) => !agreements.includes(each));
  if (unknown !== undefined)
    throw new CliFailure(`--yes: ${unknown} is none of ${agreements.join(", ")}`, { exitCode: 2 });
  return (to) => given.includes("all") || given.includes(to);
}
