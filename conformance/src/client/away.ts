/** A client that goes away and comes back: its line to the server is cut and mended, and what comes over it is read. */
import { connect as connectSocket, createServer, type AddressInfo, type Socket } from "node:net";
import { connect, type Client, type ConnectOptions, type WebSocketClass } from "lightcone/client";
import { lightcone } from "@lightcone/protocol";
import { expect, vi } from "vitest";
import { WebSocket } from "ws";
import type { Served } from "../served.ts";
import type * as desk from "./modules/desk.ts";

/** A network between a client and a server, which can be cut. */
export class Line {
  private readonly sockets = new Set<Socket>();
  private isCut = false;
  private readonly server = createServer((near) => {
    if (this.isCut) {
      near.destroy();
      return;
    }
    const far = connectSocket(this.farPort, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.sockets.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        this.sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  private readonly farPort: number;

  private constructor(farPort: number) {
    this.farPort = farPort;
  }

  static async to(url: string): Promise<Line> {
    const line = new Line(Number(new URL(url).port));
    await new Promise<void>((resolve) => line.server.listen(0, "127.0.0.1", resolve));
    return line;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`; // it listens on a port
  }

  cut(): void {
    this.isCut = true;
    for (const socket of this.sockets) socket.destroy();
  }

  mend(): void {
    this.isCut = false;
  }

  close(): void {
    this.cut();
    this.server.close();
  }
}

export class Away {
  readonly db: Client<typeof desk>;
  /** What was told of each table, as words. */
  readonly told: string[] = [];
  readonly errors: string[] = [];
  /** Of the notes: what a page would draw of what it is told. */
  readonly drawn = new Map<number, string>();
  private readonly line: Line;
  /** Since it was cut: bytes of messages, and their kinds. */
  bytes = 0;
  private said: lightcone.Placed[] = [];

  static async open(served: Served, database: string, options: Partial<ConnectOptions> = {}): Promise<Away> {
    return new Away(await Line.to(served.url), database, options);
  }

  constructor(line: Line, database: string, options: Partial<ConnectOptions>) {
    this.line = line;
    const opened = (socket: WebSocket): void => {
      socket.on("message", (data: ArrayBuffer | Buffer) => {
        const payload = new Uint8Array(data as ArrayBuffer); // the client asks for these
        this.bytes += payload.length;
        if (socket.protocol === "v1.bsatn.lightcone")
          this.said.push(...lightcone.decodeServerPayload(payload.subarray(1)));
      });
    };
    const Class: WebSocketClass = class extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        opened(this);
      }
    };
    this.db = connect<typeof desk>({
      uri: line.url,
      database,
      WebSocket: Class,
      onError: ({ message }) => this.errors.push(message),
      onState: () => undefined,
      ...options,
    });
    const { note, tally, room, secret, bell } = this.db.tables;
    note.onInsert(({ id, text }) => {
      expect(this.drawn.has(id)).toBe(false);
      this.drawn.set(id, text);
      this.told.push(`note +${id}`);
    });
    note.onUpdate(({ id }, { text }) => {
      this.drawn.set(id, text);
      this.told.push(`note ~${id}`);
    });
    note.onDelete(({ id }) => {
      this.drawn.delete(id);
      this.told.push(`note -${id}`);
    });
    tally.onInsert(({ number }) => this.told.push(`tally +${number}`));
    tally.onDelete(({ number }) => this.told.push(`tally -${number}`));
    room.onInsert(({ id }) => this.told.push(`room +${id}`));
    secret.onInsert(({ id }) => this.told.push(`secret +${id}`));
    bell.onInsert(({ text }) => this.told.push(`bell ${text}`));
  }

  /** Cuts the connection, and keeps the client away. */
  async cut(): Promise<void> {
    this.line.cut();
    await vi.waitFor(() => expect(this.db.state).not.toBe("open"));
    this.told.length = 0;
    this.bytes = 0;
    this.said = [];
  }

  /** Lets it come back, and waits until it has. */
  async back(): Promise<void> {
    this.line.mend();
    await vi.waitFor(
      () => {
        this.db.retry();
        expect([this.db.state, this.errors]).toEqual(["open", []]);
      },
      { timeout: 15_000, interval: 20 },
    );
  }

  close(): void {
    this.db.close();
    this.line.close();
  }

  /** The kinds of messages since it was cut, but for answers. */
  get kinds(): readonly string[] {
    return this.said.flatMap(({ message: { kind } }) => (kind === "ReducerResult" ? [] : [kind]));
  }

  /** Ids of the sets that went on when it came back; undefined when it was not asked. */
  get resumed(): readonly number[] | undefined {
    for (const { message } of this.said) if (message.kind === "Resumed") return message.sets;
    return undefined;
  }

  /** The notes as the client has them. */
  get notes(): readonly (readonly [number, string])[] {
    return this.db.tables.note
      .rows()
      .map(({ id, text }) => [id, text] as const)
      .toSorted(([a], [b]) => a - b);
  }
}
