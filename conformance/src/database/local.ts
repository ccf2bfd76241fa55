/** A database in this process, over files in memory and a clock that stands: for suites of what a database does. */
import { fileURLToPath } from "node:url";
import type { FileSystem } from "@lightcone/base";
import type { Watchdog } from "@lightcone/base/node";
import type { openLog } from "@lightcone/commitlog";
import { manualClock, memoryFileSystem, type ManualClock } from "@lightcone/commitlog/testing";
import {
  openDatabase,
  type Activity,
  type Caller,
  type ConnectionHandle,
  type ConnectionInfo,
  type ConnectionSink,
  type Database,
  type DatabaseLimits,
  type DatabaseLink,
  type KeptPart,
  type Reply,
  type Resume,
  type ResumeNote,
} from "@lightcone/database";
import type { HttpClient } from "@lightcone/host";
import { decodeServerMessage, encodeClientMessage, type ClientMessage, type ServerMessage } from "@lightcone/protocol";
import { ByteWriter } from "@lightcone/sats";
import { bundleModule } from "@lightcone/cli/bundle";

export const ownerIdentity: Uint8Array = new Uint8Array(32).fill(1);
const databaseIdentity = new Uint8Array(32).fill(2);
const bundles = new Map<string, Promise<Uint8Array>>();

/** The program of a TypeScript module: a path from this folder. */
export function program(path: string): Promise<Uint8Array> {
  const known = bundles.get(path);
  if (known !== undefined) return known;
  const made = bundleModule(fileURLToPath(new URL(path, import.meta.url))).then(({ code }) =>
    new TextEncoder().encode(code),
  );
  bundles.set(path, made);
  return made;
}

export interface LocalOptions {
  readonly fileSystem?: FileSystem;
  readonly clock?: ManualClock;
  readonly limits?: Partial<DatabaseLimits>;
  readonly resume?: Resume;
  readonly mustExist?: boolean;
  readonly activity?: Activity;
  readonly watchdog?: Watchdog;
  readonly openLog?: typeof openLog;
  readonly http?: HttpClient;
}

/** Opens the database in `/data` of the file system. */
export function openLocal(options: LocalOptions = {}): Promise<Database> {
  return openDatabase({
    identity: { database: databaseIdentity, owner: ownerIdentity },
    directory: "/data",
    fileSystem: options.fileSystem ?? memoryFileSystem(),
    clock: options.clock ?? manualClock(),
    sandbox: "vm",
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    ...(options.mustExist === undefined ? {} : { mustExist: options.mustExist }),
    ...(options.resume === undefined ? {} : { resume: options.resume }),
    ...(options.activity === undefined ? {} : { activity: options.activity }),
    ...(options.watchdog === undefined ? {} : { watchdog: options.watchdog }),
    ...(options.openLog === undefined ? {} : { openLog: options.openLog }),
    ...(options.http === undefined ? {} : { http: options.http }),
  });
}

export async function publish(link: DatabaseLink, path: string): Promise<Reply> {
  return link.request({ kind: "publish", program: await program(path), hostType: "js", breakClients: false });
}

/** Publishes a program that breaks clients: it is planned first, and the plan is agreed to. */
export async function publishBreaking(link: DatabaseLink, path: string): Promise<Reply> {
  const bytes = await program(path);
  const plan = await link.request({ kind: "plan", program: bytes, hostType: "js" });
  const { AutoMigrate }: { AutoMigrate: { token: string } } = JSON.parse(textOf(plan));
  const migrationToken = AutoMigrate.token;
  return link.request({ kind: "publish", program: bytes, hostType: "js", breakClients: true, migrationToken });
}

let nextConnection = 1;

/** Someone who acts: `seed` says who. */
export function makeCaller(seed: number, isOwner = false): Caller {
  const connectionId = new Uint8Array(16);
  new DataView(connectionId.buffer).setUint32(0, nextConnection++, true);
  return {
    identity: isOwner ? ownerIdentity : new Uint8Array(32).fill(seed),
    connectionId,
    claims: `{"sub":"${seed}"}`,
    isOwner,
  };
}

export async function call(
  link: DatabaseLink,
  functionName: string,
  args: string,
  caller: Caller = makeCaller(1, true),
): Promise<Reply> {
  return link.request({ kind: "call", caller, functionName, args });
}

/** Rows of a statement, in the positional form. */
export async function sql(
  link: DatabaseLink,
  text: string,
  caller: Caller = makeCaller(1, true),
): Promise<readonly (readonly unknown[])[]> {
  const reply = await link.request({ kind: "sql", caller, text, confirmed: true });
  const body = new TextDecoder().decode(reply.body);
  if (reply.status !== 200) throw new Error(body);
  const [result]: { rows: (readonly unknown[])[] }[] = JSON.parse(body);
  return result?.rows ?? [];
}

export const textOf = (reply: Reply): string => new TextDecoder().decode(reply.body);

/** A client of `v1.bsatn` without a socket. */
export class LocalClient implements ConnectionSink {
  readonly caller: Caller;
  readonly messages: ServerMessage[] = [];
  readonly queuedBytes = 0;
  closed: { readonly code: number | undefined; readonly reason: string } | undefined;
  answeredCount = 0;
  /** What it was said to be subscribed to. */
  readonly subscribed: KeptPart[] = [];
  private readonly handle: ConnectionHandle;
  private parts: Uint8Array[] = [];
  private wake: (() => void)[] = [];

  constructor(link: DatabaseLink, caller: Caller, options: Partial<ConnectionInfo> = {}) {
    this.caller = caller;
    this.handle = link.connect(
      { caller, token: "token", protocol: "v1.bsatn", compression: "none", light: false, confirmed: true, ...options },
      this,
    );
  }

  send(bytes: Uint8Array, at: number, length: number, last: boolean): void {
    this.parts.push(bytes.slice(at, at + length));
    if (!last) return;
    const message = new Uint8Array(this.parts.reduce((sum, part) => sum + part.length, 0));
    let to = 0;
    for (const part of this.parts) {
      message.set(part, to);
      to += part.length;
    }
    this.parts = [];
    this.messages.push(decodeServerMessage(message.subarray(1)));
    this.notify();
  }

  answered(messageCount: number): void {
    this.answeredCount = messageCount;
    this.notify();
  }

  note(note: ResumeNote): void {
    if (note.kind === "kept") this.subscribed.push({ message: note.message, state: note.state });
  }

  close(code: number | undefined, reason: string): void {
    this.closed = { code, reason };
    this.notify();
  }

  say(message: ClientMessage): void {
    const out = new ByteWriter();
    encodeClientMessage(out, message);
    this.handle.receive(out.toBytes(), 0, out.length, false);
  }

  sayBytes(bytes: Uint8Array): void {
    this.handle.receive(bytes, 0, bytes.length, false);
  }

  call(reducer: string, args: Uint8Array, requestId = 0, notify = true): void {
    this.say({ kind: "CallReducer", reducer, args, argsText: undefined, requestId, notify });
  }

  leave(): void {
    this.handle.closed();
  }

  /** Waits until `test` holds of this client. */
  async until(test: (client: this) => boolean): Promise<void> {
    while (!test(this)) await new Promise<void>((resolve) => this.wake.push(resolve));
  }

  /** Takes the next message out. */
  async next(): Promise<ServerMessage> {
    await this.until((client) => client.messages.length > 0 || client.closed !== undefined);
    const message = this.messages.shift();
    if (message === undefined) throw new Error(`the connection was closed: ${this.closed?.reason}`);
    return message;
  }

  private notify(): void {
    const wake = this.wake;
    this.wake = [];
    for (const each of wake) each();
  }
}
