/** Waits for changes of a folder's sources. */
import { watch } from "node:fs";
import { CliFailure } from "../failure.ts";

/** What builds and tools write themselves. */
const leftOut: ReadonlySet<string> = new Set([
  "target",
  "node_modules",
  "dist",
  "build",
  "built",
  "bin",
  "obj",
  ".git",
  ".hg",
  ".svn",
  "Cargo.lock",
]);

/** How long a folder is quiet before its changes are acted on. */
const quietMs = 300;

export class SourceWatch implements Disposable {
  private readonly watcher: ReturnType<typeof watch>;
  private wake: (() => void) | undefined;
  private timer: NodeJS.Timeout | undefined;
  private hasChanged = false;

  constructor(folder: string) {
    try {
      this.watcher = watch(folder, { recursive: true });
    } catch (error) {
      throw new CliFailure(`${folder} cannot be watched`, { cause: error });
    }
    this.watcher.on("error", () => undefined); // A folder of it is gone; the rest is watched on.
    this.watcher.on("change", (_event, name) => {
      if (
        String(name)
          .split(/[/\\]/)
          .some((part) => leftOut.has(part))
      )
        return;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => {
        this.hasChanged = true;
        this.wake?.();
      }, quietMs);
    });
  }

  /** Resolves when something changed since the last time, and nothing has for a moment. */
  async change(): Promise<void> {
    while (!this.hasChanged) await new Promise<void>((resolve) => (this.wake = resolve));
    this.hasChanged = false;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.timer);
    this.watcher.close();
  }
}
