/** What only Node has: files and processes. Apart from the package's index, which a browser loads as well. */
export * from "./real-file-system.ts";
export * from "./file-failure.ts";
export * from "./real-directory-lock.ts";
export { makeDirectoryNow } from "./real-make-directory.ts";
export * from "./watchdog.ts";
export * from "./module-promises.ts";
