/**
 * `rerun`: runs the calls of a database's log again, and says which row differs first. With the server stopped; it works on a copy,
 * and changes nothing.
 */
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isLightconeError, LightconeError, realClock } from "@lightcone/base";
import { realFileSystem } from "@lightcone/base/node";
import {
  differenceText,
  rerunCalls,
  titleOf,
  type OtherKind,
  type RerunOptions,
  type RerunReport,
} from "@lightcone/database";
import { fromHex, Timestamp } from "@lightcone/sats";
import { CliFailure } from "../failure.ts";
import { findDatabase, lockData } from "../server/data-directory.ts";
import { print } from "../terminal.ts";

export interface RerunFlags {
  readonly from?: string | undefined;
  readonly list?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly dataDir?: string | undefined;
}

export async function rerun(database: string, flags: RerunFlags, dataDefault: string): Promise<void> {
  const from = readOffset("--from", flags.from, "the offset of the first call to run again");
  const before: RerunOptions["before"] = (call, offset) => {
    const time = new Timestamp(BigInt(call.timestampMicros)).toDate().toISOString();
    print(`${String(offset).padStart(8)}  ${time}  ${titleOf(call)}`);
  };
  const report = await rerunCopy(database, flags.dataDir ?? dataDefault, {
    from,
    before: flags.list ? before : undefined,
  });
  if (report.lastOffset < (from ?? 0)) throw pastTheEnd(report, from ?? 0);
  print(flags.json ? JSON.stringify({ ...report, difference: report.difference ?? null }) : textOf(report));
  failIfOther(report);
}

export function pastTheEnd({ lastOffset }: RerunReport, offset: number): CliFailure {
  return new CliFailure(`the log ends at offset ${lastOffset}, before ${offset}`, {
    hint: "`lightcone rerun --list` shows the calls with their offsets.",
  });
}

/** Runs calls of a copy of a database's log again. */
export async function rerunCopy(
  database: string,
  dataDirectory: string,
  which: Pick<RerunOptions, "from" | "to" | "before">,
): Promise<RerunReport> {
  if (!existsSync(dataDirectory))
    throw new CliFailure(`there is no data in ${dataDirectory}`, { hint: "Name the server's data with --data-dir." });
  const copy = mkdtempSync(join(tmpdir(), "lightcone-rerun-"));
  let original = dataDirectory;
  try {
    const lock = await lockData(dataDirectory);
    let identityHex: string;
    try {
      const { identity, directory } = await findDatabase(dataDirectory, database);
      identityHex = identity.hex;
      original = join(dataDirectory, directory);
      for (const part of ["log", "snapshots"]) cpSync(join(original, part), join(copy, part), { recursive: true });
    } finally {
      await lock.release();
    }
    return await rerunCalls({
      fileSystem: realFileSystem,
      clock: realClock,
      directory: copy,
      identity: fromHex(identityHex).reverse(),
      ...which,
    });
  } catch (error) {
    if (!isLightconeError(error, "Corrupt")) throw error;
    // The copy goes: what is damaged is the file that it was made of.
    const file = error.detail.file.replace(copy, () => original);
    throw new LightconeError("Corrupt", { ...error.detail, file }, { cause: error });
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

export function failIfOther({ difference }: RerunReport): void {
  if (difference === undefined) return;
  throw new CliFailure(differenceText(difference), {
    hint: "What a function keeps outside of tables is lost whenever the process is replaced: keep it in a table, and take time and chance from the context.",
  });
}

export function readOffset(option: string, text: string | undefined, what: string): number | undefined {
  if (text === undefined) return undefined;
  const offset = Number(text);
  if (Number.isSafeInteger(offset) && offset >= 0) return offset;
  throw new CliFailure(`${option} takes ${what}, not ${text}`, { exitCode: 2 });
}

export const otherKinds = ["procedures", "statements", "publishes", "rest"] as const;

/** What is left out, and why. */
export const leftOut: Readonly<Record<OtherKind, string>> = {
  procedures:
    "of the transactions of procedures: the log has what they changed, and not the answers and times that they were made of",
  statements: "of the statements of releases that left no text of them in the log",
  publishes: "of the publishes that ran no function",
  rest: "of the database itself, such as clients that come and go, or of functions that the module has no more",
};

function textOf({ firstOffset, lastOffset, rerunCount, otherCount, others, ...more }: RerunReport): string {
  const { tokenCount, difference } = more;
  const lines = [
    `${rerunCount} calls were run again, from offset ${firstOffset} to ${lastOffset}; ${otherCount} other records were taken as they are${otherCount === 0 ? "." : ":"}`,
  ];
  for (const kind of otherKinds) if (others[kind] > 0) lines.push(`  ${others[kind]} ${leftOut[kind]}`);
  if (tokenCount > 0)
    lines.push(`${tokenCount} calls are left out that asked for their caller's token, which the log does not keep.`);
  if (difference === undefined) lines.push("Each changed the same rows, to the byte.");
  return lines.join("\n");
}
