export * from "./host-port.ts";
export * from "./http-records.ts";
export * from "./module-host.ts";
export * from "./procedure-port.ts";
export { Errno } from "@lightcone/schema";
export type { DataPort, RowView, RowScan, ScanBound } from "@lightcone/schema";
