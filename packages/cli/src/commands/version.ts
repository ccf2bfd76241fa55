/** `lightcone version`. */
import { print } from "../terminal.ts";
import { version } from "../version.ts";

export function showVersion(asJson: boolean): void {
  if (asJson) print(JSON.stringify({ lightcone: version, node: process.version }));
  else print(`lightcone ${version} (Node ${process.version})`);
}
