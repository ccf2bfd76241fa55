/**
 * One attempt at a connection, and the connection that comes of it.
 *
 *   token shown ─▶ socket ─▶ the server's first message ─▶ its schema read ─▶ ready ─▶ messages … ─▶ lost or refused
 *
 * The schema is read after the first message, and a server that changes it in a way that matters ends its connections:
 * so it is the one that this connection's rows and calls go by. After `lost`, `refused` or `close` nothing is told.
 */
import { LightconeError } from "@lightcone/base";
import { ByteReader, ByteWriter } from "@lightcone/sats";
import type { Answered, Platform, Socket } from "./platform.ts";
import type { Tokens } from "./token-store.ts";
import {
  readSaid,
  subprotocols,
  versionOf,
  writeAsk,
  type Ask,
  type Greeting,
  type Said,
  type WireVersion,
} from "./wire.ts";

export interface LinkOptions {
  readonly uri: string;
  readonly database: string;
  readonly tokens: Tokens;
  readonly confirmed: boolean | undefined;
  readonly platform: Platform;
}

export interface LinkEvents {
  /** The token to connect with is known. The link is not ready before the promise has settled. */
  token(token: string | undefined): Promise<void> | undefined;
  /** The server has said who this client is to it, and by which token. */
  greeted(token: string): void;
  /** The server has told its schema. The link is not ready before the promise has settled. */
  told(schema: string): Promise<void>;
  /** It may be used. @param schema what the server tells of the database */
  ready(greeting: Greeting, schema: string): void;
  /** @throws {LightconeError} what cannot be read: `unreadable` is told */
  message(message: Said): void;
  /** A message cannot be read. The link has ended. */
  unreadable(error: LightconeError): void;
  /** There is no connection, and trying again would bring the same. */
  refused(error: LightconeError): void;
  lost(reason: string): void;
}

/** Bytes of a frame after which no message is added to it. */
const frameBytes = 64 * 1024;
/** How long an attempt may take until it is ready. */
const readyTimeoutMs = 15_000;
/** The Close of a server whose module does not want this client; its reason is the module's text. */
const refusedCode = 4403;

export class Link {
  readonly #options: LinkOptions;
  readonly #events: LinkEvents;
  readonly #out = new ByteWriter(1024);
  #socket: Socket | undefined;
  #version: WireVersion = 3;
  #greeting: Greeting | undefined;
  /** What it waits for before it is ready, besides the server. */
  #begun: Promise<void> | undefined;
  #isOver = false;
  #canSend = false;
  readonly #cancelTimeout: () => void;

  constructor(options: LinkOptions, events: LinkEvents) {
    this.#options = options;
    this.#events = events;
    const { platform, tokens } = options;
    this.#cancelTimeout = platform.clock.after(readyTimeoutMs, () =>
      this.#lost(`the server did not answer within ${readyTimeoutMs / 1000} s`),
    );
    try {
      const token = tokens.next();
      if (typeof token === "object")
        token.then(
          (given) => this.#beginAs(given),
          (error: unknown) => this.#lost(`the option \`token\` gave none: ${reasonOf(error)}`),
        );
      else this.#beginAs(token);
    } catch (error) {
      this.#refusedLater(`${tokens.isGiven ? "the option `token`" : "the token store"} failed: ${reasonOf(error)}`);
    }
  }

  #beginAs(token: string | undefined): void {
    this.#begun = this.#events.token(token);
    if (token === undefined) this.#openSocket(undefined);
    else this.#showToken(token);
  }

  /** Whether messages may be sent. */
  get isReady(): boolean {
    return this.#canSend;
  }

  /** From version 3 on, what is asked within one turn goes together. */
  send(ask: Ask): void {
    const isFirst = this.#out.length === 0;
    writeAsk(this.#out, this.#version, ask);
    if (this.#version < 3 || this.#out.length > frameBytes) this.#flush();
    else if (isFirst) queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    if (this.#out.length > 0 && !this.#isOver) this.#socket?.send(this.#out.toBytes());
    this.#out.reset();
  }

  close(): void {
    this.#flush();
    this.#isOver = true;
    this.#canSend = false;
    this.#cancelTimeout();
    this.#socket?.close();
  }

  /** Asks the server for the database's schema. */
  readSchema(): Promise<Answered> {
    const path = `v1/database/${encodeURIComponent(this.#options.database)}/schema?version=10&for=client`;
    return this.#options.platform.ask(this.#url(path));
  }

  /** Addresses are written down on their way: what stands in one should not be worth much for long. */
  #showToken(token: string): void {
    if (this.#isOver) return;
    this.#options.platform.ask(this.#url("v1/identity/websocket-token"), token).then(
      (answered) => this.#tokenAnswered(answered),
      (error: unknown) => this.#unanswered(error),
    );
  }

  #tokenAnswered(answered: Answered): void {
    if (this.#isOver) return;
    const { tokens, uri } = this.#options;
    if (answered.kind === "NotNow") return this.#lost(answered.reason);
    const shortLived = answered.kind === "Text" ? tokenIn(answered.text) : undefined;
    if (shortLived !== undefined) return this.#openSocket(shortLived);
    if (answered.kind === "Text" || ![400, 401, 403].includes(answered.status)) {
      const said = answered.kind === "Text" ? "without a token" : answered.status;
      return this.#refused(
        new LightconeError("BadRequest", { reason: `${uri} answered a token ${said}: is it the server?` }),
      );
    }
    if (tokens.isGiven)
      return this.#refused(new LightconeError("Unauthorized", { reason: `the option \`token\`: ${answered.reason}` }));
    // One that was kept is worth nothing to this server any more: go on as somebody new.
    tokens.forget();
    this.#openSocket(undefined);
  }

  #openSocket(shortLived: string | undefined): void {
    const { uri, database, confirmed, platform } = this.#options;
    const url = new URL(this.#url(`v1/database/${encodeURIComponent(database)}/subscribe`));
    url.protocol = url.protocol.replace("http", "ws");
    url.searchParams.set("compression", "None");
    url.searchParams.set("light", "true");
    url.searchParams.set("results", "true");
    if (confirmed !== undefined) url.searchParams.set("confirmed", String(confirmed));
    if (shortLived !== undefined) url.searchParams.set("token", shortLived);
    try {
      this.#socket = platform.openSocket(url.href, subprotocols, {
        message: (payload) => this.#receive(payload),
        closed: (code, reason) => this.#closed(code, reason),
      });
    } catch (error) {
      // Browsers refuse some addresses at once, such as `ws:` from a page that came over `https:`.
      this.#refusedLater(`no socket to ${uri}: ${reasonOf(error)}`);
    }
  }

  /** An address under the server's, which may have a path of its own. */
  #url(path: string): string {
    const base = new URL(this.#options.uri);
    base.protocol = base.protocol.replace("ws", "http");
    if (!base.pathname.endsWith("/")) base.pathname += "/";
    return new URL(path, base).href;
  }

  #receive(payload: Uint8Array): void {
    if (this.#isOver) return;
    if (this.#greeting === undefined) this.#version = versionOf(this.#socket?.protocol ?? "");
    try {
      if (payload[0] !== 0)
        throw new LightconeError("Malformed", { what: "payload", reason: "it is compressed; nothing was asked to be" });
      const input = new ByteReader(payload, "server message");
      input.at = 1;
      do {
        const { at } = input;
        const message = readSaid(input, this.#version);
        if (this.#canSend && message.kind !== "greeting") this.#events.message(message);
        else if (message.kind === "greeting" && this.#greeting === undefined) this.#greeted(message);
        else input.fail(`nothing was asked that a message of kind ${message.kind} answers`, at);
      } while (this.#version >= 3 && input.remaining > 0 && !this.#hasEnded());
    } catch (error) {
      if (!(error instanceof LightconeError)) throw error;
      if (!this.#canSend) return this.#refused(error);
      this.close();
      this.#events.unreadable(error);
    }
  }

  /** Whoever is told of a message may close the link. */
  #hasEnded(): boolean {
    return this.#isOver;
  }

  #greeted(greeting: Greeting): void {
    this.#greeting = { ...greeting, identity: greeting.identity.slice(), connectionId: greeting.connectionId.slice() };
    this.#events.greeted(greeting.token);
    const schema = this.readSchema().then(async (answered) => {
      if (answered.kind === "Text") await this.#events.told(answered.text);
      return answered;
    });
    const ready = this.#begun === undefined ? schema : Promise.all([schema, this.#begun]).then(([first]) => first);
    ready.then(
      (answered) => {
        if (this.#isOver) return;
        if (answered.kind === "NotNow") return this.#lost(answered.reason);
        if (answered.kind === "Refused") return this.#refused(refusalOf(this.#options, answered));
        this.#cancelTimeout();
        this.#canSend = true;
        this.#events.ready(this.#greeting ?? greeting, answered.text);
      },
      (error: unknown) => this.#unanswered(error),
    );
  }

  /** Nothing came back, or more than anybody wants. */
  #unanswered(error: unknown): void {
    if (error instanceof LightconeError) this.#refused(error);
    else this.#lost(`the server cannot be reached (${reasonOf(error)})`);
  }

  #closed(code: number, reason: string): void {
    if (this.#isOver) return;
    if (code === refusedCode) return this.#refused(new LightconeError("Refused", { message: reason }));
    if (code !== 1006) return this.#lost(reason === "" ? `the server closed it (code ${code})` : reason);
    if (this.#greeting !== undefined) return this.#lost("the connection broke");
    // Why there is none, a page can only learn by asking: of a refused socket it is told nothing.
    this.#socket?.close();
    this.readSchema().then(
      (answered) => {
        if (this.#isOver) return;
        if (answered.kind === "Refused") return this.#refused(refusalOf(this.#options, answered));
        if (answered.kind === "NotNow") return this.#lost(answered.reason);
        // Other servers say nothing to clients that their module refuses.
        this.#lost(
          "no connection, though the server answers: a proxy that takes no WebSockets does this, or a module that refuses",
        );
      },
      (error: unknown) => this.#unanswered(error),
    );
  }

  #lost(reason: string): void {
    if (this.#isOver) return;
    this.close();
    this.#events.lost(reason);
  }

  /** Once whoever made this link knows it. */
  #refusedLater(reason: string): void {
    queueMicrotask(() => this.#refused(new LightconeError("BadRequest", { reason })));
  }

  #refused(error: LightconeError): void {
    if (this.#isOver) return;
    this.close();
    this.#events.refused(error);
  }
}

function tokenIn(text: string): string | undefined {
  try {
    const { token }: { readonly token?: unknown } = JSON.parse(text);
    if (typeof token === "string") return token;
  } catch {
    // As one that holds no token.
  }
  return undefined;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What an answer that is final means for whoever wants to connect. */
function refusalOf(
  { uri, database }: LinkOptions,
  { status, reason }: Answered & { readonly kind: "Refused" },
): LightconeError {
  const said = reason === "" ? `the server answered ${status}` : reason;
  switch (status) {
    case 401:
      return new LightconeError("Unauthorized", { reason: said });
    case 403:
      return new LightconeError("Forbidden", { reason: said });
    case 404:
      // Other programs, and our server on a path that it has not, do not speak of databases.
      return /^(?:`|No such)/.test(reason)
        ? new LightconeError("NoSuchDatabase", { name: database })
        : new LightconeError("BadRequest", { reason: `nothing at ${uri} has databases: is its path right?` });
    default:
      return new LightconeError("BadRequest", { reason: said });
  }
}
