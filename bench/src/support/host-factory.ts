/** What a bench's host process opens: the database, over the machine's files and clock. */
export { openHostDatabase } from "../../../packages/server/src/process/database-factory.ts";
