/**
 * A program of its own, which `lightcone/testing` starts when the database of a test is to be kept. It has two words:
 *
 *   bundle   { entry }                                    → { code, description }      what the server needs of the module
 *   write    { dataDirectory, name, program, records … }  → nothing                    a data directory of that one database
 *
 * Both are JSON over standard input and output; bytes are base64. What fails is said on standard error.
 */
import { text } from "node:stream/consumers";
import { realClock } from "@lightcone/base";
import { realFileSystem } from "@lightcone/base/node";
import { markFounded, openLog } from "@lightcone/commitlog";
import { createDataDirectory } from "@lightcone/server";
import { bundleModule } from "../build/bundle.ts";
import { descriptionOf } from "../build/describe-program.ts";

interface Kept {
  readonly dataDirectory: string;
  readonly name: string;
  /** 64 hex digits each. */
  readonly identity: string;
  readonly owner: string;
  readonly program: string;
  readonly records: readonly string[];
}

const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, "base64"));

async function bundle({ entry }: { readonly entry: string }): Promise<void> {
  const { code } = await bundleModule(entry);
  const bytes = await descriptionOf({ bytes: new TextEncoder().encode(code), hostType: "Js" });
  process.stdout.write(JSON.stringify({ code, description: Buffer.from(bytes).toString("base64") }));
}

async function write({ dataDirectory, records, ...kept }: Kept): Promise<void> {
  const database = { ...kept, hostType: "js" as const, program: bytesOf(kept.program) };
  await createDataDirectory(dataDirectory, database, realClock, async (directory) => {
    const files = { fileSystem: realFileSystem, clock: realClock };
    const log = await openLog({ ...files, directory: `${directory}/log`, mustExist: false });
    try {
      for (const [offset, record] of records.entries()) {
        log.append(bytesOf(record), offset);
        if (log.isBehind) await log.whenDurable(offset);
      }
      await log.whenDurable(log.appendedOffset);
      await markFounded(realFileSystem, directory, kept.identity);
    } finally {
      await log.close();
    }
  });
}

try {
  const given: unknown = JSON.parse(await text(process.stdin));
  // The other side is `testing/src/keep.ts`.
  await (process.argv[2] === "bundle" ? bundle(given as { entry: string }) : write(given as Kept));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
