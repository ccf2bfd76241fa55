/** A file's text; undefined where there is none. */
import { readFileSync } from "node:fs";
import { CliFailure } from "../failure.ts";

export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new CliFailure(`${path} cannot be read`, { cause: error });
  }
}
