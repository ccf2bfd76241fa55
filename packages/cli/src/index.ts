/** What tools and suites of this repository use of the command line without its commands. */
export { bundleModule } from "./build/bundle.ts";
export { hostsInProcesses } from "./server/open-host.ts";
export { runServer, type RunningServer } from "./server/run-server.ts";
export { resolveSettings } from "./server/settings.ts";
