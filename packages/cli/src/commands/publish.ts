/**
 * `lightcone publish`: build, ask the server what the change would do, agree to that, send it.
 *
 * The server's word on a plan is a token; sending it along says that this plan, and no other, was agreed to.
 */
import { errorFacts } from "@lightcone/base";
import { openLoggedIn, serverAsked, serverNamed, type ServerFlags } from "../api/session.ts";
import { checkDatabaseName, notesIn, refused, ServerApi, type Answer } from "../api/server-api.ts";
import { buildModule, readPrebuilt, type Program, type ProgramFlags } from "../build/build-module.ts";
import { writeSchemaFile } from "../build/schema-file.ts";
import { findProject, targetsOf } from "../config/project.ts";
import { isLocal, isServerUrl } from "../config/servers.ts";
import { CliFailure } from "../failure.ts";
import { during, insist, note, print } from "../terminal.ts";

export interface PublishFlags extends ProgramFlags, ServerFlags {
  readonly deleteData: "always" | "on-conflict" | "ask" | "never";
  readonly breakClients?: boolean | undefined;
  /** Whether what tables and columns held that are gone may go with them. */
  readonly dropData?: boolean | undefined;
  /** Says what would be done, and does nothing. */
  readonly dryRun?: boolean | undefined;
  /** `all`, or a list of what is agreed to. */
  readonly yes?: string | undefined;
}

type Agreement = "remote" | "migrate" | "break-clients" | "skip-login" | "delete-data" | "no-owner";
const agreements: readonly string[] = [
  "all",
  ...(["remote", "migrate", "break-clients", "skip-login", "delete-data", "no-owner"] satisfies Agreement[]),
];

export type Plan = { readonly AutoMigrate: AutoMigrate } | { readonly ManualMigrate: Refused };

interface Refused {
  readonly reason: string;
  readonly is_loss_alone?: boolean;
  readonly major_version_upgrade?: boolean;
}

interface AutoMigrate {
  readonly migrate_plan: string;
  readonly break_clients: boolean;
  readonly token: string;
  readonly major_version_upgrade?: boolean;
  /** What a server adds that is asked for details. */
  readonly disconnects?: boolean;
  readonly losses?: readonly string[];
  /** The function that carries rows of old tables over. */
  readonly migrate?: string;
  readonly cost?: {
    readonly tables: readonly { readonly table: string; readonly rows: number; readonly bytes: number }[];
    readonly rows: number;
    readonly bytes: number;
    readonly milliseconds: number;
  };
}

interface Published {
  readonly Success: {
    readonly domain: string | null;
    readonly database_identity: string;
    readonly op: "created" | "updated";
  };
}

/** Publishes to a database, or to each of a project's that are meant. */
export async function publish(name: string | undefined, flags: PublishFlags): Promise<void> {
  const targets = targetsOf(findProject(), name);
  const { modulePath, projectPath, binPath, jsPath, buildOptions } = flags;
  const isOfOne = [modulePath, projectPath, binPath, jsPath, buildOptions].some((each) => (each ?? "") !== "");
  if (targets.length > 1 && isOfOne)
    throw new CliFailure("the module is named by a flag, and several databases are meant", {
      hint: `Name one of them: ${targets.map(({ database }) => database).join(", ")}.`,
      exitCode: 2,
    });
  if (targets.length === 0) return publishTo(name, flags);
  for (const { database, module, binPath: bin, jsPath: js, server } of targets) {
    print(`Publishing module ${module ?? bin ?? js ?? "."} to database '${database}'`);
    const program = isOfOne ? {} : { modulePath: module, binPath: bin, jsPath: js };
    await publishTo(database, { ...flags, ...program, server: serverAsked(flags) ?? server });
  }
}

async function publishTo(name: string | undefined, flags: PublishFlags): Promise<void> {
  const agrees = readAgreements(flags.yes);
  if (name !== undefined) checkDatabaseName(name);
  if (name === undefined && flags.dryRun === true)
    throw new CliFailure("--dry-run needs the name of the database that would be updated", { exitCode: 2 });
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
  if (flags.dryRun === true) return dryRun(api, name ?? "", program, flags);
  await publishProgram(api, name, program, flags);
}

/** Asks what publishing would do, asks whoever has to agree, and publishes. */
export async function publishProgram(
  api: ServerApi,
  name: string | undefined,
  program: Program,
  flags: PublishFlags,
): Promise<void> {
  const agrees = readAgreements(flags.yes);
  // A nickname says little without what it stands for; an address says it all.
  const named = serverNamed(flags) ?? "default server";
  print(`Uploading to ${isServerUrl(named) ? "" : `${named} => `}${api.url}`);
  if (flags.anonymous === true && (name === undefined || (await isNew(api, name))))
    await confirmOwnerless(name, agrees("no-owner"));
  const query = name === undefined ? {} : await agree(api, name, program, flags, agrees);
  if (name !== undefined && "clear" in query && flags.deleteData !== "ask")
    await confirmDestroying(name, agrees("delete-data"));
  const answer = await during("Publishing module", () => send(api, name, program, query));
  const { Success }: Published = JSON.parse(answer.body);
  const { domain, database_identity: identity } = Success;
  const what = Success.op === "created" ? "Created new" : "Updated";
  print(`${what} database with ${domain === null ? "" : `name: ${domain}, `}identity: ${identity}`);
  for (const line of notesIn(answer)) note(`Warning: ${line}`);
  await writeSchemaFile(program);
}

/** Sends a program. @throws {CliFailure} with the server's reason */
export async function send(
  api: ServerApi,
  name: string | undefined,
  program: Program,
  query: Readonly<Record<string, string>>,
): Promise<Answer> {
  const [method, path] =
    name === undefined ? (["POST", "/v1/database"] as const) : (["PUT", ServerApi.database(name)] as const);
  const answer = await api.ask(method, path, { query: { ...query, host_type: program.hostType }, body: program.bytes });
  if (answer.status === 401 && answer.body.includes("PermissionDenied"))
    throw new CliFailure(`The name ${name} belongs to another identity`, {
      hint: "Choose another name, or log in as its owner. On the server's machine `lightcone owner` names another owner.",
    });
  if (answer.status >= 400) throw refused("Publishing failed", answer);
  return answer;
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
  const plan = await askForPlan(api, name, program, flags.dropData);
  if (plan === undefined) return {}; // a new database: nobody's data or client can break
  print("Checking for breaking changes...");
  const { major_version_upgrade: isUpgrade } = "ManualMigrate" in plan ? plan.ManualMigrate : plan.AutoMigrate;
  if (isUpgrade === true) await confirmUpgrade(name, agrees("migrate"));
  if ("ManualMigrate" in plan) {
    if (flags.deleteData === "ask") return agreeToLoss(api, name, program, plan.ManualMigrate);
    print(plan.ManualMigrate.reason);
    if (flags.deleteData === "on-conflict") {
      print("Proceeding with database clear due to --delete-data=on-conflict.");
      return { clear: "true" };
    }
    print("Aborting publish due to required manual migration.");
    throw new CliFailure(
      "Aborting because publishing would require manual migration or deletion of data and --delete-data was not specified.",
      { hint: hintFor(plan.ManualMigrate) },
    );
  }
  const { break_clients: breaks, token } = plan.AutoMigrate;
  // A plan without steps is a heading alone.
  if (hasSteps(plan.AutoMigrate)) {
    print(`Nothing is changed yet. This is what publishing does:\n${plan.AutoMigrate.migrate_plan.trimEnd()}`);
    printDetails(plan.AutoMigrate);
  }
  const question = "The above changes will BREAK existing clients. Do you want to proceed?";
  if (breaks && flags.breakClients !== true)
    await insist(
      question,
      agrees("break-clients"),
      "Publishing aborted by user",
      "--break-clients, or --yes=break-clients,",
    );
  return { token, policy: "BreakClients", ...(flags.dropData === true ? { drop_data: "true" } : {}) };
}

/** Of a change that loses data: what gives up as little as the server allows, if that is wanted. */
async function agreeToLoss(
  api: ServerApi,
  name: string,
  program: Program,
  refused: Refused,
): Promise<Readonly<Record<string, string>>> {
  const refusal = `${name} goes on as it is: its data is kept.`;
  const plan = refused.is_loss_alone === true ? await askForPlan(api, name, program, true) : undefined;
  if (plan !== undefined && "AutoMigrate" in plan) {
    print(plan.AutoMigrate.migrate_plan.trimEnd());
    printDetails(plan.AutoMigrate);
    await insist("Go on, and lose what is named above?", false, refusal, "--drop-data");
    return { token: plan.AutoMigrate.token, policy: "BreakClients", drop_data: "true" };
  }
  print(`${refused.reason}\n${errorFacts("MigrationRefused").hint}`);
  await insist(`Delete all data of ${name}, and go on?`, false, refusal, "--delete-data=on-conflict");
  return { clear: "true" };
}

/** Clients of version 1 are not made for what a module of version 2 has. */
async function confirmUpgrade(name: string, yes: boolean): Promise<void> {
  print(
    `This takes ${name} from a module of version 1 of the official library to one of version 2.\n` +
      "Clients that were built for version 1 may not find what they use any more: names follow other rules there.",
  );
  const refusal = "Aborting because major version upgrade was not accepted.";
  await insist("Type 'upgrade' to go on", yes, refusal, "--yes=migrate", "upgrade");
}

/** `--dry-run`: what publishing would do. Fails where it would. */
async function dryRun(api: ServerApi, name: string, program: Program, flags: PublishFlags): Promise<void> {
  const plan = await askForPlan(api, name, program, flags.dropData);
  if (plan === undefined) return print(`There is no database ${name}: publishing creates it. Nothing was changed.`);
  if ("ManualMigrate" in plan) {
    print(plan.ManualMigrate.reason);
    throw new CliFailure("Publishing would be refused. Nothing was changed.", { hint: hintFor(plan.ManualMigrate) });
  }
  if (hasSteps(plan.AutoMigrate)) {
    print(plan.AutoMigrate.migrate_plan.trimEnd());
    printDetails(plan.AutoMigrate);
  } else print("No table changes, and no client breaks.");
  print("Nothing was changed: this is what publishing would do.");
}

function hasSteps({ migrate_plan: text }: AutoMigrate): boolean {
  return text.replaceAll(/[━\s]|Database Migration Plan/g, "") !== "";
}

function printDetails({ losses = [], migrate, cost, break_clients: breaks, disconnects }: AutoMigrate): void {
  for (const loss of losses) print(`Lost: ${loss}`);
  if (migrate !== undefined)
    print(`Carried over by ${migrate}: the rows of old tables; those that it leaves are gone.`);
  if (cost !== undefined && cost.rows > 0) {
    const tables = cost.tables.map(({ table, rows }) => `${rows} of ${table}`).join(", ");
    print(`Rows made anew: ${tables}; ${cost.bytes} bytes, about ${cost.milliseconds} ms, in which calls wait.`);
  }
  if (breaks)
    print(disconnects === true ? "Clients: disconnected, once they were answered." : "Clients: they stay connected.");
}

/** What to do about a change that the server does not carry out. */
function hintFor({ is_loss_alone: isLossAlone }: { readonly is_loss_alone?: boolean }): string {
  return isLossAlone === true
    ? 'What was only renamed keeps its rows if the module says what it was called, as by `.was("topic")` (docs/migrations.md). To give the values up, publish with --drop-data.'
    : errorFacts("MigrationRefused").hint;
}

/** What the server would do with the program; undefined when there is no such database yet. */
export async function askForPlan(
  api: ServerApi,
  name: string,
  program: Program,
  dropsData = false,
): Promise<Plan | undefined> {
  const answer = await api.ask("POST", ServerApi.database(name, "/pre_publish"), {
    query: {
      host_type: program.hostType,
      details: "true",
      ...(dropsData ? { drop_data: "true" } : {}),
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
