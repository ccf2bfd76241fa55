/** A server's HTTP interface, as the commands use it. */
import { isDatabaseName } from "@lightcone/base";
import { CliFailure } from "../failure.ts";
import { version } from "../version.ts";

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Headers;
}

export interface Ask {
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: string | Uint8Array;
  readonly contentType?: string;
}

export type Method = "GET" | "POST" | "PUT" | "DELETE";

export class ServerApi {
  readonly url: string;
  readonly token: string | undefined;

  constructor(url: string, token?: string) {
    this.url = url;
    this.token = token;
  }

  /** Asks, whatever the answer's status. @throws {CliFailure} when there is no answer */
  async ask(method: Method, path: string, ask: Ask = {}): Promise<Answer> {
    const url = new URL(`${this.url}${path}`);
    for (const [name, value] of Object.entries(ask.query ?? {}))
      if (value !== undefined) url.searchParams.set(name, value);
    const gone = new AbortController();
    const settled = untilSettled(this.url, gone);
    try {
      const response = await fetch(url, {
        method,
        headers: this.headers(ask.contentType),
        signal: gone.signal,
        // The bytes are a whole array of this process, which is what a body takes.
        ...(ask.body === undefined ? {} : { body: ask.body as string | Uint8Array<ArrayBuffer> }),
      });
      return { status: response.status, body: await response.text(), headers: response.headers };
    } catch (error) {
      throw unreachable(this.url, error);
    } finally {
      settled();
    }
  }

  /** Asks for something that must succeed. @throws {CliFailure} saying `what` failed, with the answer */
  async need(what: string, method: Method, path: string, ask: Ask = {}): Promise<Answer> {
    const answer = await this.ask(method, path, ask);
    if (answer.status >= 400) throw refused(what, answer);
    return answer;
  }

  /** A database's path, with the name or identity as one segment. @throws {CliFailure} when there is no name */
  static database(name: string, rest = ""): string {
    checkDatabaseName(name);
    return `/v1/database/${encodeURIComponent(name)}${rest}`;
  }

  headers(contentType?: string): Record<string, string> {
    return {
      "user-agent": `lightcone-cli/${version}`,
      ...(this.token === undefined ? {} : { authorization: `Bearer ${this.token}` }),
      ...(contentType === undefined ? {} : { "content-type": contentType }),
    };
  }
}

/** A name as servers take it, or an identity. @param where it stands @throws {CliFailure} with the rule */
export function checkDatabaseName(name: string, where = ""): void {
  if (isDatabaseName(name)) return;
  const what = name === "" ? "the name of the database is empty" : `${JSON.stringify(name)} can be no database's name`;
  throw new CliFailure(`${where}${what}`, { hint: nameRule, exitCode: 2 });
}

/** What the server says beside its answer. */
export function notesIn({ headers }: Answer): readonly string[] {
  const said = headers.get("lightcone-note");
  return said === null ? [] : decodeURIComponent(said).split("\n");
}

/** The failure of a request that was answered with a refusal. @param more what else helps to understand it */
export function refused(what: string, answer: Answer, more: readonly string[] = []): CliFailure {
  const hint = answer.headers.get("lightcone-hint") ?? hintOf(answer);
  return new CliFailure(what, {
    causes: [...(answer.body === "" ? [] : [answer.body]), ...more, `HTTP status ${answer.status}`],
    ...(hint === undefined ? {} : { hint }),
  });
}

const nameRule =
  "A database's name has lower-case letters and digits, with single hyphens or underscores between them: my_chat, shop-2. It has at most 64 characters.";

/** What helps where the answer does not say it. */
function hintOf({ status, body }: Answer): string | undefined {
  if (status === 400 && /database names? /.test(`${body} `)) return nameRule;
  if (status === 401) return "The server does not believe the saved token: lightcone logout, then lightcone login";
  if (status !== 403) return undefined;
  // A locked database says itself what unlocks it.
  return body.includes("locked")
    ? undefined
    : "It belongs to somebody else: `lightcone login show` says who you are, `lightcone list` what is yours. Its owner shares it with `lightcone owner add`; on the server's machine `lightcone owner` names another one.";
}

/**
 * What a request asks for may take long; a server that is there answers others meanwhile. One that does not ends it.
 *
 * @returns is called when the request has ended
 */
function untilSettled(url: string, gone: AbortController): () => void {
  let isSettled = false;
  const look = async (): Promise<void> => {
    try {
      await fetch(`${url}/v1/ping`, { signal: AbortSignal.timeout(patienceMs) });
    } catch (error) {
      // One that refuses or closes a connection is there, and if it ends, so does the connection of the request.
      if (error instanceof Error && error.name === "TimeoutError") gone.abort(error);
    }
    if (!isSettled) timer = setTimeout(() => void look(), patienceMs);
  };
  let timer = setTimeout(() => void look(), patienceMs);
  return () => {
    isSettled = true;
    clearTimeout(timer);
  };
}

/** How long a server may leave anything unanswered before it is looked for, and then once more. */
const patienceMs = 10_000;

/** The failure of a request that nobody answered. */
export function unreachable(url: string, error: unknown): CliFailure {
  let reason = error;
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause;
  // One per address that a name stands for.
  if (reason instanceof AggregateError) [reason] = reason.errors;
  const text = reason instanceof Error ? reason.message : String(reason);
  const [cause, hint] = absence(reason) ?? [text, "--server names another."];
  return new CliFailure(`Server could not be reached: ${url}`, { causes: [cause], hint, cause: error });
}

/** What it means that nothing came, and what helps; undefined where the system's own words have to do. */
function absence(reason: unknown): readonly [cause: string, hint: string] | undefined {
  const { code, name } = reason as NodeJS.ErrnoException;
  if (code === "ECONNREFUSED")
    return ["nothing listens there", "Start one with `lightcone start`, or name another with --server."];
  if (code === "ENOTFOUND" || code === "EAI_AGAIN" || code === "ENETUNREACH" || code === "EHOSTUNREACH")
    return [
      "no way leads there from this machine: it has no network, or knows no such name",
      "Look at the network and at the server's name. `lightcone dev` with a server of this machine, as 127.0.0.1, needs no network.",
    ];
  if (code === "UND_ERR_HEADERS_TIMEOUT" || code === "UND_ERR_BODY_TIMEOUT")
    return [
      "it answers others, but took too long for this",
      "It may still be at it: `lightcone logs` has what it says.",
    ];
  if (name === "TimeoutError" || code === "UND_ERR_CONNECT_TIMEOUT")
    return [
      "something listens there and answers nothing; whether it did what it was asked is not known",
      "The server may be stopped in the middle, or have too much to do: look at its process and its log.",
    ];
  if (code === "UND_ERR_SOCKET" || code === "ECONNRESET" || code === "EPIPE")
    return [
      "the connection was closed without an answer; whether it did what it was asked is not known",
      "The server may have ended, or have as many connections as it may (`socketsMax`): its log says so.",
    ];
  return undefined;
}
