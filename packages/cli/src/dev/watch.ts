/** Waits for changes of a folder's sources. */
import { existsSync, readdirSync, statSync, watch, type FSWatcher } from "node:fs";
import { join, sep } from "node:path";
import { CliFailure, failureText } from "../failure.ts";
import { note } from "../terminal.ts";

/** What builds and tools write themselves. */
const leftOut: ReadonlySet<string> = new Set([
  "target",
  "node_modules",
  "dist",
  "build",
  "built",
  "bin",
  "obj",
  ".lightcone",
  ".git",
  ".hg",
  ".svn",
  "Cargo.lock",
]);

/** How long a folder is quiet before its changes are acted on: longer than an editor takes for the files of one save. */
const quietMs = 50;

/**
 * Folders are watched, each by itself. A file that is watched is lost when an editor saves it by putting another in its
 * place, as most do, which is what Node's recursive watch comes to on Linux.
 */
export class SourceWatch implements Disposable {
  private readonly watchers = new Map<string, FSWatcher>();
  private wake: (() => void) | undefined;
  private timer: NodeJS.Timeout | undefined;
  private hasChanged = false;

  constructor(folder: string) {
    try {
      this.enter(folder);
    } catch (error) {
      this[Symbol.dispose]();
      throw new CliFailure(`${folder} cannot be watched`, { cause: error });
    }
  }

  /** Resolves when something changed since the last time, and nothing has for a moment. */
  async change(): Promise<void> {
    while (!this.hasChanged) await new Promise<void>((resolve) => (this.wake = resolve));
    this.hasChanged = false;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.timer);
    for (const watcher of this.watchers.values()) watcher.close();
    this.watchers.clear();
  }

  /** Watches a folder and those in it. */
  private enter(folder: string): void {
    const watcher = watch(folder);
    this.watchers.set(folder, watcher);
    watcher.on("error", () => undefined); // The folder is gone; the rest is watched on.
    watcher.on("change", (event, name) => {
      const entry = String(name ?? "");
      if (leftOut.has(entry)) return;
      if (event === "rename") this.renewed(join(folder, entry));
      this.touched();
    });
    // What comes between the two is told of twice, rather than not at all.
    for (const entry of readdirSync(folder, { withFileTypes: true }))
      if (entry.isDirectory() && !leftOut.has(entry.name)) this.renewed(join(folder, entry.name));
  }

  /** Something of that path came, went, or is another now. */
  private renewed(path: string): void {
    for (const [folder, watcher] of this.watchers) {
      if (folder !== path && !folder.startsWith(`${path}${sep}`)) continue;
      watcher.close();
      this.watchers.delete(folder);
    }
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return;
    try {
      this.enter(path);
    } catch (error) {
      if (existsSync(path)) note(failureText(new CliFailure(`${path} is not watched`, { cause: error })));
    }
  }

  private touched(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.hasChanged = true;
      this.wake?.();
    }, quietMs);
  }
}
