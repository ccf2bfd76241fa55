/** Files in memory, for tests: what is written is there, and nothing is lost. */
import type { FileHandle, FileSystem, GrowingFile, OpenMode } from "@lightcone/base";

export class MemoryFiles implements FileSystem {
  readonly files = new Map<string, Uint8Array>();
  readonly directories = new Set<string>();

  async open(path: string, mode: OpenMode): Promise<FileHandle> {
    const present = this.files.has(path);
    if (!present && !mode.startsWith("create")) throw new Error(`ENOENT: ${path}`);
    if (present && mode === "create-new") throw new Error(`EEXIST: ${path}`);
    if (!present) this.files.set(path, new Uint8Array(0));
    return this.handle(path);
  }

  openGrowing(path: string): GrowingFile {
    const addNow = (source: Uint8Array): void => {
      const before = this.files.get(path) ?? new Uint8Array(0);
      const grown = new Uint8Array(before.length + source.length);
      grown.set(before);
      grown.set(source, before.length);
      this.files.set(path, grown);
    };
    addNow(new Uint8Array(0));
    const add = async (sources: readonly Uint8Array[]): Promise<number> => {
      for (const source of sources) addNow(source);
      return sources.length;
    };
    return { addNow, add, close: async () => undefined };
  }

  private handle(path: string): FileHandle {
    const content = (): Uint8Array => this.files.get(path) ?? new Uint8Array(0);
    const write = async (source: Uint8Array, position: number): Promise<void> => {
      const before = content();
      const grown = new Uint8Array(Math.max(before.length, position + source.length));
      grown.set(before);
      grown.set(source, position);
      this.files.set(path, grown);
    };
    return {
      async read(target, at, length, position) {
        const part = content().subarray(position, position + length);
        target.set(part, at);
        return part.length;
      },
      write,
      async writeMany(sources, position) {
        let at = position;
        for (const source of sources) {
          await write(source, at);
          at += source.length;
        }
      },
      datasync: async () => undefined,
      truncate: async (length) => void this.files.set(path, content().slice(0, length)),
      size: async () => content().length,
      close: async () => undefined,
    };
  }

  async rename(from: string, to: string): Promise<void> {
    this.files.set(to, this.files.get(from) ?? new Uint8Array(0));
    this.files.delete(from);
  }
  async remove(path: string): Promise<void> {
    if (!this.files.delete(path)) throw new Error(`not a file: ${path}`);
  }
  async makeDirectory(path: string): Promise<void> {
    this.directories.add(path);
  }
  async removeDirectory(path: string): Promise<void> {
    this.directories.delete(path);
  }
  async list(path: string): Promise<readonly string[]> {
    const names = [...this.files.keys(), ...this.directories]
      .filter((entry) => entry.startsWith(`${path}/`))
      .map((entry) => entry.slice(path.length + 1).split("/")[0] ?? "");
    return [...new Set(names)];
  }
  async exists(path: string): Promise<boolean> {
    return this.files.has(path) || this.directories.has(path);
  }
  async syncDirectory(): Promise<void> {}
  async freeBytes(): Promise<number> {
    return Infinity;
  }
  freeBytesNow(): number {
    return Infinity;
  }
}
