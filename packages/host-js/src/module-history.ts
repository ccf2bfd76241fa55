/** What a bundle says of the versions before it. */
import type { ModuleHistory, Renaming } from "@lightcone/schema";
import { fullName, withAllBelow, type Part } from "./parts.ts";
import { wrong } from "./shape-reader.ts";

/** @throws {LightconeError} `SchemaInvalid` when more than one function migrates */
export function historyOf(part: Part): ModuleHistory {
  const renamings = withAllBelow(part).flatMap((each) =>
    each.shape.tables.flatMap(({ key, was, isOld, columns }): Renaming[] => {
      const table = fullName(each, key);
      return [
        ...(was === undefined ? [] : [{ table, was: fullName(each, was), isOld }]),
        ...columns.flatMap((column) =>
          column.was === undefined ? [] : [{ table, column: column.name, was: column.was }],
        ),
      ];
    }),
  );
  const [first, second] = withAllBelow(part).flatMap((each) =>
    each.shape.reducers.filter(({ migrates }) => migrates).map(({ exportName }) => fullName(each, exportName)),
  );
  if (second !== undefined) wrong(`\`${first}\` and \`${second}\` both migrate: a module has one such function`);
  return { renamings, migrate: first };
}
