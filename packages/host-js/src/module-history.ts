/** What a bundle says of the versions before it. */
import type { ModuleHistory, Renaming } from "@lightcone/schema";
import { wrong } from "./shape-reader.ts";
import type { ModuleShape } from "./shapes.ts";

/** @throws {LightconeError} `SchemaInvalid` when more than one function migrates */
export function historyOf({ tables, reducers }: ModuleShape): ModuleHistory {
  const renamings = tables.flatMap(({ key, was, isOld, columns }): Renaming[] => [
    ...(was === undefined ? [] : [{ table: key, was, isOld }]),
    ...columns.flatMap((column) =>
      column.was === undefined ? [] : [{ table: key, column: column.name, was: column.was }],
    ),
  ]);
  const [first, second] = reducers.filter(({ migrates }) => migrates);
  if (second !== undefined)
    wrong(`\`${first?.exportName}\` and \`${second.exportName}\` both migrate: a module has one such function`);
  return { renamings, migrate: first?.exportName };
}
