/**
 * `repair`: what can be kept of a database that does not open, or of the registry, which says what databases there are;
 * and keeping it, with the server stopped. Nothing else ever gives anything up.
 */
import { isLightconeError, realClock } from "@lightcone/base";
import { lockDirectory, realFileSystem } from "@lightcone/base/node";
import { repairTo, surveyRepair } from "@lightcone/commitlog";
import { databaseStates } from "@lightcone/database";
import { clearDirectory, registryStates, replaceKeys } from "@lightcone/server";
import { CliFailure } from "../failure.ts";
import { findDatabase, lockData, openRegistry } from "../server/data-directory.ts";
import { isSound, registryText, rowsText, timeOf, waysText, type Subject } from "../print/ways.ts";
import { insist, isInteractive, print } from "../terminal.ts";

export interface RepairFlags {
  readonly cutAt?: string | undefined;
  readonly registry?: boolean | undefined;
  readonly newKeys?: boolean | undefined;
  readonly dataDir?: string | undefined;
  readonly yes?: boolean | undefined;
}

/** How long a database's process may take to be gone after its server. */
const lockWaitMs = 5000;

export async function repair(database: string | undefined, flags: RepairFlags, dataDefault: string): Promise<void> {
  const meant = [database !== undefined, flags.registry === true, flags.newKeys === true].filter(Boolean).length;
  if (meant !== 1)
    throw new CliFailure("repair takes the name of a database, or --registry, or --new-keys", { exitCode: 2 });
  const dataDirectory = flags.dataDir ?? dataDefault;
  if (!(await realFileSystem.exists(dataDirectory))) {
    throw new CliFailure(`there is no data in ${dataDirectory}`, { hint: "Name the server's data with --data-dir." });
  }
  const lock = await lockData(dataDirectory);
  try {
    if (flags.newKeys === true) await makeNewKeys(dataDirectory, flags);
    else if (database === undefined) await repairRegistry(dataDirectory, flags);
    else await repairDatabase(dataDirectory, database, flags);
  } finally {
    await lock.release();
  }
}

async function repairDatabase(dataDirectory: string, name: string, flags: RepairFlags): Promise<void> {
  const directory = `${dataDirectory}/${(await findDatabase(dataDirectory, name)).directory}`;
  if (!(await realFileSystem.exists(directory))) {
    throw new CliFailure(`nothing of ${name} is left: ${directory} is missing`, {
      hint: "Restore it from a backup, or give the database up with `lightcone delete`.",
    });
  }
  const lock = await lockDirectory(directory, { clock: realClock, waitMs: lockWaitMs });
  try {
    await repairLog(
      { what: name, command: `lightcone repair ${name}`, directory, states: databaseStates, keeps: rowsText, timeOf },
      flags,
    );
  } finally {
    await lock.release();
  }
}

async function repairRegistry(dataDirectory: string, flags: RepairFlags): Promise<void> {
  const isDone = await repairLog(
    {
      what: "the registry",
      command: "lightcone repair --registry",
      directory: `${dataDirectory}/registry`,
      states: registryStates,
      keeps: registryText,
      timeOf: undefined,
    },
    flags,
  );
  if (isDone) await spareDirectories(dataDirectory);
}

/** Shows the ways there are, and takes the one that is chosen. Whether one was. */
async function repairLog<State, Facts>(subject: Subject<State, Facts>, flags: RepairFlags): Promise<boolean> {
  const { what, command, directory, states } = subject;
  const options = { fileSystem: realFileSystem, clock: realClock, directory, states };
  const survey = await surveyRepair(options);
  const [best] = survey.ways;
  print(waysText(subject, survey));
  let offset = flags.cutAt === undefined ? undefined : readOffset(flags.cutAt);
  if (offset === undefined) {
    if (best === undefined)
      throw new CliFailure(`nothing can be kept of ${what}`, { hint: "Restore it from a backup." });
    if (isSound(survey)) return false;
    if (!isInteractive() || flags.yes === true) {
      throw new CliFailure("nothing was changed", {
        hint: `\`${command} --cut-at ${best.offset}\` takes the first way.`,
      });
    }
    offset = best.offset;
  }
  const question = `Keep ${what} as of offset ${offset}? What comes after it is lost for good.`;
  await insist(question, flags.yes === true, "Aborting");
  try {
    await repairTo(options, survey.ways, offset);
  } catch (error) {
    if (isLightconeError(error, "BadRequest"))
      throw new CliFailure(error.message, { hint: "The ways there are stand above." });
    throw error;
  }
  print(`The log of ${what} ends at offset ${offset}. Start the server again.`);
  return true;
}

function readOffset(text: string): number {
  const offset = Number(text);
  if (Number.isSafeInteger(offset) && offset >= -1) return offset;
  throw new CliFailure(`--cut-at takes the offset of the last record to keep, not ${text}`);
}

/**
 * A directory that was being filled where the registry's log was cut may since have become a database's: the next start
 * must not remove it as unfinished. It reports it, and leaves it alone.
 */
async function spareDirectories(dataDirectory: string): Promise<void> {
  const registry = await openRegistry(dataDirectory);
  for (const directory of [...registry.state.doomed]) await registry.change(clearDirectory(directory));
  await registry.close();
}

async function makeNewKeys(dataDirectory: string, flags: RepairFlags): Promise<void> {
  const question =
    "Make new signing keys? Every token of this server is worth nothing then; `lightcone owner` gives databases to new identities.";
  await insist(question, flags.yes === true, "Aborting");
  const kept = await replaceKeys(realFileSystem, dataDirectory);
  print(`New signing keys are made.${kept.length === 0 ? "" : ` The old ones are kept as ${kept.join(" and ")}.`}`);
}
