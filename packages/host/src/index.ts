export * from "./host-port.ts";
export * from "./module-host.ts";
