export * from "./module-def.ts";
export * from "./raw-module-def.ts";
export { decodeModuleDef, encodeRawV10, encodeRawV9 } from "./decode-module-def.ts";
export { emptyRawV10, submoduleDepthMax } from "./raw-v10.ts";
export { descriptionFromJson } from "./description-from-json.ts";
export { checkModule } from "./check-module.ts";
export { handlerOf, methodsOf, unservedRoutes } from "./http-routes.ts";
export { readHistory, withHistory } from "./history.ts";
export type { ModuleHistory, Renaming } from "./history.ts";
export { clientBreaks } from "./client-breaks.ts";
export { disconnects, planMigration } from "./migration.ts";
export type { MigrationPlan } from "./migration.ts";
export type { AlteredTable, AutoMigration, MigrationStep, TableMigration } from "./planning.ts";
export { formatMigration } from "./format-migration.ts";
export type { PlanStyle } from "./format-migration.ts";
export { serveSchema, viewReturns } from "./serve-schema.ts";
export type { SchemaForm } from "./serve-schema.ts";
export { isWrittenByDatabase, systemTables, SystemTable } from "./system-tables.ts";
export type { SystemTableName } from "./system-tables.ts";
export {
  constraintName,
  identifierProblem,
  indexName,
  lowerCamelCase,
  pascalCase,
  scheduleName,
  sequenceName,
  snakeCase,
} from "./naming.ts";
export { Errno } from "./data-port.ts";
export type { DataPort, RowView, RowScan, ScanBound } from "./data-port.ts";
