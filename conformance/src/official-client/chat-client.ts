/**
 * The official client, as bindings of the chat present it: the part of its surface that the suite uses.
 *
 * The bindings are generated into a directory of their own and imported from there, since the package's types
 * do not bear this repository's compiler settings.
 */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { generateTypeScript } from "@lightcone/codegen";
import { describeProgram } from "../../../packages/cli/src/build/describe-program.ts";

const modules = fileURLToPath(new URL("../../../node_modules", import.meta.url));

/** Where each line of the official package is installed. */
const packages = { 1: join(modules, "spacetimedb"), 2: join(modules, "spacetimedb-2") } as const;

export const hasOfficialClient: boolean = existsSync(join(packages[1], "package.json"));
export const hasOfficialClient2: boolean = existsSync(join(packages[2], "package.json"));

export interface Identity {
  toHexString(): string;
}
export interface User {
  readonly identity: Identity;
  readonly name?: string | undefined;
  readonly online: boolean;
}
export interface Message {
  readonly sender: Identity;
  readonly text: string;
}
export interface ReducerContext {
  readonly event: {
    readonly callerIdentity: Identity;
    readonly status: { readonly tag: string; readonly value?: unknown };
    readonly reducer: { readonly name: string };
  };
}
export interface RowContext {
  readonly event: { readonly tag: string };
}
interface TableHandle<Row> {
  iter(): Iterable<Row>;
  count(): bigint | number;
  onInsert(callback: (context: RowContext, row: Row) => void): void;
  onDelete(callback: (context: RowContext, row: Row) => void): void;
}
interface KeyedTableHandle<Row> extends TableHandle<Row> {
  onUpdate(callback: (context: RowContext, before: Row, after: Row) => void): void;
}
export interface SubscriptionHandle {
  unsubscribe(): void;
  unsubscribeThen(callback: () => void): void;
  isActive(): boolean;
}
interface SubscriptionBuilder {
  onApplied(callback: () => void): SubscriptionBuilder;
  onError(callback: (context: { readonly event?: Error }) => void): SubscriptionBuilder;
  subscribe(queries: string | readonly string[]): SubscriptionHandle;
}
export interface Connection {
  readonly identity: Identity | undefined;
  readonly db: { readonly user: KeyedTableHandle<User>; readonly message: TableHandle<Message> };
  readonly reducers: {
    sendMessage(args: { readonly text: string }): void;
    setName(args: { readonly name: string }): void;
    onSendMessage(callback: (context: ReducerContext, args: { readonly text: string }) => void): void;
    onSetName(callback: (context: ReducerContext, args: { readonly name: string }) => void): void;
  };
  subscriptionBuilder(): SubscriptionBuilder;
  disconnect(): void;
}
interface Builder {
  withUri(uri: string): Builder;
  withModuleName(name: string): Builder;
  withToken(token: string | undefined): Builder;
  withCompression(kind: "gzip" | "none"): Builder;
  withLightMode(on: boolean): Builder;
  withConfirmedReads(on: boolean): Builder;
  onConnect(callback: (connection: Connection, identity: Identity, token: string) => void): Builder;
  onConnectError(callback: (context: unknown, error: Error) => void): Builder;
  onDisconnect(callback: (context: unknown, error?: Error) => void): Builder;
  build(): Connection;
}
export interface Bindings {
  readonly DbConnection: { builder(): Builder };
}

/** Bindings of a program in a directory of their own. */
export class GeneratedBindings {
  private readonly directory: string;
  readonly bindings: Bindings;
  /** Their file. */
  readonly entry: string;

  private constructor(directory: string, bindings: Bindings) {
    this.directory = directory;
    this.entry = join(directory, "src", "index.ts");
    this.bindings = bindings;
  }

  static async of(bytes: Uint8Array<ArrayBuffer>, hostType: "Js" | "Wasm", sdk: 1 | 2 = 1): Promise<GeneratedBindings> {
    const directory = await mkdtemp(join(tmpdir(), "lightcone-bindings-"));
    await mkdir(join(directory, "node_modules"));
    await symlink(packages[sdk], join(directory, "node_modules", "spacetimedb"));
    await writeFile(join(directory, "package.json"), '{ "type": "module" }');
    for (const [name, text] of generateTypeScript(await describeProgram({ bytes, hostType, path: "the module" }), {
      importExtension: ".ts",
      sdk,
    })) {
      const path = join(directory, "src", name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
    }
    // What was generated for the chat has this shape; the suite would fail at once if it had not.
    const bindings: unknown = await import(pathToFileURL(join(directory, "src", "index.ts")).href);
    return new GeneratedBindings(directory, bindings as Bindings);
  }

  remove(): Promise<void> {
    return rm(this.directory, { recursive: true, force: true });
  }
}
